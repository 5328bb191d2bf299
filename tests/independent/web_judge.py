"""The judge of views of the page that opens files, and the steps that several checks have."""

import os
import pathlib
import re

from playwright.sync_api import expect

FAULTS = (pathlib.Path(__file__).parent / "page_faults.js").read_text()
# The page has sections in place of parts, one style, and fields whose style the screenshots touch.
EXPECTED = re.compile(r'^(link to no part: <a (class="brand" )?href="#(open|registry|keys)"|an element that no page has|attribute style: .*style="")')
# A module without optimisation has no size and no speed to be judged.
QUICK = bool(os.environ.get("ALIMENTAR_WEB_QUICK"))
# A module takes long to read all of a file, and longer without optimisation.
LONG = 240_000


class Judge:
    def __init__(self, browser, place, work):
        self.browser, self.place, self.work = browser, place, work
        self.views, self.least, self.faults = 0, 21.0, []

    def watch(self, context):
        self.problems = []
        context.on("console", lambda m: m.type in ("error", "warning") and self.problems.append(f"console: {m.text}"))
        context.on("weberror", lambda e: self.problems.append(f"error: {e.error}"))
        context.on("request", lambda r: r.url.startswith((self.place.rsplit("/", 1)[0] + "/", "blob:", "data:")) or self.problems.append(f"request to {r.url}"))
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
        page.screenshot(path=str(self.work / f"{name}.png"))


def open_file(page, path):
    page.set_input_files("#file", str(path))


def is_intact(page):
    expect(page.locator(".verdict .badge.good")).to_have_text("intact", timeout=LONG)
