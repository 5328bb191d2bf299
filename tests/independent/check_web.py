"""The page that opens files in the browser, in headless Chromium: from a disk and from a node, dark and light, wide and narrow.

usage: check_web.py PROGRAM BUNDLE WORKDIR
Each view is checked for errors on the console, requests, names of fields, headings and the contrast of its texts. Refusals have the
words of the command line. Screenshots are left in WORKDIR.
"""

import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from playwright.sync_api import expect, sync_playwright

from web_fixtures import ROWS, Fixtures

program, bundle, work = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
FAULTS = (pathlib.Path(__file__).parent / "page_faults.js").read_text()
# The page has sections in place of parts, one style, and fields whose style the screenshots touch.
EXPECTED = re.compile(r'^(link to no part: <a (class="brand" )?href="#(open|registry|keys)"|an element that no page has|attribute style: .*style="")')
# A module without optimisation has no size and no speed to be judged.
QUICK = bool(os.environ.get("ALIMENTAR_WEB_QUICK"))
MODULE_BYTES_MAX = 3_000_000
OPEN_SECONDS_MAX = 1.0
LARGE_MB = 12 if QUICK else 96
TABLE_BYTES = 40_000_000 if QUICK else 1_000_000_000
# A module takes long to read all of a file, and longer without optimisation.
LONG = 240_000


class Judge:
    def __init__(self, browser, place):
        self.browser, self.place = browser, place
        self.views, self.least, self.faults = 0, 21.0, []

    def watch(self, context):
        self.problems = []
        context.on("console", lambda m: m.type in ("error", "warning") and self.problems.append(f"console: {m.text}"))
        context.on("weberror", lambda e: self.problems.append(f"error: {e.error}"))
        context.on("request", lambda r: r.url.startswith((self.place, "blob:", "data:")) or self.problems.append(f"request to {r.url}"))
        return context

    def context(self, **options):
        return self.watch(self.browser.new_context(accept_downloads=True, **options))

    def look(self, page, name):
        found = page.evaluate(FAULTS)
        faults = [fault for fault in found["faults"] if not EXPECTED.match(fault)]
        self.faults += [(name, fault) for fault in faults + self.problems]
        self.problems.clear()
        self.views += 1
        self.least = min(self.least, found["least"])
        assert page.locator("img,iframe,object,embed").count() == 0
        page.screenshot(path=str(work / f"{name}.png"))


def open_file(page, path):
    page.set_input_files("#file", str(path))


def is_intact(page):
    expect(page.locator(".verdict .badge.good")).to_have_text("intact", timeout=LONG)


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
    open_file(page, files / "broken.jsonl")
    page.click(".tab >> text=Check")
    page.click("text=Check all rows")
    expect(page.locator(".count")).to_contain_text("3 rows: 1 error, 1 warning, 0 notes")
    judge.look(page, f"check{mark}")
    for name in ("signed", "two", "hostile"):
        open_file(page, files / f"{name}.alimentar")
        is_intact(page)
        judge.look(page, f"archive-{name}{mark}")
    open_file(page, files / "signed.alimentar")
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
        info = fixtures.answer("inspect", "info", files / name)
        expect(page.locator(".file-facts")).to_contain_text(f"{info['rows']:,}".replace(",", "\u202f") + " rows")
        page.click(".tab >> text=Search")
        page.fill("#pattern", "7")
        page.press("#pattern", "Enter")
        wanted = fixtures.run("inspect", "search", files / name, "7", "--count").stdout.strip()
        expect(page.locator(".count")).to_contain_text("match")
        if "there are more" in page.locator(".count").inner_text():
            page.click("text=Search on from row")
            expect(page.locator(".count")).not_to_contain_text("there are more")
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


def refusals(judge, fixtures, refused):
    """The page refuses what an import refuses, with its words."""
    context = judge.context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(judge.place)
    for archive in refused:
        error = fixtures.refusal(archive)
        open_file(page, archive)
        note = page.locator("[role=alert]")
        expect(note).to_contain_text(error["message"])
        if error["hint"] and archive.stem not in ("sealed", "delta", "volume"):
            expect(note).to_contain_text(error["hint"])
        assert page.locator("text=Keep in this browser").count() == 0
        judge.look(page, f"refused-{archive.stem}")
        page.click("#site >> text=Registry")
        page.set_input_files("#import", str(archive))
        expect(page.locator("[role=alert]")).to_contain_text(error["message"])
        expect(page.locator(".datasets li")).to_have_count(0)
    assert not judge.problems, judge.problems
    context.close()
    return len(refused)


def held(page, place):
    """Opens the registry and returns the names of its archives."""
    page.goto(place)
    page.goto(place + "#registry")
    page.reload()
    expect(page.locator("h1")).to_have_text("Registry of this browser")
    expect(page.locator(".count")).to_contain_text("archive")
    return page.locator("#held h2").all_inner_texts()


