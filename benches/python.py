"""The Python package beside pyarrow, polars and datasets, in one run on one machine. Prints tables in Markdown.

python benches/python.py ROWS.jsonl ROWS.parquet [TURNS]

The package must be installed, and pyarrow, polars and datasets beside it. Each figure is the median of TURNS (5) runs in a
process of its own, after one run that is not counted, so that files are in memory. Programs take turns.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

SETUP = "import os, sys, time; file, name, row = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
# Each prints seconds and a number that the others of its table must have too.
SCANS = {
    "parquet": {
        "alimentar": "import alimentar, pyarrow\nds = alimentar.open(name)\nbegan = time.perf_counter()\n"
        "rows = sum(len(b) for b in pyarrow.RecordBatchReader.from_stream(ds.scan()))",
        "pyarrow": "import pyarrow.parquet as pq\nbegan = time.perf_counter()\n"
        "rows = sum(len(b) for b in pq.ParquetFile(file).iter_batches())",
        "pyarrow, dataset": "import pyarrow.dataset as ds\nbegan = time.perf_counter()\n"
        "rows = sum(len(b) for b in ds.dataset(file).to_batches())",
        "polars": "import polars\nbegan = time.perf_counter()\nrows = len(polars.read_parquet(file))",
    },
    "jsonl": {
        "alimentar": "import alimentar, pyarrow\nds = alimentar.open(name)\nbegan = time.perf_counter()\n"
        "rows = sum(len(b) for b in pyarrow.RecordBatchReader.from_stream(ds.scan()))",
        "alimentar, the plain file": "import alimentar, pyarrow\nbegan = time.perf_counter()\n"
        "rows = sum(len(b) for b in pyarrow.RecordBatchReader.from_stream(alimentar.open(file).scan()))",
        "pyarrow": "import pyarrow.json\nbegan = time.perf_counter()\nrows = len(pyarrow.json.read_json(file))",
        "polars": "import polars\nbegan = time.perf_counter()\nrows = len(polars.read_ndjson(file))",
    },
}
ROW = {
    "alimentar": "import alimentar\nds = alimentar.open(name)\nbegan = time.perf_counter()\nfound = ds[row]",
    "datasets, streaming": "import datasets\ndatasets.disable_progress_bars()\n"
    "ds = datasets.load_dataset('json', data_files=file, split='train', streaming=True)\nbegan = time.perf_counter()\n"
    "found = next(iter(ds.skip(row)))",
}
IMPORTS = ["alimentar", "pyarrow", "polars", "pandas"]


def run(code, *arguments):
    """Return what a program prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", SETUP + code, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def medians(programs, turns, arguments, shown):
    """Return the median seconds of each program, which take turns."""
    times, answers = {}, {}
    for turn in range(turns + 1):
        for name, code in programs.items():
            code += f"\nspent = time.perf_counter() - began\nimport json\nprint(json.dumps([spent, {shown}]))"
            spent, answer = run(code, *arguments)
            if turn:
                times.setdefault(name, []).append(spent)
            answers[name] = answer
    if len({json.dumps(a, sort_keys=True) for a in answers.values()}) != 1:
        raise SystemExit(f"answers differ: {answers}")
    return {name: statistics.median(found) for name, found in times.items()}


def table(title, found, unit=1.0, digits=2):
    own = found["alimentar"]
    print(f"\n| {title} | | / alimentar |\n|---|---|---|")
    for name, seconds in found.items():
        print(f"| {name} | {seconds * unit:,.{digits}f} | {seconds / own:,.2f} |")
    sys.stdout.flush()


def main(jsonl, parquet, turns):
    """Measure and print."""
    import alimentar

    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as home:
        os.environ["ALIMENTAR_HOME"] = os.path.join(home, "registry")
        os.environ["HF_HOME"] = os.path.join(home, "hf")
        alimentar.index(jsonl, name="lines", license="MIT")
        alimentar.index(parquet, name="columns", license="MIT")
        count = len(alimentar.open("lines"))
        print(f"{os.path.getsize(jsonl) / 1e9:.2f} GB of JSON Lines and {os.path.getsize(parquet) / 1e9:.2f} GB of Parquet, "
              f"{count:,} rows; {os.cpu_count()} processors")
        table("scan of the Parquet dataset, s", medians(SCANS["parquet"], turns, (parquet, "columns", 0), "rows"))
        table("scan of the JSON Lines dataset, s", medians(SCANS["jsonl"], turns, (jsonl, "lines", 0), "rows"))
        row = count * 7 // 10
        title = f"row {row:,} of the JSON Lines dataset, ms"
        table(title, medians(ROW, turns, (jsonl, "lines", row), "sorted(found)"), 1e3)
        imports = {name: f"began = time.perf_counter()\nimport {name}" for name in IMPORTS}
        table("import, ms", medians(imports, turns * 3, ("-", "-", 0), "0"), 1e3, 0)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 5)
