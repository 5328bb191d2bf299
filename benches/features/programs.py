"""The programs that are compared: how they are started, filled and asked."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa

import data
import wire

HERE = pathlib.Path(__file__).parent


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def memory_of(process, name="VmRSS"):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(name + r":\s+(\d+) kB", status).group(1)) * 1024


def connected(port, process):
    while True:
        try:
            return wire.Connection(port)
        except ConnectionRefusedError:
            if process.poll() is not None:
                raise RuntimeError(f"a server ended with {process.returncode}") from None
            time.sleep(0.0005)


class Alimentar:
    """This program, with tables of one directory of partitions each."""

    def __init__(self, program, work, kinds):
        self.program, self.work, self.kinds = program, pathlib.Path(work), kinds

    def config(self, memory):
        path = self.work / f"{memory}.yaml"
        tables = "".join(
            f"  {kind}:\n    source: {{local: {{path: {self.work / kind}}}}}\n    key: [id]\n"
            f"    poll_interval: 1h\n    memory: {memory}\n" for kind in self.kinds)
        path.write_text(f"server: {{data_dir: {self.work / 'tables'}}}\ntables:\n{tables}")
        return path

    def command(self, name, memory, *words):
        """Runs a command, and returns its answer and what it used."""
        command = [self.program, "--home", str(self.work / "home"), "--json", "features", name,
                   "-c", str(self.config(memory)), *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        out = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0, (command, status)
        return json.loads(out), used

    def serve(self, memory):
        command = [self.program, "--home", str(self.work / "home"), "--json", "features", "serve",
                   "-c", str(self.config(memory)), "--http", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        port = int(json.loads(process.stdout.readline())["http"].rsplit(":", 1)[1])
        return process, port


class RedisLike:
    """Redis or Valkey, without persistence unless it is asked for."""

    def __init__(self, name, program, work):
        self.name, self.program, self.work = name, program, pathlib.Path(work) / name
        self.work.mkdir(parents=True, exist_ok=True)
        self.process = None

    def start(self):
        self.port = free_port()
        command = [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                   "--dir", str(self.work), "--daemonize", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self.connection = connected(self.port, self.process)

    def version(self):
        text = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout
        return re.search(r"v=([\d.]+)", text).group(1)

    def fill(self, count, hashes):
        """Blobs of ten singles for all rows, and hashes of ten fields for the first ones. Returns the seconds of the
        blobs."""
        began = time.perf_counter()
        for first in range(0, count, 10_000):
            n = np.arange(first, min(first + 10_000, count))
            blobs = np.stack([data.value(n, column, 0) for column in range(data.COLUMNS)], axis=1)
            raw, width = blobs.tobytes(), 4 * data.COLUMNS
            words = [b"MSET"]
            for place, number in enumerate(n.tolist()):
                words += (b"u%d" % number, raw[place * width:(place + 1) * width])
            self.connection.exactly(wire.resp(*words), len(b"+OK\r\n"))
        spent = time.perf_counter() - began
        self.memory = memory_of(self.process)
        names = [name.encode() for name in data.FLOATS]
        for first in range(0, hashes, 1000):
            n = np.arange(first, min(first + 1000, hashes))
            values = [data.value(n, column, 0) for column in range(data.COLUMNS)]
            commands = []
            for place, number in enumerate(n.tolist()):
                words = [b"HSET", b"h%d" % number]
                for name, column in zip(names, values):
                    words += (name, column[place].tobytes())
                commands.append(wire.resp(*words))
            self.connection.exactly(b"".join(commands), len(n) * len(b":10\r\n"))
        return spent

    def blobs(self, sets):
        """Calls of MGET, the first of which is checked."""
        length = len(b"*%d\r\n" % len(sets[0])) + len(sets[0]) * (len(b"$40\r\n") + 4 * data.COLUMNS + 2)
        requests = [wire.resp(b"MGET", *(b"u%d" % number for number in n.tolist())) for n in sets]
        body = bytes(self.connection.exactly(requests[0], length))[len(b"*%d\r\n" % len(sets[0])):]
        rows = np.frombuffer(body, np.uint8).reshape(len(sets[0]), -1)[:, 5:45].copy().view(np.float32)
        for column in range(data.COLUMNS):
            assert (rows[:, column] == data.value(sets[0], column, 0)).all()
        return lambda n: self.connection.exactly(requests[n % len(requests)], length)

    def hashes(self, sets):
        """Calls of one HMGET for each key, all of them sent at once."""
        names = [name.encode() for name in data.FLOATS]
        length = len(sets[0]) * (len(b"*10\r\n") + data.COLUMNS * len(b"$4\r\n....\r\n"))
        requests = [b"".join(wire.resp(b"HMGET", b"h%d" % number, *names) for number in n.tolist()) for n in sets]
        body = bytes(self.connection.exactly(requests[0], length))
        first = np.frombuffer(body[9:13], np.float32)
        assert first[0] == data.value(sets[0][:1], 0, 0)[0]
        return lambda n: self.connection.exactly(requests[n % len(requests)], length)

    def restart(self):
        """Milliseconds from the start to the first answer, with the rows of a snapshot."""
        blob = wire.resp(b"GET", b"u1")
        self.connection.exactly(wire.resp(b"SAVE"), len(b"+OK\r\n"))
        self.stop()
        began = time.perf_counter()
        self.start()
        while not bytes(self.connection.exactly(blob, 1)).startswith(b"$40"):
            # It is still loading.
            self.connection.socket.close()
            self.connection = connected(self.port, self.process)
        return (time.perf_counter() - began) * 1000

    def stop(self):
        self.process.kill()
        self.process.wait()


class FirstGeneration:
    """Murr 0.1.9, which serves within a process of Python."""

    name = "murr 0.1.9"

    def __init__(self, packages, work, count, sets, keys):
        self.packages, self.work = packages, pathlib.Path(work) / "murr"
        self.words = [str(count), str(sets), str(keys)]

    def start(self):
        self.work.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        command = [sys.executable, str(HERE / "murr_first.py"), str(self.work), str(self.port), *self.words]
        environment = {**os.environ, "PYTHONPATH": f"{self.packages}{os.pathsep}{HERE}"}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.facts = json.loads(self.process.stdout.readline())
        self.connection = connected(self.port, self.process)

    def in_process(self, count):
        self.process.stdin.write(b"%d\n" % count)
        self.process.stdin.flush()
        return np.array(json.loads(self.process.stdout.readline()))

    def calls(self, sets):
        requests = [wire.fetch_json("texts", data.texts(n), data.FLOATS) for n in sets]
        check_dense(self.connection.http(requests[0]), sets[0])
        return lambda n: self.connection.http(requests[n % len(requests)])

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def check_dense(body, n, version=0):
    """A row for each key, and all of the right values."""
    found = wire.read_stream(bytes(body))
    for column, name in enumerate(data.FLOATS):
        assert (found.column(name).to_numpy() == data.value(n, column, version)).all(), name


def check_sparse(body, kind, n, count, version=0):
    """A row for each key that has one, with the number of the key."""
    found = wire.read_stream(bytes(body))
    there = np.flatnonzero(n < count)
    assert found.column("_idx").to_pylist() == there.tolist()
    wanted = data.rows(kind, n[there], version)
    for name in data.columns_of(kind):
        assert found.column(name).combine_chunks().equals(wanted.column(name).combine_chunks()), name


def clean(*places):
    for place in places:
        shutil.rmtree(place, ignore_errors=True)
