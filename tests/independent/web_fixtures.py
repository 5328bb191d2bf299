"""Files for the judge of the page that opens files: tables, archives as they should be, and archives that are refused."""

import gzip
import json
import os
import subprocess

HOSTILE = "\"'><script>document.title='broken'</script><img src=x onerror=document.title='broken'>\u202e"
ROWS = 1200


class Fixtures:
    """A home with a key, and a directory of files that the program made."""

    def __init__(self, program, work):
        self.program, self.work = os.path.abspath(program), work
        self.files = work / "files"
        self.files.mkdir(parents=True)
        self.home = work / "home"
        self.environment = {**os.environ, "ALIMENTAR_HOME": str(self.home), "ALIMENTAR_PASSPHRASE": "page"}

    def run(self, *words, home=None, check=True, cwd=None):
        environment = {**self.environment, "ALIMENTAR_HOME": str(home or self.home)}
        if home:
            environment.pop("ALIMENTAR_PASSPHRASE", None)
        return subprocess.run([self.program, *map(str, words)], env=environment, check=check, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=cwd)

    def answer(self, *words, **options):
        return json.loads(self.run("--json", *words, **options).stdout)

    def refusal(self, archive):
        """The error of an import into a new registry: message and hint."""
        home = self.work / "refusing" / archive.name
        # The name alone: messages name the archive as it was given.
        ended = self.run("--json", "import", archive.name, "--no-receipt", home=home, check=False, cwd=archive.parent)
        assert ended.returncode != 0, (archive, ended.stdout)
        return json.loads(ended.stderr.strip().splitlines()[-1])["error"]

    def index(self, path, name, *more):
        self.run("-q", "index", path, "--name", name, *more)

    def export(self, name, *more, to):
        path = self.files / to
        self.run("-q", "export", name, *more, "-o", path)
        return path

    def tables(self):
        rows = [{"n": n, "price": round(n ** 1.5, 2), "city": ["Oslo", "Lima", "Pune"][n * n % 3], "note": "straw " * (n % 9) + str(n), "long": 12345678901234567890 + n,
                 "maybe": None if n % 4 else n, "list": [n, {"k": n + 1}]} for n in range(ROWS)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.files / "prices.jsonl").write_text(text)
        (self.files / "prices.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        (self.files / "faulty.jsonl").write_text('{"a": 1}\n{"a": 2\n{"a": "x"}\n')
        (self.files / "hostile.jsonl").write_text(json.dumps({HOSTILE: HOSTILE, "messages": [{"role": HOSTILE, "content": HOSTILE}], "long": "x" * 3000}) + "\n")
        (self.files / "wide.csv").write_text("\n".join([",".join(f"column_{n}" for n in range(80))] + [",".join(str(n * m) for m in range(80)) for n in range(60)]) + "\n")
        (self.files / "notes.txt").write_text("first note\nsecond note\n")
        simple = self.files / "simple.jsonl"
        simple.write_text("".join(json.dumps({"n": n, "city": f"city {n % 7}"}) + "\n" for n in range(ROWS)))
        for ending in ("parquet", "arrow"):
            self.run("-q", "inspect", "export", simple, "-o", self.files / f"simple.{ending}")

    def archives(self):
        self.key = self.run("-q", "keygen", "--name", "lab-a").stdout.strip()
        several = self.work / "several"
        several.mkdir()
        (several / "README.md").write_text(
            "---\nlicense: MIT\n---\n# Prices of things\n\nPrices in three cities, **by hand**. See [the rest](https://data.example/).\n\n#### How\n\n1. look\n2. write\n\n"
            "| city | rows |\n|:-----|-----:|\n| Oslo | 400 |\n\n```python\nprint('hello')\n```\n\n[x](javascript:alert(1)) ![p](https://data.example/p.png)\n")
        (several / "prices.jsonl").write_bytes((self.files / "prices.jsonl").read_bytes())
        (several / "cities.csv").write_text("city,country,people\nOslo,Norway,717710\nLima,Peru,10092000\nPune,India,\n")
        (several / "noise.bin").write_bytes(bytes(range(256)) * 40)
        self.index(several, "prices", "--version", "1.0.0", "--license", "CC-BY-4.0", "--tag", "economy", "--sign")
        self.export("prices@1.0.0", to="signed.alimentar")
        self.index(self.files / "simple.jsonl", "simple", "--version", "1.0.0", "--tag", "plain")
        self.export("simple@1.0.0", to="unsigned.alimentar")
        self.export("--all", to="two.alimentar")
        hostile = self.work / "hostile"
        hostile.mkdir()
        (hostile / "rows.jsonl").write_bytes((self.files / "hostile.jsonl").read_bytes())
        (hostile / "README.md").write_text(f"# {HOSTILE}\n\n{HOSTILE}\n\n[x](javascript:alert(1))\n\n<iframe src=x></iframe>\n")
        self.index(hostile, "hostile", "--description", HOSTILE, "--tag", HOSTILE.split("\u202e")[0][:60])
        self.export("hostile", to="hostile.alimentar")

    def refused(self):
        """Archives that an import into a new registry refuses."""
        whole = (self.files / "signed.alimentar").read_bytes()
        changed = bytearray(whole)
        changed[len(whole) // 2] ^= 1
        made = {"flipped": bytes(changed), "cut": whole[: len(whole) // 2], "longer": whole + b"more", "text": b"no archive\n", "empty": b""}
        for name, content in made.items():
            (self.files / f"{name}.alimentar").write_bytes(content)
        self.run("-q", "export", "prices@1.0.0", "--encrypt", "-o", self.files / "sealed.alimentar")
        edited = self.work / "edited.jsonl"
        lines = (self.files / "simple.jsonl").read_text().splitlines()
        lines[500] = '{"n": 500, "city": "elsewhere"}'
        edited.write_text("\n".join(lines) + "\n")
        self.index(edited, "simple", "--version", "2.0.0")
        self.export("simple@2.0.0", "--since", "simple@1.0.0", to="delta.alimentar")
        names = [*made, "sealed", "delta"]
        return [self.files / f"{name}.alimentar" for name in names]

    def large(self, megabytes):
        """An archive whose bytes do not compress, and a table of a gigabyte."""
        import random

        words = random.Random(7)
        path = self.work / "noise.jsonl"
        with path.open("w") as out:
            for n in range(megabytes * 4):
                out.write(json.dumps({"n": n, "noise": words.randbytes(128 << 10).hex()}) + "\n")
        self.index(path, "noise", "--version", "1.0.0")
        path.unlink()
        return self.export("noise", to="large.alimentar")

    def volumes(self):
        """The large archive again, over several files, of which one alone is refused."""
        self.run("-q", "export", "noise", "--split", "9437184", "-o", self.files / "split.alimentar")
        return sorted(self.files.glob("split.alimentar.*"))
