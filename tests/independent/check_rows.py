"""Rows that pyarrow wrote and we read, rows that we wrote and pyarrow and csv read, and pairs of rows that are said to
be alike, compared as sets of words here. usage: check_rows.py PROGRAM ROWS.jsonl DIRECTORY"""

import csv
import datetime
import json
import math
import random
import re
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq

program, source, work = sys.argv[1:]


def ours(*words):
    out = subprocess.run([program, "--json", "inspect", *words], check=True, capture_output=True)
    return json.loads(out.stdout)


def rows_of(path):
    ours("export", path, "-o", f"{work}/read.jsonl", "--yes")
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
print(f"pyarrow and csv agree: {files} Parquet files, {len(wanted)} rows; {len(why)} pairs are alike")
