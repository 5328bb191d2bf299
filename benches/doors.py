"""The doors of a node beside nginx and an S3 server on the plain file, in one run on one machine. Prints tables in Markdown.

python benches/doors.py PROGRAM ROWS.jsonl ROWS.parquet S3S_FS [TURNS]

S3S_FS is the program of `cargo install s3s-fs --features binary`; curl, nginx, ip, tc and the packages duckdb and
duckdb-extension-httpfs must be installed. The link of 1 Gbit/s is a pair of devices with a token bucket filter, for which it must run
as root. The files lie in memory. Each figure is the median of TURNS (5), in turns, after one that is not counted.
"""

import json
import os
import pathlib
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

RANGE = 64 << 20
SLOW = 200
SPACE, OUTSIDE, INSIDE = "doors-bench", "10.97.0.1", "10.97.0.2"
FIRST_ROW = """
import importlib.util, pathlib, sys, time, duckdb
host, key, secret, path = sys.argv[1:]
db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
folder = importlib.util.find_spec("duckdb_extension_httpfs").submodule_search_locations[0]
db.execute(f"LOAD '{next(pathlib.Path(folder).rglob('httpfs.duckdb_extension'))}'")
db.execute(f"CREATE SECRET (TYPE s3, ENDPOINT '{host}', USE_SSL false, URL_STYLE 'path', KEY_ID '{key}', SECRET '{secret}')")
began = time.perf_counter()
rows = db.execute(f"SELECT * FROM '{path}' LIMIT 1").fetchall()
print(time.perf_counter() - began)
assert len(rows) == 1
"""


def timed(words, **more):
    """Return the seconds of a program."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)
    return time.perf_counter() - began


def medians(programs, turns):
    """Return the median of each function, which take turns."""
    found = {name: [] for name in programs}
    for turn in range(turns + 1):
        for name, measure in programs.items():
            seconds = measure()
            if turn:
                found[name].append(seconds)
    return {name: statistics.median(times) for name, times in found.items()}


def table(title, found, digits=2, unit=1.0):
    own = next(iter(found.values()))
    print(f"\n| {title} | | / door |\n|---|---|---|")
    for name, seconds in found.items():
        print(f"| {name} | {seconds * unit:,.{digits}f} | {seconds / own:,.2f} |")
    sys.stdout.flush()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def waits_for(url):
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


class Node:
    """A node with the S3 door. Its log is read, so that it does not wait."""

    def __init__(self, program, home, address="127.0.0.1"):
        words = [program, "--json", "--home", home, "registry", "serve", "--bind", "127.0.0.1", "--port", "0", "--no-mdns"]
        words += ["--share-unsigned", "--s3", f"{address}:0"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.process.stdout.readline())["s3"]
        self.log = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)

    def memory(self):
        """Return the bytes in memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.wait()


def nginx(work, root):
    port = free_port()
    (work / "nginx.conf").write_text(
        f"daemon off; pid {work}/nginx.pid; error_log {work}/nginx.log; worker_processes auto;\n"
        "events {}\n"
        f"http {{ access_log off; sendfile on; client_body_temp_path {work}; proxy_temp_path {work}; fastcgi_temp_path {work};\n"
        f"uwsgi_temp_path {work}; scgi_temp_path {work};\n"
        f"server {{ listen {port}; root {root}; }} }}\n"
    )
    return subprocess.Popen(["nginx", "-c", str(work / "nginx.conf")]), f"http://127.0.0.1:{port}"


class Link:
    """A name space behind a link of 1 Gbit/s."""

    def __enter__(self):
        self.leave()
        for line in (
            f"ip netns add {SPACE}",
            f"ip link add doors-out type veth peer name doors-in netns {SPACE}",
            f"ip addr add {OUTSIDE}/24 dev doors-out",
            "ip link set doors-out up",
            f"ip -n {SPACE} addr add {INSIDE}/24 dev doors-in",
            f"ip -n {SPACE} link set doors-in up",
            "tc qdisc add dev doors-out root tbf rate 1gbit burst 256kb latency 20ms",
        ):
            subprocess.run(line.split(), check=True)

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        subprocess.run(["ip", "netns", "del", SPACE], check=False, stderr=subprocess.DEVNULL)


