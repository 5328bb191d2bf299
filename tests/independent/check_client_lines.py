"""The lines that the page and `serve --print-client` give for each client, run as they stand, against the original rows.

usage: check_client_lines.py PROGRAM WORKDIR [--need=NAME]…
A client that is not installed is named as left out. `--need=NAME` makes that an error.
"""

import csv
import html
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request

program, work = sys.argv[1], pathlib.Path(sys.argv[2])
needed = {word.removeprefix("--need=") for word in sys.argv[3:]}
environment = {**os.environ, "ALIMENTAR_HOME": str(work / "home"), "ALIMENTAR_PASSPHRASE": "lines"}
# Clients of S3 find what they need in the lines alone. rclone cannot load a bundle of certificates that is named here.
environment = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
ROWS = 1200
# After the lines of a client: the number of rows that it read.
COUNTS = {
    "datasets": "print('ROWS', sum(split.num_rows for split in dataset.values()))",
    "pandas": "print('ROWS', len(frame))",
    "polars": "print('ROWS', frame.height)",
    "pyarrow": "print('ROWS', table.num_rows)",
    "dask": "print('ROWS', len(frame))",
    "ray": "print('ROWS', rows.count())",
    "spark": "print('ROWS', frame.count())",
}
# Packages that the lines of a client need, where they are not the one of its name. DuckDB's extension comes with a package here.
PACKAGES = {"pandas": ("pandas", "huggingface_hub"), "duckdb": ("duckdb", "duckdb_extension_httpfs"), "dask": ("dask", "s3fs"),
            "spark": ("pyspark",)}


def run(*words):
    return subprocess.run([program, "-q", *words], env=environment, check=True, capture_output=True, text=True).stdout


def prepare():
    shutil.rmtree(work, ignore_errors=True)
    data = work / "data"
    data.mkdir(parents=True)
    rows = [{"n": n, "price": n * 1.5, "note": f"straw {n}"} for n in range(ROWS)]
    (data / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with open(data / "rows.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    run("inspect", "export", str(data / "rows.jsonl"), "-o", str(data / "rows.parquet"))
    for ending in ("parquet", "jsonl", "csv"):
        run("index", str(data / f"rows.{ending}"), "--name", f"rows-{ending}", "--version", "1.0.0")
    return data


def lines_of(base, dataset):
    """The lines of each client, from the page."""
    with urllib.request.urlopen(f"{base}/connect?dataset={urllib.parse.quote(dataset)}") as answer:
        page = answer.read().decode()
    found = re.findall(r'<section id="(\w+)".*?<pre[^>]*><code>(.*?)</code>', page, re.DOTALL)
    return {client: html.unescape(lines) for client, lines in found}


def is_here(client):
    if client == "spark" and client not in needed:
        return False  # Its jars for S3 come from Maven's repository.
    if client in ("hf", "aws", "rclone", "curl"):
        return shutil.which(client) is not None
    return all(importlib.util.find_spec(package) for package in PACKAGES.get(client, (client,)))


def python(code, place):
    shown = subprocess.run([sys.executable, "-c", code], env={**environment, "HF_HOME": str(place / "cache")}, cwd=place,
                           capture_output=True, text=True)
    assert shown.returncode == 0, f"{code}\n{shown.stdout}{shown.stderr[-3000:]}"
    return shown.stdout


def duckdb_rows(lines):
    import duckdb

    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    spec = importlib.util.find_spec("duckdb_extension_httpfs")
    extension = next(pathlib.Path(spec.submodule_search_locations[0]).rglob("httpfs.duckdb_extension"))
    lines = lines.replace("INSTALL httpfs; LOAD httpfs;", f"LOAD '{extension}';")
    return len(connection.execute(lines.replace("LIMIT 10", "LIMIT 1000000")).fetchall())


def check(client, lines, ending, data):
    place = work / f"{client}-{ending}"
    place.mkdir()
    original = data / f"rows.{ending}"
    if client in ("hf", "aws", "rclone", "curl"):
        shown = subprocess.run(["bash", "-ec", lines], env={**environment, "HF_HOME": str(place / "cache")}, cwd=place,
                               capture_output=True, text=True)
        assert shown.returncode == 0, f"{lines}\n{shown.stdout}{shown.stderr[-3000:]}"
        copies = [path for path in place.rglob(original.name) if path.is_file()]
        assert copies and copies[0].read_bytes() == original.read_bytes(), (client, copies)
    elif client == "boto3":
        python(lines, place)
        assert (place / original.name).read_bytes() == original.read_bytes()
    elif client == "s3fs":
        assert original.name in python(lines, place)
    elif client == "duckdb":
        assert duckdb_rows(lines) == ROWS
    else:
        shown = python(f"{lines}\n{COUNTS[client]}", place)
        assert f"ROWS {ROWS}" in shown, shown


def main():
    data = prepare()
    words = ["--json", "registry", "serve", "--bind", "127.0.0.1", "--port", "0", "--no-mdns", "--share-unsigned", "--http", "0", "--s3", "0"]
    node = subprocess.Popen([program, *words], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        ready = json.loads(node.stdout.readline())
        checked, missing = 0, set()
        for ending in ("parquet", "jsonl", "csv"):
            for client, lines in lines_of(ready["http"], f"local/rows-{ending}@1.0.0").items():
                if not is_here(client):
                    missing.add(client)
                    continue
                check(client, lines, ending, data)
                checked += 1
    finally:
        node.terminate()
        node.wait()
    assert not needed & missing, needed & missing
    print(f"client lines: {checked} runs read the original rows; not here: {', '.join(sorted(missing)) or 'none'}")


main()
