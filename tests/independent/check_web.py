"""The page that opens files in the browser, in headless Chromium: from a disk and from a node, dark and light, wide and narrow.

usage: check_web.py PROGRAM BUNDLE WORKDIR
Each view is checked for errors on the console, requests, names of fields, headings and the contrast of its texts. Refusals have the
words of the command line. Screenshots are left in WORKDIR.
"""

import gzip
import json
import pathlib
import re
import shutil
import subprocess
import sys

from playwright.sync_api import expect, sync_playwright

from web_fixtures import Fixtures
from web_judge import LONG, QUICK, Judge, is_intact, open_file
from web_storage import closed_tab, no_room, offline, registry, verification_rate

program, bundle, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
MODULE_BYTES_MAX = 3_000_000
OPEN_SECONDS_MAX = 1.0
LARGE_MB = 24 if QUICK else 96
TABLE_BYTES = 40_000_000 if QUICK else 1_000_000_000


def views(judge, page, files, mark):
    """Every view, by clicks, with a look at each."""
    page.goto(judge.place)
    expect(page.locator("h1")).to_have_text("Look into a file")
    judge.look(page, f"open{mark}")
    for name in ("prices.jsonl", "simple.parquet", "wide.csv", "notes.txt", "hostile.jsonl"):
        open_file(page, files / name)
        expect(page.locator("h1")).to_have_text(name)
        expect(page.locator(".rows tbody tr").first).to_be_visible()
        judge.look(page, f"rows-{name}{mark}")
    open_file(page, files / "prices.jsonl")
    expect(page.locator(".file-facts")).to_contain_text("1\u202f200 rows")
    page.fill("#row-number", "700")
    page.press("#row-number", "Enter")
    expect(page.locator(".record")).to_contain_text("12345678901234568590")
    judge.look(page, f"row{mark}")
    page.click(".tab >> text=Columns")
    judge.look(page, f"columns{mark}")
    page.click(".tab >> text=Search")
    page.fill("#pattern", "straw 9")
    page.press("#pattern", "Enter")
    expect(page.locator(".count")).to_contain_text("rows match")
    judge.look(page, f"search{mark}")
    open_file(page, files / "faulty.jsonl")
    expect(page.locator("h1")).to_have_text("faulty.jsonl")
    page.click(".tab >> text=Check")
    page.click("text=Check all rows")
    expect(page.locator(".count")).to_contain_text("3 rows: 1 error, 1 warning, 0 notes")
    judge.look(page, f"check{mark}")
    for name, title in {"signed": "prices 1.0.0", "two": "two.alimentar", "hostile": "hostile 0.1.0"}.items():
        open_file(page, files / f"{name}.alimentar")
        expect(page.locator("h1")).to_have_text(title)
        is_intact(page)
        judge.look(page, f"archive-{name}{mark}")
    open_file(page, files / "signed.alimentar")
    expect(page.locator("h1")).to_have_text("prices 1.0.0")
    is_intact(page)
    expect(page.locator(".badge.doubt")).to_have_text("unknown publisher")
    page.click("text=Pin this key")
    judge.look(page, f"pin{mark}")
    page.fill("#pin-name", "lab-a")
    page.press("#pin-name", "Enter")
    expect(page.locator(".meta .badge.good")).to_have_text("trusted")
    is_intact(page)
    page.click("text=Keep in this browser")
    expect(page.locator("text=Kept in the registry")).to_be_visible()
    judge.look(page, f"archive-kept{mark}")
    page.click("button:has-text('prices.jsonl')")
    expect(page.locator(".rows tbody tr")).to_have_count(50)
    judge.look(page, f"inside{mark}")
    page.click("#site >> text=Registry")
    expect(page.locator(".datasets li")).to_have_count(1)
    judge.look(page, f"registry{mark}")
    page.click("#site >> text=Keys")
    expect(page.locator("tbody th")).to_contain_text("lab-a")
    judge.look(page, f"keys{mark}")


