"""The program and the package give the same answers on the same data."""

import json
import os
import pickle

import alimentar
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import DATA, GSM8K

#: Keys whose values differ from run to run.
VARYING = {"seconds", "created_at"}


def same(found, expected, without=()):
    drop = VARYING | set(without)
    return {k: v for k, v in found.items() if k not in drop} == {k: v for k, v in expected.items() if k not in drop}


FIXTURES = sorted(
    path
    for pattern in ("formats/*", "gsm8k/*.jsonl", "json-test-suite/y_*.json", "conformance/fivethirtyeight/*")
    for path in DATA.glob(pattern)
    if path.suffix in {".parquet", ".arrow", ".arrows", ".jsonl", ".csv", ".json", ".tsv"}
)[:60]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_rows_and_columns_are_those_of_the_program(path, program, tmp_path):
    try:
        found = alimentar.open(path).to_pyarrow()
    except alimentar.Error as error:
        refused = program("inspect", "export", path, "-o", tmp_path / "x.arrows", check=False)
        assert refused["error"]["kind"] == error.kind
        assert refused["error"]["message"].split(":")[0].split("`")[0] == str(error).split(":")[0].split("`")[0]
        return
    done = program("inspect", "export", path, "-o", tmp_path / "x.arrows", check=False)
    if done and "error" in done and done["error"]["kind"] != "partial":
        # The program wants to know what becomes of NaN; here it is null.
        assert "no number" in done["error"]["message"] or not found.num_columns, done
        return
    expected = pa.ipc.open_stream(tmp_path / "x.arrows").read_all()
    assert found.schema.remove_metadata() == expected.schema.remove_metadata()
    assert repr(found.to_pylist()) == repr(expected.to_pylist())


def test_index_and_list_have_the_keys_of_the_program(program, home):
    mine = alimentar.index(GSM8K, name="gsm8k-test", license="MIT", tags=["maths"])
    theirs = program("index", GSM8K, "--name", "gsm8k-test")
    assert mine.keys() == theirs.keys()
    assert mine["content_id"] == theirs["content_id"] and theirs["unchanged"]
    assert alimentar.list() == program("list")["datasets"]
    ds = alimentar.open("gsm8k-test")
    info = program("info", "gsm8k-test")
    assert {k: v for k, v in ds.info.items() if k in info} == {k: info[k] for k in ds.info if k in info}
    assert [field._asdict() for field in ds.schema] == info["schema"]["fields"]
    assert [file._asdict() for file in ds.files] == info["files"]
    resolved = program("resolve", "gsm8k-test@^0.1")
    assert ds.resolve() == f"{resolved['content_id']}  {resolved['name']}@{resolved['version']}"
    assert ds.verify() == program("verify", "gsm8k-test")
    card = program("card", "gsm8k-test")
    assert (ds.card.markdown, ds.card.frontmatter, ds.card.drafted) == (card["markdown"], card["frontmatter"], card["drafted"])


def test_search_is_that_of_the_program(gsm8k, program):
    assert alimentar.search("gsm8k", schema="question") == program("search", "gsm8k", "--schema", "question")["results"]


def test_lint_is_that_of_the_program(program, tmp_path):
    path = tmp_path / "faulty.jsonl"
    path.write_text('{"a":1,"a":2}\n{"a":\n{"a":"\\ud800"}\n{"a":"x  "}\n')
    done = program("inspect", "lint", path, check=False)
    assert done is None
    import subprocess

    theirs = json.loads(subprocess.run([program.path, "--json", "inspect", "lint", path], capture_output=True).stdout)
    assert alimentar.lint(path) == theirs
    only = json.loads(
        subprocess.run(
            [program.path, "--json", "inspect", "lint", path, "--rule", "malformed-json"], capture_output=True
        ).stdout
    )
    assert alimentar.lint(path, rules=["malformed-json"]) == only


def test_dedup_and_overlap_are_those_of_the_program(program, tmp_path):
    lines = GSM8K.read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path / "double.jsonl"
    path.write_text("".join(lines + lines[:100]), encoding="utf-8")
    theirs = program("inspect", "dedup", path)
    mine = alimentar.dedup(path)
    assert same(mine, theirs, ["removed", "files", "rows_out", "rows_refused", "spilled_bytes"])
    assert mine["removed"][-100:] == list(range(1319, 1419))
    theirs = program("inspect", "overlap", GSM8K, path, "--column", "question")
    assert same(alimentar.overlap(GSM8K, path, columns=["question"]), theirs)


def test_diff_is_that_of_the_program(gsm8k, program, tmp_path):
    path = tmp_path / "edited.jsonl"
    path.write_text(GSM8K.read_text(encoding="utf-8").replace("dozen", "score"), encoding="utf-8")
    alimentar.index(path, name="gsm8k-test")
    arguments = ("gsm8k-test@0.1.0", "gsm8k-test@0.1.1")
    assert alimentar.diff(*arguments) == program("diff", *arguments)


