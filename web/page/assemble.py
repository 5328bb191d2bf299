#!/usr/bin/env python3
"""Puts the page that opens files in the browser together, with Python's standard library only.

usage: assemble.py GLUE.js MODULE.wasm OUT

OUT gets `index.html` (one file, with its style and its scripts), `alimentar.js` (the glue, the worker, and the module
in gzip and base64), and for HTTP `service-worker.js`, `manifest.webmanifest` and `icon.svg`. The same inputs give the same bytes.
"""

import base64
import gzip
import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
NODE_PAGE = HERE.parent.parent / "src" / "doors" / "page" / "assets"
# The order matters: each uses those before it.
SCRIPTS = [
    "words.js", "dom.js", "engine.js", "registry.js", "keys.js", "rows.js", "search.js",
    "check.js", "export.js", "table.js", "archive.js", "holdings.js", "main.js",
]


def text_of(path):
    return path.read_text(encoding="utf-8")


def hash_of(text):
    """The source of a policy that permits this text."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def inside_script(text):
    """A value as a literal that cannot end the element around it."""
    return json.dumps(text, ensure_ascii=True).replace("</", "<\\/").replace("<!--", "<\\!--")


def main(glue, module, out):
    out.mkdir(parents=True, exist_ok=True)
    packed = gzip.compress(module.read_bytes(), 9, mtime=0)
    parts = {"glue": text_of(glue), "worker": text_of(HERE / "worker.js"), "wasm": base64.b64encode(packed).decode()}
    fields = ",\n".join(f"{name}: {inside_script(text)}" for name, text in parts.items())
    bundle = f'"use strict";\nglobalThis.ALIMENTAR = {{\n{fields}\n}};\n'

    scripts = "\n".join(text_of(HERE / "scripts" / name) for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{scripts}\n}})();\n'
    style = text_of(NODE_PAGE / "style.css") + text_of(HERE / "page.css")
    icon = text_of(NODE_PAGE / "icon.svg")
    page = text_of(HERE / "index.html")
    for name, text in {
        "SCRIPT_HASH": hash_of(script),
        "STYLE_HASH": hash_of(style),
        "ICON": "data:image/svg+xml;base64," + base64.b64encode(icon.encode()).decode(),
        "STYLE": style,
        "SCRIPT": script,
    }.items():
        page = page.replace("{{" + name + "}}", text)

    files = {"index.html": page, "alimentar.js": bundle, "icon.svg": icon, "manifest.webmanifest": text_of(HERE / "manifest.webmanifest")}
    version = hashlib.sha256("\0".join(files[name] for name in sorted(files)).encode()).hexdigest()[:16]
    files["service-worker.js"] = text_of(HERE / "service-worker.js").replace("{{VERSION}}", version)
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    sizes = ", ".join(f"{name} {len(text.encode()):,} bytes" for name, text in files.items())
    print(f"{out}: {sizes}; the module {len(packed):,} bytes in gzip")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(pathlib.Path, sys.argv[1:]))
