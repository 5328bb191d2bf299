"""Datasets: facts, rows, files, scans."""

import json
import pickle

import alimentar
import pyarrow as pa
import pytest
from conftest import DATA, GSM8K

LINES = GSM8K.read_text(encoding="utf-8").splitlines()


def test_dataset_has_facts_of_its_manifest(gsm8k):
    assert (gsm8k.name, gsm8k.version, gsm8k.trust, gsm8k.publisher) == ("gsm8k-test", "0.1.0", "local", None)
    assert gsm8k.content_id.startswith("alimentar:0b697290c2")
    assert len(gsm8k) == gsm8k.rows == 1319
    assert [(f.name, f.type) for f in gsm8k.schema] == [("question", "Utf8"), ("answer", "Utf8")]
    assert gsm8k.files[0][:2] == ("test.jsonl", GSM8K.stat().st_size)
    assert gsm8k.card.drafted and gsm8k.card.frontmatter["license"] == "MIT"
    assert gsm8k.verify()["content"] == "ok"


def test_dataset_is_true_and_iterates_over_rows(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("")
    assert alimentar.open(path) and not alimentar.open(path).rows
    path.write_text('{"a":1}\n{"a":2}\n')
    assert list(alimentar.open(path)) == [{"a": 1}, {"a": 2}]
    assert "x.jsonl" in repr(alimentar.open(path).scan())


def test_open_of_unknown_name_is_not_found_with_hint():
    with pytest.raises(alimentar.NotFound) as found:
        alimentar.open("no-such-dataset")
    assert found.value.kind == "not_found" and found.value.hint
    assert isinstance(found.value, LookupError)
    assert pickle.loads(pickle.dumps(found.value)).hint == found.value.hint


def test_open_of_similar_name_says_what_is_there(gsm8k):
    with pytest.raises(alimentar.NotFound, match="gsm8k-test"):
        alimentar.open("gsm8k-tets")


def test_open_of_wrong_version_text_is_invalid(gsm8k):
    with pytest.raises(alimentar.Invalid):
        alimentar.open("gsm8k-test@^")


def test_rows_by_number_are_those_of_the_file(gsm8k):
    assert gsm8k[0] == json.loads(LINES[0])
    assert gsm8k[-1] == json.loads(LINES[-1])
    assert gsm8k[700:703] == [json.loads(line) for line in LINES[700:703]]
    assert gsm8k.take([1318, 5, 5, 99999]) == [json.loads(LINES[n]) for n in (1318, 5, 5)]
    for number in (1319, -1320):
        with pytest.raises(IndexError):
            gsm8k[number]


def test_blank_lines_have_numbers_and_are_no_rows(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a":1}\n\n{"a":2}\n')
    ds = alimentar.open(path)
    assert len(ds) == 2
    assert ds[2] == {"a": 2}
    assert ds[:] == [{"a": 1}, {"a": 2}]
    with pytest.raises(IndexError):
        ds[1]
    assert list(alimentar.rows(ds)) == [{"a": 1}, {"a": 2}]
    assert ds.to_pyarrow()["a"].to_pylist() == [1, 2]


def test_scan_of_json_lines_has_their_values(gsm8k):
    table = gsm8k.to_pyarrow()
    assert table.schema.names == ["question", "answer"]
    assert table.to_pylist() == [json.loads(line) for line in LINES]


def test_scan_of_columns_and_range_has_only_them(gsm8k):
    table = gsm8k.scan(columns=["answer"], rows=(1300, 1310)).to_pyarrow()
    assert table.to_pylist() == [{"answer": json.loads(line)["answer"]} for line in LINES[1300:1310]]
    assert gsm8k.scan(rows=slice(1315, None)).to_pyarrow().num_rows == 4
    assert gsm8k.scan(rows=range(5, 5)).to_pyarrow().num_rows == 0
    with pytest.raises(alimentar.Invalid):
        gsm8k.scan(rows=slice(0, 10, 2))


def test_scan_with_unknown_column_is_not_found(gsm8k):
    with pytest.raises(alimentar.NotFound, match="questio"):
        gsm8k.scan(columns=["questio"]).to_pyarrow()


def test_filter_by_condition_selects_rows(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps({"n": n, "tags": ["even"] * (n % 2 == 0)}) + "\n" for n in range(100)))
    ds = alimentar.open(path)
    assert ds.scan(columns=["n"], filter='n >= 90 and tags contains "even"').to_pyarrow()["n"].to_pylist() == [90, 92, 94, 96, 98]
    with pytest.raises(alimentar.Invalid):
        ds.scan(filter="n >=")


def test_filter_of_parquet_reads_other_columns(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"n": range(10000), "text": [f"row {n}" for n in range(10000)]}), path, row_group_size=1000)
    ds = alimentar.open(path)
    table = ds.scan(columns=["text"], filter="n >= 9998").to_pyarrow()
    assert table.to_pydict() == {"text": ["row 9998", "row 9999"]}
    table = ds.scan(rows=(4990, 5010), filter=alimentar.Match("row 50", column="text")).to_pyarrow()
    assert table["n"].to_pylist() == list(range(5000, 5010))


