"""Other libraries read the streams and the file system."""

import json
import pickle

import alimentar
import fsspec
import pytest
from conftest import GSM8K

LINES = GSM8K.read_text(encoding="utf-8").splitlines()
ROWS = [json.loads(line) for line in LINES]


@pytest.fixture
def files(home, tmp_path):
    """Index a directory with a Parquet, a CSV and a JSON Lines file."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    table = pa.table({"n": list(range(1000)), "text": [f"row {n}" for n in range(1000)]})
    root = tmp_path / "files"
    (root / "data").mkdir(parents=True)
    pa.parquet.write_table(table, root / "data" / "t.parquet", row_group_size=100)
    pa.csv.write_csv(table, root / "t.csv")
    with open(root / "t.jsonl", "w") as file:
        for row in table.to_pylist():
            file.write(json.dumps(row) + "\n")
    alimentar.index(root, name="files", version="1.2.0")
    return table


def test_pandas_reads_the_stream(gsm8k):
    import pandas
    assert gsm8k.to_pandas().to_dict("records") == ROWS
    if hasattr(pandas.DataFrame, "from_arrow"):
        assert len(pandas.DataFrame.from_arrow(gsm8k)) == 1319


def test_polars_reads_the_stream(gsm8k):
    import polars
    assert polars.DataFrame(gsm8k).to_dicts() == ROWS
    assert polars.DataFrame(gsm8k.scan(columns=["answer"], rows=(5, 7))).shape == (2, 1)


def test_duckdb_reads_the_stream(gsm8k):
    import duckdb
    import pyarrow
    scan = gsm8k.scan(columns=["question"])
    try:
        found = duckdb.sql("select count(*) from scan").fetchall()
    except duckdb.Error:
        # A version that only takes readers of pyarrow.
        scan = pyarrow.RecordBatchReader.from_stream(scan)
        found = duckdb.sql("select count(*) from scan").fetchall()
    assert found == [(1319,)]


def test_nanoarrow_reads_the_stream(gsm8k):
    import nanoarrow
    stream = nanoarrow.ArrayStream(gsm8k)
    assert sum(len(array) for array in stream) == 1319


def test_file_system_lists_and_finds(files):
    fs = fsspec.filesystem("alimentar")
    assert fs.ls("", detail=False) == ["files@1.2.0"]
    assert sorted(fs.ls("alimentar://files@^1", detail=False)) == ["files@^1/data", "files@^1/t.csv", "files@^1/t.jsonl"]
    assert fs.glob("files/**/*.parquet") == ["files/data/t.parquet"]
    assert sorted(fs.find("files@1.2.0")) == [f"files@1.2.0/{name}" for name in ("data/t.parquet", "t.csv", "t.jsonl")]
    info = fs.info("files/t.csv")
    assert info["type"] == "file" and info["ETag"].startswith("alimentar:") and info["size"] > 0
    assert fs.ukey("files/t.csv") == info["ETag"] == fs.ukey("files@1.2.0/t.csv")
    assert fs.isdir("files/data") and fs.isdir("files") and not fs.exists("files/nothing")
    assert fs.modified("files/t.csv").year >= 2024
    for path in ("files/nothing", "nothing/t.csv", "files@9/t.csv"):
        with pytest.raises(FileNotFoundError):
            fs.info(path)
    with pytest.raises(FileNotFoundError, match="files@1.2.0"):
        fs.open("alimentar://files@9/t.csv")
    with pytest.raises(NotImplementedError):
        fs.open("files/t.csv", "wb")


def test_file_system_takes_content_ids(files):
    fs = fsspec.filesystem("alimentar")
    digits = alimentar.open("files").content_id.removeprefix("alimentar:")
    for length in (64, 12):
        assert fs.cat_file(f"files@{digits[:length]}/t.csv", 0, 8) == b'"n","tex'
    with pytest.raises(FileNotFoundError):
        fs.info(f"other@{digits}/t.csv")


def test_file_system_takes_publishers(home, tmp_path, monkeypatch, program):
    (tmp_path / "x.txt").write_text("one\ntwo\n")
    monkeypatch.setenv("ALIMENTAR_PASSPHRASE", "test")
    program("registry", "keygen")
    program("index", tmp_path / "x.txt", "--name", "signed", "--sign")
    fs = fsspec.filesystem("alimentar", skip_instance_cache=True)
    assert fs.cat_file("alimentar://me/signed@latest/x.txt") == b"one\ntwo\n"
    assert fs.cat_file("alimentar://me/signed/x.txt") == b"one\ntwo\n"
    assert alimentar.open("me/signed").publisher == "me"


def test_file_system_reads_ranges(files, tmp_path):
    fs = fsspec.filesystem("alimentar")
    whole = fs.cat_file("files/t.csv")
    assert fs.cat_ranges(["files/t.csv"] * 3, [0, 10, -4], [3, 20, None]) == [whole[:3], whole[10:20], whole[-4:]]
    assert isinstance(fs.cat_ranges(["files/none"], [0], [1])[0], FileNotFoundError)
    with fs.open("files/t.csv") as file:
        file.seek(100)
        again = pickle.loads(pickle.dumps(file))
        assert again.read(50) == file.read(50) == whole[100:150]
    fs.get("files/data", str(tmp_path / "got"), recursive=True)
    assert (tmp_path / "got" / "t.parquet").exists()
    assert pickle.loads(pickle.dumps(fs)).cat_file("files/t.csv") == whole


def test_open_file_stays_when_the_name_moves_on(home, tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("old\n")
    alimentar.index(path, name="x")
    fs = fsspec.filesystem("alimentar")
    file, key = fs.open("x/x.txt"), fs.ukey("x/x.txt")
    path.write_text("newer\n")
    alimentar.index(path, name="x")
    assert file.read() == b"old\n"
    assert fs.cat_file("x/x.txt") == b"newer\n"
    assert fs.ukey("x/x.txt") != key
    assert fs.info("x/x.txt")["size"] == 6


def test_pandas_reads_files(files):
    import pandas
    expected = files.to_pandas()
    for found in (
        pandas.read_parquet("alimentar://files@^1/data/t.parquet"),
        pandas.read_csv("alimentar://files@1.2.0/t.csv"),
        pandas.read_json("alimentar://files/t.jsonl", lines=True),
    ):
        assert found.to_dict("list") == expected.to_dict("list")


def test_pyarrow_reads_files(files):
    import pyarrow.dataset
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    fs = PyFileSystem(FSSpecHandler(fsspec.filesystem("alimentar")))
    found = pyarrow.dataset.dataset("files/data", filesystem=fs, format="parquet").to_table()
    assert found.to_pylist() == files.to_pylist()


def test_dask_reads_files(files):
    import dask.dataframe as dask
    assert len(dask.read_csv("alimentar://files/*.csv")) == 1000
    assert dask.read_parquet("alimentar://files/data/t.parquet")["n"].sum().compute() == 499500


def test_duckdb_reads_files(files):
    import duckdb
    connection = duckdb.connect()
    connection.register_filesystem(fsspec.filesystem("alimentar"))
    found = connection.sql("select sum(n) from read_parquet('alimentar://files/data/*.parquet')").fetchall()
    assert found == [(499500,)]
    assert connection.sql("select count(*) from read_csv('alimentar://files/t.csv')").fetchall() == [(1000,)]


def test_datasets_reads_files(files, tmp_path):
    import datasets
    for kind, path in [("parquet", "data/t.parquet"), ("csv", "t.csv"), ("json", "t.jsonl")]:
        found = datasets.load_dataset(
            kind, data_files=f"alimentar://files@1.2.0/{path}", split="train", cache_dir=str(tmp_path / "cache")
        )
        assert found["n"][:] == list(range(1000))
    streamed = datasets.load_dataset("csv", data_files="alimentar://files/t.csv", split="train", streaming=True)
    assert next(iter(streamed))["n"] == 0


