"""Reads and uploads datasets through the door for clients of the hub, with the clients themselves, and compares with
pyarrow on the original files.

usage: check_hub_door.py PROGRAM DIRECTORY
"""

import hashlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

ROWS = 40_000
PASSPHRASE = "grün & blau"
CARD = """---
license: mit
tags: [words]
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
  - split: test
    path: data/test-*.parquet
---
# Words
"""


def table_of(first, rows):
    """Rows that do not compress away."""
    words = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(first, first + rows)]
    return pa.table(
        {
            "id": pa.array(range(first, first + rows), pa.int64()),
            "text": pa.array([w * 4 for w in words]),
            "score": pa.array([n / 7 for n in range(rows)], pa.float64()),
            "tags": pa.array([[w[:4], w[4:8]] if n % 5 else None for n, w in enumerate(words)]),
        }
    )


def make_files(directory):
    """A dataset with two splits, one file that is large, and names that have to be encoded."""
    (directory / "data").mkdir(parents=True)
    (directory / "deep/er").mkdir(parents=True)
    (directory / "README.md").write_text(CARD)
    tables = {"train": table_of(0, ROWS), "test": table_of(ROWS, 3_000)}
    half = ROWS // 2
    pq.write_table(tables["train"].slice(0, half), directory / "data/train-00000-of-00002.parquet", row_group_size=3_000)
    pq.write_table(tables["train"].slice(half), directory / "data/train-00001-of-00002.parquet", row_group_size=3_000)
    pq.write_table(tables["test"], directory / "data/test-00000-of-00001.parquet")
    rows = tables["test"].slice(0, 500).to_pylist()
    (directory / "deep/er/rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (directory / "deep/a b & é+#%20.csv").write_text("a,b\n1,2\n")
    (directory / "empty").write_bytes(b"")
    noise = random.Random(7).randbytes(12_000_000)
    (directory / "deep/noise.bin").write_bytes(noise)
    return tables


def files_below(directory):
    paths = (p for p in directory.rglob("*") if p.is_file())
    found = {p.relative_to(directory).as_posix(): p.read_bytes() for p in paths}
    return {path: data for path, data in found.items() if not path.startswith(".cache/")}


class Program:
    """The program on a home, and its serving node."""

    def __init__(self, program, work):
        self.words = [program, "--home", str(work / "home"), "--json"]
        self.environment = {**os.environ, "ALIMENTAR_PASSPHRASE": PASSPHRASE}

    def answer(self, *words):
        done = subprocess.run([*self.words, *map(str, words)], capture_output=True, text=True, env=self.environment)
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")
        return json.loads(done.stdout)

    def serve(self, *words):
        words = [*self.words, "registry", "serve", "--bind", "127.0.0.1", "--port", "0", "--no-mdns", *words]
        self.node = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=self.environment)
        ready = json.loads(self.node.stdout.readline())
        assert ready["event"] == "ready", ready
        # Nobody may stop to read the access log, or the node would wait.
        self.log = open(os.devnull, "w")
        self.drain = subprocess.Popen(["cat"], stdin=self.node.stdout, stdout=self.log)
        return ready["http"]

    def stop(self):
        self.node.terminate()
        assert self.node.wait() == 0
        self.drain.wait()


class Checks:
    """Counts of what was compared."""

    def __init__(self):
        self.count = 0

    def same(self, found, wanted, what):
        self.count += 1
        if found != wanted:
            sys.exit(f"{what}: found {str(found)[:600]}, wanted {str(wanted)[:600]}")

    def table(self, found, wanted, what):
        """The same rows; types of text and lists may be the large ones."""
        self.same(found.column_names, wanted.column_names, f"{what}: columns")
        self.same(found.num_rows, wanted.num_rows, f"{what}: rows")
        for name in wanted.column_names:
            self.same(found[name].to_pylist(), wanted[name].to_pylist(), f"{what}: column {name}")

    def fails(self, kind, work, what):
        self.count += 1
        try:
            work()
        except kind as error:
            return str(error)
        sys.exit(f"{what} does not fail")


