"""The program under test, run once for each command."""

import json
import os
import re
import subprocess

# What an error that a person reads never has: a panic, and values as Rust prints them for its authors.
DEBUG = re.compile(
    r"panicked|NYI|Not yet implemented|RUST_BACKTRACE|\b(?:Some|None|Ok|Err)\(|\bOs \{|\bcode: \d|[a-z_]+\.rs:\d|\b[A-Z][A-Za-z]+(?:Error)? ?\{|"
    r"\b[A-Z][a-z]+[A-Za-z]*\(\"|\bunwrap\b|src/"
)
CODES = {0, 1, 2, 3, 4, 5, 6, 7}


class Answer:
    """What a command came to."""

    def __init__(self, words, code, out, errors):
        self.words, self.code, self.errors = words, code, errors
        self.told = self.error = None
        if out.strip():
            try:
                self.told = json.loads(out)
            except ValueError:
                self.told = None
        for line in errors.splitlines():
            if line.startswith('{"error"'):
                self.error = json.loads(line)["error"]

    @property
    def fault(self):
        """What no command may do, whatever it is given."""
        if self.code not in CODES:
            return f"ended with {self.code}: {self.errors[-200:]}"
        told = self.error["message"] + (self.error.get("hint") or "") if self.error else self.errors
        if found := DEBUG.search(told):
            return f"Rust's own words: …{told[max(found.start() - 40, 0):found.end() + 60]}"
        if self.code not in (0, 1, 7) and self.error is None:
            return f"code {self.code} without an error: {self.errors[-200:]}"
        if self.code == 0 and self.told is None:
            return "code 0 and no answer"
        return None


class Program:
    """The program, with a home of its own."""

    def __init__(self, path, home):
        self.path = path
        self.runs = 0
        self.environment = {"PATH": os.environ.get("PATH", ""), "ALIMENTAR_HOME": home, "RAYON_NUM_THREADS": "1"}

    def inspect(self, *words):
        self.runs += 1
        command = [self.path, "--json", "--quiet", "inspect", *map(str, words)]
        out = subprocess.run(command, capture_output=True, env=self.environment, timeout=300)
        return Answer(words, out.returncode, out.stdout.decode("utf-8", "replace"), out.stderr.decode("utf-8", "replace"))
