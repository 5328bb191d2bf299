"""Collections of documents with the other implementation: its native reader and its pure one.

usage: check_documents.py PROGRAM WORK
Each side reads what the other wrote, also updates and deletions, in both directions and in turns.
"""

import json
import pathlib
import struct
import subprocess
import sys
import zipfile

from blake3 import blake3
from zippy import NativeStore
from zippy.fast_store import FastZDSStore

program, work = sys.argv[1], pathlib.Path(sys.argv[2])
work.mkdir(parents=True)


def run(*words, data=None, code=0):
    done = subprocess.run(
        [program, "--json", "documents", *map(str, words)], input=data, capture_output=True, text=True
    )
    assert done.returncode == code, (words, done.returncode, done.stderr)
    return done.stdout


def ours(root):
    lines = run("scan", root, "-c", "c").splitlines()
    documents = [json.loads(line) for line in lines]
    return {d.pop("_id"): d for d in documents}


def native(root):
    store = NativeStore.open(str(root), "c", 100)
    return {i: store.get(i) for i in store.list_doc_ids()}


def pure(root):
    store = FastZDSStore.open(root, "c")
    return {i: store.get(i) for i in store.list_doc_ids()}


def all_agree(root, expected, readers):
    for reader in readers:
        found = reader(root)
        assert found == expected, (reader.__name__, sorted(found), sorted(expected))