@pytest.mark.parametrize("name", ["three.parquet", "three.arrow", "three.arrows", "types.parquet", "zstd.arrow"])
def test_scan_of_columnar_file_has_types_and_values_of_pyarrow(name):
    import pyarrow.parquet as pq

    path = DATA / "formats" / name
    if name.endswith(".parquet"):
        expected = pq.read_table(path)
    else:
        opened = pa.ipc.open_file if name.endswith(".arrow") else pa.ipc.open_stream
        expected = opened(path).read_all()
    found = alimentar.open(path).to_pyarrow()
    assert found.schema.names == expected.schema.names
    assert repr(found.to_pylist()) == repr(expected.to_pylist())


def test_columns_that_cannot_be_read_are_left_out_with_a_warning():
    ds = alimentar.open(DATA / "formats" / "union.arrow")
    with pytest.warns(UserWarning, match="left out"):
        ds.to_pyarrow()


def test_malformed_row_raises_with_its_number(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a":1}\n{"a":\n{"a":3}\n')
    with pytest.raises(alimentar.Unsupported, match="row 1"):
        alimentar.open(path).to_pyarrow()


def test_stream_error_is_typed_after_another_library_read(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"a":1}\n{"a":\n')
    scan = alimentar.open(path).scan()
    with pytest.raises(Exception, match="row 1"):
        pa.RecordBatchReader.from_stream(scan).read_all()


def test_scan_can_be_read_twice_and_be_abandoned(gsm8k):
    scan = gsm8k.scan()
    for _ in range(3):
        reader = pa.RecordBatchReader.from_stream(scan)
        assert reader.read_next_batch().num_rows > 0
        del reader
    assert scan.to_pyarrow().num_rows == 1319


def test_schema_capsule_is_that_of_the_stream(gsm8k):
    assert pa.schema(gsm8k) == gsm8k.to_pyarrow().schema


def test_files_of_dataset_are_read_and_checked_out(tmp_path, gsm8k):
    whole = GSM8K.read_bytes()
    assert gsm8k.read() == whole
    assert gsm8k.read("test.jsonl", 10, 30) == whole[10:30]
    assert gsm8k.read(start=-5) == whole[-5:]
    with gsm8k.open_file() as file:
        assert file.readline() == whole[: whole.index(b"\n") + 1]
        file.seek(-7, 2)
        assert file.read() == whole[-7:]
    assert gsm8k.checkout(tmp_path / "copy.jsonl")["files"] == 1
    assert (tmp_path / "copy.jsonl").read_bytes() == whole
    with pytest.raises(alimentar.Conflict):
        gsm8k.checkout(tmp_path / "copy.jsonl")
    assert gsm8k.checkout(tmp_path / "copy.jsonl", overwrite=True)["bytes"] == len(whole)
    with pytest.raises(alimentar.NotFound):
        gsm8k.read("no-such-file")


def test_dataset_without_rows_has_files(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"\x89PNG" * 100)
    (tmp_path / "images" / "b.png").write_bytes(b"\x89PNG" * 200)
    alimentar.index(tmp_path / "images", name="images")
    ds = alimentar.open("images")
    assert [file.path for file in ds.files] == ["a.png", "b.png"]
    assert len(ds.read("b.png")) == 800
    with pytest.raises(alimentar.Unsupported):
        ds.to_pyarrow()


def test_dataset_stays_as_opened_when_the_name_moves_on(tmp_path, gsm8k):
    edited = tmp_path / "edited.jsonl"
    edited.write_text("\n".join(LINES[:10]) + "\n", encoding="utf-8")
    alimentar.index(edited, name="gsm8k-test")
    again = pickle.loads(pickle.dumps(gsm8k))
    assert alimentar.open("gsm8k-test").rows == 10
    assert gsm8k.to_pyarrow().num_rows == again.to_pyarrow().num_rows == 1319
    assert again.content_id == gsm8k.content_id
    assert alimentar.diff("gsm8k-test@0.1.0", "gsm8k-test@0.1.1")["rows"][0]["removed"] == 1309


def test_damage_in_the_store_is_integrity(gsm8k, home):
    packs = sorted(home.rglob("*.pack")) or [p for p in home.rglob("*") if p.is_file() and p.stat().st_size > 100_000]
    data = bytearray(packs[0].read_bytes())
    data[len(data) // 2] ^= 1
    packs[0].write_bytes(data)
    with pytest.raises(alimentar.Integrity):
        gsm8k.verify()
    with pytest.raises(alimentar.Error):
        alimentar.open("gsm8k-test").to_pyarrow()


def test_home_of_others_is_refused(gsm8k, home, monkeypatch):
    home.chmod(0o777)
    with pytest.raises(alimentar.NotTrusted):
        alimentar.list()
    monkeypatch.setenv("ALIMENTAR_INSECURE_HOME", "1")
    assert alimentar.list()


def test_progress_is_reported_and_ends_the_work(tmp_path):
    path = tmp_path / "large.jsonl"
    with open(path, "w") as file:
        for n in range(400_000):
            file.write(json.dumps({"n": n, "text": f"{n * 7919:x}" * 20}) + "\n")
    seen = []
    alimentar.index(path, name="large", progress=lambda *state: seen.append(state))
    assert all(isinstance(phase, str) and done >= 0 for phase, done, _ in seen)

    class Enough(Exception):
        pass

    def stop(*_):
        raise Enough

    with pytest.raises(Enough):
        while True:
            alimentar.open("large").verify(progress=stop)
