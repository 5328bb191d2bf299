"""Requests over sockets, without libraries: one client for all servers."""

import gc
import json
import socket
import time

import numpy as np
import pyarrow as pa

ARROW = "application/vnd.apache.arrow.stream"


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray(16 << 20)
        self.view = memoryview(self.buffer)

    def more(self, have):
        count = self.socket.recv_into(self.view[have:])
        if count == 0:
            raise ConnectionError("the server ended the connection")
        return have + count

    def http(self, request):
        """Sends a request, and returns the body of its answer."""
        self.socket.sendall(request)
        have, start, end = 0, 0, None
        while end is None or have < end:
            have = self.more(have)
            if end is None and (head := self.buffer.find(b"\r\n\r\n", 0, have)) >= 0:
                lines = bytes(self.view[:head]).lower()
                if not lines.startswith(b"http/1.1 200"):
                    raise ValueError(bytes(self.view[:have])[:500])
                length = lines[lines.index(b"content-length:") + 15:].split(b"\r\n", 1)[0]
                start = head + 4
                end = start + int(length)
        return self.view[start:end]

    def exactly(self, request, length):
        """Sends commands, and returns their answers, whose length is known."""
        self.socket.sendall(request)
        have = 0
        while have < length:
            have = self.more(have)
        return self.view[:have]


def http_request(method, path, body, *, sends="application/json", accepts=ARROW):
    head = (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {sends}\r\nAccept: {accepts}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def fetch_arrow(table, keys, columns):
    """Keys as an Arrow stream, for the second generation of the protocol."""
    schema = pa.schema([("id", keys.type)], metadata={"columns": json.dumps(columns)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.record_batch([keys], schema=schema))
    path = f"/api/v1/table/{table}/fetch"
    return http_request("POST", path, sink.getvalue().to_pybytes(), sends=ARROW)


def fetch_json(table, keys, columns):
    """Keys as JSON, for the first generation, whose answer has a row for each key."""
    body = json.dumps({"keys": keys.to_pylist(), "columns": columns}).encode()
    return http_request("POST", f"/api/v1/table/{table}/fetch", body)


def resp(*words):
    out = b"*%d\r\n" % len(words)
    return out + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def read_stream(body):
    return pa.ipc.open_stream(pa.py_buffer(body)).read_all()


def times_of(call, count, warm):
    """Microseconds of calls, each with the next of the sets."""
    for n in range(warm):
        call(n)
    out = np.empty(count)
    gc.disable()
    for n in range(count):
        began = time.perf_counter_ns()
        call(warm + n)
        out[n] = time.perf_counter_ns() - began
    gc.enable()
    return out / 1000


def in_turns(calls, turns, count, warm):
    """Calls of several programs, in turns. Returns all times of each."""
    times = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            times[name].append(times_of(call, count, warm))
    return {name: np.concatenate(parts) for name, parts in times.items()}
