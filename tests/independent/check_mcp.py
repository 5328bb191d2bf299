"""The MCP server through the official Python SDK: each mode of the client, over both transports.

usage: check_mcp.py PROGRAM FILE.jsonl HOME
Every result is checked against the output schema of its tool by jsonschema.
"""

import asyncio
import json
import subprocess
import sys

import jsonschema
from mcp import Client, StdioServerParameters

program, file, home = sys.argv[1:4]
rows = open(file, encoding="utf-8").read().splitlines()
MODES = ("auto", "legacy", "2026-07-28")
BUDGET = 6_000


async def check(client, label):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools)[:4] == ["search_dataset", "get_lines", "dataset_info", "dedup_scan"], list(tools)
    for tool in tools.values():
        jsonschema.Draft7Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
    seen = []

    async def call(name, **arguments):
        arguments.setdefault("max_chars", BUDGET)
        jsonschema.validate(arguments, tools[name].input_schema)
        result = await client.call_tool(name, arguments)
        assert not result.is_error, (label, name, result)
        jsonschema.validate(result.structured_content, tools[name].output_schema)
        text = "".join(block.text for block in result.content)
        size = len(json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))) + len(text)
        assert size <= arguments["max_chars"], (name, size)
        seen.append(name)
        return result.structured_content

    info = await call("dataset_info")
    assert info["rows"] == len(rows), info
    line = (await call("get_lines", start=len(rows) - 1))["rows"][0]
    assert line["text"] == rows[-1], line
    counted = await call("search_dataset", query="dollars", count_only=True)
    assert counted["matches"] == sum("dollars" in row for row in rows), counted
    found, cursor = [], None
    while True:
        page = await call("search_dataset", query="dollars", limit=50, **({"cursor": cursor} if cursor else {}))
        found += [row["n"] for row in page["rows"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            break
    assert found == [n for n, row in enumerate(rows) if "dollars" in row]
    await call("dedup_scan", strategy="exact")
    await call("dataset_schema")
    await call("column_stats")
    await call("lint_dataset")
    await call("sample_rows", n=3)
    await call("find_overlap", a=file, b="gsm8k")
    await call("count_tokens")
    results = await call("search_registry", query="data")
    assert results["results"], results
    await call("registry_info", ref="data")
    assert set(seen) == set(tools), set(tools) - set(seen)

    progress = []

    async def on_progress(done, total, message):
        progress.append((done, total, message))

    await client.call_tool("dedup_scan", {"threshold": 0.9}, progress_callback=on_progress)
    wrong = await client.call_tool("get_lines", {"target": "/etc/passwd"})
    assert wrong.is_error and "Next:" in wrong.content[0].text, wrong
    cards = (await client.list_resources()).resources
    text = (await client.read_resource(str(cards[0].uri))).contents[0].text
    assert text.startswith("#") or text.startswith("---"), text[:80]
    print(f"mcp {label}: {len(tools)} tools, {len(seen)} calls, protocol {client.protocol_version}")


async def main():
    words = ["--home", home, "mcp", file]
    for mode in MODES:
        server = StdioServerParameters(command=program, args=words)
        async with Client(server, mode=mode) as client:
            await check(client, f"stdio {mode}")
    served = subprocess.Popen([program, "--json", *words, "--http", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = json.loads(served.stdout.readline())["http"]
        for mode in MODES:
            async with Client(url, mode=mode) as client:
                await check(client, f"http {mode}")
    finally:
        served.terminate()
        assert served.wait(30) == 0, served.returncode


asyncio.run(main())