def answers(judge, fixtures):
    """Rows, matches and findings are those of the command line; an exported selection imports there."""
    files = fixtures.files
    context = judge.context()
    page = context.new_page()
    page.goto(judge.place)
    for name in ("prices.jsonl", "prices.jsonl.gz", "simple.parquet", "simple.arrow", "wide.csv"):
        open_file(page, files / name)
        # Until then, the file before is shown.
        expect(page.locator("h1")).to_have_text(name)
        info = fixtures.answer("inspect", "info", files / name)
        expect(page.locator(".file-facts")).to_contain_text(f"{info['rows']:,}".replace(",", "\u202f") + " rows")
        page.click(".tab >> text=Search")
        page.fill("#pattern", "7")
        page.press("#pattern", "Enter")
        wanted = fixtures.run("inspect", "search", files / name, "7", "--count").stdout.strip()
        expect(page.locator(".count")).to_contain_text("match")
        while "there are more" in page.locator(".count").inner_text():
            page.click("text=Search on from row")
            expect(page.locator(".count")).to_contain_text("match")
        shown = page.locator(".count").inner_text()
        assert shown.split(" row")[0].replace("\u202f", "") == wanted, (name, shown, wanted)
        page.click(".tab >> text=Check")
        page.click("text=Check all rows")
        report = fixtures.run("--json", "inspect", "lint", files / name, check=False)
        report = json.loads(report.stdout)
        expect(page.locator(".count")).to_contain_text("error")
        shown = page.locator(".count").inner_text().replace("\u202f", "")
        numbers = [int(n) for n in re.findall(r"\d+", shown)[:4]]
        assert numbers == [report[key] for key in ("checked", "errors", "warnings", "notes")], (name, shown, report)
    open_file(page, files / "simple.parquet")
    expect(page.locator("h1")).to_have_text("simple.parquet")
    page.locator(".rows input[type=checkbox]").nth(3).check()
    page.locator(".rows input[type=checkbox]").nth(4).check()
    page.click(".tab >> text=Export")
    assert page.input_value("#export-rows") == "3-4"
    page.fill("#export-rows", "3-4, 1000")
    page.fill("#export-name", "some")
    with page.expect_download() as download:
        page.click("text=Write the archive")
    archive = work / download.value.suggested_filename
    download.value.save_as(archive)
    home = work / "receiving"
    taken = fixtures.answer("import", archive, "--no-receipt", home=home)
    assert [d["trust"] for d in taken["imported"]] == ["unsigned"], taken
    # The answer of the page and that of the program name the same content.
    expect(page.locator(".note .id")).to_have_text(taken["imported"][0]["content_id"])
    rows = fixtures.run("inspect", "lines", "some@0.1.0", home=home).stdout.splitlines()
    assert [json.loads(row)["n"] for row in rows] == [3, 4, 1000], rows
    page.fill("#export-rows", "5-1")
    page.click("text=Write the archive")
    expect(page.locator("[role=alert]")).to_contain_text("ends before it begins")
    assert not judge.problems, judge.problems
    context.close()


def refusals(judge, fixtures, refused, volumes):
    """The page refuses what an import refuses, with its words."""
    context = judge.context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(judge.place)
    for archive in refused:
        error = fixtures.refusal(archive)
        open_file(page, archive)
        note = page.locator("[role=alert]")
        expect(note).to_contain_text(error["message"])
        if error["hint"]:
            expect(note).to_contain_text(error["hint"])
        assert page.locator("text=Keep in this browser").count() == 0
        judge.look(page, f"refused-{archive.stem}")
        page.click("#site >> text=Registry")
        page.set_input_files("#import", str(archive))
        expect(page.locator("[role=alert]")).to_contain_text(error["message"])
        expect(page.locator(".datasets li")).to_have_count(0)
    # Volumes are one archive if they are chosen together.
    page.click("#site >> text=Open")
    page.set_input_files("#file", [str(volume) for volume in volumes])
    expect(page.locator("h1")).to_have_text("noise 1.0.0")
    is_intact(page)
    assert not judge.problems, judge.problems
    context.close()
    return len(refused)


