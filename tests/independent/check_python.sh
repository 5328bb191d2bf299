#!/usr/bin/env bash
# Builds the Python package, installs it into a fresh environment, and runs its tests: examples of docstrings and of the
# page, the same answers as the program, other libraries, processes and signals.
# usage: tests/independent/check_python.sh PROGRAM WORKDIR
#
# The wheel is that of the profile of `.ci/run`, so that nothing but the package itself is compiled;
# ALIMENTAR_PYTHON_WHEEL names one that is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
tools="${CARGO_TARGET_DIR:-$PWD/target}/independent-python"
# A name in the path may be a shim of an interpreter that is not there.
python3 -m venv --clear "$tools"
wheel=${ALIMENTAR_PYTHON_WHEEL:-} began=$SECONDS
if [ -z "$wheel" ]; then
    "$tools/bin/pip" install -q --disable-pip-version-check 'maturin>=1.16,<2'
    "$tools/bin/maturin" build -q --profile dev --features whole --interpreter "$tools/bin/python" \
        --manifest-path python/Cargo.toml --out "$work/wheels"
    wheel=$(ls "$work"/wheels/alimentar-*.whl)
fi
built=$((SECONDS - began))
"$tools/bin/pip" install -q --disable-pip-version-check -r python/tests/requirements.txt
"$tools/bin/pip" install -q --disable-pip-version-check --no-deps --no-index --force-reinstall "$wheel"
# The package in the environment, and not the one in the repository, is tested.
(
    cd "$work"
    PYTHONDONTWRITEBYTECODE=1 ALIMENTAR_PROGRAM="$program" \
        "$tools/bin/python" -m pytest -q -p no:cacheprovider --rootdir "$OLDPWD/python" -c "$OLDPWD/python/pyproject.toml" \
        "$OLDPWD/python/tests" >"$work/pytest.log" 2>&1 || { cat "$work/pytest.log" >&2; exit 1; }
)
size=$(stat -c %s "$wheel")
echo "python: $(tail -n 1 "$work/pytest.log"); the wheel of $((size / 1000000)) MB took ${built} s to build"
