"""The examples of the docstrings and of the page hold."""

import doctest
import importlib
import os

import page
import pytest
from conftest import REPOSITORY

MODULES = ["alimentar", "_dataset", "_errors", "_functions", "_others", "_rows", "fs", "torch"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Work in a directory with the data of the repository."""
    (tmp_path / "work").mkdir()
    os.symlink(REPOSITORY / "tests", tmp_path / "work" / "tests")
    monkeypatch.chdir(tmp_path / "work")


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_hold(name):
    module = importlib.import_module(name if name == "alimentar" else f"alimentar.{name}")
    results = doctest.testmod(module)
    assert results.failed == 0
    assert results.attempted > 0 or name == "_others"


def test_page_holds():
    failed, attempted = page.check(str(REPOSITORY / "docs" / "howto" / "use-from-python.md"))
    assert (failed, attempted > 20) == (0, True)


def test_public_names_have_docstrings():
    import alimentar

    for name in alimentar.__all__:
        if name != "__version__":
            assert getattr(alimentar, name).__doc__, name
