"""A reload under a steady number of requests a second. Every answer is compared with checksums of both versions."""

import json
import multiprocessing
import time
import zlib

import numpy as np
import pyarrow as pa

import data
import programs
import wire

CLIENTS = 2
SETS = 64


def wanted(n, version):
    """The checksum of the columns of a right answer."""
    columns = [np.arange(len(n), dtype=np.uint32)]
    columns += [data.value(n, column, version) for column in range(data.COLUMNS)]
    return zlib.crc32(b"".join(column.tobytes() for column in columns))


def checksum(body):
    """The checksum of the columns of an answer, in order."""
    found = wire.read_stream(body)
    return zlib.crc32(b"".join(found.column(name).to_numpy().tobytes() for name in ["_idx", *data.FLOATS]))


def client(number, port, rows, keys, rate, until, results):
    """Sends requests at their times, however late the answers come."""
    sets = data.sets(SETS, keys, rows)
    requests = [wire.fetch_arrow("numbers", pa.array(data.numbers(n)), data.FLOATS) for n in sets]
    known = [[wanted(n, version) for version in (0, 1)] for n in sets]
    connection = wire.Connection(port)
    for request in requests:
        connection.http(request)
    pause, turn = CLIENTS / rate, 0
    start = time.perf_counter() + 0.1 + number * pause / CLIENTS
    times, versions, torn, lost = [], [], 0, 0
    while not until.is_set():
        due = start + turn * pause
        while (wait := due - time.perf_counter()) > 0:
            time.sleep(max(wait - 0.0002, 0))
        try:
            body = bytes(connection.http(requests[turn % SETS]))
            ended = time.perf_counter()
            try:
                versions.append(known[turn % SETS].index(checksum(body)))
            except ValueError:
                torn += 1
                versions.append(-1)
            times.append((due, ended - due))
        except (ConnectionError, ValueError):
            lost += 1
            connection = wire.Connection(port)
        turn += 1
    # A client that saw the new rows never sees the old ones again.
    backwards = sum(a > b >= 0 for a, b in zip(versions, versions[1:]))
    results.put((times, versions.count(0), versions.count(1), torn, lost, backwards))


def run(ours, options, table, shown, tell):
    single = programs.Alimentar(ours.program, ours.work, ["numbers"])
    source = single.work / "numbers"
    programs.clean(source / "2024-01-15")
    single.command("load", "huge", "numbers")
    process, port = single.serve("huge")
    tell("make the next partition")
    data.write_partition(source, "2024-01-15", "numbers", options.rows, 1)
    until, results = multiprocessing.Event(), multiprocessing.Queue()
    clients = [
        multiprocessing.Process(target=client, args=(n, port, options.rows, options.keys, options.rate, until, results))
        for n in range(CLIENTS)]
    for one in clients:
        one.start()
    tell("requests before the reload")
    time.sleep(options.seconds + 2)
    began = time.perf_counter()
    tell("reload")
    control = wire.Connection(port)
    reloaded = json.loads(bytes(control.http(wire.http_request("POST", "/reload/numbers", b""))))
    ended = time.perf_counter()
    assert reloaded["tables"][0]["partition"] == "2024-01-15", reloaded
    time.sleep(2)
    until.set()
    found = [results.get() for _ in clients]
    for one in clients:
        one.join()
    process.terminate()
    process.wait()
    all_times = [entry for times, *_ in found for entry in times]
    old, new, torn, lost, backwards = (sum(one[place] for one in found) for place in range(1, 6))
    assert new > 0, "no client saw the new rows"
    rows = []
    for name, inside in [
        ("before it", lambda due: due < began),
        ("during it", lambda due: began <= due < ended),
        ("after it", lambda due: due >= ended),
    ]:
        times = np.array([spent for due, spent in all_times if inside(due)]) * 1e6
        if len(times):
            parts = [np.percentile(times, part) for part in (50, 99, 99.9)] + [times.max()]
            rows.append([name, f"{len(times):,}", *map(shown, parts), f"{times.max() / parts[0]:.1f}"])
    table(
        f"A reload of {options.rows:,} rows in {ended - began:.1f} s under {options.rate:,} requests a second of "
        f"{options.keys:,} keys × {data.COLUMNS} columns, µs from the time that a request was due",
        ["", "requests", "median", "99 %", "99.9 %", "longest", "longest / median"], rows)
    print(f"\n{old + new:,} answers were those of one version ({new:,} of the new one); torn: {torn}, lost: {lost}, "
          f"back to the old version: {backwards}.")
