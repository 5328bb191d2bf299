"""Adapters to ``torch.utils.data``. Importing this module does not import torch; only :class:`IterableRows` does.

:class:`IterableRows` streams rows in the order of :func:`alimentar.rows`, divided among ranks and workers.
:class:`MapRows` reads rows by their numbers, for samplers.

>>> import alimentar
>>> from alimentar.torch import MapRows
>>> made = alimentar.index("tests/data/gsm8k/test.jsonl", name="gsm8k-test", license="MIT")
>>> rows = MapRows("gsm8k-test")
>>> len(rows), sorted(rows[0])
(1319, ['answer', 'question'])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ._dataset import Dataset
from ._rows import Rows

__all__ = ["IterableRows", "MapRows"]  # noqa: F822


class MapRows:
    """A dataset with a length and items, read by row numbers. A batch is read at once."""

    def __init__(
        self,
        ref: str | Dataset,
        *,
        transform: Callable[[Any], Any] | None = None,
        home: str | None = None,
    ) -> None:
        self.dataset = ref if isinstance(ref, Dataset) else Dataset(ref, home=home)
        self.transform = transform

    def __len__(self) -> int:
        return self.dataset._source.count(True)

    def __getitem__(self, number: int) -> Any:
        return self._transformed(self.dataset[number])

    def __getitems__(self, numbers: list[int]) -> list[Any]:
        return [self._transformed(row) for row in self.dataset.take(numbers)]

    def _transformed(self, row: Any) -> Any:
        return row if self.transform is None else self.transform(row)


class _IterableRows:
    """A stream of rows for ``torch.utils.data.DataLoader``.

    The rows of all ranks and workers together are those of one: rank ``r`` of ``w`` has the positions ``r``, ``r + w`` and so
    on, of which its workers take turns. ``set_epoch`` changes the seed.
    """

    def __init__(
        self,
        ref: str | Dataset,
        *,
        seed: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        columns: Iterable[str] | None = None,
        transform: Callable[[Any], Any] | None = None,
        home: str | None = None,
    ) -> None:
        super().__init__()
        self.dataset = ref if isinstance(ref, Dataset) else Dataset(ref, home=home)
        self.seed = seed
        self.epoch = 0
        self.rank, self.world_size = rank, world_size
        self.columns = None if columns is None else list(columns)
        self.transform = transform
        self._rows: Rows | None = None
        self._state: dict[str, Any] | None = None

    def set_epoch(self, epoch: int) -> None:
        """Take the order of an epoch: that of the seed plus its number."""
        self.epoch = epoch
        self._state = None

    def __iter__(self) -> Iterator[Any]:
        from torch.utils.data import get_worker_info

        worker = get_worker_info()
        place, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        shard = (self.rank + self.world_size * place, self.world_size * workers)
        seed = None if self.seed is None else (self.seed + self.epoch) % (1 << 64)
        self._rows = Rows(self.dataset, shard, seed, self._state, self.columns)
        self._state = None
        for row in self._rows:
            yield row if self.transform is None else self.transform(row)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iterator of this process is, for a loader that saves states."""
        return {"epoch": self.epoch, "rows": None if self._rows is None else self._rows.state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Make the next iterator go on from a state."""
        self.epoch, self._state = state["epoch"], state["rows"]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_rows": None}


def __getattr__(name: str) -> Any:
    """Make the class that derives from torch's when somebody asks for it."""
    if name != "IterableRows":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from torch.utils.data import IterableDataset as Base

    made = type(
        "IterableRows",
        (_IterableRows, Base),
        {"__doc__": _IterableRows.__doc__, "__module__": __name__, "__qualname__": "IterableRows"},
    )
    globals()["IterableRows"] = made
    return made
