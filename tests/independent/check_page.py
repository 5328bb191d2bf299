"""The page for people in headless Chromium: every page, dark and light, wide and narrow, with and without scripts.

usage: check_page.py PROGRAM WORKDIR
Each page is checked for errors on the console, requests to other hosts, names of fields and links, the order of headings, and
the contrast of each text as it is computed. Screenshots are left in WORKDIR.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from playwright.sync_api import expect, sync_playwright

program, work = sys.argv[1], pathlib.Path(sys.argv[2])
work.mkdir(parents=True, exist_ok=True)
environment = {**os.environ, "ALIMENTAR_HOME": str(work / "home"), "ALIMENTAR_PASSPHRASE": "page"}
HOSTILE = "\"'><script>document.title='broken'</script><img src=x onerror=document.title='broken'>\u202e"

FAULTS = (pathlib.Path(__file__).parent / "page_faults.js").read_text()


def run(*words):
    return subprocess.run([program, "-q", *words], env=environment, check=True, capture_output=True, text=True).stdout


def index(path, name, *more):
    run("index", str(path), "--name", name, *more)


def prepare():
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(work / "home", ignore_errors=True)
    data.mkdir(parents=True)
    rows = [{"n": n, "price": round(n ** 1.5, 2), "city": ["Oslo", "Lima", "Pune"][n * n % 3], "note": "straw " * (n % 9) + str(n),
             "when": f"2026-{n % 12 + 1:02}-01", "maybe": None if n % 4 else n, "list": [n, n + 1]} for n in range(1200)]
    (data / "prices.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    index(data / "prices.jsonl", "prices", "--version", "1.0.0", "--license", "CC-BY-4.0", "--tag", "economy", "--tag", "demo")
    index(data / "prices.jsonl", "prices", "--version", "1.1.0", "--tag", "new")
    run("inspect", "export", str(data / "prices.jsonl"), "-o", str(data / "prices.parquet"))
    chats = [{"id": n, "messages": [
        {"role": "system", "content": "You answer in one sentence."},
        {"role": "user", "content": f"Why is {n} a number?\nSay it slowly."},
        {"role": "assistant", "content": f"<think>It counts things, and {n} things can be counted.</think>Because it counts.",
         "tool_calls": [{"id": "c1", "function": {"name": "count", "arguments": json.dumps({"of": n, "exact": True})}}]},
        {"role": "tool", "name": "count", "content": str(n)},
    ]} for n in range(70)]
    (data / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chats))
    index(data / "chats.jsonl", "tool-chats", "--license", "MIT", "--tag", "chat")
    several = data / "several"
    several.mkdir()
    (several / "README.md").write_text(
        "---\nlicense: MIT\n---\n# Prices of things\n\nPrices in three cities, **by hand**. See [the table](prices.parquet) and "
        "[the rest](https://data.example/).\n\n#### How\n\n1. look\n2. write\n\n| city | rows |\n|:-----|-----:|\n| Oslo | 400 |\n\n"
        "- [x] checked\n\n```python\nprint('hello')\n```\n\n![a picture](https://data.example/p.png)\n")
    shutil.copy(data / "prices.parquet", several / "prices.parquet")
    (several / "cities.csv").write_text("city,country,people\nOslo,Norway,717710\nLima,Peru,10092000\nPune,India,\n")
    (several / "notes.txt").write_text("first note\nsecond note\n")
    (several / "noise.bin").write_bytes(bytes(range(256)) * 40)
    wide = ",".join(f"column_{n}" for n in range(80))
    (several / "wide.csv").write_text(wide + "\n" + "\n".join(",".join(str(n * m) for m in range(80)) for n in range(60)) + "\n")
    index(several, "several-files", "--description", "Prices, with a card, and files of *several* forms.")
    hostile = data / "hostile"
    hostile.mkdir()
    row = {HOSTILE: HOSTILE, "messages": [{"role": HOSTILE, "content": HOSTILE}], "long": "x" * 3000}
    (hostile / "rows.jsonl").write_text(json.dumps(row) + "\n")
    (hostile / "README.md").write_text(f"# {HOSTILE}\n\n{HOSTILE}\n\n[x](javascript:alert(1))\n\n<iframe src=x></iframe>\n")
    index(hostile, "hostile", "--tag", HOSTILE.split("\u202e")[0][:60])
    index("tests/data/gsm8k/test.jsonl", "gsm8k", "--license", "MIT", "--version", "1.0.0")


class Judge:
    def __init__(self, browser, base):
        self.browser, self.base = browser, base
        self.looks = self.pages = 0
        self.least, self.paints, self.all = 21.0, [], []

    def context(self, **options):
        context = self.browser.new_context(**options)
        self.problems = []
        context.on("console", lambda m: m.type in ("error", "warning") and self.problems.append(f"console: {m.text}"))
        context.on("weberror", lambda e: self.problems.append(f"error: {e.error}"))

        def request(r):
            if not r.url.startswith((self.base, "data:")):
                self.problems.append(f"request to {r.url}")

        context.on("request", request)
        return context

    def look(self, page, path, shot=None):
        answer = page.goto(self.base + path)
        assert answer.status == 200, (path, answer.status)
        self.faults(page, path)
        if shot:
            page.screenshot(path=str(work / f"{shot}.png"))

    def faults(self, page, path):
        found = page.evaluate(FAULTS)
        self.all += [(path, fault) for fault in found["faults"] + self.problems]
        self.problems.clear()
        self.looks += 1
        self.least = min(self.least, found["least"])
        if found["paint"] is not None:
            self.paints.append((round(found["paint"]), path))


PAGES = {
    "list": "/",
    "search": "/?q=prices",
    "nothing": "/?q=nothing-of-the-kind",
    "publisher": "/d/local",
    "dataset": "/d/local/several-files",
    "old-version": "/d/local/prices@1.0.0",
    "rows": "/d/local/prices/file/prices.jsonl",
    "found": "/d/local/prices/file/prices.jsonl?q=straw+9",
    "row": "/d/local/prices/file/prices.jsonl?row=7",
    "columns": "/d/local/prices/file/prices.jsonl?view=columns",
    "parquet": "/d/local/several-files/file/prices.parquet",
    "csv": "/d/local/several-files/file/cities.csv",
    "wide": "/d/local/several-files/file/wide.csv",
    "text": "/d/local/several-files/file/notes.txt",
    "binary": "/d/local/several-files/file/noise.bin",
    "chat": "/d/local/tool-chats/file/chats.jsonl",
    "chat-table": "/d/local/tool-chats/file/chats.jsonl?view=table",
    "chat-row": "/d/local/tool-chats/file/chats.jsonl?row=3",
    "gsm8k": "/d/local/gsm8k/file/test.jsonl",
    "hostile": "/d/local/hostile",
    "hostile-rows": "/d/local/hostile/file/rows.jsonl?view=table",
    "hostile-chat": "/d/local/hostile/file/rows.jsonl",
    "connect": "/connect?dataset=local/prices@1.1.0",
    "peers": "/peers",
}


def with_scripts(judge):
    """The search answers while it is typed, without a new page; the skip link and the forms work by keys."""
    context = judge.context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(judge.base + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.evaluate("window.kept = true")
    page.locator("#q").press_sequentially("several")
    expect(page.locator(".datasets li")).to_have_count(1)
    expect(page.locator("#count")).to_contain_text("1 version")
    assert page.evaluate("window.kept") and page.url.endswith("/?q=several"), page.url
    judge.faults(page, "search as it is typed")
    page.locator("#q").fill("")
    expect(page.locator(".datasets li")).to_have_count(5)
    context.close()


def without_scripts(judge):
    """Everything works with scripts off: search, paging, versions, one row, the lines of a client, a download."""
    context = judge.context(java_script_enabled=False, accept_downloads=True)
    page = context.new_page()
    page.goto(judge.base + "/")
    page.fill("#q", "Oslo")
    page.press("#q", "Enter")
    page.wait_for_url("**/?q=Oslo")
    page.click("text=several-files")
    page.click("text=prices.parquet >> nth=0")
    page.click("text=Next rows")
    page.wait_for_url("**offset=50**")
    assert page.locator("tbody tr").count() == 50
    page.fill("#rows-q", "straw 9")
    page.press("#rows-q", "Enter")
    page.wait_for_url("**q=straw+9**")
    assert page.locator("mark").count() >= 1
    page.click("tbody tr th a >> nth=0")
    page.wait_for_url("**row=**")
    page.click("text=Rows around it")
    with page.expect_download() as download:
        page.click("text=Download")
    assert download.value.suggested_filename == "prices.parquet", download.value.suggested_filename
    page.goto(judge.base + "/d/local/prices")
    page.click(".versions >> text=1.0.0")
    assert "1.0.0" in page.inner_text("h1")
    page.click("text=Use it from Python")
    assert "load_dataset(\"local/prices\", revision=\"1.0.0\")" in page.inner_text("#datasets")
    assert not judge.problems, judge.problems
    context.close()


def main():
    prepare()
    words = ["--json", "registry", "serve", "--bind", "127.0.0.1", "--port", "0", "--no-mdns", "--share-unsigned", "--http", "0", "--s3", "0"]
    node = subprocess.Popen([program, *words], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        ready = json.loads(node.stdout.readline())
        with sync_playwright() as playwright:
            executable = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            judge = Judge(browser, ready["http"])
            for scheme in ("light", "dark"):
                for width in (1280, 390):
                    context = judge.context(color_scheme=scheme, viewport={"width": width, "height": 900})
                    page = context.new_page()
                    for name, path in PAGES.items():
                        judge.look(page, path, f"{name}-{scheme}-{width}")
                    context.close()
            assert not judge.all, "\n".join(map(str, judge.all[:30]))
            with_scripts(judge)
            without_scripts(judge)
            browser.close()
    finally:
        node.terminate()
        node.wait()
    slowest = max(judge.paints)
    print(f"page: {len(PAGES)} pages in {judge.looks} looks without a fault; least contrast {judge.least:.1f}; "
          f"slowest first paint {slowest[0]} ms ({slowest[1]})")


main()