def hf(*words, **more):
    """Runs the command `hf`."""
    command = pathlib.Path(sys.executable).parent / "hf"
    done = subprocess.run([str(command), *map(str, words)], capture_output=True, text=True, **more)
    return done.returncode, done.stdout + done.stderr


def check_downloads(checks, work, repo, ids, files, before):
    from huggingface_hub import HfApi, hf_hub_download, snapshot_download

    api = HfApi()
    newest, older = ids
    for revision, expected in [(None, files), ("main", files), (newest, files), (newest[:40], files), ("0.1.1", files),
                               (older[:40], before), ("0.1.0", before)]:
        for path in ["README.md", "deep/a b & é+#%20.csv", "empty"]:
            found = hf_hub_download(repo, path, repo_type="dataset", revision=revision)
            checks.same(pathlib.Path(found).read_bytes(), expected[path], f"hf_hub_download {path} at {revision}")
    checks.same(sorted(api.list_repo_files(repo, repo_type="dataset")), sorted(files), "list_repo_files")
    found = pathlib.Path(snapshot_download(repo, repo_type="dataset"))
    checks.same(found.name, newest[:40], "the directory of a snapshot")
    checks.same(files_below(found), files, "snapshot_download")
    found = hf_hub_download(repo.split("/")[1], "README.md", repo_type="dataset")
    checks.same(pathlib.Path(found).read_bytes(), files["README.md"], "hf_hub_download by the name alone")
    some = pathlib.Path(snapshot_download(repo, repo_type="dataset", allow_patterns="data/*", local_dir=work / "some"))
    wanted = {path: data for path, data in files.items() if path.startswith("data/")}
    checks.same(files_below(some), wanted, "snapshot_download of a part")


def check_lists(checks, repo, ids, files):
    from huggingface_hub import HfApi
    from huggingface_hub.utils import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

    api = HfApi()
    info = api.dataset_info(repo, files_metadata=True)
    checks.same((info.id, info.sha), (repo, ids[0][:40]), "dataset_info")
    checks.same({s.rfilename: s.size for s in info.siblings}, {p: len(d) for p, d in files.items()}, "siblings")
    checks.same(info.card_data["license"], "mit", "cardData")
    checks.same(info.last_modified is not None, True, "lastModified")
    tree = list(api.list_repo_tree(repo, repo_type="dataset", recursive=True, expand=True))
    digests = {e.path: e for e in tree if hasattr(e, "blob_id")}
    for path, data in files.items():
        blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
        checks.same(digests[path].blob_id, blob, f"the SHA-1 of {path}")
        if len(data) >= 10_000_000:
            checks.same(digests[path].lfs.sha256, hashlib.sha256(data).hexdigest(), f"the SHA-256 of {path}")
    checks.same(sorted(e.path for e in tree if not hasattr(e, "blob_id")), ["data", "deep", "deep/er"], "directories")
    paths = api.get_paths_info(repo, ["README.md", "deep", "nothing"], repo_type="dataset", expand=True)
    checks.same([p.path for p in paths], ["README.md", "deep"], "get_paths_info")
    refs = api.list_repo_refs(repo, repo_type="dataset")
    checks.same([t.name for t in refs.tags], ["0.1.1", "0.1.0"], "list_repo_refs")
    commits = api.list_repo_commits(repo, repo_type="dataset")
    checks.same([c.commit_id for c in commits], [i[:40] for i in ids], "list_repo_commits")
    checks.same([d.id for d in api.list_datasets(search="word")], [repo], "list_datasets")
    checks.same(api.file_exists(repo, "README.md", repo_type="dataset"), True, "file_exists")
    checks.same(api.repo_exists("nobody/nothing", repo_type="dataset"), False, "repo_exists")
    checks.fails(RepositoryNotFoundError, lambda: api.dataset_info("nobody/nothing"), "a dataset that is not here")
    absent = lambda revision, path: api.hf_hub_download(repo, path, repo_type="dataset", revision=revision)
    checks.fails(RevisionNotFoundError, lambda: absent("9.9.9", "README.md"), "a revision that is none")
    checks.fails(EntryNotFoundError, lambda: absent("main", "nothing"), "a path that is none")
    # Once more, from the memory of the client.
    checks.fails(EntryNotFoundError, lambda: absent("main", "nothing"), "a path that is none")


