"""Every file of the directories, and of a zoo that is made here, through `inspect info`, `stats`, `lint`, `export` to
each format and back, `filter`, `sample`, `split`, `merge` and `dedup`; compared value by value and type by type with
pyarrow, DuckDB, csv and json. What may differ stands in a table of `spec/rows.md`.

usage: conformance PROGRAM spec/rows.md [--zoo] [--whole DIRECTORY] [--every] [--only PART] [--all] [DIRECTORY…]"""

import argparse
import hashlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter

import duckdb

from checks import WRITING
from checks import Check
from differences import Table
from program import Program

state = {}


def begin(path, inside):
    """What each of the processes has of its own."""
    duckdb.execute("set threads = 1")
    state["work"] = tempfile.mkdtemp(dir=inside)
    state["program"] = Program(path, f"{state['work']}/home")


def one(task):
    name, path, writing, options = task
    work, program = state["work"], state["program"]
    began, runs = time.monotonic(), program.runs
    check = Check(program, path, work, writing, options)
    try:
        check.run()
    except Exception:
        check.differ("this program failed", traceback.format_exc()[-560:])
    check.counted["commands"] = program.runs - runs
    return name, check.differences, check.counted, time.monotonic() - began


def files_below(root):
    for directory, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            yield os.path.relpath(path, root), path


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("page")
    options.add_argument("--zoo", action="store_true")
    options.add_argument("--whole", action="append", default=[], help="a directory of many files; one writing command each")
    options.add_argument("--every", action="store_true", help="every writing command for those, too")
    options.add_argument("--only", default="", help="files whose path has this in it")
    options.add_argument("--all", action="store_true", help="differences that the table has, too")
    options.add_argument("directories", nargs="*")
    args = options.parse_intermixed_args()
    sys.stdout.reconfigure(errors="backslashreplace")
    table = Table(args.page)
    began = time.monotonic()
    work = tempfile.mkdtemp(prefix="conformance-")
    tasks = []
    if args.zoo:
        import zoo

        zoo.make(f"{work}/zoo")
        for name, path in files_below(f"{work}/zoo"):
            tasks.append((f"zoo/{name}", path, WRITING, zoo.SAID.get(name, (None, []))[1]))
    for root in args.directories:
        tasks += [(name, path, WRITING, []) for name, path in files_below(root)]
    for root in args.whole:
        # Of many files, each goes through one of the commands that all have the same account of rows.
        for name, path in files_below(root):
            turn = hashlib.sha256(name.encode()).digest()[0] % len(WRITING)
            tasks.append((name, path, WRITING if args.every else [WRITING[turn]], []))
    tasks = [t for t in tasks if args.only in t[0]]
    tasks.sort(key=lambda t: -os.path.getsize(t[1]))
    counted, allowed, wrong, slow = Counter(), 0, [], []
    with multiprocessing.Pool(2, begin, (args.program, work)) as pool:
        for name, differences, counts, seconds in pool.imap_unordered(one, tasks):
            counted += counts
            slow.append((seconds, name))
            for what, detail in differences:
                if table.allows(name, what) and not args.all:
                    allowed += 1
                else:
                    wrong.append(name)
                    print(f"DIFFERENT {name}: {what}: {detail}", flush=True)
    shutil.rmtree(work, ignore_errors=True)
    print(f"conformance: {len(tasks)} files in {time.monotonic() - began:.0f} s, {allowed} differences that the table has")
    print("  " + ", ".join(f"{count} {what}" for what, count in sorted(counted.items())))
    unmatched = table.unmatched() if args.whole and not args.only else []
    for row in unmatched:
        print(f"a row of the table that nothing matched: {' | '.join(row)}")
    if os.environ.get("CONFORMANCE_SLOW"):
        print(sorted(slow)[-10:])
    sys.exit(1 if wrong or unmatched else 0)


if __name__ == "__main__":
    main()
