"""Fixtures: a registry of its own for each test, the program, and the data of the repository."""

import json
import os
import pathlib
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "tests" / "data"
GSM8K = DATA / "gsm8k" / "test.jsonl"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Set ALIMENTAR_HOME to a directory that is not there yet."""
    place = tmp_path / "home"
    monkeypatch.setenv("ALIMENTAR_HOME", str(place))
    monkeypatch.setenv("HF_HUB_OFFLINE", "")
    return place


@pytest.fixture
def gsm8k(home):
    """Index the file of the repository."""
    import alimentar

    alimentar.index(GSM8K, name="gsm8k-test", license="MIT")
    return alimentar.open("gsm8k-test")


@pytest.fixture
def program(home):
    """Return a function that runs the program with --json in the same registry."""
    path = os.environ.get("ALIMENTAR_PROGRAM")
    if not path:
        pytest.fail("ALIMENTAR_PROGRAM names no program")

    def run(*args, check=True):
        done = subprocess.run([path, "--json", *map(str, args)], capture_output=True, check=False)
        if check and done.returncode:
            raise AssertionError(done.stderr.decode())
        # Warnings stand before an error.
        text = done.stdout.decode() if check else done.stderr.decode().rstrip("\n").rpartition("\n")[2]
        return json.loads(text or "null")

    run.path = path
    return run