def check_file_system(checks, repo, directory, files, tables):
    import duckdb
    import pandas
    import pyarrow.dataset
    from huggingface_hub import HfFileSystem

    fs = HfFileSystem()
    root = f"datasets/{repo}"
    top = sorted(fs.ls(root, detail=False))
    checks.same(top, [f"{root}/{n}" for n in ["README.md", "data", "deep", "empty"]], "ls")
    found = sorted(fs.glob(f"{root}/**/*.parquet"))
    checks.same(found, sorted(f"{root}/{p}" for p in files if p.endswith(".parquet")), "glob")
    checks.same(sorted(fs.find(root)), sorted(f"{root}/{p}" for p in files), "find")
    checks.same(fs.info(f"{root}/deep/noise.bin")["size"], 12_000_000, "info")
    checks.same(fs.isdir(f"{root}/deep") and not fs.exists(f"{root}/deep/nothing"), True, "isdir and exists")
    dice = random.Random(3)
    data = files["deep/noise.bin"]
    with fs.open(f"{root}/deep/noise.bin", block_size=65_536) as f:
        for _ in range(40):
            at, length = dice.randrange(len(data)), dice.randrange(300_000)
            f.seek(at)
            checks.same(f.read(length), data[at : at + length], f"{length} bytes at {at}")
    checks.same(fs.cat_file(f"{root}/deep/noise.bin", start=-1000), data[-1000:], "the last bytes")
    checks.same(fs.read_text(f"{root}@0.1.1/README.md"), CARD, "a revision of a path")
    url = f"hf://{root}/data/train-00000-of-00002.parquet"
    half = tables["train"].slice(0, ROWS // 2)
    frame = pandas.read_parquet(url, columns=["id", "score"])
    checks.same(frame["id"].tolist(), half["id"].to_pylist(), "pandas read_parquet")
    lines = pandas.read_json(f"hf://{root}/deep/er/rows.jsonl", lines=True)
    checks.same(lines["text"].tolist(), tables["test"]["text"].to_pylist()[:500], "pandas read_json")
    dataset = pyarrow.dataset.dataset(f"{root}/data", filesystem=fs, format="parquet")
    checks.same(dataset.count_rows(), ROWS + 3_000, "rows of a pyarrow dataset")
    filtered = dataset.to_table(filter=pyarrow.dataset.field("id") >= ROWS - 5).sort_by("id")
    both = pa.concat_tables([tables["train"], tables["test"]])
    checks.table(filtered, both.slice(ROWS - 5), "a pyarrow dataset with a filter")
    connection = duckdb.connect()
    connection.register_filesystem(fs)
    query = f"select id, text, score, tags from 'hf://{root}/data/*.parquet' where id % 97 = 0 order by id"
    found = connection.sql(query).to_arrow_table()
    wanted = both.filter(pa.compute.equal(pa.compute.subtract(both["id"], pa.compute.multiply(pa.compute.divide(both["id"], 97), 97)), 0))
    checks.table(found, wanted, "DuckDB")


def check_datasets(checks, repo, tables, ids):
    from datasets import load_dataset

    loaded = load_dataset(repo)
    for split, table in tables.items():
        checks.table(loaded[split].data.table.combine_chunks(), table, f"load_dataset {split}")
    loaded = load_dataset(repo, data_files="deep/er/*.jsonl", split="train", revision="0.1.1")
    checks.same(loaded["id"][:], tables["test"]["id"].to_pylist()[:500], "load_dataset of lines")
    stream = load_dataset(repo, split="test", streaming=True)
    rows = list(stream.take(1_500))
    checks.same(rows, tables["test"].slice(0, 1_500).to_pylist(), "streaming")
    stream = load_dataset(repo, data_files="deep/er/rows.jsonl", split="train", streaming=True)
    checks.same(sum(1 for _ in stream), 500, "streaming of lines")
    pinned = load_dataset(repo, split="test", revision=ids[0][:40])
    checks.same(pinned.num_rows, 3_000, "load_dataset of a commit")


def check_command(checks, work, repo, files):
    code, text = hf("download", repo, "--repo-type", "dataset", "--local-dir", work / "downloaded")
    checks.same(code, 0, f"hf download: {text}")
    checks.same(files_below(work / "downloaded"), files, "hf download")
    code, text = hf("cache", "--help")
    parts = ["reads"]
    if "verify" in text:
        code, text = hf("cache", "verify", repo, "--repo-type", "dataset")
        checks.same(code, 0, f"hf cache verify: {text}")
        code, text = hf("cache", "verify", repo, "--repo-type", "dataset", "--local-dir", work / "downloaded")
        checks.same(code, 0, f"hf cache verify of a directory: {text}")
        (work / "downloaded/README.md").write_text("changed")
        code, text = hf("cache", "verify", repo, "--repo-type", "dataset", "--local-dir", work / "downloaded")
        checks.same(code != 0, True, f"hf cache verify of a changed file: {text}")
        parts.append("verifies")
    code, text = hf("datasets", "ls", "--search", "word", "--format", "json")
    if "No such command" not in text and "invalid choice" not in text:
        checks.same(code == 0 and repo in text, True, f"hf datasets ls: {text}")
    return parts


def check_uploads(checks, work, program, secret):
    import huggingface_hub
    from datasets import Dataset, load_dataset
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.utils import HfHubHTTPError

    api = HfApi(token=secret)
    checks.same(api.whoami()["name"], "ci", "whoami")
    repo = api.create_repo("uploaded", repo_type="dataset").repo_id
    checks.same(repo, "local/uploaded", "create_repo")
    api.create_repo(repo, repo_type="dataset", exist_ok=True)
    done = api.upload_file(path_or_fileobj=b"hello\n", path_in_repo="a/b c.txt", repo_id=repo, repo_type="dataset")
    checks.same(done.oid, api.dataset_info(repo).sha, "upload_file")
    noise = random.Random(1).randbytes(11_000_000)
    (work / "noise.bin").write_bytes(noise)
    api.upload_file(path_or_fileobj=work / "noise.bin", path_in_repo="noise.bin", repo_id=repo, repo_type="dataset")
    found = pathlib.Path(api.hf_hub_download(repo, "noise.bin", repo_type="dataset")).read_bytes()
    checks.same(found, noise, "a large file")
    sha = api.dataset_info(repo).sha
    api.upload_file(path_or_fileobj=noise, path_in_repo="noise.bin", repo_id=repo, repo_type="dataset")
    checks.same(api.dataset_info(repo).sha, sha, "the same file once more")
    folder = work / "folder"
    (folder / "x").mkdir(parents=True)
    for n in range(30):
        (folder / f"x/{n}.json").write_text(json.dumps({"n": n}))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Uploaded\n")
    api.upload_folder(folder_path=folder, repo_id=repo, repo_type="dataset", delete_patterns="*.bin")
    files = files_below(folder) | {"a/b c.txt": b"hello\n"}
    checks.same(sorted(api.list_repo_files(repo, repo_type="dataset")), sorted(files), "upload_folder")
    parent = api.dataset_info(repo).sha
    commit = lambda parent, *operations: api.create_commit(
        repo, operations, commit_message="m", repo_type="dataset", parent_commit=parent)
    commit(parent, CommitOperationDelete("x/", is_folder=True), CommitOperationAdd("new", b"new"))
    found = sorted(api.list_repo_files(repo, repo_type="dataset"))
    checks.same(found, ["README.md", "a/b c.txt", "new"], "create_commit")
    checks.fails(HfHubHTTPError, lambda: commit(sha, CommitOperationAdd("newer", b"")), "a commit on an older state")
    text = checks.fails(HfHubHTTPError, lambda: HfApi(token=False).upload_file(
        path_or_fileobj=b"x", path_in_repo="x", repo_id=repo, repo_type="dataset"), "an upload without a token")
    checks.same("token" in text, True, f"the reason of the refusal: {text}")
    # A large file by itself, as clients without Xet send it.
    large = CommitOperationAdd("large.bin", work / "noise.bin")
    large._upload_mode = "lfs"
    large._should_ignore = False
    large._remote_oid = None
    huggingface_hub.constants.HF_HUB_DISABLE_XET = True
    api.preupload_lfs_files(repo, [large], repo_type="dataset")
    commit(None, large)
    huggingface_hub.constants.HF_HUB_DISABLE_XET = False
    found = pathlib.Path(api.hf_hub_download(repo, "large.bin", repo_type="dataset")).read_bytes()
    checks.same(found, noise, "a large file that is uploaded by itself")
    fs = huggingface_hub.HfFileSystem(token=secret)
    fs.mv(f"datasets/{repo}/large.bin", f"datasets/{repo}/moved/large.bin")
    checks.same(fs.cat_file(f"datasets/{repo}/moved/large.bin"), noise, "a large file that is moved")
    checks.same(fs.exists(f"datasets/{repo}/large.bin"), False, "the place that it was moved from")
    api.delete_file("moved/large.bin", repo, repo_type="dataset")
    rows = {"n": list(range(5_000)), "t": [f"row {n}" for n in range(5_000)]}
    Dataset.from_dict(rows).push_to_hub("local/pushed", token=secret)
    checks.same(load_dataset("local/pushed", split="train").to_dict(), rows, "push_to_hub")
    Dataset.from_dict(rows).push_to_hub("local/pushed", "second", split="test", token=secret)
    checks.same(load_dataset("local/pushed", "second", split="test").num_rows, 5_000, "push_to_hub of another split")
    code, text = hf("upload", repo, folder, ".", "--repo-type", "dataset", "--token", secret)
    checks.same(code, 0, f"hf upload: {text}")
    checks.same(sorted(api.list_repo_files(repo, repo_type="dataset")), sorted(files | {"new": b""}), "hf upload")
    # The program sees versions that nobody signed, and finds them sound.
    program.answer("registry", "checkout", "uploaded", work / "checked-out")
    checks.same(files_below(work / "checked-out"), files | {"new": b"new"}, "the checkout of an upload")
    verified = program.answer("registry", "verify", "uploaded")
    checks.same((verified["content"], verified["signature"]), ("ok", "none"), "registry verify")
    checks.same(program.answer("registry", "fsck")["corrupt"], [], "registry fsck")


def main(program, work):
    work = pathlib.Path(work).absolute()
    if work.exists() and any(work.iterdir()):
        sys.exit(f"{work} is not empty")
    directory = work / "words"
    node = Program(program, work)
    node.answer("registry", "keygen", "--name", "lab")
    tables = make_files(directory)
    newest_card = (directory / "README.md").read_text()
    (directory / "README.md").write_text("# Words\n")
    before = files_below(directory)
    ids = [node.answer("registry", "index", directory, "--name", "words", "--sign")["content_id"]]
    (directory / "README.md").write_text(newest_card)
    files = files_below(directory)
    ids.insert(0, node.answer("registry", "index", directory, "--name", "words", "--sign")["content_id"])
    ids = [i.removeprefix("alimentar:") for i in ids]
    secret = node.answer("registry", "token", "add", "ci", "--write")["tokens"][0]["secret"]
    url = node.serve("--http", "127.0.0.1:0", "--allow-upload")
    # Its clients read these when they are imported.
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING")):
            del os.environ[name]
    os.environ |= {
        "HF_ENDPOINT": url,
        "HF_HOME": str(work / "hf"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
        "NO_COLOR": "1",
    }
    import datasets
    import hf_xet  # noqa: F401  (the clients must work with it)
    import huggingface_hub

    datasets.disable_progress_bars()
    checks = Checks()
    try:
        check_downloads(checks, work, "lab/words", ids, files, before)
        check_lists(checks, "lab/words", ids, files)
        check_file_system(checks, "lab/words", directory, files, tables)
        check_datasets(checks, "lab/words", tables, ids)
        parts = check_command(checks, work, "lab/words", files)
        check_uploads(checks, work, node, secret)
    finally:
        node.stop()
        shutil.rmtree(work / "hf", ignore_errors=True)
    versions = f"huggingface_hub {huggingface_hub.__version__}, datasets {datasets.__version__}"
    print(f"hub door: {checks.count} comparisons with {versions}; hf {' and '.join(parts)}, uploads come back")


if __name__ == "__main__":
    main(*sys.argv[1:])
