"""Types of columns: those that `inspect info` tells, and those of files that were written."""

import duckdb
import pyarrow as pa

from lattice import least
from sources import unique

PLAIN = {
    "int8": "Int8", "int16": "Int16", "int32": "Int32", "int64": "Int64",
    "uint8": "UInt8", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64",
    "halffloat": "Float16", "float": "Float32", "double": "Float64", "bool": "Boolean", "null": "Null",
    "string": "Utf8", "large_string": "LargeUtf8", "string_view": "Utf8View",
    "binary": "Binary", "large_binary": "LargeBinary", "binary_view": "BinaryView",
    "date32[day]": "Date32", "date64[ms]": "Date64",
}
# Names of types of DuckDB, and ours for the same values.
DUCK = {
    "BIGINT": "Int64", "DOUBLE": "Float64", "BOOLEAN": "Boolean", "DATE": "Date32", "VARCHAR": "Utf8",
    "TIMESTAMP": "Timestamp", "TIMESTAMP WITH TIME ZONE": "Timestamp", "TIMESTAMP_NS": "Timestamp",
}


def named(kind):
    """The name of a type of Arrow as the program tells it, or None for types whose names are not compared."""
    if str(kind) in PLAIN:
        return PLAIN[str(kind)]
    if pa.types.is_decimal(kind):
        return f"Decimal{kind.bit_width}({kind.precision}, {kind.scale})"
    if pa.types.is_fixed_size_binary(kind):
        return f"FixedSizeBinary({kind.byte_width})"
    return None


def compare(check, fields):
    source = check.source
    if source.names is None or check.format == "text":
        return
    if [name for name, _ in fields] != source.names:
        names = [name for name, _ in fields]
        check.differ("info: columns", f"{names[:8]} ({len(names)}), not {source.names[:8]} ({len(source.names)})")
        return
    check.counted["types told"] += len(fields)
    if source.table is not None:
        for (name, told), field in zip(fields, source.table.schema):
            wanted = named(field.type)
            if wanted is not None and told != wanted:
                check.differ("info: types", f"{name!r}: {told}, not {wanted}")


def as_duckdb(check, table):
    """How a CSV file is written, and the types of its fields, as DuckDB sees them and as the Parquet file has them."""
    dialect = check.dialect
    rows = [row for row in check.source.rows if isinstance(row, dict)]
    for name, field in zip(check.source.names, table.schema):
        wanted = least([row.get(name, "") for row in rows])
        if told(field.type) != wanted:
            check.differ("type of fields", f"{name!r}: {told(field.type)}, not {wanted}")
        else:
            check.counted["types of fields by the page"] += 1
    if dialect["encoding"] != "utf-8" or check.options or check.path.endswith(".gz"):
        return
    quote = dialect["quote"] or ""
    try:
        theirs = duckdb.execute(
            "select Delimiter, Quote, HasHeader from sniff_csv(?, sample_size=-1, null_padding=true)", [check.path]
        ).fetchone()
        ours = dialect["delimiter"], quote, dialect["header"]
        if len(table.schema) > 1 and theirs[0] != ours[0]:
            check.differ("dialect: delimiter", f"{ours[0]!r}, DuckDB has {theirs[0]!r}")
        if theirs[2] != ours[2]:
            check.differ("dialect: header", f"{ours[2]}, DuckDB has {theirs[2]}")
        found = duckdb.execute(
            "select column_name, column_type from (describe select * from "
            "read_csv(?, delim=?, quote=?, header=?, sample_size=-1, null_padding=true))",
            [check.path, dialect["delimiter"], quote, dialect["header"]],
        ).fetchall()
    except duckdb.Error:
        check.counted["CSV files that DuckDB refuses"] += 1
        return
    if len(found) != len(table.schema):
        check.differ("columns as DuckDB", f"{len(table.schema)}, DuckDB has {len(found)}")
        return
    for (name, theirs), field in zip(found, table.schema):
        ours = told(field.type)
        if DUCK.get(theirs) != ours:
            check.differ(f"type: {ours} where DuckDB has {theirs}", name)
        else:
            check.counted["types that DuckDB has too"] += 1


def told(kind):
    return "Timestamp" if pa.types.is_timestamp(kind) else named(kind)


def same_schema(check, what, before, after):
    """From columns to columns: types, nullability, metadata."""
    wanted = [plain(field.type) for field in before]
    got = [plain(field.type) for field in after]
    for name, a, b in zip(unique(before.names), wanted, got):
        if a != b:
            check.differ(f"{what}: types", f"{name!r}: {b}, not {a}")
    for a, b in zip(before, after):
        if a.nullable != b.nullable:
            check.differ(f"{what}: nullability", a.name)
            return
        kept = {k: v for k, v in (a.metadata or {}).items() if not k.startswith(b"PARQUET:")}
        for key, value in kept.items():
            if (b.metadata or {}).get(key) != value:
                check.differ(f"{what}: metadata of a column", f"{a.name!r}: {key!r}")
                return
    for key, value in (before.metadata or {}).items():
        if (after.metadata or {}).get(key) != value:
            check.differ(f"{what}: metadata", key)
            return
    check.counted["types kept"] += len(wanted)


def plain(kind):
    """A type without the encoding of its values: what a dictionary or runs stand for, and storage of extensions."""
    if isinstance(kind, pa.BaseExtensionType):
        return plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_run_end_encoded(kind):
        return plain(kind.value_type)
    if pa.types.is_map(kind):
        return f"map<{plain(kind.key_type)}, {plain(kind.item_type)}>"
    if pa.types.is_struct(kind):
        fields = [kind.field(n) for n in range(kind.num_fields)]
        return "struct<" + ", ".join(f"{f.name}: {plain(f.type)}" for f in fields) + ">"
    if pa.types.is_fixed_size_list(kind):
        return f"list<{plain(kind.value_type)}>[{kind.list_size}]"
    if pa.types.is_large_list(kind):
        return f"large_list<{plain(kind.value_type)}>"
    if pa.types.is_list(kind):
        return f"list<{plain(kind.value_type)}>"
    return str(kind)