def slow_clients(node, url, size):
    """Return the most memory while many clients read a few KiB a second, each from a place of its own to the end."""
    parts = urllib.parse.urlsplit(url)
    clients = []
    for number in range(SLOW):
        start = size * number // SLOW
        request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nRange: bytes={start}-\r\n\r\n".encode()
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        client.connect((parts.hostname, parts.port))
        client.sendall(request)
        clients.append(client)
    most = 0
    for _ in range(20):
        for client in select.select(clients, [], [], 0)[0]:
            client.recv(4096)
        time.sleep(0.5)
        most = max(most, node.memory())
    for client in clients:
        client.close()
    return most


def main(program, jsonl, parquet, s3s_fs, turns):
    """Measure and print."""
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        home = str(work / "home")
        command = [program, "-q", "--home", home, "registry"]
        for name, path in [("lines", jsonl), ("columns", parquet)]:
            subprocess.run([*command, "index", path, "--name", name, "--version", "1.0.0", "--license", "MIT"], check=True, stdout=subprocess.DEVNULL)
        plain = work / "plain"
        (plain / "bucket").mkdir(parents=True)
        # Links do not leave the root of an S3 server, so the files are copied.
        shutil.copy(jsonl, plain / "bucket" / "rows.jsonl")
        shutil.copy(parquet, plain / "bucket" / "rows.parquet")
        node = Node(program, home)
        web, plain_url = nginx(work, plain)
        port = free_port()
        s3 = subprocess.Popen([s3s_fs, "--host", "127.0.0.1", "--port", str(port), "--access-key", "key", "--secret-key", "secret", str(plain)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            names = (pathlib.Path(jsonl).name, pathlib.Path(parquet).name)
            door = f"{node.url}/datasets/local/lines@1.0.0/{urllib.parse.quote(names[0])}"
            file = f"{plain_url}/bucket/rows.jsonl"
            waits_for(f"{plain_url}/bucket/")
            waits_for(f"http://127.0.0.1:{port}/")
            print(f"{os.path.getsize(jsonl) / 1e9:.2f} GB of JSON Lines, {os.path.getsize(parquet) / 1e9:.2f} GB of Parquet; {os.cpu_count()} processors")

            def curl(*words):
                return lambda: timed(["curl", "-sf", *words])

            def checkout():
                seconds = timed([*command, "checkout", "lines", str(work / "out.jsonl")])
                (work / "out.jsonl").unlink()
                return seconds

            whole = {"door": curl("-o", "/dev/null", door), "`checkout` to a file": checkout, "nginx, the plain file": curl("-o", "/dev/null", file)}
            table("the whole file over loopback, s", medians(whole, turns))
            ten = [word for _ in range(10) for word in ("-o", "/dev/null")]
            hot = {name: curl("-r", f"0-{RANGE - 1}", *ten, *[url] * 10) for name, url in [("door", door), ("nginx, the plain file", file)]}
            table("ten times the same 64 MiB, s", medians(hot, turns))

            def first_row(host, path, key="", secret=""):
                words = [sys.executable, "-c", FIRST_ROW, host, key, secret, path]
                return lambda: float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

            door_path = f"s3://datasets/local/columns@1.0.0/{names[1]}"
            first = {
                "door": first_row(node.url.split("://")[1], door_path),
                "s3s-fs, the plain file": first_row(f"127.0.0.1:{port}", "s3://bucket/rows.parquet", "key", "secret"),
            }
            table("first row of the Parquet file through DuckDB, ms", medians(first, turns), 0, 1e3)
            node.stop()
            with Link():
                node = Node(program, home, OUTSIDE)
                far = [door.replace(door.split("/datasets")[0], node.url), file.replace("127.0.0.1", OUTSIDE)]
                behind = {name: (lambda url: lambda: timed(["ip", "netns", "exec", SPACE, "curl", "-sf", "-o", "/dev/null", url]))(url)
                          for name, url in zip(("door", "nginx, the plain file"), far)}
                table("the whole file over a link of 1 Gbit/s, s", medians(behind, turns))
                node.stop()
            node = Node(program, home)
            before = node.memory()
            most = slow_clients(node, door.replace(door.split("/datasets")[0], node.url), os.path.getsize(jsonl))
            print(f"\n| memory of the node, MB | |\n|---|---|\n| at its start | {before / 1e6:,.0f} |\n| with {SLOW} slow clients at once | {most / 1e6:,.0f} |")
        finally:
            node.stop()
            web.terminate()
            s3.terminate()


main(*sys.argv[1:5], int(sys.argv[5]) if len(sys.argv) > 5 else 5)
