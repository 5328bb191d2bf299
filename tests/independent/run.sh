#!/usr/bin/env bash
# Checks what the program writes with programs that were not written here. Needs python3 and PyPI.
# usage: tests/independent/run.sh PROGRAM
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "${1:-target/release/alimentar}")
venv="${CARGO_TARGET_DIR:-$PWD/target}/independent"
python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r tests/independent/requirements.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ALIMENTAR_HOME="$work/home" ALIMENTAR_PASSPHRASE="grün & blau"

public=$("$program" -q registry keygen)
"$venv/bin/python" tests/independent/check_signing.py spec/vectors/signing.json \
    "$ALIMENTAR_HOME/key.enc" "$ALIMENTAR_PASSPHRASE" "$public"

"$program" -q registry index tests/data --name data --sign >/dev/null
"$program" registry sign data --format in-toto -o "$work/data.intoto.json"
"$venv/bin/python" tests/independent/check_dsse.py "$work/data.intoto.json" "$public" tests/data
