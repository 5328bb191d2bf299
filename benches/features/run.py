"""Lookups of 1,000 keys × 10 columns beside other programs, in one run. See ../features.sh."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa

import data
import programs
import reload
import wire

SETS = 64


def table(title, head, rows):
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    sys.stdout.flush()


def shown(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def integers(n):
    return pa.array(data.numbers(n))


def timing(times):
    return [shown(np.percentile(times, part)) for part in (50, 99)]


def tell(what):
    print(f"  {what}", file=sys.stderr, flush=True)


def loading(ours, options, peers):
    rows = []
    raw = data.RAW_BYTES
    for kind in ours.kinds:
        tell(f"load {kind}")
        loaded, used = ours.command("load", "map", kind, "--force")
        loaded = loaded["tables"][0]
        cpu = used.ru_utime + used.ru_stime
        assert loaded["rows"] == options.rows, loaded
        size = f"{loaded['bytes'] / options.rows:.1f}"
        if kind == "numbers":
            size += f" ({loaded['bytes'] / options.rows / raw:.2f} × raw)"
        rows.append([f"alimentar, {kind}", f"{loaded['seconds']:.1f}", f"{options.rows / cpu / 1e6:.2f} M", size,
                     f"{used.ru_maxrss * 1024 / 1e6:,.0f} MB"])
    for name, seconds, size, memory in peers:
        rows.append([name, f"{seconds:.1f}", "", f"{size / options.rows:.1f}", f"{memory / 1e6:,.0f} MB"])
    table(f"Loading {options.rows:,} rows", ["", "seconds", "rows a second of a processor", "bytes a row", "peak memory"], rows)


def in_process(ours, options, murr):
    rows = []
    seconds = str(options.seconds)
    for kind, memory in [("numbers", "huge"), ("numbers", "map"), ("texts", "huge"), ("mixed", "huge")]:
        tell(f"in process: {kind}, {memory}")
        if kind in ours.kinds:
            found, _ = ours.command("bench", memory, kind, "--keys", str(options.keys), "--seconds", seconds)
            rows.append([f"alimentar, {kind}, {memory}", shown(found["median_us"]), shown(found["p99_us"])])
    if options.rows <= 20_000_000:
        tell("in process: NumPy")
        n = np.arange(options.rows)
        columns = [data.value(n, column, 0) for column in range(data.COLUMNS)]
        matrix = np.stack(columns, axis=1)
        keys = data.numbers(n)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        places = data.sets(SETS, options.keys, options.rows)
        asked = [data.numbers(n) for n in places]

        def by_key(call):
            wanted = asked[call % SETS]
            at = np.searchsorted(keys, wanted)
            assert (keys[at] == wanted).all()
            return matrix[order[at]]

        for name, call in [
            ("NumPy, places are known, ten columns", lambda call: [c[places[call % SETS]] for c in columns]),
            ("NumPy, places are known, one matrix", lambda call: matrix[places[call % SETS]]),
            ("NumPy, by key in sorted ones, one matrix", by_key),
        ]:
            rows.append([name, *timing(wire.times_of(call, options.calls, 200))])
    if murr:
        tell("in process: murr")
        murr.in_process(100)
        rows.append(["murr 0.1.9, from Python", *timing(murr.in_process(options.calls))])
    table(f"In process, {options.keys:,} keys × {data.COLUMNS} columns of {options.rows:,} rows, µs",
          ["", "median", "99 %"], rows)


def loopback(ours, options, murr, stores):
    calls, kinds = {}, []
    process, port = ours.serve("huge")
    sets = data.sets(SETS, options.keys, options.rows)
    halves = data.sets(SETS, options.keys, options.rows, missing=0.5)

    def asked(kind, name, chosen, keys):
        connection = wire.Connection(port)
        requests = [wire.fetch_arrow(kind, keys(n), data.columns_of(kind)) for n in chosen]
        programs.check_sparse(connection.http(requests[0]), kind, chosen[0], options.rows)
        calls[name] = lambda n: connection.http(requests[n % SETS])

    asked("numbers", "alimentar, integers", sets, integers)
    if "texts" in ours.kinds:
        asked("texts", "alimentar, texts as keys", sets, data.texts)
        asked("texts", "alimentar, texts as keys, half of them missing", halves, data.texts)
        connection = wire.Connection(port)
        requests = [wire.fetch_json("texts", data.texts(n), data.FLOATS) for n in sets]
        programs.check_dense(connection.http(requests[0]), sets[0])
        calls["alimentar, keys in JSON"] = lambda n: connection.http(requests[n % SETS])
    if "mixed" in ours.kinds:
        asked("mixed", "alimentar, five texts, and nulls", sets, integers)
        asked("mixed", "alimentar, the same, half of the keys missing", halves, integers)
    if murr:
        calls["murr 0.1.9, keys in JSON"] = murr.calls(sets)
    for store in stores:
        calls[f"{store.name}, MGET of blobs"] = store.blobs(sets)
        small = data.sets(SETS, options.keys, min(options.rows, options.hashes))
        calls[f"{store.name}, HMGET, {min(options.rows, options.hashes):,} rows"] = store.hashes(small)
    tell("over loopback")
    times = wire.in_turns(calls, options.turns, options.calls, 200)
    process.terminate()
    process.wait()
    table(f"Over loopback, {options.keys:,} keys × {data.COLUMNS} columns of {options.rows:,} rows, µs",
          ["", "median", "99 %"], [[name, *timing(found)] for name, found in times.items()])


def restarts(ours, options, murr, stores):
    n = data.sets(1, options.keys, options.rows)[0]
    request = wire.fetch_arrow("numbers", integers(n), data.FLOATS)
    single = programs.Alimentar(ours.program, ours.work, ["numbers"])
    times = []
    for _ in range(9):
        tell("restart")
        began = time.perf_counter()
        process, port = single.serve("auto")
        body = wire.Connection(port).http(request)
        times.append((time.perf_counter() - began) * 1000)
        programs.check_sparse(body, "numbers", n, options.rows)
        process.terminate()
        process.wait()
    rows = [["alimentar", shown(np.median(times)), shown(max(times))]]
    if murr:
        murr.stop()
        murr.start()
        rows.append(["murr 0.1.9, within Python", shown(murr.facts["first_answer"] * 1000), ""])
    for store in stores:
        tell(f"restart {store.name}")
        rows.append([f"{store.name}, from a snapshot", shown(store.restart()), ""])
    table("Restart to the first answer, ms", ["", "median", "longest"], rows)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("program")
    words.add_argument("work", type=pathlib.Path)
    words.add_argument("--rows", type=int, default=10_000_000)
    words.add_argument("--keys", type=int, default=1000)
    words.add_argument("--kinds", default="numbers,texts,mixed")
    words.add_argument("--hashes", type=int, default=1_000_000, help="rows of the tables for HMGET")
    words.add_argument("--turns", type=int, default=3)
    words.add_argument("--calls", type=int, default=2000, help="lookups in a turn")
    words.add_argument("--seconds", type=int, default=5)
    words.add_argument("--rate", type=int, default=1000, help="requests a second beside a reload")
    words.add_argument("--murr", help="packages of murr 0.1.9")
    words.add_argument("--redis")
    words.add_argument("--valkey")
    words.add_argument("--stages", default="load,process,loopback,restart,reload")
    options = words.parse_args()
    stages = options.stages.split(",")
    work = options.work
    work.mkdir(parents=True, exist_ok=True)
    ours = programs.Alimentar(options.program, work, options.kinds.split(","))
    for kind in ours.kinds:
        if not (work / kind / "2024-01-14").exists():
            tell(f"make {kind}")
            data.write_partition(work / kind, "2024-01-14", kind, options.rows, 0)
    version = subprocess.run([options.program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version}, {os.cpu_count()} processors, {options.rows:,} rows, {time.strftime('%Y-%m-%d')}")
    peers, stores, murr = [], [], None
    if options.murr:
        tell("fill murr")
        murr = programs.FirstGeneration(options.murr, work, options.rows, SETS, options.keys)
        murr.start()
        peers.append((murr.name, murr.facts["seconds"], murr.facts["bytes"], murr.facts["peak"]))
    for name, program in [("Redis", options.redis), ("Valkey", options.valkey)]:
        if program:
            store = programs.RedisLike(name, program, work)
            store.name = f"{name} {store.version()}"
            tell(f"fill {store.name}")
            store.start()
            spent = store.fill(options.rows, min(options.rows, options.hashes))
            peers.append((store.name, spent, store.memory, store.memory))
            stores.append(store)
    try:
        if "load" in stages:
            loading(ours, options, peers)
        else:
            for kind in ours.kinds:
                ours.command("load", "map", kind)
        if "process" in stages:
            in_process(ours, options, murr)
        if "loopback" in stages:
            loopback(ours, options, murr, stores)
        if "restart" in stages:
            restarts(ours, options, murr, stores)
    finally:
        for peer in [*stores, murr]:
            if peer:
                peer.stop()
    # The others have ended: a reload takes both processors.
    if "reload" in stages:
        reload.run(ours, options, table, shown, tell)


main()
