"""Takes files in from nginx, a stub of a hub and moto's S3, and compares the datasets with the files.

usage: check_intake.py PROGRAM DIRECTORY
"""

import hashlib
import os
import pathlib
import shutil
import sys

import blake3
from check_remote import SHA, TOKEN, Nginx, Program, make_files, start_hub, start_s3


def check_files(program, name, directory, names):
    """The files of a dataset are those of the directory, and it verifies."""
    info = program.answer("info", name)
    found = {f["path"].rsplit("/", 1)[-1]: f for f in info["files"]}
    assert sorted(found) == names, (name, sorted(found))
    for file in names:
        expected = blake3.blake3((directory / file).read_bytes()).hexdigest()
        assert found[file]["content_id"].endswith(expected), (name, file)
    assert program.answer("verify", name)["content"] == "ok", name
    return info


def main():
    path, work = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which("nginx"):
        sys.exit("nginx is needed")
    work.mkdir(parents=True)
    directory = work / "www"
    make_files(directory)
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
        # One file of a web server: each byte is sent once.
        size = (directory / "rows.jsonl").stat().st_size
        report = program.answer("index", nginx.url("rows.jsonl"))
        assert report["source"]["fetched_bytes"] == size, report
        sent = sum(int(request[2]) for request in nginx.requests())
        assert sent <= size + 1, (sent, size)
        check_files(program, "rows", directory, ["rows.jsonl"])
        before = len(nginx.requests())
        assert program.answer("refresh", "rows")["unchanged"]
        assert sum(int(request[2]) for request in nginx.requests()[before:]) <= 1
        # A repository of a hub, whose list has pages, and whose files are at nginx.
        report = program.answer("index", "hf://datasets/lab/corpus")
        assert report["source"]["revision"] == SHA and report["source"]["fetched_files"] == len(names), report
        info = check_files(program, "corpus", directory, names)
        assert info["source"]["url"] == "hf://datasets/lab/corpus", info["source"]
        assert all(request[4] == "-" for request in nginx.requests())
        # A prefix of S3; large objects are there in parts, and their tags are no hashes.
        program.answer("index", "s3://lab/corpus v1/", "--name", "bucket")
        check_files(program, "bucket", directory, names)
        assert program.answer("index", "s3://lab/many/")["files"] == 1_003
        # What changed, and nothing else, is fetched again.
        changed = (directory / "rows.csv").read_bytes() + b"60000,more,1.0\n"
        (directory / "rows.csv").write_bytes(changed)
        before = len(nginx.requests())
        report = program.answer("refresh", "corpus")
        assert (report["version"], report["source"]["fetched_files"]) == ("0.1.1", 1), report
        asked = {request[6] for request in nginx.requests()[before:]}
        assert asked == {"/rows.csv"}, asked
        check_files(program, "corpus", directory, names)
        digest = hashlib.sha256(changed).hexdigest()
        croissant = program.run("card", "corpus", "--croissant").stdout
        assert digest.encode() in croissant and b"isBasedOn" in croissant
        print(f"{len(names)} files of nginx, a hub and S3 are taken in as they are")
    finally:
        nginx.stop()
        hub.shutdown()
        s3.stop()


main()
