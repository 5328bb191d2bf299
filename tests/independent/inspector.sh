#!/usr/bin/env bash
# Installs the inspector of the Model Context Protocol below a virtual environment that has Node.js.
# usage: inspector.sh VENV
set -euo pipefail
[ ! -x "$1/inspector/node_modules/.bin/mcp-inspector" ] || exit 0
PATH="$1/bin:$PATH" npm install --silent --no-audit --no-fund --prefix "$1/inspector" \
    @modelcontextprotocol/inspector@2.12.0 >/dev/null
