"""Datasets, and scans of their rows."""

from __future__ import annotations

import io
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from . import _alimentar
from ._errors import Error, Invalid, NotFound

if TYPE_CHECKING:
    import pandas
    import pyarrow

#: Receives the phase, the bytes done, and all bytes of the phase or ``None``. It ends the work by raising.
Progress = Callable[[str, int, "int | None"], object]


class File(NamedTuple):
    """A file of a dataset."""

    path: str
    size_bytes: int
    content_id: str | None
    rows: int | None
    format: str


class Field(NamedTuple):
    """A column: its name, its Arrow type as a text, and whether it may be null."""

    name: str
    type: str
    nullable: bool


class Card(NamedTuple):
    """A dataset card. A drafted one was made from the manifest, because the dataset has none."""

    markdown: str
    frontmatter: dict[str, Any]
    drafted: bool
    error: str | None


class Match(NamedTuple):
    """A condition of a scan: rows that a regular expression matches, as ``alimentar inspect filter`` has them.

    Without a column, it is looked for in the text of the row.

    >>> import alimentar
    >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", name="gsm8k-test", license="MIT")
    >>> dozens = alimentar.open("gsm8k-test").scan(filter=alimentar.Match("dozen", ignore_case=True))
    >>> dozens.to_pyarrow().num_rows
    24
    """

    pattern: str
    column: str | None = None
    ignore_case: bool = False
    invert: bool = False


class Scan:
    """A choice of rows and columns, which streams Arrow data to any library that knows the PyCapsule interface.

    pyarrow, pandas, polars, DuckDB and others take it as it is. It may be read many times; each time is a new pass, which
    decodes on all cores while the reader works.
    """

    __slots__ = ("_native", "_text")

    def __init__(self, native: _alimentar.Scan, text: str) -> None:
        self._native = native
        self._text = text

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        self._prepare(None)
        return self._native.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def _prepare(self, progress: Progress | None) -> None:
        """Find the columns, and warn of those that are left out."""
        for name, kind in self._native.prepare(progress):
            message = f"column `{name}` is left out: its type, {kind}, is not read"
            warnings.warn(message, stacklevel=3)

    @property
    def schema(self) -> list[Field]:
        """The columns. Files of text are read once for their types, which fit all chosen rows."""
        return [Field(**field) for field in json.loads(self._native.fields())]

    def to_pyarrow(self, progress: Progress | None = None) -> pyarrow.Table:
        """Return a ``pyarrow.Table``. Unlike other readers of the stream, it can be interrupted, and raises typed errors."""
        import pyarrow

        self._prepare(progress)
        try:
            reader = pyarrow.RecordBatchReader.from_stream(self._native)
            return pyarrow.Table.from_batches(list(reader), schema=reader.schema)
        except Error:
            raise
        except Exception as error:
            self._raise_own(error)
            raise

    def to_pandas(self, progress: Progress | None = None, **options: Any) -> pandas.DataFrame:
        """Return a ``pandas.DataFrame``. ``options`` are those of ``pyarrow.Table.to_pandas``."""
        return self.to_pyarrow(progress).to_pandas(**options)

    def _raise_own(self, error: BaseException) -> None:
        """Raise the error of the library behind an error of a reader, which only has its message."""
        try:
            self._native.check()
        except Error as own:
            raise own from error

    def __repr__(self) -> str:
        # Without a look at the columns, which may read all rows.
        return f"<alimentar.Scan of {self._text}>"


