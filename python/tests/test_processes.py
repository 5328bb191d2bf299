"""Processes, threads, signals, and the end of the interpreter."""

import concurrent.futures
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import alimentar
import pytest


def count(ds):
    return ds.to_pyarrow().num_rows, ds[5]["question"], next(alimentar.rows(ds, seed=1))["question"]


def test_forked_children_use_a_dataset_of_their_parent(gsm8k):
    expected = count(gsm8k)
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(count, [gsm8k] * 6) == [expected] * 6
    child = os.fork()
    if child == 0:
        # The very object of the parent, which was used before.
        os._exit(0 if count(gsm8k) == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert count(gsm8k) == expected


def test_fork_amid_scans_of_other_threads_does_not_hang(gsm8k):
    stop = threading.Event()

    def work():
        while not stop.is_set():
            gsm8k.to_pyarrow()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                os._exit(0 if gsm8k.to_pyarrow().num_rows == 1319 else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_stream_of_the_parent_fails_in_the_child(gsm8k):
    import pyarrow as pa

    reader = pa.RecordBatchReader.from_stream(gsm8k)
    reader.read_next_batch()
    child = os.fork()
    if child == 0:
        try:
            reader.read_next_batch()
        except Exception as error:
            os._exit(0 if "forked" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sum(batch.num_rows for batch in reader) < 1319


def test_spawned_children_open_a_pickled_dataset(gsm8k):
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(count, [gsm8k] * 2)) == [count(gsm8k)] * 2


def test_threads_share_a_dataset(gsm8k):
    expected = count(gsm8k)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(count, [gsm8k] * 32)) == [expected] * 32


def test_lock_of_the_interpreter_is_free_during_a_scan(large):
    ds = alimentar.open("large")
    turns = 0
    done = threading.Event()

    def work():
        ds.verify()
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        turns += 1
        time.sleep(0)
    thread.join()
    assert turns > 10


@pytest.fixture(scope="module")
def large_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.jsonl"
    with open(path, "w") as file:
        for n in range(600_000):
            file.write(json.dumps({"n": n, "text": f"{n * 7919:x} " * 30}) + "\n")
    return path


@pytest.fixture
def large(large_file, home):
    alimentar.index(large_file, name="large")
    return large_file


CALLS = {
    "verify": "alimentar.open('large').verify()",
    "scan": "alimentar.open('large').to_pyarrow()",
    "dedup": "alimentar.dedup('large')",
    "lint": "alimentar.lint('large')",
    "index": "alimentar.index(sys.argv[1] + '.copy', name='copy', full_schema=True)",
}


@pytest.mark.parametrize("call", CALLS)
def test_keyboard_interrupt_ends_a_long_call_soon(large, tmp_path, call):
    if call == "index":
        with open(large, "rb") as file, open(f"{large}.copy", "wb") as copy:
            for number, line in enumerate(file):
                copy.write(line.replace(b" ", b"%d " % number, 3))
    code = f"""
        import signal, sys, time, threading, os
        import alimentar
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sent = []
        def send():
            time.sleep(0.2)
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=send, daemon=True).start()
        try:
            while True:
                {CALLS[call]}
        except KeyboardInterrupt:
            print(time.monotonic() - sent[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(large)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    # Its promise is 0.1 s on an idle machine; a busy one may take longer to switch threads.
    assert float(done.stdout) < 1.0
    print(call, done.stdout.strip())


def test_interpreter_ends_amid_work(large):
    code = """
        import threading, time
        import alimentar, pyarrow as pa
        ds = alimentar.open("large")
        reader = pa.RecordBatchReader.from_stream(ds)
        reader.read_next_batch()
        threading.Thread(target=ds.verify, daemon=True).start()
        threading.Thread(target=lambda: alimentar.dedup("large"), daemon=True).start()
        time.sleep(0.1)
    """
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def test_signal_handler_that_raises_ends_a_call(large):
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(Alarm):
            while True:
                alimentar.open("large").verify()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_import_loads_no_large_package(home):
    code = "import sys, alimentar; print([m for m in ('numpy', 'pyarrow', 'pandas', 'torch', 'fsspec') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert not home.exists()


