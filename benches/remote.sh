#!/usr/bin/env bash
# First rows and whole scans over HTTP, beside DuckDB (httpfs), pyarrow (fsspec) and curl. nginx counts requests and bytes.
# usage: benches/remote.sh PROGRAM PYTHON [MEGABYTES]   (PYTHON has pyarrow, fsspec, aiohttp and, if wanted, duckdb with httpfs)
set -euo pipefail
program=$(realpath "$1") python=$2 megabytes=${3:-1000}
work=$(mktemp -d)
trap 'kill "$nginx" 2>/dev/null; rm -rf "$work"' EXIT
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
mkdir -p "$work/www" "$work/home"
chmod 700 "$work/home"
"$python" - "$work/www" "$megabytes" <<'PY'
import hashlib, json, os, sys
import pyarrow as pa, pyarrow.parquet as pq
directory, megabytes = sys.argv[1], int(sys.argv[2])
rows = megabytes * 1000
chunk = 50_000
writer = None
with open(f"{directory}/rows.jsonl", "w") as lines:
    for start in range(0, rows, chunk):
        n = min(chunk, rows - start)
        text = [os.urandom(430).hex() for _ in range(n)]
        table = pa.table({"id": pa.array(range(start, start + n)), "label": [t[:2] for t in text], "text": text})
        if writer is None:
            writer = pq.ParquetWriter(f"{directory}/rows.parquet", table.schema, compression="none", use_dictionary=["label"])
        writer.write_table(table)
        lines.writelines(f'{{"id":{start + i},"label":"{t[:2]}","text":"{t}"}}\n' for i, t in enumerate(text))
writer.close()
PY
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
user=$([ "$(id -u)" = 0 ] && echo 'user root;' || true)
cat >"$work/nginx.conf" <<CONF
$user daemon off; pid $work/pid; error_log $work/error.log; worker_processes 1; events {}
http { sendfile on; log_format counted '\$body_bytes_sent'; access_log $work/access.log counted;
client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c; uwsgi_temp_path $work/d; scgi_temp_path $work/e;
server { listen 127.0.0.1:$port; root $work/www; } }
CONF
nginx -p "$work" -c "$work/nginx.conf" &
nginx=$!
until curl -sfo /dev/null "http://127.0.0.1:$port/rows.parquet" -r 0-0; do sleep 0.1; done
url=http://127.0.0.1:$port
printf '%-34s %-10s %9s %9s %12s\n' task by seconds requests bytes
measure() {
    local task=$1 by=$2 began ended
    shift 2
    : >"$work/access.log"
    rm -rf "$work/home/cache"
    began=$(date +%s.%N)
    "$@" >/dev/null 2>"$work/errors" || { printf '%-34s %-10s failed: %s\n' "$task" "$by" "$(tail -n 1 "$work/errors")"; return; }
    ended=$(date +%s.%N)
    sleep 0.3
    awk -v t="$task" -v b="$by" -v s="$began" -v e="$ended" '{ n++; sum += $1 } END { printf "%-34s %-10s %9.2f %9d %12d\n", t, b, e - s, n, sum }' "$work/access.log"
}
ours() { "$program" --home "$work/home" "$@"; }
stat -c '%n %s bytes' "$work"/www/*
measure 'first 10 rows, Parquet' alimentar ours inspect lines "$url/rows.parquet" --count 10
measure 'first 10 rows, Parquet' duckdb "$python" -c "import duckdb; duckdb.sql(\"INSTALL httpfs; LOAD httpfs; SELECT * FROM '$url/rows.parquet' LIMIT 10\").fetchall()"
measure 'first 10 rows, Parquet' pyarrow "$python" -c "
import fsspec, pyarrow.parquet as pq
f = pq.ParquetFile(fsspec.filesystem('http').open('$url/rows.parquet'))
next(f.iter_batches(10)).to_pylist()"
measure 'one column, Parquet' alimentar ours inspect search "$url/rows.parquet" zz --column label --count
measure 'one column, Parquet' pyarrow "$python" -c "
import fsspec, pyarrow.parquet as pq
pq.read_table(fsspec.filesystem('http').open('$url/rows.parquet'), columns=['label'])"
measure 'first 10 rows, JSONL' alimentar ours inspect lines "$url/rows.jsonl" --count 10
measure 'search --count, JSONL' alimentar ours inspect search "$url/rows.jsonl" 'abcdef' --count
measure 'to /dev/null, JSONL' curl curl -so /dev/null "$url/rows.jsonl"
measure 'search --count, local JSONL' alimentar ours inspect search "$work/www/rows.jsonl" 'abcdef' --count
