"""The order of rows: against the specification's own code, shards, states, torch."""

import itertools
import json
import pickle
import sys
import types

import alimentar
import pytest
from alimentar import _alimentar
from conftest import GSM8K, REPOSITORY
from order import order

LINES = GSM8K.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("rows", [0, 1, 255, 256, 257, 4096, 4097, 10000, 70000])
@pytest.mark.parametrize("seed", [None, 0, 7, 2**64 - 1])
def test_order_is_that_of_the_specification(rows, seed):
    content = bytes(range(32))
    expected = order(rows, content, seed)
    found = _alimentar.Order(rows, content, seed)
    assert found.numbers(0, 1, rows + 10) == expected
    assert sorted(expected) == list(range(rows))
    for step in (2, 7, 5000):
        for first in {0, 1, step - 1, rows // 2}:
            assert found.numbers(first, step, rows) == expected[first::step]


def test_golden_values_of_the_specification_hold():
    page = (REPOSITORY / "spec" / "python-rows.md").read_text(encoding="utf-8")
    found = _alimentar.Order(10000, bytes(range(32)), 7)
    for first in (0, 4096, 9995):
        numbers = found.numbers(first, 1, 5)
        assert "| " + ", ".join(map(str, numbers)) + " |" in page


def test_rows_without_seed_are_in_order(gsm8k):
    assert list(alimentar.rows(gsm8k)) == [json.loads(line) for line in LINES]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_side_by_side_are_one(gsm8k, count):
    content = bytes.fromhex(gsm8k.content_id.removeprefix("alimentar:"))
    expected = [json.loads(LINES[n]) for n in order(1319, content, 7)]
    shards = [alimentar.rows(gsm8k, shard=(i, count), seed=7) for i in range(count)]
    turns = itertools.zip_longest(*shards)
    assert [row for turn in turns for row in turn if row is not None] == expected


def test_state_resumes_in_the_same_and_in_other_shards(gsm8k):
    whole = list(alimentar.rows(gsm8k, seed=3))
    shards = [alimentar.rows(gsm8k, shard=(i, 4), seed=3) for i in range(4)]
    for _ in range(100):
        for shard in shards:
            next(shard)
    states = json.loads(json.dumps([shard.state() for shard in shards]))
    again = alimentar.rows(gsm8k, shard=(2, 4), resume=states[2])
    assert list(again) == whole[402::4] == list(shards[2])
    least = min(states, key=lambda state: state["position"])
    others = [alimentar.rows(gsm8k, shard=(i, 3), resume=least) for i in range(3)]
    rest = [row for turn in itertools.zip_longest(*others) for row in turn if row is not None]
    assert sorted(map(str, rest)) == sorted(map(str, whole[400:]))


def test_rows_are_pickled_with_their_place(gsm8k):
    rows = alimentar.rows(gsm8k, shard=(1, 2), seed=5, columns=["answer"])
    for _ in range(10):
        next(rows)
    again = pickle.loads(pickle.dumps(rows))
    assert list(again) == list(rows)


def test_state_of_other_content_or_seed_is_refused(gsm8k, tmp_path):
    state = alimentar.rows(gsm8k, seed=1).state()
    with pytest.raises(alimentar.Invalid):
        alimentar.rows(gsm8k, seed=2, resume=state)
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(alimentar.Conflict):
        alimentar.rows(tmp_path / "x.jsonl", resume=state)
    for shard in ((0, 0), (2, 2), (-1, 2)):
        with pytest.raises(alimentar.Invalid):
            alimentar.rows(gsm8k, shard=shard)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_rows_of_other_formats_are_found_by_number(tmp_path, suffix):
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet

    table = pa.table({"n": range(20000), "t": [f"row {n}" for n in range(20000)]})
    path = tmp_path / f"x.{suffix}"
    {"csv": pa.csv.write_csv, "parquet": pa.parquet.write_table, "arrow": pa.feather.write_feather}[suffix](table, path)
    alimentar.index(path, name="x")
    for ds in (alimentar.open("x"), alimentar.open(path)):
        found = [int(row["n"]) for row in itertools.islice(alimentar.rows(ds, seed=1), 5000)]
        content = ds._source.identity()
        assert found == order(20000, content, 1)[:5000]
        assert int(ds[19999]["n"]) == 19999


@pytest.fixture
def torch(monkeypatch):
    """Return torch, or the parts of it that the adapter uses."""
    try:
        import torch

        return torch
    except ImportError:
        pass
    torch, utils, data = (types.ModuleType(name) for name in ("torch", "torch.utils", "torch.utils.data"))
    data.IterableDataset = type("IterableDataset", (), {})
    data.get_worker_info = lambda: data.worker
    data.worker = None
    torch.utils, utils.data = utils, data
    for name, module in {"torch": torch, "torch.utils": utils, "torch.utils.data": data}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(vars(sys.modules.get("alimentar.torch", types)), "IterableRows", raising=False)
    return torch


def test_torch_adapter_divides_rows_among_ranks_and_workers(gsm8k, torch, monkeypatch):
    from alimentar.torch import IterableRows

    assert issubclass(IterableRows, torch.utils.data.IterableDataset)
    whole = list(alimentar.rows(gsm8k, seed=9))
    found = {}
    for rank in range(2):
        dataset = pickle.loads(pickle.dumps(IterableRows(gsm8k, seed=8, rank=rank, world_size=2)))
        dataset.set_epoch(1)
        for worker in range(3):
            info = types.SimpleNamespace(id=worker, num_workers=3)
            monkeypatch.setattr(torch.utils.data, "get_worker_info", lambda info=info: info)
            for place, row in enumerate(dataset):
                found[rank + 2 * worker + 6 * place] = row
    assert [found[position] for position in range(1319)] == whole


def test_torch_adapter_goes_on_from_its_state(gsm8k, torch, monkeypatch):
    from alimentar.torch import IterableRows

    monkeypatch.setattr(torch.utils.data, "get_worker_info", lambda: None)
    dataset = IterableRows(gsm8k, seed=8, transform=str)
    rows = iter(dataset)
    for _ in range(50):
        next(rows)
    other = IterableRows(gsm8k, seed=8, transform=str)
    other.load_state_dict(dataset.state_dict())
    assert list(other) == list(rows)


def test_torch_map_adapter_reads_batches(gsm8k):
    from alimentar.torch import MapRows

    rows = MapRows(gsm8k, transform=lambda row: row["question"])
    assert rows.__getitems__([3, 1]) == [json.loads(LINES[n])["question"] for n in (3, 1)]
