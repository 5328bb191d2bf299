"""Serves tables of features, and reads them with the clients of others: the cache's two generations, Feast,
pyarrow.flight, and moto's S3 as a source.

usage: check_features.py PROGRAM DIRECTORY FIRST FEAST

FIRST and FEAST are directories of packages: of the first generation of the cache's client, and of Feast. Both run in
processes of their own.
"""

import asyncio
import json
import math
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import boto3
import numpy as np
import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as pq
from moto.server import ThreadedMotoServer
from murr.client import (
    Client,
    ColumnSchema,
    DType,
    InvalidRequestError,
    TableAlreadyExistsError,
    TableNotFoundError,
    TableSchema,
)

ROWS = 20_000
HERE = pathlib.Path(__file__).parent


def users(shift=0.0):
    """The same users, with other scores."""
    n = np.arange(ROWS)
    score = np.where(n % 7 == 0, np.nan, n / 8 + shift).astype(np.float32)
    return pa.table({
        "user_id": pa.array([f"u{i}" for i in n]),
        "score": pa.array(score),
        "visits": pa.array([int(i) if i % 5 else None for i in n], pa.int64()),
        "embedding": pa.array([[i, 0.5, -1] for i in n], pa.list_(pa.float32(), 3)),
    })


def partition(directory, date, table, parts=2):
    place = directory / date
    place.mkdir(parents=True)
    size = -(-table.num_rows // parts)
    for part in range(parts):
        pq.write_table(table.slice(part * size, size), place / f"part_{part:04}.parquet")
    (place / "_SUCCESS").touch()


CONFIG = """
tables:
  users:
    source: {{local: {{path: {users}}}}}
    key: [user_id]
    poll_interval: 100ms
    columns:
      user_id: {{dtype: utf8, nullable: false}}
      score: {{dtype: float32}}
      visits: {{dtype: int64}}
      embedding: {{dtype: "float32[3]"}}
  pairs:
    source: {{s3: {{bucket: lab, prefix: pairs/, endpoint: "{endpoint}"}}}}
    key: [country, shop]
    columns:
      country: {{dtype: utf8, nullable: false}}
      shop: {{dtype: uint32, nullable: false}}
      sales: {{dtype: float64}}
  written:
    key: [user_id]
    timestamp: at
    ttl: 1h
    columns:
      user_id: {{dtype: utf8, nullable: false}}
      at: {{dtype: timestamp}}
      score: {{dtype: float64}}
      visits: {{dtype: int64}}
"""


def start_s3(work):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secretexample"}
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)
    s3.create_bucket(Bucket="lab")
    pairs = pa.table({
        "country": ["de", "de", "fr"],
        "shop": pa.array([1, 2, 1], pa.int32()).cast(pa.uint16()),
        "sales": [1.5, 2.5, float("inf")],
    })
    pq.write_table(pairs, work / "pairs.parquet")
    s3.upload_file(str(work / "pairs.parquet"), "lab", "pairs/2024-01-14/part.parquet")
    s3.put_object(Bucket="lab", Key="pairs/2024-01-14/_SUCCESS", Body=b"")
    # A partition that is still being written.
    s3.put_object(Bucket="lab", Key="pairs/2024-01-15/part.parquet", Body=b"PAR1")
    return server, endpoint, keys


