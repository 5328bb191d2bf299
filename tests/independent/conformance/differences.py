"""The table of `spec/rows.md`: what may differ, where, and why."""

from collections import Counter
from fnmatch import fnmatchcase

HEADING = "| files | what differs | reason |"


class Table:
    def __init__(self, page):
        with open(page, encoding="utf-8") as file:
            lines = iter(file.read().split("\n"))
        for line in lines:
            if line.strip() == HEADING:
                break
        else:
            raise SystemExit(f"{page} has no table '{HEADING}'")
        next(lines)
        self.rows = []
        for line in lines:
            if not line.startswith("|"):
                break
            cells = [cell.strip().strip("`").replace("\\|", "|") for cell in line.strip().strip("|").split(" | ")]
            if len(cells) != 3 or not all(cells):
                raise SystemExit(f"{page}: not three cells: {line}")
            self.rows.append(cells)
        self.matched = Counter()

    def allows(self, path, what):
        """Whether a row of the table has this difference. A pattern without a slash is one for the name of the file."""
        allowed = False
        for n, (files, pattern, _) in enumerate(self.rows):
            name = path if "/" in files else path.rsplit("/", 1)[-1]
            if any(fnmatchcase(name, one) for one in files.split("` `")) and fnmatchcase(what, pattern):
                self.matched[n] += 1
                allowed = True
        return allowed

    def unmatched(self):
        return [row for n, row in enumerate(self.rows) if not self.matched[n]]
