"""Files as Python, pyarrow and DuckDB read them: the other side of every comparison."""

import csv
import gzip
import io
import json
import re
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

from values import Pairs
from values import loads
from values import tagged

csv.field_size_limit(1 << 30)


class Unreadable(Exception):
    """The other reader refuses the file."""


class Unknown(Exception):
    """The other reader has no such type: nothing can be compared."""


class Refused:
    """A row that is not what its format says, or that another format cannot have."""

    def __init__(self, reason, text):
        self.reason, self.text = reason, text

    def is_same(self, written):
        """Whether the row was written as it is: an element of a JSON file as a line."""
        return self.text == written.text or (isinstance(written.text, str) and self.text == loads(written.text))

    def __repr__(self):
        return f"refused ({self.reason}): {self.text!r:.60}"


class Source:
    """A file as it was read here: the names of its columns (None: each row has its own), and its rows, each a dict, a
    value of JSON, or Refused."""

    def __init__(self, format, names, rows, table=None, damage=None):
        self.format, self.names, self.rows, self.table, self.damage = format, names, rows, table, damage
        # A name has U+FFFD for bytes that are not UTF-8.
        self.is_name_lost = False


def unpacked(path):
    """The bytes of a file without gzip around them, and what was wrong with the gzip."""
    with open(path, "rb") as file:
        data = file.read()
    if not data.startswith(b"\x1f\x8b"):
        return data, None
    out = []
    while data:
        if not data.strip(b"\0"):
            return b"".join(out), None
        member = zlib.decompressobj(31)
        try:
            out.append(member.decompress(data))
            out.append(member.flush())
        except zlib.error as error:
            return b"".join(out), str(error)
        if not member.eof:
            return b"".join(out), "ends early"
        data = member.unused_data
    return b"".join(out), None


def read(path, format, dialect):
    """A file in the format that it is said to have. `dialect` is what `inspect info` decided about a text."""
    if format in ("parquet", "arrow"):
        return columnar(path, format)
    if format == "tsv":
        format, dialect = "csv", dialect | {"delimiter": "\t"}
    data, damage = unpacked(path)
    text, encoding = decoded(data, dialect.get("encoding"))
    if format == "csv":
        return delimited(text, dialect, damage)
    if format == "jsonl":
        lines = text.split("\n")
        rows = [json_row(line) for line in lines if line.strip(" \t\r")]
        return Source("jsonl", None, rows, damage=damage)
    if format == "json":
        return values(text, damage)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    rows = [one_text(line.removesuffix("\r")) for line in lines]
    return Source("text", ["text"], rows, damage=damage)


