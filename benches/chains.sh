#!/usr/bin/env bash
# What a chain of versions takes on disk when each is stored after the other: for alimentar and for
# borg, restic and casync. The files of DIR, in order of name, are the
# versions.
# usage: benches/chains.sh DIR
set -euo pipefail
# Peers come from Debian's packages; without the right to install, those that are there are used.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q borgbackup restic casync bc >/dev/null 2>&1 || true
fi
dir=$(realpath "${1:?DIR}")
cd "$(dirname "$0")/.."
cargo build --release --quiet
bin=$PWD/target/release/alimentar
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_BASE_DIR="$work/borg-base"
has() { command -v "$1" >/dev/null; }
if has borg; then for c in lz4 zstd; do borg init -e none "$work/borg-$c"; done; fi
mkdir "$work/casync"
if has restic; then restic init -q -r "$work/restic"; fi
raw=0
for file in "$dir"/*; do
    [ -f "$file" ] || continue
    raw=$((raw + $(stat -c %s "$file"))); n=$(basename "$file")
    "$bin" --home "$work/alimentar" --quiet registry index "$file" --name chain >/dev/null
    if has borg; then for c in lz4 zstd; do borg create -C "$c" "$work/borg-$c::$n" "$file"; done; fi
    if has restic; then restic -q -r "$work/restic" backup "$file"; fi
    if has casync; then casync make --store="$work/casync/store.castr" "$work/casync/$n.caibx" "$file" >/dev/null; fi
done
printf '%-12s %12d bytes raw\n' "$(basename "$dir")" "$raw"
for tool in alimentar borg-lz4 borg-zstd restic casync; do
    [ -d "$work/$tool" ] || continue
    disk=$(du -s --apparent-size -B1 "$work/$tool" | cut -f1)
    printf '%-12s %12d bytes  %7.2f x\n' "$tool" "$disk" "$(echo "$raw / $disk" | bc -l)"
done
