#!/usr/bin/env python3
"""SQLite, LMDB and RocksDB for benches/documents.sh, and the table of all.

usage: benches/documents.py sqlite|lmdb|rocksdb write|read|update DIR N
       benches/documents.py table FIGURES [N]

The work is that of benches/documents_peers/src/measure.rs, which says more. Figures contain the costs of
Python: a loop over a batch takes less than a microsecond a document, and a get by id about as much.
"""

import json
import os
import random
import shutil
import sqlite3
import statistics
import sys
import time

LINE = 200
VERSION_AT = 28
GROUP = "g07"
BATCHES = (1_000, 5_000, 20_000)
BATCHES_MAX = 200
LOAD_BATCH = 20_000
UPDATED = 1_000_000
READS = 200_000


class Sqlite:
    """A table without row ids, in WAL mode, synced at each commit."""

    name = "SQLite"

    def __init__(self, place):
        os.makedirs(place, exist_ok=True)
        self.base = sqlite3.connect(f"{place}/db", isolation_level=None)
        self.base.execute("pragma journal_mode = wal")
        self.base.execute("pragma synchronous = full")
        self.base.execute("pragma cache_size = -2000000")
        self.base.execute("pragma mmap_size = 4000000000")
        self.base.execute("create table if not exists d (id text primary key, doc blob) without rowid")

    def put(self, batch):
        self.base.execute("begin")
        self.base.executemany("insert or replace into d values (?, ?)", batch)
        self.base.execute("commit")

    def get(self, key):
        return self.base.execute("select doc from d where id = ?", (key,)).fetchone()[0]

    def get_many(self, keys):
        marks = ",".join("?" * len(keys))
        return [row[0] for row in self.base.execute(f"select doc from d where id in ({marks})", keys)]

    def scan_raw(self):
        return sum(1 for _ in self.base.execute("select doc from d"))

    def scan_group(self):
        where = f"json_extract(cast(doc as text), '$.group') = '{GROUP}'"
        return self.base.execute(f"select count(*) from d where {where}").fetchone()[0]

    def compact(self):
        self.base.execute("vacuum")
        self.base.execute("pragma wal_checkpoint(truncate)")

    def close(self):
        self.base.close()


class Lmdb:
    """Its own defaults: a sync at each commit."""

    name = "LMDB"

    def __init__(self, place):
        import lmdb

        self.lmdb, self.place = lmdb, place
        os.makedirs(place, exist_ok=True)
        self.base = lmdb.open(place, map_size=64 << 30)

    def put(self, batch):
        with self.base.begin(write=True) as change:
            for key, document in batch:
                change.put(key.encode(), document)

    def get(self, key):
        with self.base.begin() as view:
            return view.get(key.encode())

    def get_many(self, keys):
        with self.base.begin() as view, view.cursor() as cursor:
            return [d for _, d in cursor.getmulti([k.encode() for k in keys])]

    def scan_raw(self):
        with self.base.begin(buffers=True) as view, view.cursor() as cursor:
            return sum(1 for _ in cursor.iternext(keys=False))

    def scan_group(self):
        with self.base.begin() as view, view.cursor() as cursor:
            return sum(json.loads(d)["group"] == GROUP for d in cursor.iternext(keys=False))

    def compact(self):
        copy = self.place + ".copy"
        shutil.rmtree(copy, ignore_errors=True)
        os.makedirs(copy)
        self.base.copy(copy, compact=True)
        self.base.close()
        shutil.rmtree(self.place)
        os.rename(copy, self.place)
        self.base = self.lmdb.open(self.place, map_size=64 << 30)

    def close(self):
        self.base.close()