class Server:
    """A server, and the events that it tells."""

    def __init__(self, program, home, config, environment):
        kept = {k: v for k, v in os.environ.items() if not k.upper().endswith("_PROXY")}
        command = [program, "--home", str(home), "--json", "features", "serve", "-c", str(config)]
        self.process = subprocess.Popen(
            [*command, "--http", "0", "--flight", "0"],
            stdout=subprocess.PIPE, env={**kept, **environment},
        )
        ready = self.event()
        assert ready["event"] == "ready", ready
        self.http, self.flight = ready["http"], ready["flight"]

    def event(self):
        return json.loads(self.process.stdout.readline())

    def wait(self, **wanted):
        while True:
            event = self.event()
            assert event["event"] != "failed", event
            if wanted.items() <= event.items():
                return event

    def ask(self, method, path, body=None, headers=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.http + path, data=data, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def end(self):
        self.process.terminate()
        assert self.process.wait(30) == 0


def same(a, b):
    """Values are equal, NaN to NaN, and null is another thing than NaN."""
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def check_rows(table, found, places, columns):
    rows = table.take(pa.array(places))
    for column in columns:
        wanted, got = rows.column(column).to_pylist(), found.column(column).to_pylist()
        assert same(wanted, got), (column, wanted[:5], got[:5])


async def check_second_generation(server, table):
    async with Client(server.http) as client:
        asked = [3, 19_999, 7, 7, 0]
        keys = [f"u{n}" for n in asked]
        keys.insert(1, "nobody")
        found = await client.read("users", {"user_id": keys}, ["visits", "score", "user_id"])
        assert found.column_names == ["_idx", "visits", "score", "user_id"]
        assert found.schema.field("_idx").type == pa.uint32()
        assert found.column("_idx").to_pylist() == [0, 2, 3, 4, 5]
        check_rows(table, found, asked, ["visits", "score", "user_id"])
        metadata = found.schema.metadata
        assert metadata[b"partition"] == b"2024-01-14" and b"loaded_at" in metadata, metadata
        pairs = {"country": ["de", "xx", "fr"], "shop": [2, 1, 1]}
        found = await client.read("pairs", pairs, ["sales"])
        assert found.to_pydict() == {"_idx": [0, 2], "sales": [2.5, math.inf]}, found
        for call, error in [
            (client.read("nope", {"a": [1]}, ["b"]), TableNotFoundError),
            (client.read("users", {"user_id": ["u1"]}, ["nope"]), InvalidRequestError),
            (client.read("users", {"user_id": [1]}, ["score"]), InvalidRequestError),
            (client.read("users", {"id": ["u1"]}, ["score"]), InvalidRequestError),
            (client.drop_table("nope"), TableNotFoundError),
            (client.drop_table("users"), InvalidRequestError),
        ]:
            try:
                await call
            except error:
                continue
            raise AssertionError(error)
        schema = TableSchema(columns={
            "id": ColumnSchema(dtype=DType.INT32, key=True, nullable=False),
            "name": ColumnSchema(dtype=DType.UTF8),
            "score": ColumnSchema(dtype=DType.FLOAT32, strict=False),
        })
        await client.create_table("made", schema)
        assert await client.get_schema("made") == schema
        try:
            await client.create_table("made", schema)
            raise AssertionError("made twice")
        except TableAlreadyExistsError:
            pass
        for first in (0, 500):
            await client.write("made", pa.table({
                "name": [f"n{n}" if n % 3 else None for n in range(first, first + 1000)],
                "id": pa.array(range(first, first + 1000), pa.int16()),
                "score": [n / 4 + first for n in range(first, first + 1000)],
                "other": [0] * 1000,
            }))
        await client.compact("made")
        # Plain integers become int64, wider than the key.
        found = await client.read("made", {"id": pa.array([1499, 2000, 499, 3], pa.int32())}, ["name", "score"])
        assert found.to_pydict() == {
            "_idx": [0, 2, 3], "name": ["n1499", "n499", None], "score": [1499 / 4 + 500, 499 / 4, 0.75],
        }, found
        await client.drop_table("made")
    print("the second generation's client agrees")


def check_http(server, table):
    status, body, headers = server.ask("POST", "/api/v1/table/users/fetch", {
        "keys": ["u1", "nobody", "u7"], "columns": ["score", "embedding"]})
    assert (status, headers["X-Alimentar-Partition"]) == (200, "2024-01-14")
    assert json.loads(body) == {
        "columns": {"score": [0.125, None, "NaN"], "embedding": [[1, 0.5, -1], None, [7, 0.5, -1]]}, "missing": [1],
    }, body
    status, body, _ = server.ask("POST", "/api/v1/fetch", {"tables": {
        "users": {"keys": ["u2"], "columns": ["visits"]},
        "pairs": {"keys": {"country": ["de"], "shop": [1]}, "columns": ["sales"]}}})
    answer = json.loads(body)["tables"]
    assert answer["users"]["columns"] == {"visits": [2]} and answer["pairs"]["columns"] == {"_idx": [0], "sales": [1.5]}
    assert server.ask("GET", "/health")[1] == b"OK"
    health = json.loads(server.ask("GET", "/health", headers={"Accept": "application/json"})[1])
    assert health["status"] == "ok" and len(health["tables"]) == 3, health
    assert b"alimentar_features_rows{table=\"users\"} 20000" in server.ask("GET", "/metrics")[1]
    assert server.ask("GET", "/health", headers={"Host": "example.com"})[0] == 403


def check_flight(server, table):
    client = flight.connect(server.flight)
    flights = {info.descriptor.path[0]: info for info in client.list_flights()}
    assert set(flights) >= {b"users", b"pairs"} and flights[b"users"].total_records == ROWS, flights
    schema = client.get_schema(flight.FlightDescriptor.for_path("users")).schema
    assert schema.names == table.schema.names and schema.field("score").type == pa.float32()
    asked = [5, 7, 19_999]
    ticket = {"table": "users", "keys": {"user_id": [f"u{n}" for n in asked] + ["nobody"]},
              "columns": ["score", "visits", "embedding"]}
    command = flight.FlightDescriptor.for_command(json.dumps(ticket))
    info = client.get_flight_info(command)
    reader = client.do_get(info.endpoints[0].ticket)
    assert reader.schema.metadata[b"partition"] == b"2024-01-14"
    found = reader.read_all()
    assert found.column("_idx").to_pylist() == [0, 1, 2]
    check_rows(table, found, asked, ["score", "visits", "embedding"])
    dense = {"table": "users", "keys": ["u5", "nobody"], "columns": ["visits"]}
    found = client.do_get(flight.Ticket(json.dumps(dense).encode())).read_all()
    assert found.to_pydict() == {"visits": [None, None]}
    many = {"table": "users", "keys": [f"u{n}" for n in range(ROWS)], "columns": ["score", "embedding"]}
    found = client.do_get(flight.Ticket(json.dumps(many).encode())).read_all()
    check_rows(table, found, range(ROWS), ["score", "embedding"])
    descriptor = flight.FlightDescriptor.for_command(json.dumps({"table": "users", "columns": ["score"]}))
    writer, reader = client.do_exchange(descriptor)
    with writer:
        writer.begin(pa.schema([("user_id", pa.string())]))
        for start in (0, 10):
            keys = pa.record_batch({"user_id": [f"u{n}" for n in range(start, start + 10)] + ["nobody"]})
            writer.write_batch(keys)
            batch = reader.read_chunk().data
            assert batch.column("_idx").to_pylist() == list(range(10))
            check_rows(table, pa.table(batch), range(start, start + 10), ["score"])
        writer.done_writing()
    for call, error in [
        (lambda: client.do_get(flight.Ticket(b'{"table":"nope","keys":["a"]}')).read_all(), "nope"),
        (lambda: client.do_get(flight.Ticket(b"no ticket")).read_all(), "ticket"),
        (lambda: client.get_schema(flight.FlightDescriptor.for_path("nope")), "nope"),
        (lambda: list(client.do_action("nope")), "method"),
        (lambda: client.do_put(descriptor, pa.schema([("a", pa.int32())]))[0].close(), "method"),
    ]:
        try:
            call()
        except (flight.FlightError, pa.ArrowException, KeyError, NotImplementedError) as refused:
            assert error in str(refused), refused
            continue
        raise AssertionError(error)
    print("pyarrow.flight agrees")


def apart(script, packages, server):
    """Runs a script with packages before those of this process."""
    command = [sys.executable, str(HERE / script), server.http]
    environment = {**os.environ, "PYTHONPATH": str(packages), "FEAST_USAGE": "False"}
    subprocess.run(command, check=True, env=environment)


def main():
    program, work, first, feast = sys.argv[1], *map(pathlib.Path, sys.argv[2:5])
    work.mkdir(parents=True)
    table = users()
    partition(work / "users", "2024-01-13", users(1.0))
    partition(work / "users", "2024-01-14", table)
    s3, endpoint, keys = start_s3(work)
    config = work / "features.yaml"
    config.write_text(CONFIG.format(users=work / "users", endpoint=endpoint))
    environment = {
        "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"],
        "AWS_REGION": "us-east-1",
    }
    server = Server(program, work / "home", config, environment)
    try:
        loaded = {}
        while len(loaded) < 2:
            event = server.wait(event="loaded")
            loaded[event["table"]] = event["partition"]
        assert loaded == {"users": "2024-01-14", "pairs": "2024-01-14"}, loaded
        check_http(server, table)
        asyncio.run(check_second_generation(server, table))
        check_flight(server, table)
        apart("check_features_first.py", first, server)
        apart("check_features_feast.py", feast, server)
        # A partition that comes later.
        partition(work / "users", "2024-01-15", users(2.0))
        server.wait(event="loaded", table="users", partition="2024-01-15")
        _, body, _ = server.ask("POST", "/api/v1/table/users/fetch", {"keys": ["u1"], "columns": ["score"]})
        assert json.loads(body)["columns"] == {"score": [2.125]}, body
    finally:
        s3.stop()
    server.end()
    print("features: all clients agree")


main()
