"""Collections of documents with the other implementation: its native reader and its pure one.

usage: check_documents.py PROGRAM WORK
Each side reads what the other wrote, also updates and deletions, in both directions and in turns.
"""

import json
import pathlib
import subprocess
import sys
import zipfile

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
all_agree(root, expected, [ours, native])

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
