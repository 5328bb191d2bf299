"""Reads and writes tables of features with the client of the cache's first generation.

usage: check_features_first.py URL
"""

import asyncio
import sys

import pyarrow as pa
from murr import ColumnSchema, DType, MurrClientAsync, MurrClientSync, TableSchema

SCHEMA = TableSchema(
    key="id",
    columns={
        "id": ColumnSchema(dtype=DType.UTF8, nullable=False),
        "score": ColumnSchema(dtype=DType.FLOAT32),
        "name": ColumnSchema(dtype=DType.UTF8),
    },
)


def check(client):
    client.create_table("first", SCHEMA)
    assert client.get_schema("first") == SCHEMA
    try:
        client.create_table("first", SCHEMA)
        raise AssertionError("made twice")
    except ValueError:
        pass
    rows = pa.record_batch({
        "id": ["a", "b", "c"], "score": pa.array([1.5, None, 2.5], pa.float32()), "name": ["A", "B", None],
    })
    client.write("first", rows)
    found = client.read("first", ["c", "nobody", "a", "b"], ["name", "score"])
    assert found.to_pydict() == {"name": [None, None, "A", "B"], "score": [2.5, None, 1.5, None]}, found
    found = client.read("users", [f"u{n}" for n in range(1000)], ["score"])
    assert found.num_rows == 1000 and found.column("score")[1].as_py() == 0.125
    for call, error in [
        (lambda: client.read("nope", ["a"], ["b"]), FileNotFoundError),
        (lambda: client.read("first", ["a"], ["nope"]), RuntimeError),
        (lambda: client.get_schema("nope"), FileNotFoundError),
    ]:
        try:
            call()
        except error:
            continue
        raise AssertionError(error)


async def check_async(url):
    async with MurrClientAsync(url) as client:
        found = await client.read("first", ["b", "x"], ["name"])
        assert found.to_pydict() == {"name": ["B", None]}, found


url = sys.argv[1]
with MurrClientSync(url) as client:
    check(client)
# A client that has asked nothing yet is known by its path.
with MurrClientSync(url + "/0.1") as client:
    assert client.get_schema("first") == SCHEMA
asyncio.run(check_async(url))
print("the first generation's client agrees")
