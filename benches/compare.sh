#!/usr/bin/env bash
# Times ingest into an empty store, and taking out again, for alimentar and for borg, restic and
# casync. Seconds, page cache warm.
# usage: benches/compare.sh FILE [RUNS]
set -euo pipefail
# Peers come from Debian's packages; without the right to install, those that are there are used.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q borgbackup restic casync bc >/dev/null 2>&1 || true
fi
file=$(realpath "${1:?FILE}"); runs=${2:-3}
cd "$(dirname "$0")/.."
cargo build --release --quiet
bin=$PWD/target/release/alimentar
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_BASE_DIR="$work/borg-base"
cat "$file" >/dev/null
timed() { # what, command
    local start end
    start=$(date +%s.%N); bash -c "$2" >/dev/null 2>&1; end=$(date +%s.%N)
    printf '%-20s %6.2f s\n' "$1" "$(echo "$end - $start" | bc)"
}
for ((run = 0; run < runs; run++)); do
    rm -rf "$work"/*
    timed "alimentar in" "$bin --home $work/a registry index $file --name f"
    timed "alimentar out" "$bin --home $work/a registry checkout f $work/out-a"
    if command -v borg >/dev/null; then
        for codec in lz4 zstd; do
            borg init -e none "$work/b-$codec"
            timed "borg $codec in" "borg create -C $codec $work/b-$codec::a $file"
            timed "borg $codec out" "borg extract --stdout $work/b-$codec::a >$work/out-b"
        done
    fi
    if command -v restic >/dev/null; then
        restic init -q -r "$work/r"
        timed "restic in" "restic -r $work/r backup $file"
        timed "restic out" "restic -r $work/r dump latest $file >$work/out-r"
    fi
    if command -v casync >/dev/null; then
        timed "casync in" "casync make --store=$work/c.castr $work/c.caibx $file"
    fi
    du -sm "$work"/a "$work"/b-* "$work"/r "$work"/c.castr 2>/dev/null || true
done
