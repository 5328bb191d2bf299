"""The MCP server through the command line of the protocol's own inspector, over pipes and over HTTP.

usage: check_inspector.py INSPECTOR PROGRAM FILE.jsonl HOME
INSPECTOR is the program `mcp-inspector` of the npm package `@modelcontextprotocol/inspector`.
"""

import json
import subprocess
import sys

import jsonschema

inspector, program, file, home = sys.argv[1:5]
rows = open(file, encoding="utf-8").read().splitlines()


def inspect(place, *words):
    """What the inspector prints about a server."""
    done = subprocess.run([inspector, "--cli", *place, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return json.loads(done.stdout)


def call(place, name, *pairs):
    words = ["--method", "tools/call", "--tool-name", name]
    for pair in pairs:
        words += ["--tool-arg", pair]
    return inspect(place, *words)


def check(place, label):
    # `--strict` fails for schemas that some clients do not understand.
    tools = {tool["name"]: tool for tool in inspect(place, "--method", "tools/list", "--strict")["tools"]}
    assert len(tools) == 13 and "edit_rows" in tools, list(tools)
    found = call(place, "get_lines", "start=52", "count=1", "max_chars=20000")
    structured = found["structuredContent"]
    assert structured["rows"][0]["text"] == rows[52], structured
    jsonschema.validate(structured, tools["get_lines"]["outputSchema"])
    counted = call(place, "search_dataset", "query=dollars", "count_only=true")["structuredContent"]
    assert counted["matches"] == sum("dollars" in row for row in rows), counted
    rehearsed = call(place, "edit_rows", 'set=["0.answer=18"]', "dry_run=true")["structuredContent"]
    assert (rehearsed["edits"], rehearsed["dry_run"]) == (1, True), rehearsed
    cards = inspect(place, "--method", "resources/list")["resources"]
    card = inspect(place, "--method", "resources/read", "--uri", cards[0]["uri"])
    assert card["contents"][0]["mimeType"] == "text/markdown", card
    print(f"inspector {label}: {len(tools)} tools, 3 calls, {len(cards)} resources")


words = ["--home", home, "mcp", file, "--allow-edits"]
check(["--", program, *words][1:], "stdio")
served = subprocess.Popen([program, "--json", *words, "--http", "0"], stdout=subprocess.PIPE, text=True)
try:
    check([json.loads(served.stdout.readline())["http"]], "http")
finally:
    served.terminate()
    assert served.wait(30) == 0, served.returncode
