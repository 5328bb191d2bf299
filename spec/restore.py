"""Writes the dataset of an unpacked archive: zstd -dc x.alimentar | tar x; python3 restore.py DIR OUT
What an archive needs (its base) is unpacked into the same directory before it, and restored; differences
are put to their bases by the zstd program."""
import json, os, subprocess, sys, tempfile

root, out = sys.argv[1], sys.argv[2]
path = lambda kind, name, ending: f"{root}/{kind}/{name[:16]}.{ending}"
entry = lambda kind, name, ending: open(path(kind, name, ending), "rb").read()

def varint(data, at):
    value = shift = 0
    while True:
        value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
        if data[at - 1] < 128: return value, at

def leaves(node_id):
    node, chunks = entry("nodes", node_id, "node"), []
    level, (count, at) = node[4], varint(node, 5)
    for _ in range(count):
        name, at = node[at : at + 32].hex(), at + 32
        length, at = varint(node, at)
        for _ in range(1 if level == 0 else 2): _, at = varint(node, at)
        if level: yield from leaves(name)
        else: chunks.append((name, length))
    if level == 0: yield chunks

def data_of(node_id):
    for leaf in leaves(node_id):
        for name, _ in leaf:
            if not os.path.exists(path("data", name, "chunk")): put_to_base(leaf, name)
            yield entry("data", name, "chunk")

places = {}

def base_bytes(number, start, length):
    if number not in places:
        base, at, places[number] = json.load(open(f"{root}/archive.json"))["base"][number], 0, {}
        for leaf in leaves(base["chunk_tree_root"]):
            for name, size in leaf: places[number][at], at = (name, size), at + size
    while length:
        name, size = places[number][start]
        yield entry("data", name, "chunk")
        start, length = start + size, length - size

def put_to_base(leaf, first):
    said, fields, at, n = entry("data", first, "difference"), [], 8, 0
    for _ in range(4):
        field, at = varint(said, at)
        fields.append(field)
    with tempfile.NamedTemporaryFile() as base:
        base.write(b"".join(base_bytes(*fields[:3])))
        base.flush()
        raw = subprocess.run(["zstd", "-qdc", "-D", base.name, path("data", first, "difference")],
                             check=True, stdout=subprocess.PIPE).stdout
    for _ in range(fields[3]):
        gap, at = varint(said, at)
        (name, length), n = leaf[n + gap], n + gap + 1
        with open(path("data", name, "chunk"), "wb") as f: f.write(raw[:length])
        raw = raw[length:]

manifest = json.load(open(f"{root}/manifest.json"))
table, data = b"".join(data_of(manifest["file_table_root"])), data_of(manifest["chunk_tree_root"])
(count, at), name, rest = varint(table, 4), b"", b""
for _ in range(count):
    shared, at = varint(table, at)
    length, at = varint(table, at)
    name, at = name[:shared] + table[at : at + length], at + length
    size, at = varint(table, at)
    at += (32 if size >= 2048 else 0) + 1
    _, at = varint(table, at)
    at += 1 + 32 * table[at]
    target = out if manifest["dataset_kind"] == "file" else os.path.join(out, name.decode())
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    with open(target, "xb") as f:
        while size:
            rest = rest or next(data)
            f.write(rest[:size])
            rest, size = rest[size:], size - min(size, len(rest))
