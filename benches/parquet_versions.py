#!/usr/bin/env python3
"""Makes versions of a Parquet file for versions.sh: a text changed in 110 rows, with ordinary pages and with
content-defined ones.
usage: parquet_versions.py FILE.parquet OUT_DIR      needs pyarrow 21 or newer"""
import os
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

source, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)
table = pq.read_table(source)
texts = [n for n, f in enumerate(table.schema) if pa.types.is_string(f.type)]
column = max(texts, key=lambda n: table.column(n).nbytes)
rows = sorted(random.Random(7).sample(range(table.num_rows), 110))
values, pieces, start = table.column(column).combine_chunks(), [], 0
for row in rows:
    pieces += [values.slice(start, row - start), pa.array([f"changed {row}"], values.type)]
    start = row + 1
pieces.append(values.slice(start))
changed = table.set_column(column, table.schema.field(column), pa.chunked_array(pieces))
for name, cdc in [("ordinary", False), ("content-defined", True)]:
    for version, data in [("a", table), ("b", changed)]:
        pq.write_table(data, f"{out}/{name}-{version}.parquet", compression="zstd",
                       row_group_size=100_000, use_content_defined_chunking=cdc)