class Dataset:
    """A dataset, a file of one, a path, or a URL: its rows, files and facts. :func:`open` returns it.

    It reads one fixed version, also when its name gets others meanwhile. It can be
    pickled, and used in forked processes and by several threads.

    >>> import alimentar
    >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", name="gsm8k-test", license="MIT")
    >>> ds = alimentar.open("gsm8k-test@^0.1")
    >>> len(ds)
    1319
    >>> [field.name for field in ds.schema]
    ['question', 'answer']
    >>> ds[1318]["question"][:28]
    'Henry and 3 of his friends o'
    >>> ds.scan(columns=["answer"], rows=(0, 10)).to_pyarrow().shape
    (10, 1)
    """

    __slots__ = ("_info", "_options", "_source", "__weakref__")

    def __init__(
        self,
        text: str | os.PathLike[str],
        *,
        home: str | os.PathLike[str] | None = None,
        allow_large: bool = False,
        allow_withdrawn: bool = False,
        peers: Iterable[str] = (),
        accept_publishers: Iterable[str] = (),
        accept_unsigned: bool = False,
        _content_id: str | None = None,
        _is_dataset: bool = False,
    ) -> None:
        options = {
            "content_id": _content_id,
            "is_dataset": _is_dataset,
            "allow_large": allow_large,
            "allow_withdrawn": allow_withdrawn,
            "peers": list(peers),
            "publishers": list(accept_publishers),
            "unsigned": accept_unsigned,
        }
        self._options = (os.fspath(text), options)
        self._source = _alimentar.Source(self._options[0], home, options)
        self._info: dict[str, Any] = json.loads(self._source.info())

    def __reduce__(self):
        text, options = self._options
        # The process that opens it again may have another environment.
        home = os.path.abspath(self._source.home)
        return _reopen, (text, home, {**options, "content_id": self.content_id})

    def __repr__(self) -> str:
        if self.content_id is None:
            return f"<alimentar.Dataset {self._info['text']}>"
        return f"<alimentar.Dataset {self.name}@{self.version} {self.content_id}>"

    @property
    def name(self) -> str | None:
        """The name; ``None`` for a path or a URL, as for the other facts of datasets."""
        return self._info.get("name")

    @property
    def version(self) -> str | None:
        """The version."""
        return self._info.get("version")

    @property
    def content_id(self) -> str | None:
        """The content id: ``alimentar:`` and 64 digits, which stand for exactly these bytes."""
        return self._info.get("content_id")

    @property
    def publisher(self) -> str | None:
        """The publisher's name here, or else the key; ``None`` for an unsigned dataset."""
        return self._info.get("publisher")

    @property
    def trust(self) -> str | None:
        """The trust in the publisher, such as ``local``, ``full`` or ``unknown``."""
        return self._info.get("trust")

    @property
    def info(self) -> dict[str, Any]:
        """Further facts, with the keys of ``alimentar info --json``."""
        return dict(self._info)

    @property
    def files(self) -> list[File]:
        """The files."""
        return [File(**file) for file in json.loads(self._source.files())]

    @property
    def card(self) -> Card:
        """The card, or a draft of one."""
        return Card(**json.loads(self._source.card()))

    @property
    def schema(self) -> list[Field]:
        """The columns, as the dataset declares them. A scan of text finds the types that all of its rows have."""
        return [Field(**field) for field in json.loads(self._source.fields())]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self._source.count(False)

    def __len__(self) -> int:
        return self.rows

    def __bool__(self) -> bool:
        # Whether it is there does not depend on its rows, which would have to be counted.
        return True

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows as Python values. :func:`rows` has shards, seeds and states."""
        from ._rows import Rows

        return Rows(self)

    def scan(
        self,
        columns: Iterable[str] | None = None,
        rows: slice | range | tuple[int, int] | None = None,
        filter: str | Match | None = None,
    ) -> Scan:
        """Choose columns, a range of row numbers, and rows by a condition. Nothing is read yet.

        A filter is a condition as that of ``alimentar documents scan --where``, or a :class:`Match`. The types of columns of
        text are those that fit all rows of the range.

        >>> import alimentar, io
        >>> with io.open("people.jsonl", "w") as file:
        ...     _ = file.write('{"name": "ada", "age": 36}\\n{"name": "bob", "age": 17}\\n')
        >>> people = alimentar.open("people.jsonl")
        >>> people.scan(columns=["name"], filter="age >= 18").to_pyarrow().to_pylist()
        [{'name': 'ada'}]
        """
        start, stop = _range(rows)
        predicate = filter if isinstance(filter, str) else None
        pattern = tuple(filter) if isinstance(filter, Match) else None
        if filter is not None and predicate is None and pattern is None:
            raise Invalid("a filter is a text or a Match")
        names = [columns] if isinstance(columns, str) else list(columns or [])
        native = _alimentar.Scan(self._source, names, start, stop, predicate, pattern)
        return Scan(native, self._info["text"])

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.scan().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self.scan().__arrow_c_schema__()

    def to_pyarrow(self, progress: Progress | None = None) -> pyarrow.Table:
        """Return all rows as a ``pyarrow.Table``."""
        return self.scan().to_pyarrow(progress)

    def to_pandas(self, progress: Progress | None = None, **options: Any) -> pandas.DataFrame:
        """Return all rows as a ``pandas.DataFrame``."""
        return self.scan().to_pandas(progress, **options)

    @overload
    def __getitem__(self, number: int) -> Any: ...
    @overload
    def __getitem__(self, number: slice) -> list[Any]: ...
    def __getitem__(self, number: int | slice) -> Any:
        """Return a row by its number, or those of a slice, as Python values.

        Numbers are those of ``alimentar inspect lines``. Blank lines of JSON Lines have one, and no row: a slice leaves them
        out.
        """
        if isinstance(number, slice):
            return self.take(range(*number.indices(self._source.count(True))))
        if number < 0:
            number += self._source.count(True)
        found = self._read([number]) if number >= 0 else []
        if not found:
            raise IndexError("there is no row with this number")
        return json.loads(found[0][1])

    def take(self, numbers: Iterable[int]) -> list[Any]:
        """Return rows by their numbers, in the given order. Numbers without a row are left out."""
        numbers = list(numbers)
        found = dict(self._read(numbers))
        return [json.loads(found[number]) for number in numbers if number in found]

    def _read(self, numbers: Sequence[int]) -> list[tuple[int, str]]:
        return self._source.rows(sorted(set(numbers)))

    def verify(self, progress: Progress | None = None) -> dict[str, Any]:
        """Read every byte and recompute its hashes. Return the result; damage raises :class:`Integrity`."""
        return json.loads(self._source.verify(progress))

    def resolve(self) -> str:
        """Return the line for a training log, as ``alimentar resolve`` prints it.

        >>> import alimentar
        >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", name="gsm8k-test", license="MIT")
        >>> alimentar.open("gsm8k-test").resolve()
        'alimentar:0b697290c2ea42cfaa092e4694cfa5596b1a44a0b2e9fcad81fcb62ceedefc7f  gsm8k-test@0.1.0'
        """
        if self.content_id is None:
            raise NotFound(f"`{self._info['text']}` is no dataset, and has no content id")
        return f"{self.content_id}  {self.name}@{self.version}"

    def checkout(
        self,
        dest: str | os.PathLike[str],
        path: str | None = None,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Write the dataset to ``dest``, or of it one file, one directory, or the files that match a glob."""
        return json.loads(self._source.checkout(dest, path, overwrite, progress))

    def read(self, path: str | None = None, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of a file; without a path, of the only one."""
        path = self._path(path)
        size = self._source.size(path)
        start, stop, _ = slice(start, stop).indices(size)
        return self._source.read(path, start, max(stop - start, 0))

    def open_file(self, path: str | None = None) -> io.BufferedReader:
        """Open a file for reading; without a path, the only one. Nothing is written to disk.

        >>> import alimentar
        >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", name="gsm8k-test", license="MIT")
        >>> with alimentar.open("gsm8k-test").open_file() as file:
        ...     file.readline()[:12]
        b'{"question":'
        """
        return io.BufferedReader(_RawFile(self, self._path(path)), 1 << 20)

    def _path(self, path: str | None) -> str:
        if path is not None:
            return path
        files = self.files
        if len(files) != 1:
            raise Invalid(f"it has {len(files)} files", "give a path; .files lists them")
        return files[0].path


class _RawFile(io.RawIOBase):
    """A file of a dataset, for a buffered reader."""

    def __init__(self, dataset: Dataset, path: str) -> None:
        self._dataset = dataset
        self.name = path
        self._at = 0
        self._size = dataset._source.size(path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative position")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._dataset._source.read(self.name, self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _range(rows: slice | range | tuple[int, int] | None) -> tuple[int, int | None]:
    if rows is None:
        return 0, None
    if isinstance(rows, (slice, range)):
        start, stop, step = rows.start or 0, rows.stop, rows.step
    else:
        (start, stop), step = rows, None
    if step not in (None, 1) or start < 0 or (stop is not None and stop < 0):
        raise Invalid("rows of a scan are a range from 0 on, with all rows in it")
    return start, stop


def _reopen(text: str, home: str, options: dict[str, Any]) -> Dataset:
    return Dataset(
        text,
        home=home,
        allow_large=options["allow_large"],
        allow_withdrawn=options["allow_withdrawn"],
        peers=options["peers"],
        accept_publishers=options["publishers"],
        accept_unsigned=options["unsigned"],
        _content_id=options["content_id"],
        _is_dataset=options["is_dataset"],
    )