@pytest.mark.parametrize("reference", ["nothing", "gsm8k-test@9", "gsm8k-test@^^", "alimentar:00", "alimentar:zz", "a b"])
def test_errors_have_kind_and_message_of_the_program(gsm8k, program, reference):
    with pytest.raises(alimentar.Error) as mine:
        alimentar.Dataset(reference, _is_dataset=True)
    theirs = program("info", reference, check=False)["error"]
    assert (mine.value.kind, str(mine.value)) == (theirs["kind"], theirs["message"])


def test_filter_is_that_of_the_program(gsm8k, program, tmp_path):
    program("inspect", "filter", "gsm8k-test", "(?i)dozen", "--column", "question", "-o", tmp_path / "x.parquet")
    found = gsm8k.scan(filter=alimentar.Match("(?i)dozen", column="question")).to_pyarrow()
    assert found.to_pylist() == pq.read_table(tmp_path / "x.parquet").to_pylist()


def test_documents_are_those_of_the_program(program, tmp_path):
    store = tmp_path / "store"
    for name, age in [("ada", 36), ("bob", 17), ("eve", 52)]:
        program("documents", "put", store, name, "-c", "people", "--data", json.dumps({"age": age}))
    documents = alimentar.documents(store)
    assert len(documents) == 3
    assert documents["ada"]["age"] == 36
    assert [d["age"] for d in documents.scan(where="age >= 18")] == [36, 52]
    assert list(documents.scan(fields=["age"], limit=1)) == [{"age": 36}]
    with pytest.raises(alimentar.NotFound):
        documents["nobody"]


def test_features_are_those_of_the_program(program, tmp_path):
    pq.write_table(pa.table({"id": ["a", "b"], "x": [1.5, 2.5]}), tmp_path / "f.parquet")
    program("index", tmp_path / "f.parquet", "--name", "feats")
    config = tmp_path / "features.yaml"
    config.write_text("tables: {feats: {source: {registry: {name: feats}}, key: [id]}}\n")
    features = alimentar.features(config)
    assert features.tables == ["feats"]
    found = features.get("feats", ["b", "nobody"])
    assert found.missing == [1]
    theirs = program("features", "get", "-c", config, "feats", "--key", "b", "--key", "nobody")
    assert found.to_pyarrow()["x"].to_pylist() == theirs["columns"]["x"]


def test_pull_from_the_program_brings_the_dataset(gsm8k, program, tmp_path):
    import subprocess

    serving = subprocess.Popen(
        [program.path, "--json", "serve", "--bind", "127.0.0.1", "--port", "0", "--share-unsigned"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        ready = json.loads(serving.stdout.readline())
        address = f"{ready['node_id']}@{ready['addr']}"
        other = tmp_path / "other"
        with pytest.raises(alimentar.NotTrusted, match="gsm8k-test") as refused:
            alimentar.pull("gsm8k-test", peers=[address], home=other)
        assert "accept_unsigned" in refused.value.hint
        third = tmp_path / "third"
        with pytest.raises(alimentar.NotTrusted):
            alimentar.open("gsm8k-test", peers=[address], home=third)
        looked = alimentar.open("gsm8k-test@^0.1", peers=[address], accept_unsigned=True, home=third)
        assert looked[1000] == gsm8k[1000] and len(looked) == 1319
        assert looked.files[0].path == "test.jsonl" and looked.card.drafted
        assert looked.read("test.jsonl", 0, 10) == b'{"question'
        assert pickle.loads(pickle.dumps(looked)).to_pyarrow().num_rows == 1319
        child = os.fork()
        if child == 0:
            os._exit(0 if looked[5] == gsm8k[5] and looked.to_pyarrow().num_rows == 1319 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert looked.verify()["content"] == "ok"
        assert looked.checkout(tmp_path / "copy.jsonl")["files"] == 1
        with pytest.raises(alimentar.NotFound):
            alimentar.open("nothing", peers=[address], home=third)
        pulled = alimentar.pull("gsm8k-test", peers=[address], accept_unsigned=True, home=other)
        assert pulled["content_id"] == gsm8k.content_id and pulled["chunks_fetched"] > 0
        assert alimentar.open("gsm8k-test", home=other).to_pyarrow().num_rows == 1319
        again = alimentar.pull("gsm8k-test", peers=[address], accept_unsigned=True, home=other)
        assert again["already_here"]
        with pytest.raises(alimentar.NotFound):
            alimentar.pull("nothing", peers=[address], home=other)
    finally:
        serving.terminate()
        serving.wait()


def test_open_dataset_is_read_after_its_removal(gsm8k, program):
    import itertools

    expected = gsm8k.to_pyarrow()
    rows = alimentar.rows(gsm8k, seed=1)
    first = list(itertools.islice(rows, 10))
    program("registry", "unindex", "gsm8k-test", "--yes")
    program("registry", "gc", "--keep-days", "0")
    with pytest.raises(alimentar.NotFound):
        alimentar.open("gsm8k-test")
    # It stays readable for those who have it open.
    assert gsm8k.scan(columns=["answer"]).to_pyarrow()["answer"] == expected["answer"]
    assert len(first + list(rows)) == 1319


def test_version_is_that_of_the_program(program):
    import subprocess

    printed = subprocess.run([program.path, "--version"], capture_output=True, text=True, check=True).stdout
    assert alimentar.__version__ in printed.split()
