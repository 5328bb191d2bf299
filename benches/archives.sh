#!/usr/bin/env bash
# What goes over when the versions in DIR (files in order of name) are sent one after the other to
# somebody who has the ones before: alimentar's deltas, xdelta3 against the version before, git
# bundle, and each version whole as `tar | zstd -3`. The first version is sent whole by all.
# usage: benches/archives.sh DIR      ALIMENTAR=BINARY
set -euo pipefail
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -q xdelta3 git zstd >/dev/null 2>&1 || true
fi
dir=$(realpath "${1:?DIR}")
cd "$(dirname "$0")/.."
if [ -z "${ALIMENTAR:-}" ]; then cargo build --release --quiet; fi
bin=${ALIMENTAR:-${CARGO_TARGET_DIR:-$PWD/target}/release/alimentar}
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
has() { command -v "$1" >/dev/null; }
size() { stat -c %s "$1"; }
declare -A first later
count() { # tool, file
    if [ -n "${first[$1]:-}" ]; then later[$1]=$((${later[$1]:-0} + $(size "$2"))); else first[$1]=$(size "$2"); fi
}
git init -q "$work/git"; before=""
for file in "$dir"/*; do
    [ -f "$file" ] || continue
    "$bin" --home "$work/home" --quiet registry index "$file" --name chain >/dev/null
    since=(); [ -z "$before" ] || since=(--since "$held")
    held=$("$bin" --home "$work/home" --quiet registry resolve chain)
    "$bin" --home "$work/home" --quiet registry export "$held" "${since[@]}" -o "$work/a.alimentar" >/dev/null
    count alimentar "$work/a.alimentar"; rm "$work/a.alimentar"
    tar c -C "$dir" "$(basename "$file")" | zstd -q -3 >"$work/t.zst"; count "tar|zstd" "$work/t.zst"
    if has xdelta3; then
        if [ -n "$before" ]; then xdelta3 -f -e -9 -S lzma -s "$before" "$file" "$work/x"; else xdelta3 -f -e -9 -S lzma "$file" "$work/x"; fi
        count xdelta3 "$work/x"
    fi
    cp "$file" "$work/git/data"
    git -C "$work/git" add data
    git -C "$work/git" -c user.name=b -c user.email=b commit -q -m v --allow-empty
    range=HEAD; [ -z "$before" ] || range=HEAD~1..HEAD
    branch=$(git -C "$work/git" symbolic-ref --short HEAD)
    [ "$range" = HEAD ] && range=$branch || range=$branch~1..$branch
    if git -C "$work/git" bundle create -q "$work/g" "$range" 2>/dev/null; then count git-bundle "$work/g"; fi
    before=$file
done
printf '%-14s %12s %12s\n' "$(basename "$dir")" first later
for tool in alimentar xdelta3 git-bundle "tar|zstd"; do
    [ -n "${first[$tool]:-}" ] || continue
    printf '%-14s %12d %12d\n' "$tool" "${first[$tool]}" "${later[$tool]:-0}"
done
