"""What is compared about one file. A difference is a pair: what differs, in words of the table of `spec/rows.md`, and
the detail."""

import os
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq

import figures
import kinds
import sources
from sources import Refused
from sources import Unknown
from sources import Unreadable
from values import Pairs
from values import Skipped
from values import loose
from values import same
from values import same_cell

ENDINGS = {"csv": "csv", "json": "jsonl", "jsonl": "jsonl", "text": "txt", "parquet": "parquet", "arrow": "arrow"}
WRITING = ["filter", "sample", "split", "merge", "dedup"]


def format_of(told, path):
    """What this program calls a format."""
    told = told.split(".")[0]
    if told == "bytes":
        return "json" if path.removesuffix(".gz").endswith(".json") else "text"
    return {"tsv": "csv", "arrow stream": "arrow"}.get(told, told)


class Check:
    """One file, with the options that say how it is written."""

    def __init__(self, program, path, work, writing=WRITING, options=()):
        # Of files without types, Arrow files are written as Parquet files are, from the same columns.
        self.every = len(writing) == len(WRITING)
        self.program, self.path, self.work, self.writing = program, path, work, writing
        self.options = options
        self.differences = []
        self.counted = Counter()
        self.source = None

    def differ(self, what, detail):
        self.differences.append((what, str(detail)[:600]))

    def run(self):
        info = self.ours("info", self.path)
        if info.told is None:
            self.unreadable(info)
            return
        self.format = format_of(info.told["format"], self.path)
        self.dialect = info.told["dialect"] or {}
        self.counted[f"files of {self.format}"] += 1
        try:
            self.source = sources.read(self.path, self.format, self.dialect)
        except Unknown:
            self.counted["files that pyarrow has no types for"] += 1
            return
        except Unreadable as error:
            lint = self.ours("lint", self.path)
            if lint.code not in (1, 4):
                self.differ("read, where others refuse", error)
            return
        self.is_without_columns = not self.source.names and all(row == {} for row in self.source.rows)
        self.info(info.told)
        figures.compare(self, self.ours("stats", self.path))
        self.lint(self.ours("lint", self.path))
        self.exports()
        for command in self.writing:
            self.written(command)

    def ours(self, *words):
        options = self.options if self.path in words else ()
        answer = self.program.inspect(*words, *options)
        if answer.fault:
            self.differ(f"{words[0]}: fault", answer.fault)
        return answer

    def unreadable(self, info):
        """A file that we do not read: others do not either, and every command says so."""
        self.counted["files refused"] += 1
        message = info.error["message"] if info.error else info.errors
        if info.code not in (1, 4) or not message:
            self.differ("info: code of an error", f"{info.code} {message}")
        lint = self.ours("lint", self.path)
        if lint.code == 0:
            self.differ("lint: no finding in what is refused", message)
        for format in ("parquet", "arrow"):
            with open(self.path, "rb") as file:
                start = file.read(6)
            if start.startswith(b"PAR1") == (format == "parquet"):
                try:
                    sources.columnar(self.path, format)
                except (Unreadable, Unknown):
                    continue
                self.differ("refused, where others read", message)

    def info(self, told):
        source = self.source
        self.counted["rows"] += len(source.rows)
        if told["rows"] != len(source.rows):
            self.differ("info: rows", f"{told['rows']}, not {len(source.rows)}")
        fields = [(f["name"], f["type"]) for f in told["schema"]["fields"]] if told["schema"] else []
        kinds.compare(self, fields)
        if source.is_name_lost:
            self.differ("info: names that are not UTF-8", [name for name in source.names if "\ufffd" in name])

    def lint(self, answer):
        if answer.told is None:
            self.differ("lint: no answer", answer.error)
            return
        if answer.told["checked"] != len(self.source.rows) and not self.source.damage:
            self.differ("lint: rows", f"{answer.told['checked']}, not {len(self.source.rows)}")
        found = {rule["rule"]: rule["count"] for rule in answer.told["rules"]}
        if self.format in ("json", "jsonl"):
            wrong = sum(isinstance(row, Refused) for row in self.source.rows)
            told = found["malformed-json"] + found["bad-utf8"]
            if (wrong > 0) != (told > 0):
                self.differ("lint: malformed rows", f"{told}, not {wrong}")

    # Writing

    def exports(self):
        for ending in ("jsonl", "csv", "parquet", "arrow"):
            if ending == "arrow" and not self.every and self.source.table is None:
                continue
            path = f"{self.work}/out.{ending}"
            written = self.write("export", ending, path, self.path)
            if written is None:
                continue
            got = self.compare(f"export {ending}", written, path, ending)
            if got is None or ending not in ("csv", "parquet"):
                continue
            # The way back, through what was just written.
            back = f"{self.work}/back.jsonl"
            header = ["--header", "yes"] if ending == "csv" else []
            again = self.write("export", f"{ending} back", back, path, *header)
            if again is not None:
                self.back(f"export {ending} back", got, again, back)

    def write(self, command, what, path, *words):
        """Runs a command that writes, and holds its account of rows."""
        rejects = f"{self.work}/rejects.jsonl"
        for old in (path, rejects):
            if os.path.isfile(old):
                os.remove(old)
        options = ["--yes", "--nan", "text", "--skip-malformed", "--rejects", rejects]
        answer = self.ours(command, *words, "-o", path, *options)
        told = answer.told
        if told is None:
            self.differ(f"{command} {what}: error", f"{answer.code} {answer.error}")
            return None
        refused = told.get("rows_refused", 0)
        named = sum(1 for _ in open(rejects, "rb")) if os.path.exists(rejects) else 0
        if answer.code != (7 if refused or told.get("left_out") else 0):
            self.differ(f"{command} {what}: code", f"{answer.code} with {refused} rows refused")
        if refused != named:
            self.differ(f"{command} {what}: rows refused", f"{refused} refused, {named} named")
        return told

    def accounted(self, what, told, rows_in, rows_out=None):
        refused = told.get("rows_refused", 0)
        if told["rows_in"] != rows_in:
            self.differ(f"{what}: rows in", f"{told['rows_in']}, not {rows_in}")
        rows_out = rows_in if rows_out is None else rows_out
        if told["rows_out"] + refused != rows_out:
            self.differ(f"{what}: rows", f"{told['rows_out']} and {refused} refused, not {rows_out}")

    def compare(self, what, told, path, ending, times=1):
        """A file that was written of all rows, against the source. The rows of it where they are the same."""
        self.accounted(what, told, len(self.source.rows) * times)
        got = self.reread(what, path, ending)
        if got is None:
            return None
        if len(got.rows) != told["rows_out"]:
            self.differ(f"{what}: rows out", f"{len(got.rows)} in the file, {told['rows_out']} told")
        expected = [self.as_columns(row, ending) for row in self.source.rows * times if not self.refuses(row, ending)]
        if len(expected) != len(got.rows):
            refused = [str(row)[:80] for row in self.source.rows if self.refuses(row, ending)]
            self.differ(f"{what}: rows refused", f"{len(got.rows)} rows, not {len(expected)}; refused {refused[:3]}")
            return None
        if ending != "jsonl" and self.source.names is not None and got.names != self.source.names:
            self.differ(f"{what}: columns", f"{got.names[:8]}, not {self.source.names[:8]}")
            return None
        if self.source.table is not None and got.table is not None:
            kinds.same_schema(self, what, self.source.table.schema, got.table.schema)
        if self.format == "csv" and ending == "parquet":
            kinds.as_duckdb(self, got.table)
        self.same_rows(what, expected, got.rows, ending)
        return got

    def reread(self, what, path, ending):
        dialect = {"delimiter": ",", "quote": '"', "header": True, "names": "as they are"}
        try:
            return sources.read(path, {"txt": "text", "arrows": "arrow"}.get(ending, ending), dialect)
        except (Unreadable, Unknown) as error:
            self.differ(f"{what}: unreadable", error)
            return None

    def refuses(self, row, ending):
        """Whether a format cannot have a row."""
        if isinstance(row, Refused):
            # A row goes as it is into a file of the same kind, if that has no encoding of its own.
            return (self.format, ending) not in (("jsonl", "jsonl"), ("json", "jsonl"), ("text", "txt"))
        if ending not in ("csv", "parquet", "arrow"):
            return False
        # What is nested is JSON with its escapes.
        flat = row.items() if isinstance(row, dict) else row if isinstance(row, Pairs) else [("value", row)]
        half = any(sources.has_half(k) or (isinstance(v, str) and sources.has_half(v)) for k, v in flat)
        return half or (row == {} and self.is_without_columns)

    def as_columns(self, row, ending):
        """A row as a format with columns has it: what is no object is in a column `value`."""
        if ending in ("jsonl", "txt") or isinstance(row, dict | Refused):
            return row
        if isinstance(row, Pairs):
            return dict(zip(sources.unique([k for k, _ in row]), [v for _, v in row]))
        return {"value": row}

    def same_rows(self, what, expected, got, ending):
        if expected == got:
            self.counted[f"values of {ending}"] += sum(len(r) if isinstance(r, dict) else 1 for r in expected)
            return
        compare = same if ending == "jsonl" and self.format != "csv" else same_cell
        if ending in ("parquet", "arrow") and self.source.table is not None:
            compare = same
        for n, (a, b) in enumerate(zip(expected, got)):
            if a == b:
                continue
            if isinstance(a, Refused) and isinstance(b, Refused) and a.is_same(b):
                continue
            if not isinstance(a, dict) or not isinstance(b, dict):
                if isinstance(a, Refused) or not same(a, b):
                    self.differ(f"{what}: values", f"row {n}: {a!r:.150} became {b!r:.150}")
                    return
                continue
            if ending == "jsonl" and self.source.names is None and list(a) != list(b):
                self.differ(f"{what}: keys", f"row {n}: {list(a)[:9]} became {list(b)[:9]}")
                return
            for name in a.keys() | b.keys():
                before, after = a.get(name), b.get(name)
                if before is Skipped or (type(before) is str and before == after):
                    continue
                if not compare(before, after):
                    self.differ(f"{what}: values", f"row {n}, {name!r}: {before!r:.150} became {after!r:.150}")
                    return
        self.counted[f"values of {ending}"] += sum(len(r) if isinstance(r, dict) else 1 for r in expected)

    def back(self, what, first, told, path):
        self.accounted(what, told, len(first.rows))
        got = self.reread(what, path, "jsonl")
        if got is None or len(got.rows) != len(first.rows):
            self.differ(f"{what}: rows out", f"{got and len(got.rows)}, not {len(first.rows)}")
            return
        for n, (a, b) in enumerate(zip(first.rows, got.rows)):
            for name in a:
                if not loose(a[name], b.get(name)):
                    self.differ(f"{what}: values", f"row {n}, {name!r}: {a[name]!r:.150} became {b.get(name)!r:.150}")
                    return
        self.counted["values on the way back"] += len(first.rows) * len(first.names or [])

    def written(self, command):
        """The other commands that write, in the format of the source: rows, columns and values are kept."""
        ending = ENDINGS[self.format]
        rows = len(self.source.rows)
        path = f"{self.work}/{command}.{ending}"
        if command == "filter":
            told = self.write(command, ending, path, self.path, "^")
        elif command == "sample":
            told = self.write(command, ending, path, self.path, "-n", str(max(rows, 1)))
        elif command == "merge":
            told = self.write(command, ending, path, self.path, self.path)
        elif command == "dedup":
            told = self.deduplicated(path)
            return
        else:
            self.split(ending)
            return
        if told is not None:
            self.compare(f"{command} {ending}", told, path, ending, 2 if command == "merge" else 1)

    def deduplicated(self, path):
        answer = self.ours("dedup", self.path, "--exact", "--output", path, "--yes", "--nan", "text",
                           "--skip-malformed")
        told = answer.told
        if told is None:
            self.differ("dedup: error", f"{answer.code} {answer.error}")
            return
        if told["rows"] != len(self.source.rows):
            self.differ("dedup: rows", f"{told['rows']}, not {len(self.source.rows)}")
        if told["unique_rows"] + told["exact_duplicates"] != told["rows"]:
            self.differ("dedup: account", told)
        got = self.reread("dedup", path, ENDINGS[self.format])
        if told["rows_out"] + told["rows_refused"] != told["unique_rows"]:
            self.differ("dedup: rows", f"{told['rows_out']} and {told['rows_refused']} refused, not {told['unique_rows']}")
        if got is not None and len(got.rows) != told["rows_out"]:
            self.differ("dedup: rows out", f"{len(got.rows)} in the file, {told['rows_out']} told")
        if got is not None and self.source.names is not None and got.names != self.source.names:
            self.differ("dedup: columns", f"{got.names[:8]}, not {self.source.names[:8]}")

    def split(self, ending):
        parts = f"{self.work}/parts"
        os.makedirs(parts, exist_ok=True)
        for name in os.listdir(parts):
            os.remove(f"{parts}/{name}")
        answer = self.ours("split", self.path, "--ratios", "50,50", "--no-groups", "-o", parts, "--yes",
                           "--nan", "text", "--skip-malformed")
        told = answer.told
        if told is None:
            self.differ("split: error", f"{answer.code} {answer.error}")
            return
        self.accounted("split", told, len(self.source.rows))
        rows = 0
        for file in told["files"]:
            got = self.reread("split", file["path"], file["path"].rsplit(".", 1)[-1])
            if got is None:
                return
            rows += len(got.rows)
            if got.names != self.source.names and self.source.names is not None:
                self.differ("split: columns", f"{got.names[:8]}, not {self.source.names[:8]}")
        if rows != told["rows_out"]:
            self.differ("split: rows out", f"{rows} in the files, {told['rows_out']} told")
