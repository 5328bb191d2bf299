"""Datasets by name, version and content id, from a registry on your own machines.

>>> import alimentar
>>> made = alimentar.index("tests/data/gsm8k/test.jsonl", name="gsm8k-test", license="MIT")
>>> ds = alimentar.open("gsm8k-test")
>>> ds.scan(columns=["question"]).to_pyarrow().num_rows
1319

``alimentar.torch`` adapts rows to PyTorch, and ``alimentar.fs`` is a file system for fsspec: ``alimentar://name@^1/path``.
"""

from __future__ import annotations

import atexit as _atexit

from . import _alimentar
from ._alimentar import __version__
from ._dataset import Card, Dataset, Field, File, Match, Scan
from ._errors import (
    Ambiguous,
    Conflict,
    Error,
    Integrity,
    Interrupted,
    Invalid,
    Io,
    Network,
    NoSpace,
    NotFound,
    NotTrusted,
    Partial,
    Unsupported,
)
from ._functions import dedup, diff, index, lint, list, open, overlap, pull, search
from ._others import Documents, FeatureRows, Features, documents, features
from ._rows import Rows, rows

__all__ = [
    "Ambiguous",
    "Card",
    "Conflict",
    "Dataset",
    "Documents",
    "Error",
    "FeatureRows",
    "Features",
    "Field",
    "File",
    "Integrity",
    "Interrupted",
    "Invalid",
    "Io",
    "Match",
    "Network",
    "NoSpace",
    "NotFound",
    "NotTrusted",
    "Partial",
    "Rows",
    "Scan",
    "Unsupported",
    "__version__",
    "dedup",
    "diff",
    "documents",
    "features",
    "index",
    "lint",
    "list",
    "open",
    "overlap",
    "pull",
    "rows",
    "search",
]

# Data received from URLs serves the next program.
_atexit.register(_alimentar.save_remotes)
