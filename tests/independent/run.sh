#!/usr/bin/env bash
# Checks what the program writes with programs that were not written here. Needs python3, PyPI and npm's registry.
# usage: tests/independent/run.sh PROGRAM
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "${1:-target/release/alimentar}")
venv="${CARGO_TARGET_DIR:-$PWD/target}/independent"
python3 -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check -r tests/independent/requirements.txt
work=$(mktemp -d)
conformance=
trap 'kill $conformance 2>/dev/null || true; rm -rf "$work"' EXIT
export ALIMENTAR_HOME="$work/home" ALIMENTAR_PASSPHRASE="grün & blau"

# Every file through every command, as pyarrow, DuckDB, csv and json have it: files that are made, files that are kept
# here, and all of the public files where they lie beside the project. It takes one core, and so do the others.
public_files=()
if [ -d ../shared/data ]; then
    public_files=(--whole ../shared/data)
else
    echo "../shared/data is not there: its files are not compared"
fi
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" tests/independent/conformance "$program" spec/rows.md --zoo "${public_files[@]}" tests/data \
    >"$work/conformance.log" 2>&1 &
conformance=$!

public=$("$program" -q registry keygen)
"$venv/bin/python" tests/independent/check_signing.py spec/vectors/signing.json \
    "$ALIMENTAR_HOME/key.enc" "$ALIMENTAR_PASSPHRASE" "$public"
"$venv/bin/python" tests/independent/check_filter.py spec/vectors/filter.txt

"$program" -q registry index tests/data --name data --sign >/dev/null
"$program" registry sign data --format in-toto -o "$work/data.intoto.json"
"$venv/bin/python" tests/independent/check_dsse.py "$work/data.intoto.json" "$public" tests/data

# A Croissant description, beside the files that it describes.
"$program" -q registry index tests/data/gsm8k --name gsm8k --license MIT >/dev/null
"$program" -q registry checkout gsm8k "$work/beside" >/dev/null
"$program" registry card gsm8k --croissant >"$work/beside/croissant.json"
(cd "$work/beside" && "$venv/bin/python" "$OLDPWD/tests/independent/check_croissant.py" croissant.json \
    test.jsonl/rows 1319)

# The same of names with white space and other characters that no `@id` has.
mkdir -p "$work/spaced/my dir"
printf 'my col,b#c\n1,x\n2,y\n' >"$work/spaced/my dir/a b.csv"
"$program" -q registry index "$work/spaced" --name spaced --license MIT >/dev/null
"$program" registry card spaced --croissant >"$work/spaced/croissant.json"
(cd "$work/spaced" && "$venv/bin/python" "$OLDPWD/tests/independent/check_croissant.py" croissant.json \
    'my~20dir/a~20b.csv/rows' 2)

# An archive through stock tools: as it is, and encrypted both ways.
for tool in zstd tar age; do command -v "$tool" >/dev/null || { echo "$tool is needed" >&2; exit 1; }; done
"$program" -q registry export data -o "$work/data.alimentar"
mkdir "$work/unpacked"
zstd -q -dc "$work/data.alimentar" | tar x -C "$work/unpacked"
"$venv/bin/python" spec/restore.py "$work/unpacked" "$work/restored"
diff -r tests/data "$work/restored"

# A delta, whose differences zstd puts to the base.
mkdir "$work/chain"
seq 1 90000 | sed 's/.*/{"n":&,"text":"line & of the first version"}/' >"$work/chain/d.jsonl"
"$program" -q registry index "$work/chain/d.jsonl" --name d --version 1.0.0 >/dev/null
"$program" -q registry export d@1.0.0 -o "$work/d1.alimentar"
sed '0~997s/first/second/' "$work/chain/d.jsonl" >"$work/chain/d2.jsonl"
"$program" -q registry index "$work/chain/d2.jsonl" --name d --version 2.0.0 >/dev/null
"$program" -q registry export d@2.0.0 --since d@1.0.0 -o "$work/d2.alimentar"
for n in 1 2; do
    zstd -q -dc "$work/d$n.alimentar" | tar x -C "$work/chain"
    "$venv/bin/python" spec/restore.py "$work/chain" "$work/restored-$n"
