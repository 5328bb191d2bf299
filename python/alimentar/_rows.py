"""Rows one by one, in an order that a seed fixes."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from . import _alimentar
from ._dataset import Dataset
from ._errors import Conflict, Invalid

#: Rows that are read at once, at most: those of a group of the order.
_PIECE_ROWS = 4096
#: Bytes of text beyond which the next piece is half as long.
_PIECE_BYTES = 64 << 20


class Rows(Iterator[Any]):
    """The rows of a shard, in a fixed order. :func:`rows` returns it.

    ``state()`` says where it is, and ``resume=state`` goes on there: in another process, or with another number of
    shards. One thread at a time may use it. It can be pickled.
    """

    def __init__(
        self,
        dataset: Dataset,
        shard: tuple[int, int] = (0, 1),
        seed: int | None = None,
        resume: dict[str, Any] | None = None,
        columns: Iterable[str] | None = None,
    ) -> None:
        index, count = shard
        if not 0 <= index < count:
            raise Invalid("shard is (i, n) with i from 0 to n - 1")
        if seed is not None and not 0 <= seed < 1 << 64:
            raise Invalid("seed is a number of 64 bits")
        self._dataset = dataset
        self._shard = (index, count)
        self._columns = None if columns is None else list(columns)
        identity = dataset._source.identity()
        self._content = identity.hex()
        position = 0
        if resume is not None:
            if resume.get("version") != 1:
                raise Invalid("the state is none of this version")
            if resume["content"] != self._content:
                raise Conflict("the state belongs to other content", "open the version that it was saved with")
            if seed is not None and seed != resume["seed"]:
                raise Invalid(f"the state has the seed {resume['seed']}")
            seed, position = resume["seed"], resume["position"]
        self._seed = seed
        self._order = _alimentar.Order(dataset._source.count(True), identity, seed)
        #: The next position of this shard.
        self._position = position + (index - position) % count
        self._ready: deque[tuple[int, str | None]] = deque()
        self._piece = _PIECE_ROWS

    def __reduce__(self):
        return Rows, (self._dataset, self._shard, self._seed, self.state(), self._columns)

    def __iter__(self) -> Rows:
        return self

    def __next__(self) -> Any:
        while True:
            if not self._ready and not self._fill():
                raise StopIteration
            position, text = self._ready.popleft()
            self._position = position + self._shard[1]
            # A blank line has a number, and is no row.
            if text is not None:
                return self._value(text)

    def _value(self, text: str) -> Any:
        row = json.loads(text)
        if self._columns is None or not isinstance(row, dict):
            return row
        return {name: row.get(name) for name in self._columns}

    def _fill(self) -> bool:
        """Read the next piece; false at the end."""
        step = self._shard[1]
        numbers = self._order.numbers(self._position, step, self._piece)
        if not numbers:
            return False
        texts = dict(self._dataset._read(numbers))
        self._ready.extend(
            (self._position + place * step, texts.get(number)) for place, number in enumerate(numbers)
        )
        size = sum(map(len, texts.values()))
        if size > _PIECE_BYTES:
            self._piece = max(self._piece // 2, 1)
        elif size < _PIECE_BYTES // 4:
            self._piece = min(self._piece * 2, _PIECE_ROWS)
        return True

    def state(self) -> dict[str, Any]:
        """Return where it is, as an object that JSON can hold: every row of this shard before it was returned."""
        return {
            "version": 1,
            "content": self._content,
            "seed": self._seed,
            "position": self._position,
        }


def rows(
    ref: str | Dataset,
    shard: tuple[int, int] = (0, 1),
    seed: int | None = None,
    resume: dict[str, Any] | None = None,
    *,
    columns: Iterable[str] | None = None,
    home: str | None = None,
) -> Rows:
    """Return an iterator over rows as Python values, in the same order for any number of shards.

    Without a seed the order is that of the dataset. With one it is a permutation by the seed and the content id, which
    ``spec/python-rows.md`` defines. Shard ``i`` of ``n`` has the positions ``i``, ``i + n`` and so on: shards side by side
    give the rows of one. Take another seed for each epoch.

    >>> import alimentar
    >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", name="gsm8k-test", license="MIT")
    >>> first = alimentar.rows("gsm8k-test", shard=(0, 2), seed=7, columns=["question"])
    >>> row = next(first)
    >>> state = first.state()
    >>> again = alimentar.rows("gsm8k-test", shard=(0, 2), resume=state, columns=["question"])
    >>> next(first) == next(again)
    True
    """
    dataset = ref if isinstance(ref, Dataset) else Dataset(ref, home=home)
    return Rows(dataset, shard, seed, resume, columns)