def decoded(data, encoding):
    """Bytes as text. Those that are not UTF-8 become halves of surrogates, which no format of Unicode has."""
    if encoding is None or encoding == "utf-8":
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape"), "utf-8"
    names = {"latin-1": "latin-1", "windows-1252": "cp1252", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
    text = data.decode(names[encoding], "replace")
    return text.removeprefix("\ufeff"), encoding


ESCAPED = re.compile("[\ud800-\udfff]")
# Bytes that are not UTF-8, as Python keeps them.
BROKEN = re.compile("[\udc80-\udcff]")


def one_text(line):
    return Refused("not UTF-8", line) if ESCAPED.search(line) else {"text": line}


def json_row(line):
    if ESCAPED.search(line):
        return Refused("not UTF-8", line)
    try:
        return loads(line.strip(" \t\r\n"))
    except (ValueError, RecursionError) as error:
        return Refused(str(error)[:80], line)


def has_half(value, pattern=ESCAPED):
    """Whether half of a surrogate pair stands in a value."""
    if isinstance(value, str):
        return bool(pattern.search(value))
    if isinstance(value, Pairs):
        return any(has_half(k, pattern) or has_half(v, pattern) for k, v in value)
    if isinstance(value, dict):
        return any(has_half(k, pattern) or has_half(v, pattern) for k, v in value.items())
    return isinstance(value, list) and any(has_half(v, pattern) for v in value)


def values(text, damage):
    """A JSON file: an array of rows, an object with one list of objects in it, or values that follow each other."""
    lines = [line for line in text.split("\n") if line.strip()]
    if not text.lstrip().startswith("[") and len(lines) > 1 and all(
        isinstance(json_row(line), dict) for line in lines[:2]
    ):
        return Source("jsonl", None, [json_row(line) for line in lines], damage=damage)
    try:
        whole = loads(text.strip(" \t\r\n"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"json: {error}"[:100]) from None
    if isinstance(whole, dict) and (by_columns := rows_of_columns(whole)):
        return Source("json", None, by_columns, damage=damage)
    if isinstance(whole, dict):
        lists = [value for value in whole.values() if isinstance(value, list)]
        if len(lists) == 1 and lists[0] and isinstance(lists[0][0], dict):
            whole = lists[0]
    rows = whole if isinstance(whole, list) and not isinstance(whole, Pairs) else [whole]
    if BROKEN.search(text):
        rows = [Refused("not UTF-8", row) if has_half(row, BROKEN) else row for row in rows]
    return Source("json", None, rows, damage=damage)


def rows_of_columns(whole):
    """The rows of an object that is a table written by columns: `list` and `columns`, as pandas calls them."""
    columns = list(whole.values())
    if columns and all(type(c) is list for c in columns) and not {"columns", "data"} <= whole.keys():
        # Lists of objects alone are tables beside each other.
        if all(c and isinstance(c[0], dict) for c in columns) or len({len(c) for c in columns}) != 1:
            return None
    elif columns and all(type(c) is dict for c in columns) and not all(k.isdigit() for k in whole):
        if any(list(c) != list(columns[0]) or not all(k.isdigit() for k in c) for c in columns):
            return None
        columns = [list(c.values()) for c in columns]
    else:
        return None
    return [dict(zip(whole, row)) for row in zip(*columns)]


def unique(names):
    """Names of columns made unique, as DuckDB does it but for the case of letters."""
    seen, given = {}, []
    for name in names:
        while name in seen:
            seen[name] += 1
            name = f"{name}_{seen[name]}"
        seen[name] = 0
        given.append(name)
    return given


def records(text, dialect):
    """Records of CSV, without those that are empty lines."""
    delimiter, quote = dialect.get("delimiter") or ",", dialect.get("quote")
    quoting = {"quoting": csv.QUOTE_NONE} if quote in (None, "none") else {"quotechar": quote}
    return [r for r in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **quoting) if r]


def whole(name):
    """A name with U+FFFD for what is not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def delimited(text, dialect, damage):
    found = records(text, dialect)
    header = found.pop(0) if dialect.get("header") and found else []
    names = [whole(name).strip() for name in header]
    # Fields behind the last name have names by their place.
    width = max(map(len, found), default=0)
    names += [""] * (width - len(names))
    if "names" not in dialect:
        names = unique([name or f"column_{n + 1}" for n, name in enumerate(names)])
    rows = []
    for record in found:
        if any(ESCAPED.search(cell) for cell in record):
            rows.append(Refused("not UTF-8", record))
        else:
            rows.append(dict(zip(names, record)))
    source = Source("csv", names, rows, damage=damage)
    source.is_name_lost = any(ESCAPED.search(name) for name in header)
    return source


def parquet(path):
    """The rows of a Parquet file. Points in time of INT96 are in microseconds where nanoseconds do not reach them."""
    file = pq.ParquetFile(path, page_checksum_verification=True)
    table = file.read()
    kinds = [file.schema.column(n).physical_type for n in range(len(file.schema))]
    if "INT96" in kinds:
        coarse = pq.ParquetFile(path, coerce_int96_timestamp_unit="us").read()
        for fine, far in zip(table.columns, coarse.columns):
            if fine.type != far.type:
                both = zip(fine.cast(pa.int64()).to_pylist(), far.cast(pa.int64()).to_pylist())
                if any(a is not None and a // 1000 != b for a, b in both):
                    return coarse
    return table


def columnar(path, format):
    try:
        if format == "parquet":
            table = parquet(path)
        else:
            with open(path, "rb") as file:
                is_file = file.read(6) == b"ARROW1"
            with pa.memory_map(path) as file:
                table = (pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)).read_all()
        table.validate()
        names = unique(table.schema.names)
        columns = [tagged(column) for column in table.columns]
    except (KeyError, NotImplementedError) as error:
        raise Unknown(f"pyarrow: {type(error).__name__}: {error}"[:200]) from None
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Unreadable(f"pyarrow: {type(error).__name__}: {error}"[:200]) from None
    rows = [dict(zip(names, row)) for row in zip(*columns)] if columns else [{}] * table.num_rows
    return Source(format, names, rows, table=table)