class Rocks:
    """Its own defaults, with a sync at each batch and a cache for all blocks."""

    name = "RocksDB"

    def __init__(self, place):
        import rocksdict

        self.rocksdict = rocksdict
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        blocks = rocksdict.BlockBasedOptions()
        blocks.set_block_cache(rocksdict.Cache(4 << 30))
        options.set_block_based_table_factory(blocks)
        self.base = rocksdict.Rdict(place, options)
        self.synced = rocksdict.WriteOptions()
        self.synced.sync = True

    def put(self, batch):
        change = self.rocksdict.WriteBatch(raw_mode=True)
        for key, document in batch:
            change.put(key.encode(), document)
        self.base.write(change, self.synced)

    def get(self, key):
        return self.base.get(key.encode())

    def get_many(self, keys):
        return self.base.get([k.encode() for k in keys])

    def scan_raw(self):
        return sum(1 for _ in self.base.values())

    def scan_group(self):
        return sum(json.loads(d)["group"] == GROUP for d in self.base.values())

    def compact(self):
        self.base.flush()
        self.base.compact_range(None, None)

    def close(self):
        self.base.close()


STORES = {"sqlite": Sqlite, "lmdb": Lmdb, "rocksdb": Rocks}


def show(store, work, value):
    print(f"{store.name}\t{work}\t{value}", flush=True)


def batches(lines, count, size, version=b"0"):
    """Makes batches, each of them before it is measured."""
    for first in range(0, count, size):
        batch = []
        for at in range(first * LINE, min(first + size, count) * LINE, LINE):
            line = lines[at : at + LINE - 1]
            batch.append((line[8:22].decode(), line[:VERSION_AT] + version + line[VERSION_AT + 1 :]))
        yield batch


def put_all(store, lines, count, size, version=b"0"):
    seconds = 0.0
    for batch in batches(lines, count, size, version):
        start = time.perf_counter()
        store.put(batch)
        seconds += time.perf_counter() - start
    return seconds


