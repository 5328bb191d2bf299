#!/bin/sh
# Collections of documents beside zippy_data, redb, fjall, SQLite, LMDB and RocksDB, in turns in one run:
# benches/documents.sh [N] [DIR]
# N documents of 200 bytes (1,000,000). DIR is on the disk that is measured (a new directory under target/), and
# wants 30 times their bytes for 1,000,000 documents, 4 times for 10,000,000. Prints a table in Markdown: medians of
# TURNS runs (3). STORES chooses some, PROFILE=dev builds without optimising. Wheels go into target/documents-venv.
set -eu
cd "$(dirname "$0")/.."
count=${1:-1000000}
turns=${TURNS:-3}
profile=${PROFILE:-bench}
stores=${STORES:-"alimentar redb fjall zippy_data sqlite lmdb rocksdb"}
mkdir -p target
dir=${2:-$(mktemp -d target/documents-bench.XXXXXX)}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
venv=target/documents-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import lmdb, rocksdict' 2>/dev/null || "$venv/bin/pip" install --quiet lmdb rocksdict

# Builds a program and prints its path.
built() {
    cargo "$@" --message-format json-render-diagnostics |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1
}
own=$(built bench --no-default-features --features documents --bench documents --no-run --profile "$profile")
case $profile in dev) peers_profile=dev ;; *) peers_profile=release ;; esac
peers=$(built build --manifest-path benches/documents_peers/Cargo.toml --target-dir target/documents-peers \
    --profile "$peers_profile")

figures=$dir/figures
: >"$figures"
"$own" make all "$dir" "$count"
run() {
    case $1 in
    alimentar | redb | disk) "$own" "$1" "$2" "$dir" "$count" ;;
    fjall | zippy_data) "$peers" "$1" "$2" "$dir" "$count" ;;
    *) "$venv/bin/python" benches/documents.py "$1" "$2" "$dir" "$count" ;;
    esac >>"$figures"
}
turn=0
while [ "$turn" -lt "$turns" ]; do
    turn=$((turn + 1))
    echo "turn $turn of $turns" >&2
    run disk all
    for store in $stores; do
        for stage in write read update; do
            echo "  $store $stage" >&2
            run "$store" "$stage"
        done
        rm -rf "${dir:?}/$store"
    done
done
"$venv/bin/python" benches/documents.py table "$figures" "$count"
[ -n "${2:-}" ] || rm -rf "$dir"
