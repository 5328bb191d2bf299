"""Rows that pyarrow wrote and we read, rows that we wrote and pyarrow and csv read, and pairs of rows that are said to
be alike, compared as sets of words here. usage: check_rows.py PROGRAM ROWS.jsonl DIRECTORY"""

import csv
import datetime
import decimal
import json
import math
import random
import re
import subprocess
import sys

import duckdb
import numpy
import pyarrow as pa
import pyarrow.parquet as pq

program, source, work = sys.argv[1:]


def ours(*words):
    out = subprocess.run([program, "--json", "inspect", *words], check=True, capture_output=True)
    return json.loads(out.stdout)


def rows_of(path):
    # What is no number is null in JSON where that is asked for, and else an error.
    ours("export", path, "-o", f"{work}/read.jsonl", "--yes", "--nan", "null")
    with open(f"{work}/read.jsonl", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def plain(value, kind):
    """A value of pyarrow as JSON has it."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if pa.types.is_map(kind):
        return {k: plain(v, kind.item_type) for k, v in value}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [plain(v, kind.value_type) for v in value]
    if pa.types.is_struct(kind):
        fields = [kind.field(n) for n in range(kind.num_fields)]
        return {f.name: plain(value[f.name], f.type) for f in fields}
    return value.isoformat() if isinstance(value, datetime.date) else value


def strip(value):
    """Without what is null: whether a key with null is written is the writer's choice."""
    if isinstance(value, dict):
        return {k: strip(v) for k, v in value.items() if v is not None}
    return [strip(v) for v in value] if isinstance(value, list) else value


noise = random.Random(8)
texts = ["", "plain", 'quo"te', "new\nline", "\u00e9\u6f22\U0001f600", "\x00\x1f", "a,b\t"]
kinds = {
    "whole": (pa.int64(), lambda: noise.randrange(-(2**53), 2**53)),
    "small": (pa.int8(), lambda: noise.randrange(-128, 128)),
    "large": (pa.uint64(), lambda: noise.randrange(2**64)),
    "real": (pa.float64(), lambda: noise.choice([0.1, -1e300, 5e-324, noise.random(), math.nan])),
    "flag": (pa.bool_(), lambda: noise.random() < 0.5),
    "text": (pa.string(), lambda: noise.choice(texts)),
    "word": (pa.dictionary(pa.int32(), pa.string()), lambda: noise.choice(texts)),
    "day": (pa.date32(), lambda: datetime.date(1970, 1, 1) + datetime.timedelta(noise.randrange(-9999, 99999))),
    "list": (pa.list_(pa.int32()), lambda: [noise.choice([None, 1, 2]) for _ in range(noise.randrange(4))]),
    "deep": (pa.list_(pa.list_(pa.string())), lambda: [[noise.choice(texts)] * noise.randrange(3) for _ in range(2)]),
    "pair": (
        pa.struct([("a", pa.int64()), ("b", pa.list_(pa.struct([("c", pa.string())])))]),
        lambda: {"a": noise.choice([None, 7]), "b": [{"c": noise.choice(texts)}] * noise.randrange(3)},
    ),
    "map": (pa.map_(pa.string(), pa.int64()), lambda: [(f"k{n}", n) for n in range(noise.randrange(3))]),
}
schema = pa.schema([(name, kind) for name, (kind, _) in kinds.items()])
made = [{name: None if noise.random() < 0.2 else make() for name, (_, make) in kinds.items()} for _ in range(5000)]
table = pa.Table.from_pylist(made, schema=schema)
wanted = [
    strip({f.name: plain(row[f.name], f.type) for f in schema}) for row in table.to_pylist()
]
files = 0
for compression in ["none", "snappy", "gzip", "zstd", "lz4", "brotli"]:
    for version, pages in [("1.0", "1.0"), ("2.6", "2.0")]:
        for dictionary in [False, True]:
            path = f"{work}/made.parquet"
            # Unsigned numbers of 64 bits are of 2.6; 1.0 has them as they are, too.
            pq.write_table(
                table, path, compression=compression, version=version, data_page_version=pages,
                use_dictionary=dictionary, row_group_size=1700, data_page_size=4096,
            )
            found = [strip(row) for row in rows_of(path)]
            assert found == wanted, (compression, version, dictionary)
            files += 1
with pa.OSFile(f"{work}/made.arrow", "wb") as to, pa.ipc.new_file(to, schema) as writer:
    writer.write_table(table, max_chunksize=900)
assert [strip(row) for row in rows_of(f"{work}/made.arrow")] == wanted

# Columns go into columns as they are: types, nullability, metadata and values, NaN among them.
exact = {
    "price": (pa.decimal128(30, 4), lambda: decimal.Decimal(noise.randrange(-(10**20), 10**20)).scaleb(-4)),
    "at": (pa.timestamp("us", "Europe/Berlin"), lambda: datetime.datetime(2020, 1, 1) + datetime.timedelta(noise.random())),
    "tick": (pa.timestamp("ns"), lambda: noise.randrange(2**60)),
    "clock": (pa.time64("us"), lambda: noise.randrange(86_400_000_000)),
    "bytes": (pa.binary(), lambda: noise.randbytes(noise.randrange(5))),
    "fixed": (pa.binary(4), lambda: noise.randbytes(4)),
    "half": (pa.float16(), lambda: numpy.float16(noise.random())),
    "big": (pa.large_string(), lambda: noise.choice(texts)),
}
fields = [pa.field(name, kind) for name, (kind, _) in exact.items()]
fields[0] = fields[0].with_metadata({"unit": "EUR"})
fields.append(pa.field("id", pa.int32(), nullable=False, metadata={"key": "yes"}))
typed = pa.schema(list(schema) + fields, metadata={"huggingface": '{"info": 1}'})
columns = [table.column(n).slice(0, 2000) for n in range(len(schema))]
columns += [
    pa.array([None if noise.random() < 0.2 else make() for _ in range(2000)], kind) for kind, make in exact.values()
]
columns.append(pa.array(range(2000), pa.int32()))
typed_table = pa.Table.from_arrays(columns, schema=typed)
pq.write_table(typed_table, f"{work}/typed.parquet", row_group_size=700)
before = pq.read_table(f"{work}/typed.parquet")


def same_columns(a, b):
    assert a.schema.equals(b.schema, check_metadata=True), (a.schema, b.schema)
    for name in a.schema.names:
        # NaN is not equal to itself: values are compared as they are written.
        assert repr(a.column(name).to_pylist()) == repr(b.column(name).to_pylist()), name


commands = 0
for words in [["export"], ["merge"], ["filter", "."], ["sample", "-n", "5000"], ["dedup", "--exact", "--column", "id"]]:
    command, *rest = words
    pattern = [rest.pop(0)] if command == "filter" else []
    ours(command, f"{work}/typed.parquet", *pattern, *rest, "-o", f"{work}/again.parquet", "--yes")
    same_columns(before, pq.read_table(f"{work}/again.parquet"))
    commands += 1
ours("split", f"{work}/typed.parquet", "--ratios", "1", "--no-groups", "-o", f"{work}/parts", "--yes")
same_columns(before, pq.read_table(f"{work}/parts/train.parquet"))
ours("export", f"{work}/typed.parquet", "-o", f"{work}/typed.arrow", "--yes")
with pa.OSFile(f"{work}/typed.arrow") as file:
    through = pa.ipc.open_file(file).read_all()
ours("export", f"{work}/typed.arrow", "-o", f"{work}/again.parquet", "--yes")
for name in typed.names:
    for other in [through, pq.read_table(f"{work}/again.parquet")]:
        assert repr(before.column(name).to_pylist()) == repr(other.column(name).to_pylist()), name

# Fields of CSV get the types and values that DuckDB reads, and null and empty text come back as they went.
fielded = "i,f,b,d,t,s,n\n1,0.5,true,2020-02-29,2020-02-29 10:00:00,x,\n-2,nan,false,1999-12-31,2021-01-01 00:00:00.25,,\n,1e3,,,,02139,\n"
with open(f"{work}/fields.csv", "w", encoding="utf-8") as to:
    to.write(fielded)
ours("export", f"{work}/fields.csv", "-o", f"{work}/fields.parquet", "--yes")
by_us = duckdb.sql(f"select * from '{work}/fields.parquet'")
by_duck = duckdb.sql(f"select * from '{work}/fields.csv'")
assert by_us.types == by_duck.types, (by_us.types, by_duck.types)
assert repr(by_us.fetchall()) == repr(by_duck.fetchall())
ours("export", f"{work}/fields.parquet", "-o", f"{work}/fields-again.csv", "--yes")
assert repr(duckdb.sql(f"select * from '{work}/fields-again.csv'").fetchall()) == repr(by_duck.fetchall())
with open(f"{work}/twice.csv", "w", encoding="utf-8") as to:
    to.write("a,a,b,a_1,a\n1,2,3,4,5\n")
ours("export", f"{work}/twice.csv", "-o", f"{work}/twice.parquet", "--yes")
assert pq.read_table(f"{work}/twice.parquet").schema.names == duckdb.sql(f"select * from '{work}/twice.csv'").columns

with open(source, encoding="utf-8") as lines:
    originals = [json.loads(line) for line in lines]
ours("export", source, "-o", f"{work}/ours.parquet", "--yes")
assert pq.read_table(f"{work}/ours.parquet").to_pylist() == originals
ours("export", source, "-o", f"{work}/ours.csv", "--yes")
with open(f"{work}/ours.csv", encoding="utf-8", newline="") as text:
    assert list(csv.DictReader(text)) == originals


def words(row):
    found = re.findall(r"[^\W_]+", " ".join(row.values()).lower())
    return set(zip(found, found[1:]))


edited = []
for row in originals:
    parts = row["question"].split(" ")
    for _ in range(len(parts) // 10):
        other = noise.choice(originals)["question"].split(" ")
        parts[noise.randrange(len(parts))] = noise.choice(other)
    edited.append({"question": " ".join(parts), "answer": row["answer"]})
both = originals + edited
with open(f"{work}/both.jsonl", "w", encoding="utf-8") as to:
    to.writelines(json.dumps(row) + "\n" for row in both)
report = ours("dedup", f"{work}/both.jsonl", "--clusters", f"{work}/why.jsonl")
right = 0
with open(f"{work}/why.jsonl", encoding="utf-8") as lines:
    why = [json.loads(line) for line in lines]
for pair in why:
    a, b = words(both[pair["row"]]), words(both[pair["kept"]])
    right += len(a & b) >= 0.5 * len(a | b)
assert right == len(why), f"{right} of {len(why)} are alike"
assert len(why) >= 0.97 * len(originals), f"{len(why)} of {len(originals)} are found"
print(f"pyarrow, DuckDB and csv agree: {files} Parquet files, {len(wanted)} rows, {commands + 3} ways from columns to columns; {len(why)} pairs are alike")