def registry(judge, playwright, launch, fixtures):
    """An import survives the browser; export gives the same bytes; search, verification and removal work."""
    profile = work / f"profile-{len(judge.place)}"
    files = fixtures.files
    for turn in range(2):
        context = judge.watch(playwright.chromium.launch_persistent_context(str(profile), accept_downloads=True, **launch))
        page = context.new_page()
        names = held(page, judge.place)
        if turn == 0:
            assert names == [], names
            page.set_input_files("#import", [str(files / "signed.alimentar"), str(files / "unsigned.alimentar")])
            expect(page.locator("#held li")).to_have_count(2)
            page.set_input_files("#import", str(files / "signed.alimentar"))
            expect(page.locator(".note")).to_contain_text("is here already")
            expect(page.locator("#held li")).to_have_count(2)
        else:
            assert sorted(names) == ["prices 1.0.0", "simple 1.0.0"], names
            page.fill("#q", "economy")
            expect(page.locator("#held h2")).to_have_text(["prices 1.0.0"])
            with page.expect_download() as download:
                page.click("[aria-label='Export prices 1.0.0']")
            assert pathlib.Path(download.value.path()).read_bytes() == (files / "signed.alimentar").read_bytes()
            page.click("[aria-label='Verify prices 1.0.0']")
            expect(page.locator("#held .badge.good")).to_have_text("intact")
            page.click("#held h2 button")
            is_intact(page)
            page.click("#site >> text=Registry")
            page.click("[aria-label='Remove prices 1.0.0']")
            page.keyboard.press("Enter")
            expect(page.locator("#held h2")).to_have_text(["simple 1.0.0"])
            page.fill("#q", "nothing-of-the-kind")
            expect(page.locator("#held")).to_contain_text("Nothing matches")
        assert not judge.problems, judge.problems
        context.close()


def closed_tab(judge, playwright, launch, large):
    """A tab that is closed during an import leaves all of the archive or nothing."""
    profile, seen = work / f"closing-{len(judge.place)}", []
    for pause in (0.05, 0.3, 0.6, 1.0, 1.6, 2.5):
        context = playwright.chromium.launch_persistent_context(str(profile), **launch)
        page = context.new_page()
        if held(page, judge.place):
            page.click("[aria-label^='Remove']")
            page.keyboard.press("Enter")
            expect(page.locator("#held li")).to_have_count(0)
        page.set_input_files("#import", str(large))
        time.sleep(pause)
        page.close()
        page = context.new_page()
        names = held(page, judge.place)
        assert names in ([], ["noise 1.0.0"]), names
        if names:
            page.click("[aria-label^='Verify']")
            expect(page.locator("#held .badge.good")).to_have_text("intact", timeout=LONG)
        seen.append(len(names))
        context.close()
    shutil.rmtree(profile)
    return seen


def no_room(judge, fixtures, large):
    """An archive beyond the quota is refused in words, and nothing of it stays."""
    context = judge.context()
    page = context.new_page()
    page.goto(judge.place)
    tools = context.new_cdp_session(page)
    origin = "/".join(judge.place.split("/")[:3])
    for quota in (60 << 20, 20 << 20):
        tools.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": quota})
        page.click("#site >> text=Registry")
        page.set_input_files("#import", str(large))
        expect(page.locator("[role=alert]")).to_contain_text("the browser has no room for this archive: it needs", timeout=LONG)
        expect(page.locator("#held li")).to_have_count(0)
        # The estimate may be wrong: then the browser itself says no.
        page.evaluate("navigator.storage.estimate = async () => ({ quota: 1e12, usage: 0 })")
        page.set_input_files("#import", str(large))
        expect(page.locator("[role=alert]")).to_contain_text("the browser has no room for this archive", timeout=LONG)
        expect(page.locator("#held li")).to_have_count(0)
        judge.look(page, f"no-room-{quota >> 20}")
        page.reload()
    assert not judge.faults, judge.faults
    context.close()


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
    text = (files / "broken.jsonl").read_text()
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


def offline(judge, files, stop):
    """Once it was there, the page works without its server."""
    context = judge.context()
    page = context.new_page()
    page.goto(judge.place)
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    stop()
    page.reload()
    open_file(page, files / "simple.parquet")
    expect(page.locator(".rows tbody tr")).to_have_count(50)
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
                judge = Judge(browser, place)
                looks = (("light", 1280), ("dark", 390)) if name == "file" else (("dark", 1280), ("light", 390))
                for scheme, width in looks:
                    context = judge.context(color_scheme=scheme, viewport={"width": width, "height": 900})
                    views(judge, context.new_page(), fixtures.files, f"-{scheme}-{width}")
                    context.close()
                assert not judge.faults, "\n".join(map(str, judge.faults[:30]))
                answers(judge, fixtures)
                seen = refusals(judge, fixtures, refused)
                registry(judge, playwright, launch, fixtures)
                keys(judge, fixtures.files)
                views_seen += judge.views
            closed = closed_tab(judge, playwright, launch, large)
            no_room(judge, fixtures, large)
            opened = gigabyte(judge)
            assert not judge.faults, "\n".join(map(str, judge.faults[:30]))
            offline(judge, fixtures.files, stop)
            browser.close()
    finally:
        if node.poll() is None:
            stop()
    print(f"web: {views_seen} views without a fault from a disk and from a node, least contrast {judge.least:.1f}; {seen} archives refused in the words of import; "
          f"tabs closed in an import kept {closed}; {TABLE_BYTES // 1_000_000} MB open in {opened:.2f} s; {packed:,} bytes in gzip")


if __name__ == "__main__":
    main()
