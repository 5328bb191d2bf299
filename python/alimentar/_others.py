"""Collections of JSON documents, and tables of features."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import _alimentar

if TYPE_CHECKING:
    import pyarrow


class Documents:
    """A collection of JSON documents, for reading. :func:`documents` returns it."""

    def __init__(self, root: str | os.PathLike[str], collection: str | None, home: str | None) -> None:
        self._native = _alimentar.Documents(os.fspath(root), collection, home)
        self._options = (os.fspath(root), collection, home)

    def __reduce__(self):
        return Documents, self._options

    def __len__(self) -> int:
        return len(self._native)

    def __getitem__(self, id: str) -> Any:
        """Return a document; :class:`NotFound` if there is none with this id."""
        return json.loads(self._native.get(id))

    def __iter__(self) -> Iterator[Any]:
        return self.scan()

    def scan(
        self,
        where: str | Iterable[str] = (),
        fields: Iterable[str] = (),
        limit: int | None = None,
    ) -> Iterator[Any]:
        """Yield documents that fulfil all conditions, such as ``age >= 18``, with some of their fields."""
        conditions = [where] if isinstance(where, str) else list(where)
        scan = self._native.scan(conditions, list(fields), limit)
        while documents := scan.next():
            yield from map(json.loads, documents)


def documents(
    root: str | os.PathLike[str], collection: str | None = None, *, home: str | None = None
) -> Documents:
    """Open a collection of a directory, or of a dataset; without a name, the only one."""
    return Documents(root, collection, home)


class FeatureRows:
    """Columns of rows, one row for each key. Any library that knows the PyCapsule interface takes it."""

    def __init__(self, native: _alimentar.Rows, missing: list[int]) -> None:
        self._native = native
        #: Positions of the keys without a row. Their columns are null.
        self.missing = missing

    def __len__(self) -> int:
        return len(self._native)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def to_pyarrow(self) -> pyarrow.Table:
        """Return a ``pyarrow.Table``."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_stream(self).read_all()


class Features:
    """The feature tables of a configuration. :func:`features` returns it."""

    def __init__(self, config: str | os.PathLike[str], home: str | None) -> None:
        self._native = _alimentar.Features(os.fspath(config), home)
        self._options = (os.fspath(config), home)

    def __reduce__(self):
        return Features, self._options

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return self._native.tables()

    def get(self, table: str, keys: Iterable[str], columns: Iterable[str] = ()) -> FeatureRows:
        """Return columns of rows by their keys; without columns, all but those of the key."""
        rows, missing = self._native.get(table, list(keys), list(columns))
        return FeatureRows(rows, missing)


def features(config: str | os.PathLike[str], *, home: str | None = None) -> Features:
    """Open the feature tables of a configuration, a YAML file."""
    return Features(config, home)
