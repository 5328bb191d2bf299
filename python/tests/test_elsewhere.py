"""Data behind URLs, from a server that serves ranges."""

import http.server
import json
import os
import pickle
import threading

import alimentar
import pytest
from conftest import GSM8K

WHOLE = GSM8K.read_bytes()
LINES = WHOLE.decode().splitlines()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path != "/test.jsonl":
            self.send_error(404)
            return
        self.server.served.append(self.headers.get("Range"))
        start, end = 0, len(WHOLE) - 1
        asked = self.headers.get("Range")
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            if first:
                start, end = int(first), min(int(last or end), end)
            else:
                start = max(len(WHOLE) - int(last), 0)
        body = WHOLE[start : end + 1]
        self.send_response(206 if asked else 200)
        self.send_header("ETag", '"one"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end}/{len(WHOLE)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.served = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/test.jsonl"
    server.shutdown()
    thread.join()
    server.server_close()


def test_rows_behind_a_url_are_those_of_the_file(url):
    ds = alimentar.open(url)
    assert ds.content_id is None and ds.info["kind"] == "url"
    assert ds.to_pyarrow().to_pylist() == [json.loads(line) for line in LINES]
    assert ds[1000] == json.loads(LINES[1000])
    assert ds.read(start=5, stop=20) == WHOLE[5:20]
    assert next(alimentar.rows(ds)) == json.loads(LINES[0])
    assert len(pickle.loads(pickle.dumps(ds))) == 1319
    for facts in (ds.verify, ds.resolve, lambda: ds.card):
        with pytest.raises(alimentar.Error):
            facts()


def test_forked_child_reads_a_url_that_its_parent_has_read(url):
    ds = alimentar.open(url)
    assert ds.to_pyarrow().num_rows == 1319
    child = os.fork()
    if child == 0:
        os._exit(0 if ds.to_pyarrow().num_rows == 1319 and ds[7] == json.loads(LINES[7]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ds.to_pyarrow().num_rows == 1319


def test_data_behind_a_url_is_indexed(url, gsm8k):
    made = alimentar.index(url, name="taken")
    assert made["content_id"] == gsm8k.content_id
    assert made["source"]["url"] == url
    assert alimentar.diff("gsm8k-test", url)["files"] == []


def test_missing_file_behind_a_url_is_not_found(url):
    with pytest.raises(alimentar.NotFound):
        alimentar.open(url.replace("test", "none")).to_pyarrow()


def test_server_that_is_gone_is_network(url):
    gone = "http://127.0.0.1:1/x.jsonl"
    with pytest.raises(alimentar.Network) as failed:
        alimentar.open(gone).to_pyarrow()
    assert failed.value.hint


def test_offline_makes_no_connection(url, home):
    import subprocess
    import sys

    code = f"import alimentar\ntry:\n    alimentar.open({url!r}).to_pyarrow()\nexcept alimentar.Network as e:\n    print(e.hint)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "ALIMENTAR_OFFLINE": "1"}
    )
    assert "ALIMENTAR_OFFLINE" in done.stdout, done.stderr


def test_timeout_that_is_none_is_told(home, monkeypatch):
    monkeypatch.setenv("ALIMENTAR_REMOTE_TIMEOUT", "soon")
    monkeypatch.setenv("ALIMENTAR_HOME", str(home) + "-of-its-own")
    with pytest.raises(alimentar.Invalid, match="ALIMENTAR_REMOTE_TIMEOUT is `soon`"):
        alimentar.open("http://127.0.0.1:1/rows.jsonl").rows
