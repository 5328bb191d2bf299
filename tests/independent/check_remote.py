"""Reads files through nginx, a stub of a hub and moto's S3 with the program, and compares with pyarrow on the local file.

usage: check_remote.py PROGRAM DIRECTORY
"""

import datetime
import gzip
import hashlib
import json
import logging
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto.server import ThreadedMotoServer

ROWS = 60_000
SHA = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_independent"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_files(directory):
    """Files of the same rows in several formats."""
    directory.mkdir(parents=True)
    words = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(ROWS)]
    table = pa.table(
        {
            "id": pa.array(range(ROWS), pa.int64()),
            "text": pa.array([w * 3 for w in words]),
            "score": pa.array([n / 7 for n in range(ROWS)], pa.float64()),
            "tags": pa.array([[w[:4], w[4:8]] if n % 5 else None for n, w in enumerate(words)]),
        }
    )
    pq.write_table(table, directory / "paged.parquet", row_group_size=7_000, write_page_index=True, compression="zstd")
    pq.write_table(table, directory / "plain.parquet", row_group_size=20_000, compression="none", use_dictionary=False)
    lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    (directory / "rows.jsonl").write_text(lines)
    with gzip.open(directory / "packed.jsonl.gz", "wt") as f:
        f.write(lines)
    pa.csv.write_csv(table.drop_columns(["tags"]), directory / "rows.csv")
    return table


def make_certificate(work):
    """A certificate for this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=9))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (work / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    (work / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Nginx:
    """nginx that serves a directory and counts its requests and bytes."""

    def __init__(self, directory, work):
        self.port, self.tls_port = free_port(), free_port()
        make_certificate(work)
        self.log = work / "access.log"
        self.log.touch()
        conf = work / "nginx.conf"
        # Its workers would be another user, who may not look into the directory.
        user = "user root;" if os.geteuid() == 0 else ""
        conf.write_text(
            f"""{user} daemon off; pid {work}/nginx.pid; error_log {work}/error.log; worker_processes 1;
events {{}}
http {{ log_format counted '$request_method|$status|$body_bytes_sent|$http_range|$http_authorization|$server_protocol|$uri';
access_log {self.log} counted; client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
ssl_certificate {work}/cert.pem; ssl_certificate_key {work}/key.pem;
server {{ listen 127.0.0.1:{self.port}; listen 127.0.0.1:{self.tls_port} ssl http2; root {directory}; }} }}"""
        )
        self.process = subprocess.Popen(["nginx", "-p", str(work), "-c", str(conf)], stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        sys.exit("nginx does not start")

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def requests(self):
        return [line.split("|") for line in self.log.read_text().splitlines()]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def start_hub(directory, nginx):
    """A hub with the shapes that its clients were seen to get; large files are at another server."""

    class Hub(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def answer(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            url = urllib.parse.urlsplit(self.path)
            path = urllib.parse.unquote(url.path)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self.answer(401, X_Error_Message="Invalid credentials in Authorization header")
            if path == "/api/datasets/lab/corpus/revision/main":
                info = {"_id": "1", "id": "lab/corpus", "sha": SHA, "lastModified": "2026-01-01T00:00:00.000Z", "private": False,
                        "tags": ["license:mit"], "siblings": [{"rfilename": f.name} for f in directory.iterdir()]}
                return self.answer(200, json.dumps(info).encode(), Content_Type="application/json; charset=utf-8")
            tree = f"/api/datasets/lab/corpus/tree/{SHA}"
            if path.startswith(tree):
                below = path[len(tree):].strip("/")
                files = sorted(f for f in directory.iterdir() if f"data/{f.name}".startswith(below))
                start = int(urllib.parse.parse_qs(url.query).get("cursor", ["0"])[0])
                page = [{"type": "directory", "oid": "f" * 40, "size": 0, "path": "data"}] if start == 0 else []
                for file in files[start:start + 2]:
                    digest = hashlib.sha256(file.read_bytes()).hexdigest()
                    page.append({"type": "file", "oid": "a" * 40, "size": file.stat().st_size, "path": f"data/{file.name}",
                                 "lfs": {"oid": digest, "size": file.stat().st_size, "pointerSize": 134}})
                headers = {}
                if start + 2 < len(files):
                    more = f"http://{self.headers['Host']}{url.path}?recursive=true&expand=false&cursor={start + 2}"
                    headers["Link"] = f'<{more}>; rel="next"'
                return self.answer(200, json.dumps(page).encode(), Content_Type="application/json", **headers)
            for revision in ("main", SHA):
                prefix = f"/datasets/lab/corpus/resolve/{revision}/data/"
                if path.startswith(prefix) and (directory / path[len(prefix):]).is_file():
                    return self.answer(302, Location=nginx.url(path[len(prefix):]) + "?sig=1", X_Repo_Commit=SHA,
                                       X_Linked_Etag='"x"', X_Linked_Size="1")
            return self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=SHA)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def start_s3(directory):
    """moto with two buckets: one for everybody, one for who has keys."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secretexample"}
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys)
    s3.create_bucket(Bucket="lab")
    for file in directory.iterdir():
        s3.upload_file(str(file), "lab", f"corpus v1/{file.name}")
    # More objects than one page has.
    for n in range(1_003):
        s3.put_object(Bucket="lab", Key=f"many/{n:04}.jsonl", Body=b'{"n":1}\n')
    return server, endpoint, keys


