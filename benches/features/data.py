"""Rows of the tables, by formulas, so that every answer can be checked."""

import pathlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

COLUMNS = 10
FLOATS = [f"f{column}" for column in range(COLUMNS)]
# Of the table with texts and nulls.
MIXED = [f"f{column}" for column in range(5)] + [f"s{column}" for column in range(5)]
# Bytes of a row: the key, and ten singles.
RAW_BYTES = 8 + 4 * COLUMNS
PART_ROWS = 1_000_000


def numbers(n):
    """Keys that are integers, in no order."""
    spread = np.asarray(n, np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (spread >> np.uint64(1)).astype(np.int64)


def texts(n):
    return pc.binary_join_element_wise("u", pa.array(np.asarray(n, np.int64)).cast(pa.string()), "")


def value(n, column, version):
    """Whole numbers below 2^24, which a single has exactly."""
    n = np.asarray(n, np.int64)
    return ((n * (2 * column + 3) + version * 7 + 1) & 0xFFFFFF).astype(np.float32)


def mixed_column(n, name, version):
    """A fifth of the numbers and a seventh of the texts are null."""
    n, column = np.asarray(n, np.int64), int(name[1:])
    if name.startswith("f"):
        return pa.array(value(n, column, version), mask=n % 5 == column)
    number = pa.array((n * (2 * column + 3) + version) % 1_000_003).cast(pa.string())
    text = pc.binary_join_element_wise("text-", number, "")
    return pc.if_else(pa.array(n % 7 == column), pa.scalar(None, pa.string()), text)


def rows(kind, n, version):
    """The table of a kind: `numbers`, `texts` or `mixed`."""
    key = texts(n) if kind == "texts" else pa.array(numbers(n))
    if kind == "mixed":
        return pa.table({"id": key} | {name: mixed_column(n, name, version) for name in MIXED})
    return pa.table({"id": key} | {name: value(n, c, version) for c, name in enumerate(FLOATS)})


def columns_of(kind):
    return MIXED if kind == "mixed" else FLOATS


def write_partition(directory, date, kind, count, version):
    place = pathlib.Path(directory) / date
    place.mkdir(parents=True)
    for first in range(0, count, PART_ROWS):
        n = np.arange(first, min(first + PART_ROWS, count))
        path = place / f"part_{first // PART_ROWS:04}.parquet"
        pq.write_table(rows(kind, n, version), path, use_dictionary=False)
    (place / "_SUCCESS").touch()


def sets(count, keys, rows_count, missing=0.0):
    """Sets of numbers of rows at random. Numbers beyond the last row are missing."""
    random = np.random.default_rng(7)
    out = []
    for _ in range(count):
        n = random.integers(0, rows_count, keys)
        n[random.random(keys) < missing] += rows_count
        out.append(n)
    return out
