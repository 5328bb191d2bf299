"""Runs the Python blocks of a page. `python page.py write PAGE` fills in their outputs."""

import contextlib
import doctest
import io
import re
import sys
import traceback

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
FLAGS = doctest.ELLIPSIS


def examples(text):
    """Return the examples of all blocks, each with its first line in the page."""
    found = []
    for block in BLOCK.finditer(text):
        first = text[: block.start(1)].count("\n")
        for example in doctest.DocTestParser().get_examples(block[1]):
            example.lineno += first
            found.append(example)
    return found


def check(path):
    """Run a page, and return the number of failures and of examples."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    page = doctest.DocTest(examples(text), {"__name__": "__main__"}, path, path, 0, None)
    results = doctest.DocTestRunner(optionflags=FLAGS).run(page)
    return results.failed, results.attempted


def write(path):
    """Run a page, and fill in the outputs."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    names = {"__name__": "__main__"}

    def filled(block):
        lines = []
        for example in doctest.DocTestParser().get_examples(block[1]):
            code = example.source.rstrip("\n").split("\n")
            lines += [f"{'...' if n else '>>>'} {line}".rstrip() for n, line in enumerate(code)]
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                try:
                    exec(compile(example.source, path, "single"), names)
                except Exception:
                    traceback.print_exc()
            lines += out.getvalue().splitlines()
        return "```python\n" + "\n".join(lines) + "\n```"

    with open(path, "w", encoding="utf-8") as file:
        file.write(BLOCK.sub(filled, text))


if __name__ == "__main__":
    {"check": check, "write": write}[sys.argv[1]](sys.argv[2])
