"""A file system for fsspec: ``alimentar://[publisher/]name[@version|@id]/path``.

pandas, pyarrow, Dask, DuckDB, Hugging Face ``datasets`` and Ray open such URLs through fsspec. ``@`` takes what references
take, such as ``@1.2.0``, ``@^1`` and ``@latest``, or the digits of a content id. It is read-only.

>>> import alimentar, fsspec
>>> made = alimentar.index("tests/data/gsm8k", name="gsm8k", license="MIT")
>>> fs = fsspec.filesystem("alimentar")
>>> "gsm8k@0.1.0" in fs.ls("", detail=False)
True
>>> with fsspec.open("alimentar://gsm8k@^0.1/test.jsonl") as file:
...     file.readline()[:12]
b'{"question":'
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from . import _functions
from ._dataset import Dataset, File
from ._errors import Ambiguous, Error, Invalid, NotFound

#: Digits of a content id, or of its beginning.
_ID = re.compile(r"[0-9a-f]{8,64}")


class AlimentarFileSystem(AbstractFileSystem):
    """Files of the datasets of a registry. ``home`` is its directory."""

    protocol = "alimentar"
    root_marker = ""

    def __init__(self, home: str | os.PathLike[str] | None = None, **options: Any) -> None:
        super().__init__(home=home, **options)
        self.home = home
        # Datasets by what was asked for, and the process that opened them; each call looks whether a name has moved on.
        self._opened: dict[str, Dataset] = {}

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, (list, tuple)):
            return [cls._strip_protocol(one) for one in path]
        return os.fspath(path).removeprefix("alimentar://").strip("/")

    def unstrip_protocol(self, name: str) -> str:
        return f"alimentar://{self._strip_protocol(name)}"

    def _find(self, path: str) -> tuple[str, Dataset, str]:
        """Return the part of a path that names a dataset, the dataset, and the path in it."""
        path = self._strip_protocol(path)
        parts = path.split("/")
        # A publisher stands before the name; a version ends it.
        counts = (2, 1) if len(parts) > 1 and "@" in parts[1] else (1, 2)
        failure: Error | None = None
        for count in counts:
            if count > len(parts) or (count == 2 and "@" in parts[0]):
                continue
            reference = "/".join(parts[:count])
            try:
                return reference, self._dataset(reference), "/".join(parts[count:])
            except (NotFound, Ambiguous, Invalid) as error:
                failure = failure or error
        raise self._missing(path, parts, failure)

    def _dataset(self, reference: str) -> Dataset:
        name, at, version = reference.rpartition("@")
        is_id = bool(at) and _ID.fullmatch(version) is not None
        opened = Dataset(
            f"alimentar:{version}" if is_id else reference, home=self.home, _is_dataset=True
        )
        if is_id and name.rpartition("/")[2] != opened.name:
            raise NotFound(f"`alimentar:{version}` is not called `{name}` here")
        # The files that are open belong to the version that was found before.
        kept = self._opened.get(reference)
        if kept is None or kept.content_id != opened.content_id or kept.version != opened.version:
            self._opened[reference] = kept = opened
        return kept

    def _missing(self, path: str, parts: list[str], failure: Error | None) -> FileNotFoundError:
        names = {part.partition("@")[0] for part in parts[:2]}
        try:
            here = [f"{one['name']}@{one['version']}" for one in _functions.list(home=self.home)]
        except Error:
            here = []
        near = [one for one in here if one.partition("@")[0] in names] or here
        reason = f": {failure}" if failure else ""
        there = f"; there is {', '.join(near[:10])}" if near else ""
        return FileNotFoundError(f"`alimentar://{path}`{reason}{there}")

    def _entry(self, reference: str, dataset: Dataset, file: File) -> dict[str, Any]:
        return {
            "name": f"{reference}/{file.path}",
            "size": file.size_bytes,
            "type": "file",
            "ETag": file.content_id or dataset.content_id,
            "content_id": file.content_id,
            "dataset": dataset.content_id,
            "created": _time(dataset),
            "mtime": _time(dataset),
            "rows": file.rows,
            "format": file.format,
        }

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """List datasets, or the files and directories of one."""
        path = self._strip_protocol(path)
        if not path:
            entries = [
                {"name": f"{one['name']}@{one['version']}", "size": 0, "type": "directory"}
                for one in _functions.list(home=self.home)
            ]
        else:
            reference, dataset, inside = self._find(path)
            entries = self._below(reference, dataset, inside)
            if not entries:
                raise FileNotFoundError(f"there is no `{inside}` in {dataset.name}@{dataset.version}")
        return entries if detail else [entry["name"] for entry in entries]

    def _below(self, reference: str, dataset: Dataset, inside: str) -> list[dict[str, Any]]:
        entries: dict[str, dict[str, Any]] = {}
        front = f"{inside}/" if inside else ""
        for file in dataset.files:
            if file.path == inside:
                return [self._entry(reference, dataset, file)]
            if not file.path.startswith(front):
                continue
            first, slash, _ = file.path[len(front) :].partition("/")
            name = f"{reference}/{front}{first}"
            if slash:
                entries.setdefault(name, {"name": name, "size": 0, "type": "directory"})
            else:
                entries[name] = self._entry(reference, dataset, file)
        return list(entries.values())

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        """Return the facts of a file or a directory. ``ETag`` is the content id of a file."""
        path = self._strip_protocol(path)
        if not path:
            return {"name": "", "size": 0, "type": "directory"}
        reference, dataset, inside = self._find(path)
        if inside:
            entries = self._below(reference, dataset, inside)
            if not entries:
                raise FileNotFoundError(f"there is no `{inside}` in {dataset.name}@{dataset.version}")
            if entries[0]["name"] == f"{reference}/{inside}":
                return entries[0]
        name = f"{reference}/{inside}" if inside else reference
        return {"name": name, "size": 0, "type": "directory", "dataset": dataset.content_id}

    def ukey(self, path: str) -> str:
        """Return the content id: caches by it are never stale."""
        info = self.info(path)
        return str(info.get("ETag") or info.get("dataset") or info["name"])

    checksum = ukey

    def modified(self, path: str) -> datetime:
        """Return when the dataset was made. A version does not change."""
        _, dataset, _ = self._find(path)
        return _time(dataset)

    created = modified

    def _file(self, path: str) -> tuple[Dataset, dict[str, Any], str]:
        reference, dataset, inside = self._find(path)
        entries = self._below(reference, dataset, inside) if inside else []
        if not entries:
            raise FileNotFoundError(f"`alimentar://{self._strip_protocol(path)}` is no file")
        if entries[0]["name"] != f"{reference}/{inside}":
            raise IsADirectoryError(f"`alimentar://{self._strip_protocol(path)}` is a directory")
        return dataset, entries[0], inside

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **options: Any
    ) -> bytes:
        """Return bytes of a file."""
        dataset, _, inside = self._file(path)
        return dataset.read(inside, start or 0, end)

    def cat_ranges(
        self,
        paths: list[str],
        starts: int | list[int | None] | None,
        ends: int | list[int | None] | None,
        max_gap: int | None = None,
        on_error: str = "return",
        **options: Any,
    ) -> list[Any]:
        """Return ranges of files, each of which is looked up once."""
        count = len(paths)
        begins = starts if isinstance(starts, Iterable) else [starts] * count
        stops = ends if isinstance(ends, Iterable) else [ends] * count
        files: dict[str, tuple[Dataset, str]] = {}
        found: list[Any] = []
        for path, start, stop in zip(paths, begins, stops, strict=True):
            try:
                if path not in files:
                    dataset, _, inside = self._file(path)
                    files[path] = dataset, inside
                dataset, inside = files[path]
                found.append(dataset.read(inside, start or 0, stop))
            except Exception as error:
                if on_error != "return":
                    raise
                found.append(error)
        return found

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **options: Any,
    ) -> AlimentarFile:
        if mode != "rb":
            raise NotImplementedError("a registry is read-only here: `alimentar.index` makes a new version")
        dataset, entry, inside = self._file(path)
        return AlimentarFile(
            self,
            entry["name"],
            dataset=dataset,
            inside=inside,
            mode=mode,
            block_size=block_size or "default",
            cache_options=cache_options,
            size=entry["size"],
            **options,
        )


class AlimentarFile(AbstractBufferedFile):
    """A file of a dataset. It stays as it was opened, also when its name gets a new version."""

    DEFAULT_BLOCK_SIZE = 1 << 20

    def __init__(
        self, fs: AlimentarFileSystem, path: str, *, dataset: Dataset, inside: str, **options: Any
    ) -> None:
        self._dataset, self._inside = dataset, inside
        super().__init__(fs, path, **options)

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._dataset.read(self._inside, start, end)

    def __reduce__(self):
        return _open_again, (self.fs, self.path, self._dataset, self._inside, self.blocksize, self.tell(), self.size)


def _open_again(
    fs: AlimentarFileSystem, path: str, dataset: Dataset, inside: str, block_size: int, at: int, size: int
) -> AlimentarFile:
    file = AlimentarFile(fs, path, dataset=dataset, inside=inside, block_size=block_size, size=size)
    file.seek(at)
    return file


def _time(dataset: Dataset) -> datetime:
    made = dataset.info["created_at"].replace("Z", "+00:00")
    return datetime.fromisoformat(made).astimezone(timezone.utc)
