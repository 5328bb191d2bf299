"""Checks of the registry in the browser: imports, closed tabs, quotas, and use without a server."""

import pathlib
import shutil
import time

from playwright.sync_api import expect

from web_judge import LONG, is_intact, open_file


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
    profile = judge.work / f"profile-{len(judge.place)}"
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
            expect(page.locator("main >> text=is here already")).to_be_visible()
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


def verification_rate(judge, large, data_bytes):
    """The bytes of data a second, in MB, that the page verifies."""
    context = judge.context()
    page = context.new_page()
    page.goto(judge.place)
    rates = []
    for _ in range(3):
        open_file(page, large)
        expect(page.locator("h1")).to_have_text("noise 1.0.0")
        expect(page.locator(".verdict .badge.good")).to_have_text("intact", timeout=LONG)
        seconds = float(page.locator(".verdict .note").inner_text().rsplit(" in ", 1)[1].split(" ")[0])
        rates.append(data_bytes / 1e6 / seconds)
        page.click("#site >> text=Open")
    context.close()
    return max(rates)


def closed_tab(judge, playwright, launch, large):
    """A tab that is closed during an import leaves all of the archive or nothing."""
    profile, seen = judge.work / f"closing-{len(judge.place)}", []
    needed = None
    for part in (None, 0.2, 0.6, 0.8, 0.9, 0.95, 1.0):
        context = playwright.chromium.launch_persistent_context(str(profile), **launch)
        page = context.new_page()
        if held(page, judge.place):
            page.click("[aria-label^='Remove']")
            page.keyboard.press("Enter")
            expect(page.locator("#held li")).to_have_count(0)
        began = time.monotonic()
        page.set_input_files("#import", str(large))
        if part is None:
            expect(page.locator("#held li")).to_have_count(1, timeout=LONG)
            needed = time.monotonic() - began
        else:
            time.sleep(part * needed)
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
    bytes_ = large.stat().st_size
    for quota in (bytes_ * 3 // 4, bytes_ // 3):
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
        judge.look(page, f"no-room-{'little' if quota * 2 < bytes_ else 'almost'}")
        page.reload()
    assert not judge.faults, judge.faults
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
