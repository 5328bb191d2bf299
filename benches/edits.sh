#!/bin/sh
# Edits without a copy: 1,000 cells of a dataset are changed at random and committed, beside `verify` of the dataset and
# `index` of the edited file: benches/edits.sh FILE.jsonl [ROUNDS]
# needs: a release build (or ALIMENTAR=PROGRAM), python3, and four times the size of the file on the disk of TMPDIR.
# Prints a table in Markdown: medians of ROUNDS (3), each of which edits the version that the one before has made.
set -eu
file=$(realpath "${1:?FILE.jsonl}")
rounds=${2:-3}
root=$(cd "$(dirname "$0")/.." && pwd)
program=${ALIMENTAR:-$root/target/release/alimentar}
[ -x "$program" ] || { echo "build it first: cargo build --release" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - "$program" "$work" "$file" "$rounds" <<'PY'
import json, os, random, resource, shutil, statistics, subprocess, sys, time

program, work, file, rounds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
home, other = f"{work}/home", f"{work}/other"
with open(file, "rb") as lines:
    column = next(iter(json.loads(next(lines))))
    rows = 1 + sum(1 for _ in lines)


def run(home, *words):
    """Seconds of wall time and of processor time of a command, and its answer."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([program, "--home", home, "--json", *words], capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{words[:3]}: {done.stderr}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, json.loads(done.stdout or "{}")


def packs(home):
    sizes = (os.path.getsize(f"{at}/{name}") for at, _, names in os.walk(f"{home}/packs") for name in names)
    return sum(sizes)


run(home, "registry", "index", file, "--name", "d")
figures = {name: [] for name in ("edit", "commit", "verify", "wall", "cpu", "stored", "stored_by_index")}
for turn in range(rounds):
    chosen = random.Random(turn).sample(range(rows), 1000)
    sets = [word for n in chosen for word in ("--set", f"{n}.{column}=edit {turn} of row {n}")]
    edit = run(home, "inspect", "edit", "d", *sets)
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(home, other)
    run(other, "inspect", "edits", "apply", "d", "-o", f"{work}/edited.jsonl")
    before = packs(home)
    commit = run(home, "registry", "commit", "d")
    stored = packs(home) - before
    verify = min((run(home, "registry", "verify", "d") for _ in range(2)), key=lambda v: v[0])
    before = packs(other)
    run(other, "registry", "index", f"{work}/edited.jsonl", "--name", "d")
    stored_by_index = packs(other) - before
    ids = [run(at, "registry", "resolve", "d")[2] for at in (home, other)]
    if ids[0]["content_id"] != ids[1]["content_id"]:
        sys.exit(f"the content ids differ: {ids}")
    os.remove(f"{work}/edited.jsonl")
    for name, value in zip(figures, (edit[0], commit, verify, commit[0] / verify[0], commit[1] / verify[1], stored, stored_by_index)):
        figures[name].append(value)
middle = {name: statistics.median(values) for name, values in figures.items() if name not in ("commit", "verify")}
seconds = {name: [statistics.median(v[at] for v in figures[name]) for at in (0, 1)] for name in ("commit", "verify")}
print(f"{os.path.getsize(file) / 1e6:.0f} MB, {rows} rows, {time.strftime('%Y-%m-%d')}, {os.cpu_count()} processors:\n")
print("| | |\n|---|---|")
print(f"| `inspect edit`, 1,000 values in one command | {middle['edit']:.2f} s |")
for name in seconds:
    print(f"| `registry {name}`, wall and processor time | {seconds[name][0]:.2f} s, {seconds[name][1]:.2f} s |")
print(f"| `commit` / `verify`, wall time (at most 1.2) | {middle['wall']:.2f} |")
print(f"| `commit` / `verify`, processor time | {middle['cpu']:.2f} |")
print(f"| bytes in packs, new by `commit` | {middle['stored']:,.0f} |")
print(f"| bytes in packs, new by `index` of the edited file (half of `commit` at least) | {middle['stored_by_index']:,.0f} |")
PY
