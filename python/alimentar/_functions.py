"""Functions over the registry and over rows. Results have the keys of the program's ``--json``."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Iterable
from typing import Any, Union

from . import _alimentar
from ._dataset import Dataset, Progress
from ._errors import Invalid, NotFound

Home = Union[str, "os.PathLike[str]", None]
Target = Union[str, "os.PathLike[str]", Dataset]


def open(
    ref: str | os.PathLike[str],
    *,
    home: Home = None,
    allow_large: bool = False,
    allow_withdrawn: bool = False,
    peers: Iterable[str] = (),
    accept_publishers: Iterable[str] = (),
    accept_unsigned: bool = False,
) -> Dataset:
    """Open a dataset (``name``, ``name@^1``, ``publisher/name@1.2.0``, ``alimentar:0b6972…``), a file of one
    (``name:path``), a path, or a URL (``https://``, ``hf://``, ``s3://``).

    ``home`` is the registry's directory: by default ``ALIMENTAR_HOME``, or ``~/.alimentar``. A dataset that is not here is
    looked into at ``peers``, as with :func:`pull`: of its data only the parts that are read are fetched, verified and kept.

    >>> import alimentar
    >>> alimentar.open("tests/data/gsm8k/test.jsonl").rows
    1319
    """
    return Dataset(
        ref,
        home=home,
        allow_large=allow_large,
        allow_withdrawn=allow_withdrawn,
        peers=peers,
        accept_publishers=accept_publishers,
        accept_unsigned=accept_unsigned,
    )


def index(
    path: str | os.PathLike[str],
    name: str | None = None,
    *,
    version: str | None = None,
    description: str | None = None,
    license: str | None = None,
    tags: Iterable[str] = (),
    card: str | os.PathLike[str] | None = None,
    private: bool = False,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    follow_links: bool = False,
    full_schema: bool = False,
    home: Home = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Put a file, a directory, or what is at a URL into the registry, which is made if there is none.

    >>> import alimentar
    >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", "gsm8k-test", license="MIT")
    >>> made["rows"], made["content_id"][:20]
    (1319, 'alimentar:0b697290c2')
    """
    metadata = {
        "name": name,
        "version": version,
        "description": description,
        "license": license,
        "tags": builtins.list(tags),
        "card": card,
        "private": private,
        "include": builtins.list(include),
        "exclude": builtins.list(exclude),
        "follow_links": follow_links,
        "full_schema": full_schema,
    }
    return json.loads(_alimentar.index(os.fspath(path), metadata, home, progress))


def pull(
    ref: str,
    *,
    peers: Iterable[str] = (),
    accept_publishers: Iterable[str] = (),
    accept_unsigned: bool = False,
    allow_large: bool = False,
    home: Home = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fetch a dataset from peers: only the chunks that are not here.

    Peers are ``host:port`` or ``nodeid@host:port``; without any, those that are found or known are asked. A dataset of a
    publisher that is not trusted raises :class:`NotTrusted`, unless the call accepts it.
    """
    consent = {
        "publishers": builtins.list(accept_publishers),
        "unsigned": accept_unsigned,
        "allow_large": allow_large,
    }
    return json.loads(_alimentar.pull(ref, builtins.list(peers), consent, home, progress))


def list(*, all: bool = False, home: Home = None) -> builtins.list[dict[str, Any]]:
    """Return the datasets of the registry; with ``all``, also withdrawn ones and those of strangers.

    >>> import alimentar
    >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", "gsm8k-test", license="MIT")
    >>> [(one["name"], one["version"]) for one in alimentar.list()]
    [('gsm8k-test', '0.1.0')]
    """
    return json.loads(_alimentar.list(home, all))


def search(
    query: str, *, schema: str | None = None, limit: int = 20, home: Home = None
) -> builtins.list[dict[str, Any]]:
    """Search datasets by name, tags, card text and columns. ``schema`` is a column that they must have.

    >>> import alimentar
    >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", "gsm8k-test", license="MIT")
    >>> [one["name"] for one in alimentar.search("license:mit", schema="question")]
    ['gsm8k-test']
    """
    return json.loads(_alimentar.search(query, schema, limit, home))["results"]


def lint(
    *targets: Target,
    rules: Iterable[str] = (),
    without: Iterable[str] = (),
    columns: Iterable[str] = (),
    limit: int = 5,
    home: Home = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Look for faults of rows and files. The rows of several targets follow each other.

    >>> import alimentar
    >>> alimentar.lint("tests/data/gsm8k/test.jsonl")["errors"]
    0
    """
    texts, home = _texts(targets, home)
    wanted, unwanted, names = builtins.list(rules), builtins.list(without), builtins.list(columns)
    return json.loads(_alimentar.lint(texts, wanted, unwanted, names, limit, home, progress))


def dedup(
    *targets: Target,
    exact: bool = False,
    threshold: float | None = None,
    simhash: bool = False,
    shingle: str | None = None,
    columns: Iterable[str] = (),
    containment: bool = False,
    weights: bool = True,
    keep: str = "first",
    source: str | None = None,
    budget: int = 1 << 30,
    home: Home = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Find exact and similar duplicates of rows. ``removed`` has the numbers of the rows that are duplicates of others.

    >>> import alimentar
    >>> found = alimentar.dedup("tests/data/gsm8k/test.jsonl", exact=True)
    >>> found["rows"], found["exact_duplicates"], found["removed"]
    (1319, 0, [])
    """
    texts, home = _texts(targets, home)
    near = _near(exact, threshold, simhash, shingle, columns, containment, weights, budget)
    found, removed = _alimentar.dedup(texts, near, keep, source, home, progress)
    return {**json.loads(found), "removed": removed}


def overlap(
    a: Target,
    b: Target,
    *,
    exact: bool = False,
    threshold: float | None = None,
    shingle: str | None = None,
    columns: Iterable[str] = (),
    containment: bool = False,
    weights: bool = True,
    ngram: int = 13,
    limit: int = 10,
    budget: int = 1 << 30,
    home: Home = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Find the rows of ``b`` that are in ``a``, such as those of an evaluation set in a training set.

    >>> import alimentar
    >>> alimentar.overlap("tests/data/gsm8k/test.jsonl", "tests/data/gsm8k/test.jsonl")["exact"]
    1319
    """
    (a, b), home = _texts((a, b), home)
    near = _near(exact, threshold, False, shingle, columns, containment, weights, budget)
    return json.loads(_alimentar.overlap(a, b, near, ngram, limit, home, progress))


def diff(
    a: str | Dataset, b: str | Dataset, *, home: Home = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Compare two datasets, or what is at URLs, by chunks, files and rows.

    >>> import alimentar
    >>> made = alimentar.index("tests/data/gsm8k/test.jsonl", "gsm8k-test", license="MIT")
    >>> alimentar.diff("gsm8k-test", "gsm8k-test")["files"]
    []
    """
    (a, b), home = _texts((a, b), home)
    return json.loads(_alimentar.diff(a, b, home, progress))


def _near(exact, threshold, simhash, shingle, columns, containment, weights, budget) -> dict[str, Any]:
    return {
        "exact": exact,
        "threshold": threshold,
        "simhash": simhash,
        "shingle": shingle,
        "columns": builtins.list(columns),
        "containment": containment,
        "weights": weights,
        "budget": budget,
    }


def _texts(targets: Iterable[Target], home: Home) -> tuple[builtins.list[str], Home]:
    """Return the texts of targets. Open datasets bring their registry with them."""
    texts = []
    for target in targets:
        if not isinstance(target, Dataset):
            texts.append(os.fspath(target))
            continue
        own = target._source.home
        if home is not None and os.path.abspath(home) != os.path.abspath(own):
            raise Invalid("the datasets are of several registries")
        home = own
        path = target.info.get("path")
        text = target.content_id or target._options[0]
        texts.append(f"{text}:{path}" if path else text)
    if not texts:
        raise NotFound("there is no target")
    return texts, home