def write(kind, place, lines, count):
    for size in BATCHES:
        shutil.rmtree(place, ignore_errors=True)
        some = min(max(count // size, 1), BATCHES_MAX) * size
        some = min(some, count)
        store = kind(place)
        show(store, f"put_{size}", some / put_all(store, lines, some, size))
        store.close()
    shutil.rmtree(place, ignore_errors=True)
    store = kind(place)
    show(store, "load", count / put_all(store, lines, count, LOAD_BATCH))
    store.close()


def memory():
    with open("/proc/self/status", encoding="ascii") as status:
        values = dict(line.split(":", 1) for line in status)
    return [int(values[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile")]


def read(kind, place, _lines, count):
    keys = [f"doc-{n:010}" for n in random.Random(1).choices(range(count), k=min(READS, count))]
    before = memory()
    store = kind(place)
    assert store.scan_raw() == count
    for key in keys:
        store.get(key)
    after = memory()
    for work, one, other in zip(("memory_anonymous", "memory_file"), before, after):
        show(store, work, max(other - one, 0) / count)
    start = time.perf_counter()
    for key in keys:
        store.get(key)
    show(store, "get", len(keys) / (time.perf_counter() - start))
    start = time.perf_counter()
    for first in range(0, len(keys), 1_000):
        assert store.get_many(keys[first : first + 1_000])
    show(store, "get_many", len(keys) / (time.perf_counter() - start))
    for work, expected in (("raw", count), ("group", -(-count // 100))):
        start = time.perf_counter()
        assert getattr(store, f"scan_{work}")() == expected, work
        name = {"raw": "scan_raw", "group": "scan_where"}[work]
        show(store, name, count / (time.perf_counter() - start))
    store.close()
    opening = []
    for _ in range(9):
        start = time.perf_counter()
        store = kind(place)
        opening.append(time.perf_counter() - start)
        store.close()
    show(store, "open_writer", statistics.median(opening))


def space(path):
    files = (os.path.join(d, name) for d, _, names in os.walk(path) for name in names)
    return sum(os.stat(file).st_blocks * 512 for file in files)


def update(kind, place, lines, count):
    shutil.rmtree(place, ignore_errors=True)
    count = min(count, UPDATED)
    store = kind(place)
    put_all(store, lines, count, LOAD_BATCH)
    seconds = sum(put_all(store, lines, count, LOAD_BATCH, str(n % 10).encode()) for n in range(1, 11))
    show(store, "update", count * 10 / seconds)
    start = time.perf_counter()
    store.compact()
    show(store, "compact", count / (time.perf_counter() - start))
    store.close()
    show(store, "space_all", space(place) / (count * LINE))
    shutil.rmtree(place, ignore_errors=True)


# Work, its name, the goal: a number, `disk` for a ratio to the disk, `best` for one to the best of the others.
ROWS = [
    ("put_1000", "durable puts, batches of 1,000, a second", [("disk", 0.8), ("best", 1.0)]),
    ("put_5000", "the same, 5,000", [("disk", 0.8), ("best", 1.0)]),
    ("put_20000", "the same, 20,000", [("disk", 0.8), ("best", 1.0)]),
    ("load", "bulk in, a second", [("at least", 2e6), ("disk", 0.7)]),
    ("get", "`get` by id, random, a second", [("at least", 2e6), ("disk", 0.9), ("best", 2.0)]),
    ("get_2_threads", "the same, 2 threads", []),
    ("get_many", "`get_many` of 1,000, documents a second", [("at least", 5e6)]),
    ("scan_raw", "scan, raw, documents a second", [("at least", 20e6)]),
    ("scan_where", "scan, parsed, one condition", [("at least", 2e6)]),
    ("open_reader", "opening to read, ms", [("at most", 1e-3)]),
    ("open_writer", "opening to write, ms", []),
    ("update", "ten updates of each of 1 M at most, a second", []),
    ("compact", "compaction, documents a second", []),
    ("space", "log after it / live bytes", [("at most", 1.05)]),
    ("space_all", "all files after it / live bytes", []),
    ("memory_anonymous", "memory, bytes a document", [("at most", 32)]),
    ("memory_file", "mapped files, bytes a document", []),
]
PROGRAMS = ["disk", "alimentar", "zippy_data", "redb", "fjall", "SQLite", "LMDB", "RocksDB"]
OTHERS = PROGRAMS[2:]


def shown(work, value):
    if value is None:
        return ""
    if work.startswith("open"):
        return f"{value * 1e3:.3g}"
    if work in ("space", "space_all", "memory_anonymous", "memory_file"):
        return f"{value:.3g}"
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}" if value < 1000 * limit else f"{value / limit:.0f}{unit}"
    return f"{value:.3g}"


def goals(work, values, wanted):
    """Says for each goal what it is and what came out."""
    own, texts = values.get("alimentar"), []
    for kind, goal in wanted:
        if own is None:
            continue
        if kind in ("at least", "at most"):
            holds = own >= goal if kind == "at least" else own <= goal
            texts.append(f"{kind} {shown(work, goal)}: {'yes' if holds else '**no**'}")
            continue
        theirs = [values[p] for p in (["disk"] if kind == "disk" else OTHERS) if p in values]
        if theirs:
            ratio = own / max(theirs)
            holds = "yes" if ratio >= goal else "**no**"
            texts.append(f"{ratio:.2f} × {kind} (≥ {goal}): {holds}")
    return "; ".join(texts)


def table(figures, count=None):
    found = {}
    with open(figures, encoding="utf-8") as lines:
        for line in lines:
            program, work, value = line.rstrip("\n").split("\t")
            found.setdefault((work, program), []).append(float(value))
    if count:
        print(f"{int(count):,} documents of {LINE} bytes, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors:\n")
    programs = [p for p in PROGRAMS if any(p == program for _, program in found)]
    print("| work | " + " | ".join(programs) + " | goal |")
    print("|---|" + "---|" * (len(programs) + 1))
    for work, name, wanted in ROWS:
        values = {p: statistics.median(found[work, p]) for p in programs if (work, p) in found}
        if values:
            cells = [shown(work, values.get(p)) for p in programs]
            print(f"| {name} | " + " | ".join(cells) + f" | {goals(work, values, wanted)} |")


if sys.argv[1] == "table":
    table(*sys.argv[2:])
else:
    name, stage, directory, number = sys.argv[1:]
    with open(f"{directory}/documents.jsonl", "rb") as file:
        all_lines = file.read(int(number) * LINE) if stage != "read" else b""
    {"write": write, "read": read, "update": update}[stage](
        STORES[name], f"{directory}/{name}", all_lines, int(number)
    )
