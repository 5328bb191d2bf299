#!/usr/bin/env bash
# What a chain of versions takes on disk when each is stored after the other: for alimentar (all of its
# home, and the packs alone; and all files as one dataset, taken in at once) and for borg, restic, casync, git (each version a commit, then
# `gc --aggressive`) and zstd (the first version whole, each later one as `--patch-from` the one before,
# level 19). The files of DIR, in order of name, are the versions.
# usage: benches/chains.sh DIR      ALIMENTAR=BINARY
set -euo pipefail
# Peers come from Debian's packages; without the right to install, those that are there are used.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q borgbackup restic casync git zstd bc >/dev/null 2>&1 || true
fi
dir=$(realpath "${1:?DIR}")
cd "$(dirname "$0")/.."
if [ -z "${ALIMENTAR:-}" ]; then cargo build --release --quiet; fi
bin=${ALIMENTAR:-${CARGO_TARGET_DIR:-$PWD/target}/release/alimentar}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=bench BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_BASE_DIR="$work/borg-base"
has() { command -v "$1" >/dev/null; }
if has borg; then for c in lz4 zstd; do borg init -e none "$work/borg-$c"; done; fi
mkdir "$work/casync" "$work/zstd"
if has restic; then restic init -q -r "$work/restic"; fi
if has git; then git init -q "$work/git"; fi
raw=0 before=
for file in "$dir"/*; do
    [ -f "$file" ] || continue
    raw=$((raw + $(stat -c %s "$file"))); n=$(basename "$file")
    "$bin" --home "$work/alimentar" --quiet registry index "$file" --name chain >/dev/null
    if has borg; then for c in lz4 zstd; do borg create -C "$c" "$work/borg-$c::$n" "$file"; done; fi
    if has restic; then restic -q -r "$work/restic" backup "$file"; fi
    if has casync; then casync make --store="$work/casync/store.castr" "$work/casync/$n.caibx" "$file" >/dev/null; fi
    if has git; then
        cp "$file" "$work/git/data"; git -C "$work/git" add data
        git -C "$work/git" -c user.name=b -c user.email=b commit -q -m "$n" --allow-empty
    fi
    if has zstd; then
        patch=(); [ -z "$before" ] || patch=(--patch-from="$before")
        zstd -q -19 --long=27 "${patch[@]}" "$file" -o "$work/zstd/$n.zst" 2>/dev/null
    fi
    before=$file
done
# All of them come back.
for version in $("$bin" --home "$work/alimentar" --json registry log chain | grep -o '"version":"[^"]*"' | cut -d'"' -f4); do
    "$bin" --home "$work/alimentar" --quiet registry verify "chain@$version" >/dev/null
done
"$bin" --home "$work/at-once" --quiet registry index "$dir" --name chain >/dev/null
"$bin" --home "$work/at-once" --quiet registry verify chain >/dev/null
if has git; then
    git -C "$work/git" gc -q --aggressive --prune=now; mv "$work/git/.git/objects" "$work/git-objects"
    rm -rf "$work/git"; mv "$work/git-objects" "$work/git"
fi
printf '%-15s %12d bytes raw\n' "$(basename "$dir")" "$raw"
line() {
    local disk; disk=$(du -s --apparent-size -B1 "$2" | cut -f1)
    printf '%-15s %12d bytes  %7.2f x\n' "$1" "$disk" "$(echo "$raw / $disk" | bc -l)"
}
line alimentar "$work/alimentar"
line "its packs" "$work/alimentar/packs"
line "at once" "$work/at-once"
line "its packs" "$work/at-once/packs"
for tool in borg-lz4 borg-zstd restic casync git zstd; do
    case $tool in git | zstd | casync) has "$tool" || continue ;; esac
    [ -d "$work/$tool" ] && line "$tool" "$work/$tool"
done
