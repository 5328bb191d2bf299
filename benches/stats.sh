#!/bin/sh
# Statistics of a file of JSON Lines beside DuckDB's SUMMARIZE of the same file, in turns in one run,
# with the same number of threads: benches/stats.sh FILE [THREADS]. DuckDB is installed into a
# virtual environment under target/.
set -eu
file=$1
threads=${2:-$(nproc)}
venv=target/stats-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import duckdb' 2>/dev/null || "$venv/bin/pip" install --quiet duckdb
cargo bench --no-default-features --features inspect --bench stats --no-run
for turn in 1 2 3; do
    cargo bench --quiet --no-default-features --features inspect --bench stats -- "$file" "$threads" |
        grep -E '^(scan|stats):'
    "$venv/bin/python" - "$file" "$threads" <<'PY'
import sys, time, duckdb
file, threads = sys.argv[1:]
db = duckdb.connect()
db.execute(f"set threads to {threads}")
start = time.time()
rows = db.execute("summarize select * from read_json_auto(?)", [file]).fetchall()
print(f"duckdb: {time.time() - start:.3f} s, {len(rows)} columns")
PY
done
