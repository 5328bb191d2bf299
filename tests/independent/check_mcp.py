"""The MCP server through the official Python SDK: each mode of the client, over both transports.

usage: check_mcp.py PROGRAM FILE.jsonl HOME
Every answer is checked by jsonschema against the output schema of its tool. An answer without structured content is an
error, and has to say so.
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
ERROR_CHARS = 2_000
# Mistakes of each tool, as assistants make them.
WRONG = {
    "search_dataset": [{"query": "(("}, {"query": "x", "column": "nothing"}, {"query": "x", "cursor": "AQID"}],
    "get_lines": [{"target": "/etc/passwd"}, {"start": 10**9}, {"field": "nothing"}, {"cursor": "AAAA"}],
    "dataset_info": [{"target": "../../etc/passwd"}],
    "dedup_scan": [{"columns": ["nothing"]}, {"threshold": 70}],
    "dataset_schema": [{"target": "nothing"}],
    "column_stats": [{"columns": ["nothing"]}],
    "lint_dataset": [{"rules": ["nothing"]}],
    "sample_rows": [{"cursor": "AAAA"}],
    "find_overlap": [{"a": "nothing", "b": "nothing"}],
    "count_tokens": [{"columns": ["nothing"]}],
    "search_registry": [{"limit": -1}],
    "registry_info": [{"ref": "nothing"}, {"ref": "@@"}],
    "pull_dataset": [{"ref": "nothing", "peer": "127.0.0.1:1"}],
    "edit_rows": [{}, {"set": ["x"]}, {"delete": "9999999"}, {"fix": ["secret"]}, {"undo": 9}, {"set": ["0.answer=1"], "undo": 1}],
}


class Checked:
    """A client whose every answer is validated."""

    def __init__(self, client, tools, label):
        self.client, self.tools, self.label = client, tools, label
        self.answers = self.errors = 0
        self.called = set()

    async def ask(self, name, arguments, **more):
        result = await self.client.call_tool(name, arguments, **more)
        text = "".join(block.text for block in result.content)
        assert text, (self.label, name, result)
        if result.is_error:
            assert result.structured_content is None and len(text) <= ERROR_CHARS, (self.label, name, result)
            self.errors += 1
        else:
            assert isinstance(result.structured_content, dict), (self.label, name, result)
            jsonschema.Draft202012Validator(self.tools[name].output_schema).validate(result.structured_content)
            size = len(json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))) + len(text)
            assert size <= arguments.get("max_chars", 20_000), (name, size)
            self.answers += 1
        return result

    async def call(self, name, **arguments):
        arguments.setdefault("max_chars", BUDGET)
        jsonschema.validate(arguments, self.tools[name].input_schema)
        result = await self.ask(name, arguments)
        assert not result.is_error, (self.label, name, result)
        self.called.add(name)
        return result.structured_content


async def check(client, label):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools)[:4] == ["search_dataset", "get_lines", "dataset_info", "dedup_scan"], list(tools)
    assert len(tools) == 14, list(tools)
    for tool in tools.values():
        jsonschema.Draft7Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        # A schema that anything fits would check nothing.
        assert tool.output_schema["type"] == "object" and tool.output_schema["required"], tool
    checked = Checked(client, tools, label)
    call = checked.call

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
    await call("search_registry")
    await call("registry_info", ref="data")
    rehearsed = await call("edit_rows", set=["0.answer=18"], dry_run=True)
    assert rehearsed["edits"] == 1, rehearsed
    edited = await call("edit_rows", delete="0-9")
    assert (await call("dataset_info"))["rows"] == len(rows) - 10
    undo = edited["undo"].removeprefix("edit_rows ")
    assert (await call("edit_rows", **json.loads(undo)))["edits"] == 0
    assert (await call("get_lines", count=1))["rows"][0]["text"] == rows[0]
    # There is no peer to pull from; tests/it has one.
    assert checked.called == set(tools) - {"pull_dataset"}, set(tools) - checked.called

    progress = []

    async def on_progress(done, total, message):
        progress.append((done, total, message))

    await checked.ask("dedup_scan", {"threshold": 0.9}, progress_callback=on_progress)
    for name in tools:
        for arguments in WRONG[name]:
            wrong = await checked.ask(name, arguments)
            assert wrong.is_error, (label, name, arguments, wrong)
    wrong = await checked.ask("get_lines", {"target": "/etc/passwd"})
    assert "Next:" in wrong.content[0].text, wrong
    cards = (await client.list_resources()).resources
    text = (await client.read_resource(str(cards[0].uri))).contents[0].text
    assert text.startswith("#") or text.startswith("---"), text[:80]
    print(
        f"mcp {label}: {len(tools)} tools, {checked.answers} answers that fit their schemas, {checked.errors} errors, "
        f"protocol {client.protocol_version}"
    )


async def main():
    words = ["--home", home, "mcp", file, "--allow-edits", "--allow-pull"]
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
