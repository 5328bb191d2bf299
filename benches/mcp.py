#!/usr/bin/env python3
"""Measures the MCP server: rows by number, searches beside the command, and many clients on one server.

usage: benches/mcp.py PROGRAM FILE.jsonl [CLIENTS]

The file should have more than 50,000,000 rows; `benches/mcp.py --make FILE` makes one of 3 GB. Clients speak JSON-RPC over
pipes and HTTP by hand, so that no SDK is measured. Prints a table in Markdown. With `mcp-server-motherduck` in the PATH,
the same row and the same count are asked of DuckDB's server, of the file and of a table in a database.
"""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

if sys.argv[1] == "--make":
    words = "instruction answer model quantum theorem river apple dollar seven garden".split()
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for block in range(510):
            first = block * 100_000
            out.writelines(
                f'{{"id":{n},"text":"{words[n % 10]} {words[n // 7 % 10]} {n * 2654435761 % 1000003}"}}\n'
                for n in range(first, first + 100_000)
            )
    sys.exit()

program, file = sys.argv[1:3]
clients = int(sys.argv[3]) if len(sys.argv) > 3 else 100
home = tempfile.mkdtemp()
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Pipe:
    """A server over pipes."""

    def __init__(self, command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.next = 0

    def request(self, method, params):
        self.next += 1
        message = {"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}
        self.child.stdin.write(json.dumps(message).encode() + b"\n")
        self.child.stdin.flush()
        while True:
            answer = json.loads(self.child.stdout.readline())
            if answer.get("id") == self.next:
                return answer["result"]

    def hello(self):
        info = {"name": "bench", "version": "1"}
        self.request("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info})
        self.child.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def tool(self, name, **arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments})

    def end(self):
        self.child.stdin.close()
        self.child.wait()


def timed(work, times=1):
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        result = work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken), result


def post(address, body, headers):
    connection = http.client.HTTPConnection(address, timeout=600)
    connection.request("POST", "/mcp", body, headers)
    answer = connection.getresponse().read()
    connection.close()
    return answer


def call(name, arguments):
    params = {"name": name, "arguments": arguments, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": name,
    }
    return body, headers


rows = []
FAR = 50_000_000
server = Pipe([program, "--home", home, "mcp", file])
server.hello()
cold, answer = timed(lambda: server.tool("get_lines", start=FAR, count=1))
far = FAR if not answer.get("isError") else 0
second, _ = timed(lambda: server.tool("get_lines", start=far, count=1), 50)
total = server.tool("dataset_info")["structuredContent"]["rows"]
server.end()
server = Pipe([program, "--home", home, "mcp", file])
server.hello()
first, _ = timed(lambda: server.tool("get_lines", start=far, count=1))
rows.append((f"get_lines at row {far:,} of a file that was never read", f"{cold:.2f} s"))
rows.append(("the same row, first call to a server that starts later", f"{first * 1e3:.1f} ms"))
rows.append(("the same row, median of 50", f"{second * 1e3:.2f} ms"))
pattern = "qu[aeiou]ntum|z{3,}"
tool, command = [], []
for turn in range(5):
    # Another pattern each time, so that no answer is remembered.
    asked = f"{pattern}|nothing{turn}"
    taken, answer = timed(lambda: server.tool("search_dataset", query=asked, count_only=True))
    tool.append(taken)
    words = [program, "--home", home, "--json", "inspect", "search", file, asked, "--count"]
    taken, printed = timed(lambda: subprocess.run(words, capture_output=True, check=True).stdout)
    command.append(taken)
    assert json.loads(printed)["matches"] == answer["structuredContent"]["matches"]
ratio = statistics.median(tool) / statistics.median(command)
rows.append(("search_dataset, count of all rows", f"{statistics.median(tool):.2f} s"))
rows.append(("search_dataset / inspect search", f"{ratio:.2f}"))


def ran(pid):
    """Processor time of all threads so far, in nanoseconds."""
    spent = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as schedule:
                spent += int(schedule.read().split()[0])
        except FileNotFoundError:
            pass
    return spent


def cancelled():
    """Seconds from a cancellation to the last work on the scan."""
    server.next += 1
    params = {"name": "count_tokens", "arguments": {}, "_meta": {"progressToken": "p"}}
    message = {"jsonrpc": "2.0", "id": server.next, "method": "tools/call", "params": params}
    server.child.stdin.write(json.dumps(message).encode() + b"\n")
    server.child.stdin.flush()
    while "progress" not in json.loads(server.child.stdout.readline()).get("method", ""):
        pass
    stop = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": server.next}}
    server.child.stdin.write(json.dumps(stop).encode() + b"\n")
    server.child.stdin.flush()
    began, before, last = time.perf_counter(), ran(server.child.pid), 0.0
    while time.perf_counter() - began < 1:
        time.sleep(0.002)
        now = ran(server.child.pid)
        if now - before > 500_000:
            last = time.perf_counter() - began
        before = now
    return last


rows.append(("cancellation to the end of the scan, median of 9", f"{statistics.median(cancelled() for _ in range(9)) * 1e3:.0f} ms"))
tools = json.dumps(server.request("tools/list", {}), separators=(",", ":"), ensure_ascii=False)
counted = os.path.join(home, "tools.jsonl")
with open(counted, "w", encoding="utf-8") as out:
    out.write(json.dumps({"tools": tools}) + "\n")
printed = subprocess.run([program, "--json", "inspect", "tokens", counted], capture_output=True, check=True).stdout
rows.append(("tools/list", f"{json.loads(printed)['tokens']} tokens"))
server.end()

words = [program, "--home", home, "--json", "mcp", file, "--http", "0"]
served = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
address = json.loads(served.stdout.readline())["http"].removeprefix("http://").removesuffix("/mcp")
taken, failures = [], []
ended = threading.Event()


def scan(number):
    while not ended.is_set():
        try:
            answer = post(address, *call("search_dataset", {"query": f"scan{number}-{time.time()}", "count_only": True}))
        except (OSError, http.client.HTTPException) as error:
            # The server is ended under the last scans.
            if not ended.is_set():
                failures.append(error)
            return
        if b"isError\":true" in answer:
            failures.append(answer)


def read(number):
    for turn in range(20):
        began = time.perf_counter()
        answer = post(address, *call("get_lines", {"start": (number * 7919 + turn * 104729) % total, "count": 1}))
        taken.append(time.perf_counter() - began)
        if b"\"rows\"" not in answer:
            failures.append(answer)
        time.sleep(0.05)


scanning = [threading.Thread(target=scan, args=(n,), daemon=True) for n in range(clients // 5)]
reading = [threading.Thread(target=read, args=(n,)) for n in range(clients - len(scanning))]
for thread in scanning + reading:
    thread.start()
for thread in reading:
    thread.join()
ended.set()
with open(f"/proc/{served.pid}/status", encoding="ascii") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
rows.append((f"{clients} clients, {len(scanning)} scanning: get_lines, median", f"{statistics.median(taken) * 1e3:.1f} ms"))
rows.append(("the same: memory that is not the file", f"{peak / 1024:.0f} MB"))
served.terminate()
served.wait()
assert not failures, failures[:2]

if shutil.which("mcp-server-motherduck"):
    database = os.path.join(home, "rows.duckdb")
    other = Pipe(["mcp-server-motherduck", "--db-path", database, "--read-write"])
    other.hello()
    names = {tool["name"]: tool for tool in other.request("tools/list", {})["tools"]}
    name = next(n for n in ("execute_query", "query") if n in names)
    key = next(iter(names[name]["inputSchema"]["required"]))
    lines = f"read_csv('{file}', columns={{'line': 'VARCHAR'}}, delim='\x01', quote='', escape='', header=false)"

    def query(sql):
        answer = other.tool(name, **{key: sql})
        assert not answer.get("isError") and '"success": false' not in str(answer).lower(), answer
        return answer

    theirs_far, _ = timed(lambda: query(f"SELECT line FROM {lines} LIMIT 1 OFFSET {far}"))
    rows.append((f"DuckDB's server: row {far:,} of the file / get_lines", f"{theirs_far:.2f} s, {theirs_far / second:,.0f} ×"))
    theirs, _ = timed(lambda: query(f"SELECT count(*) FROM {lines} WHERE regexp_matches(line, '{pattern}')"), 3)
    rows.append(("DuckDB's server: the same count of the file / search_dataset", f"{theirs:.2f} s, {theirs / statistics.median(tool):.1f} ×"))
    loaded, _ = timed(lambda: query(f"CREATE TABLE rows AS SELECT * FROM {lines}"))
    rows.append(("DuckDB's server: to load the file into a table first", f"{loaded:.1f} s"))
    theirs_far, _ = timed(lambda: query(f"SELECT line FROM rows WHERE rowid = {far}"), 10)
    rows.append((f"DuckDB's server: row {far:,} of the table / get_lines", f"{theirs_far * 1e3:.1f} ms, {theirs_far / second:.1f} ×"))
    theirs, _ = timed(lambda: query(f"SELECT count(*) FROM rows WHERE regexp_matches(line, '{pattern}')"), 3)
    rows.append(("DuckDB's server: the same count of the table / search_dataset", f"{theirs:.2f} s, {theirs / statistics.median(tool):.1f} ×"))
    other.end()

shutil.rmtree(home)
print(f"{os.path.basename(file)}, {os.path.getsize(file) / 1e9:.2f} GB, {total:,} rows\n")
print("| | |\n|---|---|")
for name, value in rows:
    print(f"| {name} | {value} |")