def gigabyte(judge):
    """A table of a gigabyte opens in under a second; a search in it can be stopped."""
    path = work / "gigabyte.jsonl"
    block = "".join(json.dumps({"n": n, "text": "a line of some length, as they are " * 3}) + "\n" for n in range(7000)).encode()
    with path.open("wb") as out:
        while out.tell() < TABLE_BYTES:
            out.write(block)
    context = judge.context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(judge.place)
    # The module is compiled.
    page.wait_for_timeout(1500)
    open_file(page, path)
    expect(page.locator(".rows tbody tr")).to_have_count(50)
    page.wait_for_function("document.documentElement.dataset.opened !== undefined")
    seconds = int(page.evaluate("document.documentElement.dataset.opened")) / 1000
    if TABLE_BYTES > 256 << 20:
        page.click("text=Count the rows")
    page.click(".tab >> text=Search")
    page.fill("#pattern", "not in there")
    page.press("#pattern", "Enter")
    expect(page.locator("#job progress")).to_be_visible()
    page.wait_for_timeout(400)
    judge.look(page, "progress")
    page.click("#job >> text=Stop")
    expect(page.locator("[role=alert]")).to_contain_text("stopped")
    page.click(".tab >> text=Rows")
    expect(page.locator(".rows tbody tr")).to_have_count(50)
    expect(page.locator(".file-facts strong")).to_contain_text("rows", timeout=LONG)
    page.fill("#row-number", str(TABLE_BYTES // 1000))
    page.press("#row-number", "Enter")
    expect(page.locator(".record")).to_be_visible()
    context.close()
    path.unlink()
    assert QUICK or seconds < OPEN_SECONDS_MAX, seconds
    return seconds


def keys(judge, files):
    """The page works by keys alone, and an archive or a table can be dropped."""
    context = judge.context()
    page = context.new_page()
    page.goto(judge.place)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    text = (files / "faulty.jsonl").read_text()
    page.evaluate("""(text) => {
        const data = new DataTransfer();
        data.items.add(new File([text], "dropped.jsonl"));
        window.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }""", text)
    expect(page.locator("h1")).to_have_text("dropped.jsonl")
    for name in ("Columns", "Search", "Check", "Export", "Rows"):
        page.locator(f".tab >> text={name}").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".tab[aria-current]")).to_have_text(name)
    page.go_back()
    expect(page.locator("h1")).to_have_text("Look into a file")
    context.close()


def main():
    shutil.rmtree(work / "files", ignore_errors=True)
    for name in ("home", "several", "hostile", "refusing", "receiving"):
        shutil.rmtree(work / name, ignore_errors=True)
    packed = len(gzip.compress((bundle / "alimentar.js").read_bytes(), 9))
    assert QUICK or packed < MODULE_BYTES_MAX, packed
    fixtures = Fixtures(program, work)
    fixtures.tables()
    fixtures.archives()
    refused = fixtures.refused()
    large = fixtures.large(LARGE_MB)
    volumes = fixtures.volumes()
    assert len(volumes) > 1, volumes
    words = ["--json", "registry", "serve", "--bind", "127.0.0.1", "--port", "0", "--no-mdns", "--http", "0", "--web", str(bundle)]
    node = subprocess.Popen([program, *words], env=fixtures.environment, stdout=subprocess.PIPE, text=True)

    def stop():
        node.terminate()
        node.wait()

    try:
        http = json.loads(node.stdout.readline())["http"] + "/open/"
        launch = {"executable_path": shutil.which("chromium") or shutil.which("chromium-browser"), "args": ["--no-sandbox"]}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**launch)
            expect.set_options(timeout=LONG if QUICK else 20_000)
            seen = views_seen = 0
            for name, place in (("file", (bundle / "index.html").as_uri()), ("http", http)):
                judge = Judge(browser, place, work)
                looks = (("light", 1280), ("dark", 390)) if name == "file" else (("dark", 1280), ("light", 390))
                for scheme, width in looks:
                    context = judge.context(color_scheme=scheme, viewport={"width": width, "height": 900})
                    views(judge, context.new_page(), fixtures.files, f"-{scheme}-{width}")
                    context.close()
                assert not judge.faults, "\n".join(map(str, judge.faults[:30]))
                answers(judge, fixtures)
                seen = refusals(judge, fixtures, [*refused, volumes[0]], volumes)
                registry(judge, playwright, launch, fixtures)
                keys(judge, fixtures.files)
                views_seen += judge.views
            closed = closed_tab(judge, playwright, launch, large)
            no_room(judge, fixtures, large)
            opened = gigabyte(judge)
            rate = verification_rate(judge, large, fixtures.answer("info", "noise")["size_bytes"])
            assert not judge.faults, "\n".join(map(str, judge.faults[:30]))
            offline(judge, fixtures.files, stop)
            browser.close()
    finally:
        if node.poll() is None:
            stop()
    print(f"web: {views_seen} views without a fault from a disk and from a node, least contrast {judge.least:.1f}; {seen} archives refused in the words of import; "
          f"tabs closed in an import kept {closed}; {TABLE_BYTES // 1_000_000} MB open in {opened:.2f} s; {rate:.0f} MB/s are verified; {packed:,} bytes in gzip")


if __name__ == "__main__":
    main()