class Program:
    def __init__(self, path, home, environment):
        self.path, self.home = path, home
        kept = {k: v for k, v in os.environ.items() if not k.upper().endswith("_PROXY")}
        self.environment = {**kept, **environment}

    def run(self, *words):
        command = [self.path, "--home", str(self.home), "--json", *words]
        return subprocess.run(command, env=self.environment, capture_output=True)

    def lines(self, *words):
        out = self.run(*words)
        if out.returncode:
            sys.exit(f"{words}: {out.stderr.decode()}")
        return [json.loads(line) for line in out.stdout.splitlines()]

    def answer(self, *words):
        out = self.run(*words)
        if out.returncode:
            sys.exit(f"{words}: {out.stderr.decode()}")
        return json.loads(out.stdout)


def plain(value):
    return json.loads(json.dumps(value))


def check_rows(program, target, table, name):
    """First rows, rows in the middle and at the end, and a search over all of them."""
    for start in (0, 31_234, ROWS - 3):
        found = program.lines("inspect", "lines", target, "--start", str(start), "--count", "5")
        expected = table.slice(start, 5).to_pylist()
        texts = [json.loads(row["text"]) for row in found] if not name.endswith(".csv") else None
        if texts is None:
            assert [int(row["text"].split(",")[0]) for row in found] == [row["id"] for row in expected], target
        else:
            assert texts == plain(expected), (target, start)
    found = program.answer("inspect", "search", target, "abc", "--column", "text", "--count")
    expected = sum("abc" in text for text in table["text"].to_pylist())
    assert (found["matches"], found["rows_scanned"]) == (expected, ROWS), target
    assert program.answer("inspect", "info", target)["rows"] == ROWS, target


def main():
    path, work = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which("nginx"):
        sys.exit("nginx is needed")
    work.mkdir(parents=True)
    directory = work / "www"
    table = make_files(directory)
    names = sorted(f.name for f in directory.iterdir())
    home = work / "home"
    home.mkdir(mode=0o700)
    nginx = Nginx(directory, work)
    hub = start_hub(directory, nginx)
    s3, endpoint, keys = start_s3(directory)
    program = Program(path, home, {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_address[1]}",
        "HF_TOKEN": TOKEN,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"],
        "AWS_REGION": "us-east-1",
    })
    try:
        for name in names:
            for target in (nginx.url(name), f"hf://datasets/lab/corpus/data/{name}", f"s3://lab/corpus v1/{name}"):
                check_rows(program, target, table, name)
        # No token at the other server.
        assert all(request[4] == "-" for request in nginx.requests())
        # Repository and prefix are all files; the hub's list has several pages, and so has that of S3.
        for target in ("hf://lab/corpus", "hf://lab/corpus/data", "s3://lab/corpus v1/", "s3://lab/corpus v1"):
            info = program.answer("inspect", "info", target)
            assert len(info["files"]) == len(names) and info["rows"] == ROWS * len(names), target
        assert program.answer("inspect", "info", "s3://lab/many/")["rows"] == 1_003
        # Exported rows are those that pyarrow reads.
        out = work / "out.parquet"
        program.answer("inspect", "export", nginx.url("paged.parquet"), "-o", str(out))
        assert pq.read_table(out).to_pylist() == table.to_pylist()
        # Few requests for first rows.
        before = len(nginx.requests())
        fresh = Program(path, work / "none", program.environment)
        fresh.lines("inspect", "lines", nginx.url("paged.parquet"), "--count", "10")
        asked = nginx.requests()[before:]
        assert len(asked) <= 4, asked
        # TLS with a certificate of one's own, and HTTP/2 where the server offers it.
        secure = f"https://localhost:{nginx.tls_port}/rows.jsonl"
        trusting = Program(path, work / "none", {**program.environment, "SSL_CERT_FILE": str(work / "cert.pem")})
        assert len(trusting.run("inspect", "lines", secure).stdout.splitlines()) == 10
        assert nginx.requests()[-1][5] == "HTTP/2.0", nginx.requests()[-1]
        refused = program.run("inspect", "lines", secure)
        assert refused.returncode == 6 and b"certificate" in refused.stderr.lower(), refused.stderr
        # Other commands.
        listed = program.answer("ls", "hf://lab/corpus/data")["files"]
        assert [(f["path"], f["size_bytes"]) for f in listed] == [(n, (directory / n).stat().st_size) for n in names]
        cat = program.run("cat", "s3://lab/corpus v1/rows.csv").stdout
        assert cat == (directory / "rows.csv").read_bytes()
        fields = program.answer("schema", nginx.url("rows.jsonl"))["files"][0]["fields"]
        assert [f["name"] for f in fields if len(f["path"]) == 1] == table.column_names
        for target, code in (("hf://lab/none/x.csv", 3), ("s3://lab/none.csv", 3), (nginx.url("none.csv"), 3)):
            assert program.run("inspect", "info", target).returncode == code, target
        print(f"{len(names)} files through nginx, a hub and S3 are as pyarrow has them ({pa.__version__})")
    finally:
        nginx.stop()
        hub.shutdown()
        s3.stop()


if __name__ == "__main__":
    main()