done
ls "$work/chain/data/"*.difference >/dev/null
cmp "$work/restored-1" "$work/chain/d.jsonl"
cmp "$work/restored-2" "$work/chain/d2.jsonl"
age-keygen -o "$work/identity" 2>/dev/null
recipient=$(age-keygen -y "$work/identity")
"$program" -q registry export data --recipient "$recipient" -o "$work/sealed.alimentar"
age -d -i "$work/identity" "$work/sealed.alimentar" | cmp - "$work/data.alimentar"
age -r "$recipient" -o "$work/ours.alimentar" "$work/data.alimentar"
"$program" -q --home "$work/other" registry import --identity "$work/identity" "$work/ours.alimentar" >/dev/null
"$program" -q --home "$work/other" registry verify data >/dev/null
echo "zstd, tar, restore.py and age agree"

# Rows: of files that pyarrow wrote, in files that we wrote, and those that are said to be alike.
mkdir "$work/rows"
"$venv/bin/python" tests/independent/check_rows.py "$program" tests/data/gsm8k/test.jsonl "$work/rows"

# Data that is elsewhere: through nginx, a stub of a hub, and an S3 server.
"$venv/bin/python" tests/independent/check_remote.py "$program" "$work/remote"
# Taking in data that is elsewhere.
"$venv/bin/python" tests/independent/check_intake.py "$program" "$work/intake"

# Collections of documents, with the other implementation. It has wheels for some versions of Python only; a
# build of its source takes the Rust compiler.
judge=python3
# A name in the path may be a shim of an interpreter that is not there.
! python3.12 -c 'import ensurepip' 2>/dev/null || judge=python3.12
"$judge" -m venv "$venv-documents"
# Its source takes a C compiler too; only this program's own build is without one.
env -u CC -u CXX "$venv-documents/bin/pip" install -q --disable-pip-version-check zippy-data==0.1.2 blake3
"$venv-documents/bin/python" tests/independent/check_documents.py "$program" "$work/documents"

# Tables of features, with the clients of others. That of the cache's first generation, and Feast, are in directories of
# their own: Feast with the packages that its remote store imports, of which some are not in the other requirements.
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps --upgrade --target "$venv-first" murr==0.1.9
"$venv/bin/pip" install -q --disable-pip-version-check --no-deps --upgrade --target "$venv-feast" feast==0.67.0 \
    annotated-doc colorama dill fastapi gunicorn mmh3 packaging prometheus-client protobuf psutil sqlalchemy typeguard
"$venv/bin/python" tests/independent/check_features.py "$program" "$work/features" "$venv-first" "$venv-feast"

# The doors, with the clients that know nothing of this program. They are many, so they have a directory of their own.
python3 -m venv "$venv-doors"
"$venv-doors/bin/pip" install -q --disable-pip-version-check -r tests/independent/requirements-doors.txt
for door in hub_door s3_door page; do
    "$venv-doors/bin/python" "tests/independent/check_$door.py" "$program" "$work/$door"
done
# Ray and Spark take minutes; where they are installed, they are among the clients of these checks.
clients=(hf datasets pandas polars duckdb pyarrow dask boto3 aws s3fs rclone curl)
PATH="$venv-doors/bin:$PATH" "$venv-doors/bin/python" tests/independent/check_client_lines.py "$program" "$work/client_lines" "${clients[@]/#/--need=}"

# Assistants: the official SDK in each of its modes, over both transports.
"$venv/bin/python" tests/independent/check_mcp.py "$program" tests/data/gsm8k/test.jsonl "$ALIMENTAR_HOME"
# And the command line of the protocol's inspector. It needs a newer Node.js than Debian has; that of PyPI is in $venv.
tests/independent/inspector.sh "$venv"
PATH="$venv/bin:$PATH" "$venv/bin/python" tests/independent/check_inspector.py \
    "$venv/inspector/node_modules/.bin/mcp-inspector" "$program" tests/data/gsm8k/test.jsonl "$ALIMENTAR_HOME"

# What people install.
tests/independent/release.sh "$program" "$venv/bin/python"

status=0
wait "$conformance" || status=$?
cat "$work/conformance.log"
exit "$status"
