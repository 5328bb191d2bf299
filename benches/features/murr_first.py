"""The first generation of the cache, in a process of its own: loads rows, serves them, and reads them in process.

usage: murr_first.py DIRECTORY PORT ROWS SETS KEYS

Prints an object when the rows are there. Then each line of the standard input is a number of lookups in process, which
is answered with their times; the end of the input ends it.
"""

import json
import os
import resource
import sys
import time

import numpy as np
import pyarrow as pa
from murr import ColumnSchema, DType, TableSchema
from murr.sync import Murr

import data

directory, port, count, sets, keys = sys.argv[1], *map(int, sys.argv[2:6])
began = time.perf_counter()
server = Murr.start_local(directory, http_port=port)
is_new = "texts" not in server.list_tables()
if is_new:
    columns = {"id": ColumnSchema(dtype=DType.UTF8, nullable=False)}
    columns |= {name: ColumnSchema(dtype=DType.FLOAT32) for name in data.FLOATS}
    server.create_table("texts", TableSchema(key="id", columns=columns))
    spent = 0.0
    for first in range(0, count, data.PART_ROWS):
        rows = data.rows("texts", np.arange(first, min(first + data.PART_ROWS, count)), 0)
        wrote = time.perf_counter()
        server.write("texts", rows)
        spent += time.perf_counter() - wrote
else:
    spent = time.perf_counter() - began
wanted = [data.texts(n).to_pylist() for n in data.sets(sets, keys, count)]
found = server.read("texts", wanted[0], data.FLOATS)
assert found.num_rows == keys and found.column(0).null_count == 0
print(json.dumps({
    "seconds": spent,
    "first_answer": time.perf_counter() - began,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "bytes": sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(directory) for f in files),
}), flush=True)
for line in sys.stdin:
    times = []
    for n in range(int(line)):
        began = time.perf_counter_ns()
        server.read("texts", wanted[n % sets], data.FLOATS)
        times.append((time.perf_counter_ns() - began) / 1000)
    print(json.dumps(times), flush=True)