def sip13(key, text):
    """SipHash-1-3 (Aumasson and Bernstein, 2012)."""
    mask, rotated = (1 << 64) - 1, lambda x, b: ((x << b) | (x >> (64 - b))) & ((1 << 64) - 1)
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def mixed():
        v[0] = (v[0] + v[1]) & mask
        v[1] = rotated(v[1], 13) ^ v[0]
        v[0] = rotated(v[0], 32)
        v[2] = (v[2] + v[3]) & mask
        v[3] = rotated(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & mask
        v[3] = rotated(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & mask
        v[1] = rotated(v[1], 17) ^ v[2]
        v[2] = rotated(v[2], 32)

    padded = text + bytes(7 - len(text) % 8) + bytes([len(text) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        mixed()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        mixed()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def table(root):
    """The documents by the table alone, read as spec/documents.md says."""
    meta = root / "collections/c/meta"
    idx, log = (meta / "alimentar.idx").read_bytes(), (meta / "data.jsonl").read_bytes()
    check = lambda data: blake3(data).digest()
    assert idx[:8] == b"ALIMIDX1" and check(idx[:230])[:16] == idx[230:246]
    count, used, dead, live, _ = struct.unpack("<5Q", idx[8:48])
    key, length, last = idx[48:64], *struct.unpack("<QQ", idx[64:80])
    assert length == len(log)
    assert check(log[last : last + 512][: length - last] + log[-4096:])[:16] == idx[80:96]
    index = (meta / "index.bin").read_bytes()
    assert struct.unpack("<Q", idx[98:106])[0] == len(index) and idx[106:138] == check(index)
    side = (meta / "alimentar.log").read_bytes()
    side_length = struct.unpack("<Q", idx[166:174])[0]
    assert check(side[max(0, side_length - 4096) : side_length])[:16] == idx[174:190]
    slots, ends = idx[4096 : 4096 + 16 * count], 4096 + 16 * count + 8 * dead
    checks = [check(slots[at : at + 65536])[:8] for at in range(0, len(slots), 65536)]
    assert b"".join(checks) == idx[ends:] and check(idx[ends:])[:16] == idx[214:230]
    skipped = [n for (n,) in struct.iter_unpack("<Q", idx[ends - 8 * dead : ends])]
    assert skipped == sorted(skipped) and check(idx[ends - 8 * dead : ends])[:16] == idx[198:214]
    found, at = {}, 0
    for line in log.splitlines(keepends=True):
        if at not in skipped:
            found[json.loads(line)["_id"]] = at, line
        at += len(line)
    for i, (at, line) in found.items():
        slot = sip13(key, i.encode()) * count >> 64
        while slots[16 * slot : 16 * slot + 8] != struct.pack("<Q", sip13(key, i.encode())):
            assert any(slots[16 * slot : 16 * slot + 16]), i
            slot = (slot + 1) % count
        place = struct.unpack("<Q", slots[16 * slot + 8 : 16 * slot + 16])[0]
        assert (place >> 20, place & 0xFFFFF) == (at, min(len(line), 0xFFFFF)), i
    assert used == len(found) and live == sum(len(line) for _, line in found.values())
    documents = {i: json.loads(line) for i, (_, line) in found.items()}
    return {i: {k: v for k, v in d.items() if k != "_id"} for i, d in documents.items()}


documents = {
    f"d{n}": {"n": n, "text": f"é \"quoted\" {n}\u2028", "o": {"_id": "nested", "l": [1.5, None, True]}}
    for n in range(300)
}

# Ours, read by the native module: puts, an update, deletions.
root = work / "ours"
run("init", root, "-c", "c")
lines = "".join(json.dumps({"_id": i, **d}) + "\n" for i, d in documents.items())
assert json.loads(run("put", root, "-c", "c", "-", data=lines))["stored"] == 300
all_agree(root, documents, [ours, native])
expected = dict(documents)
run("put", root, "-c", "c", "d7", "--data", '{"n": -7}')
expected["d7"] = {"n": -7}
run("delete", root, "-c", "c", "d8", "d9")
del expected["d8"], expected["d9"]
# The native module may write the index when it only reads, so the table is looked at before.
all_agree(root, expected, [table, ours, native])

# In turns: the native module puts, updates and deletes in the same collection.
store = NativeStore.open(str(root), "c", 100)
store.put("theirs", {"n": 1, "text": "é"})
store.put("d1", {"n": "updated"})
store.delete("d2")
store.flush()
del store
expected |= {"theirs": {"n": 1, "text": "é"}, "d1": {"n": "updated"}}
del expected["d2"]
all_agree(root, expected, [ours, native])
run("put", root, "-c", "c", "mine", "--data", '{"n": 2}')
expected["mine"] = {"n": 2}
all_agree(root, expected, [ours, native])

# Without any index, nothing comes back here; there, our compaction sees to it.
index = root / "collections/c/meta/index.bin"
index.unlink()
all_agree(root, expected, [ours])
run("compact", root, "-c", "c")
all_agree(root, expected, [table])
index.unlink()
all_agree(root, expected, [ours, native])

# The pure reader needs the text form. The native module reads it too, and writes the binary one in its place.
run("reindex", root, "-c", "c", "--index", "text")
all_agree(root, expected, [ours, pure, native, ours])
run("reindex", root, "-c", "c", "--index", "text")
store = FastZDSStore.open(root, "c")
store.put("pure", {"n": 3})
store.delete("mine")
store.close()
expected["pure"] = {"n": 3}
del expected["mine"]
all_agree(root, expected, [ours, pure])
run("put", root, "-c", "c", "again", "--data", "{}")
expected["again"] = {}
all_agree(root, expected, [ours, pure])
run("reindex", root, "-c", "c", "--index", "binary")
all_agree(root, expected, [ours, native])

# Theirs from the beginning, by each of their writers.
root = work / "native"
store = NativeStore.open(str(root), "c", 100)
for i, d in documents.items():
    store.put(i, d)
store.delete("d0")
store.flush()
del store
expected = {i: d for i, d in documents.items() if i != "d0"}
all_agree(root, expected, [ours])
run("validate", root, "-c", "c")
root = work / "pure"
store = FastZDSStore.open(root, "c")
for i, d in documents.items():
    store.put(i, d)
# It finds only documents that are written.
store.flush()
store.delete("d0")
store.close()
all_agree(root, expected, [ours, pure])

# All deleted: none comes back.
run("delete", root, "-c", "c", *expected)
all_agree(root, {}, [ours, native])

# An archive through another ZIP program, and one of its own with a directory around the store.
root = work / "ours"
expected = ours(root)
run("pack", root, work / "a.zds")
with zipfile.ZipFile(work / "a.zds") as archive:
    assert archive.testzip() is None
    archive.extractall(work / "extracted")
all_agree(work / "extracted", expected, [ours, native])
with zipfile.ZipFile(work / "b.zds", "w", zipfile.ZIP_STORED) as archive:
    for path in sorted(root.rglob("*")):
        archive.write(path, pathlib.Path("top") / path.relative_to(root))
run("unpack", work / "b.zds", work / "unpacked")
all_agree(work / "unpacked", expected, [ours, native])
with zipfile.ZipFile(work / "evil.zds", "w") as archive:
    archive.writestr("../evil.txt", "evil")
run("unpack", work / "evil.zds", work / "out", code=5)
assert not (work / "evil.txt").exists() and not (work / "out").exists()
print("the other implementation of document collections agrees")
