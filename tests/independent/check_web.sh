#!/usr/bin/env bash
# Builds the page that opens files in the browser, and drives it in headless Chromium: from a disk and from a node.
# usage: tests/independent/check_web.sh PROGRAM WORKDIR
#
# ALIMENTAR_WEB names a directory that web/build.sh has made, for a run without a build; ALIMENTAR_WEB_QUICK tells that its module
# is not optimised. Screenshots are left in WORKDIR.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
built=${CARGO_TARGET_DIR:-$PWD/target}
bundle=${ALIMENTAR_WEB:-}
if [ -z "$bundle" ]; then
    bundle=$work/bundle
    web/build.sh "$bundle"
fi
# The environment of the doors has the driver; without it, one of its own.
tools=$built/independent-doors
if ! "$tools/bin/python" -c 'import playwright' 2>/dev/null; then
    tools=$built/independent-web
    "$tools/bin/python" -c 'import playwright' 2>/dev/null || {
        python3 -m venv "$tools"
        "$tools/bin/pip" install -q --disable-pip-version-check playwright
    }
fi
PYTHONDONTWRITEBYTECODE=1 "$tools/bin/python" tests/independent/check_web.py "$program" "$(realpath "$bundle")" "$work"
