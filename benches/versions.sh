#!/usr/bin/env bash
# What a second version of a file costs beside the first: bytes stored anew (packs, index), seconds of
# taking it in and out, beside a registry that has nothing. For alimentar, and for those of borg, restic
# and casync that are installed. DIR holds the first version, A-*.jsonl, and others in delta/.
# usage: benches/versions.sh DIR
set -euo pipefail
dir=$(realpath "${1:?DIR}")
cd "$(dirname "$0")/.."
cargo build --release --quiet
bin=${CARGO_TARGET_DIR:-$PWD/target}/release/alimentar
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_BASE_DIR="$work/borg-base" RESTIC_CACHE_DIR="$work/restic-cache"
has() { command -v "$1" >/dev/null; }
size() { du -s --apparent-size -B1 "$1" | cut -f1; }
timed() { # command; seconds in $took
    local start; start=$(date +%s.%N)
    bash -c "$1" >/dev/null 2>&1
    took=$(echo "$(date +%s.%N) - $start" | bc)
}
row() { printf '%-28s %-12s %14s %14s %8s %8s %8s\n' "$@"; }
first=$(ls "$dir"/A-*.jsonl | head -1)
into() { echo "$bin --home $1 --quiet registry index $2 --name f"; }
cat "$first" >/dev/null
bash -c "$(into "$work/a" "$first")" >/dev/null
if has borg; then
    borg init -e none "$work/borg"; borg create -C zstd "$work/borg::a" "$first"
fi
if has restic; then
    restic init -q -r "$work/restic"; ln "$first" "$work/f" 2>/dev/null || cp "$first" "$work/f"
    restic -q -r "$work/restic" backup "$work/f"; rm "$work/f"
fi
if has casync; then casync make --store="$work/casync.castr" "$work/a.caibx" "$first" >/dev/null; fi
row version tool 'packs, bytes' 'index, bytes' 'in, s' 'alone, s' 'out, s'
for file in "$dir"/delta/*; do
    name=$(basename "$file"); cat "$file" >/dev/null
    cp -a "$work/a" "$work/b"
    packs=$(size "$work/b/packs"); index=$(size "$work/b/registry.redb")
    timed "$(into "$work/empty" "$file")"; alone=$took
    timed "$(into "$work/b" "$file")"; in=$took
    packs=$(($(size "$work/b/packs") - packs)); index=$(($(size "$work/b/registry.redb") - index))
    timed "$bin --home $work/b registry checkout f $work/out"
    cmp "$work/out" "$file"
    row "$name" alimentar "$packs" "$index" "$in" "$alone" "$took"
    rm -rf "$work/b" "$work/empty" "$work/out"
    for tool in borg restic casync; do
        has "$tool" || continue
        case $tool in
            borg) store=$work/borg; run="borg create -C zstd $work/borg::$name $file" ;;
            restic) store=$work/restic; run="restic -q -r $work/restic backup $file" ;;
            casync) store=$work/casync.castr; run="casync make --store=$store $work/$name.caibx $file" ;;
        esac
        # A copy, so that no version profits from another.
        cp -a "$store" "$store.kept"; before=$(size "$store")
        timed "$run"
        row "$name" "$tool" "$(($(size "$store") - before))" - "$took" - -
        rm -rf "$store"; mv "$store.kept" "$store"
    done
done
