"""Writes the dataset of an unpacked archive: zstd -dc x.alimentar | tar x; python3 restore.py DIR OUT"""
import json, os, sys

root, out = sys.argv[1], sys.argv[2]
entry = lambda kind, name, ending: open(f"{root}/{kind}/{name[:16]}.{ending}", "rb").read()

def varint(data, at):
    value = shift = 0
    while True:
        value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
        if data[at - 1] < 128: return value, at

def data_of(node_id):
    node = entry("nodes", node_id, "node")
    level, (count, at) = node[4], varint(node, 5)
    for _ in range(count):
        name, at = node[at : at + 32].hex(), at + 32
        for _ in range(2 if level == 0 else 3): _, at = varint(node, at)
        if level: yield from data_of(name)
        else: yield entry("data", name, "chunk")

manifest = json.load(open(f"{root}/manifest.json"))
table, data = b"".join(data_of(manifest["file_table_root"])), data_of(manifest["chunk_tree_root"])
(count, at), path, rest = varint(table, 4), b"", b""
for _ in range(count):
    shared, at = varint(table, at)
    length, at = varint(table, at)
    path, at = path[:shared] + table[at : at + length], at + length
    size, at = varint(table, at)
    at += (32 if size >= 2048 else 0) + 1
    _, at = varint(table, at)
    at += 1 + 32 * table[at]
    target = out if manifest["dataset_kind"] == "file" else os.path.join(out, path.decode())
    os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
    with open(target, "xb") as f:
        while size:
            rest = rest or next(data)
            f.write(rest[:size])
            rest, size = rest[size:], size - min(size, len(rest))
