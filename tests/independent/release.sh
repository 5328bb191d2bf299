#!/usr/bin/env bash
# Makes a release of a built program twice, and takes it with the tools of others: sha256sum, tar, dpkg-deb,
# man and securesystemslib.
# usage: release.sh PROGRAM PYTHON
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$1 python=$2
for tool in dpkg-deb sha256sum man bash; do command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 1; }; done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ALIMENTAR_PASSPHRASE="a release's own"
public=$("$program" --home "$work/home" -q registry keygen -o "$work/key")
for turn in first second; do
    contrib/release.sh -b "$program" -k "$work/key" -o "$work/$turn" >"$work/said"
done
for file in "$work"/first/*; do
    # A signature has its time in it.
    [ "${file##*.}" = json ] || cmp "$file" "$work/second/$(basename "$file")"
done
(cd "$work/first" && sha256sum --quiet -c SHA256SUMS)
"$python" tests/independent/check_dsse.py "$work/first/SHA256SUMS.intoto.json" "$public" "$work/first"

mkdir "$work/unpacked"
tar xf "$work"/first/*.tar.gz -C "$work/unpacked" --strip-components=1
cmp "$program" "$work/unpacked/alimentar"
dpkg-deb -x "$work"/first/*.deb "$work/root"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[ "$(dpkg-deb -f "$work"/first/*.deb Version)" = "$version" ]
[ "$("$work/root/usr/bin/alimentar" --version)" = "alimentar $version" ]
man -l --warnings "$work/root/usr/share/man/man1/alimentar-registry-index.1.gz" >"$work/page" 2>"$work/warnings"
grep -q -- --licen "$work/page"
[ ! -s "$work/warnings" ] || { cat "$work/warnings" >&2; exit 1; }
bash -n "$work/root/usr/share/bash-completion/completions/alimentar"
echo "sha256sum, securesystemslib, tar, dpkg-deb and man agree about a release"
