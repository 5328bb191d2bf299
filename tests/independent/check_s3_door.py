"""Reads datasets through the S3 door with the clients of S3, and compares with pyarrow on the original files; and sends the same
requests to moto, with the same files, and compares the answers.

usage: check_s3_door.py PROGRAM DIRECTORY
"""

import atexit
import hashlib
import http.client
import importlib.util
import json
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET

import boto3
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from botocore import UNSIGNED
from botocore.client import Config
from botocore.exceptions import ClientError

ROWS = 30_000
SMALL_FILES = 2_500
BUCKET = "datasets"
TABLE = "local/table@1.0.0"
MIXED = "local/mixed@0.1.0"
SMALL = "local/small@0.1.0"
NAMES = ["plain.txt", "a b+c.txt", "x&y<z>'\".txt", "é ü.txt", "per%cent.txt", "#?;=@,$!.txt", "deep/er/est.txt", "deep/a.txt", "deep.txt", "empty"]

checks = 0


def check(found, wanted, what):
    global checks
    checks += 1
    if found != wanted:
        sys.exit(f"{what}:\n  found  {str(found)[:1500]}\n  wanted {str(wanted)[:1500]}")


def refused(call, code, what):
    """Calls boto3, which has to fail with this code."""
    try:
        call()
    except ClientError as e:
        check(e.response["Error"]["Code"], code, what)
    else:
        sys.exit(f"{what}: it was not refused")


# The data.


def make_files(work):
    """A table in partitions, files with odd names, and many small files."""
    table = work / "table"
    for year in (2024, 2025):
        for part in range(2):
            ids = range((year - 2024) * 2 * ROWS + part * ROWS, (year - 2024) * 2 * ROWS + (part + 1) * ROWS)
            words = [hashlib.sha256(str(n).encode()).hexdigest() for n in ids]
            rows = pa.table({"id": pa.array(ids, pa.int64()), "text": words, "score": [n / 7 for n in ids]})
            path = table / f"year={year}" / f"part-{part}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, path, row_group_size=7_000, compression="zstd")
    (table / "README.md").write_text("# Table\n")
    for n, name in enumerate(NAMES):
        path = work / "mixed" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name == "empty" else f"{name}\n".encode() * (1 + 500 * n))
    for n in range(SMALL_FILES):
        path = work / "small" / f"d{n % 7}" / f"{n:05}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"n": n}))


def files_of(directory):
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            found[path.relative_to(directory).as_posix()] = path.read_bytes()
    return found


class Node:
    """A node with the S3 door."""

    def __init__(self, program, home, *more):
        words = [program, "--json", "--home", str(home), "registry", "serve", "--bind", "127.0.0.1", "--port", "0", "--no-mdns"]
        words += ["--share-unsigned", "--s3", "0", *more]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        ready = json.loads(self.process.stdout.readline())
        self.url = ready["s3"]
        self.host = self.url.split("://")[1]
        # The access log goes on; somebody has to read it.
        self.log = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        check(self.process.wait(), 0, "the end of the node")
        self.log.wait()


def run(program, home, *words):
    out = subprocess.run([program, "--json", "--home", str(home), *words], capture_output=True, text=True)
    if out.returncode != 0:
        sys.exit(f"{words}: {out.stdout}{out.stderr}")
    return json.loads(out.stdout)


# The clients. Each gets the node, its keys (none for an anonymous one) and the original files.


def client_of(node, keys, **more):
    if keys is None:
        return boto3.client("s3", endpoint_url=node.url, region_name="us-east-1", config=Config(signature_version=UNSIGNED, **more))
    config = Config(retries={"max_attempts": 1}, **more)
    return boto3.client("s3", endpoint_url=node.url, region_name="us-east-1", aws_access_key_id=keys[0], aws_secret_access_key=keys[1], config=config)


def with_boto3(node, keys, work):
    s3 = client_of(node, keys)
    check([b["Name"] for b in s3.list_buckets()["Buckets"]], [BUCKET], "boto3 list_buckets")
    check(s3.head_bucket(Bucket=BUCKET)["ResponseMetadata"]["HTTPStatusCode"], 200, "boto3 head_bucket")
    check(s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"], None, "boto3 get_bucket_location")
    for name in ("mixed", "small", "table"):
        originals = files_of(work / name)
        prefix = {"mixed": MIXED, "small": SMALL, "table": TABLE}[name] + "/"
        for operation in ("list_objects_v2", "list_objects"):
            for size in (1000, 7):
                if size == 7 and name == "small":
                    continue
                pages = s3.get_paginator(operation).paginate(Bucket=BUCKET, Prefix=prefix, PaginationConfig={"PageSize": size})
                found = [(o["Key"], o["Size"]) for page in pages for o in page.get("Contents", [])]
                wanted = sorted(((prefix + path, len(data)) for path, data in originals.items()), key=lambda o: o[0].encode())
                check(found, wanted, f"boto3 {operation} of {name} by {size}")
        some = list(originals.items())[:40]
        for path, data in some:
            head = s3.head_object(Bucket=BUCKET, Key=prefix + path)
            check(head["ContentLength"], len(data), f"boto3 head_object {path}")
            got = s3.get_object(Bucket=BUCKET, Key=prefix + path, IfMatch=head["ETag"])
            check(got["Body"].read(), data, f"boto3 get_object {path}")
            if len(data) > 10:
                part = s3.get_object(Bucket=BUCKET, Key=prefix + path, Range="bytes=3-8")
                check((part["Body"].read(), part["ContentRange"]), (data[3:9], f"bytes 3-8/{len(data)}"), f"boto3 range of {path}")
    page = s3.list_objects_v2(Bucket=BUCKET, Prefix=MIXED + "/", Delimiter="/")
    check([p["Prefix"] for p in page["CommonPrefixes"]], [f"{MIXED}/deep/"], "boto3 common prefixes")
    refused(lambda: s3.get_object(Bucket=BUCKET, Key="nothing"), "NoSuchKey", "boto3 get_object of nothing")
    refused(lambda: s3.head_object(Bucket=BUCKET, Key=TABLE), "404", "boto3 head_object of a directory")
    refused(lambda: s3.head_bucket(Bucket="others"), "404", "boto3 head_bucket of another")
    key = f"{TABLE}/README.md"
    tag = s3.head_object(Bucket=BUCKET, Key=key)["ETag"]
    refused(lambda: s3.get_object(Bucket=BUCKET, Key=key, IfNoneMatch=tag), "304", "boto3 If-None-Match")
    refused(lambda: s3.get_object(Bucket=BUCKET, Key=key, IfMatch='"other"'), "PreconditionFailed", "boto3 If-Match")
    refused(lambda: s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=99-"), "InvalidRange", "boto3 range beyond the end")
    refused(lambda: s3.put_object(Bucket=BUCKET, Key="local/x", Body=b"x"), "AccessDenied", "boto3 put_object")
    refused(lambda: s3.delete_object(Bucket=BUCKET, Key=key), "AccessDenied", "boto3 delete_object")
    refused(lambda: s3.create_bucket(Bucket="mine"), "AccessDenied", "boto3 create_bucket")
    refused(lambda: s3.get_bucket_acl(Bucket=BUCKET), "NotImplemented", "boto3 get_bucket_acl")
    refused(lambda: s3.list_object_versions(Bucket=BUCKET), "NotImplemented", "boto3 list_object_versions")
    # In parts, several at a time.
    from boto3.s3.transfer import TransferConfig

    large, target = next((work / "table").rglob("*.parquet")), work / "downloaded"
    parts = TransferConfig(multipart_threshold=64 << 10, multipart_chunksize=64 << 10, max_concurrency=4)
    s3.download_file(BUCKET, f"{TABLE}/{large.relative_to(work / 'table')}", str(target), Config=parts)
    check(target.read_bytes(), large.read_bytes(), "boto3 download_file in parts")


def with_boto3_signatures(node, keys, work):
    """Presigned URLs, wrong keys."""
    key = f"{TABLE}/README.md"
    data = (work / "table/README.md").read_bytes()

    def status(url):
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as e:
            return e.code, ET.fromstring(e.read()).find("Code").text

    s3 = client_of(node, keys)
    v4 = client_of(node, keys, signature_version="s3v4")
    url = v4.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=600)
    check(status(url), (200, data), "a presigned URL")
    check(status(url.replace("README", "readme"))[1], "SignatureDoesNotMatch", "a presigned URL of another key")
    check(status(url.replace("Expires=600", "Expires=601"))[1], "SignatureDoesNotMatch", "a presigned URL with more time")
    short = v4.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=1)
    while (found := status(short))[0] == 200:
        pass
    check(found, (403, "AccessDenied"), "a presigned URL that has expired")
    v2 = client_of(node, keys, signature_version="s3")
    old = v2.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key}, ExpiresIn=600)
    check(status(old), (400, "InvalidRequest"), "a presigned URL of version 2")
    wrong = client_of(node, (keys[0], "alim_wrong"))
    refused(lambda: wrong.list_buckets(), "SignatureDoesNotMatch", "a wrong secret")
    unknown = client_of(node, ("ALIMAAAAAAAAAAAAAAAA", keys[1]))
    refused(lambda: unknown.get_object(Bucket=BUCKET, Key=key), "InvalidAccessKeyId", "an unknown key")
    elsewhere = boto3.client("s3", endpoint_url=node.url, region_name="eu-west-3", aws_access_key_id=keys[0], aws_secret_access_key=keys[1])
    check(elsewhere.get_object(Bucket=BUCKET, Key=key)["Body"].read(), data, "another region")
    check(s3.get_object(Bucket=BUCKET, Key=key, ResponseContentType="text/html")["ContentType"], "binary/octet-stream", "response-content-type")


def with_aws(node, keys, work):
    program = pathlib.Path(sys.executable).with_name("aws")
    environment = {"PATH": os.environ["PATH"], "HOME": str(work / "aws-home"), "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    more = ["--no-sign-request"]
    if keys is not None:
        environment |= {"AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": keys[1]}
        more = []

    def aws(*words, fails=False):
        out = subprocess.run([program, "--endpoint-url", node.url, *more, *words], env=environment, capture_output=True, text=True)
        if fails != (out.returncode != 0):
            sys.exit(f"aws {words}: {out.stdout}{out.stderr}")
        return out.stderr if fails else out.stdout

    check([line.split()[-1] for line in aws("s3", "ls").splitlines()], [BUCKET], "aws s3 ls")
    check([line.split()[1] for line in aws("s3", "ls", f"s3://{BUCKET}/").splitlines()], ["local/"], "aws s3 ls of the bucket")
    listed = aws("s3", "ls", "--recursive", f"s3://{BUCKET}/{SMALL}/").splitlines()
    check(len(listed), SMALL_FILES, "aws s3 ls --recursive")
    for name, prefix in (("mixed", MIXED), ("table", TABLE)):
        target = work / "synced" / name
        aws("s3", "sync", "--only-show-errors", f"s3://{BUCKET}/{prefix}/", str(target))
        check(files_of(target), files_of(work / name), f"aws s3 sync of {name}")
        check(aws("s3", "sync", f"s3://{BUCKET}/{prefix}/", str(target)), "", f"aws s3 sync of {name} again")
    aws("s3", "cp", f"s3://{BUCKET}/{TABLE}/README.md", str(work / "copied"))
    check((work / "copied").read_bytes(), (work / "table/README.md").read_bytes(), "aws s3 cp")
    check(aws("s3", "cp", f"s3://{BUCKET}/{TABLE}/README.md", "-"), "# Table\n", "aws s3 cp to the output")
    check("AccessDenied" in aws("s3", "cp", str(work / "copied"), f"s3://{BUCKET}/local/x", fails=True), True, "aws s3 cp to the bucket")
    shutil.rmtree(work / "synced")


def with_rclone(node, keys, work):
    program = shutil.which("rclone")
    if program is None:
        print("rclone is not installed: it is left out")
        return
    environment = {"PATH": os.environ["PATH"], "HOME": str(work), "RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_DOOR_TYPE": "s3", "RCLONE_CONFIG_DOOR_PROVIDER": "Other",
                   "RCLONE_CONFIG_DOOR_ENDPOINT": node.url}
    if keys is not None:
        environment |= {"RCLONE_CONFIG_DOOR_ACCESS_KEY_ID": keys[0], "RCLONE_CONFIG_DOOR_SECRET_ACCESS_KEY": keys[1]}

    def rclone(*words):
        out = subprocess.run([program, "--retries", "1", *words], env=environment, capture_output=True, text=True)
        return out.returncode, out.stdout + out.stderr

    check(rclone("lsf", "-R", "--files-only", f"door:{BUCKET}/{SMALL}/d3")[1].count("\n"), len(range(3, SMALL_FILES, 7)), "rclone lsf")
    for name, prefix in (("mixed", MIXED), ("table", TABLE)):
        check(rclone("copy", f"door:{BUCKET}/{prefix}", str(work / "cloned" / name))[0], 0, f"rclone copy of {name}")
        check(files_of(work / "cloned" / name), files_of(work / name), f"rclone copy of {name}")
    check(rclone("check", "--download", f"door:{BUCKET}/local/table@latest", str(work / "table"))[0], 0, "rclone check by alias")
    status, said = rclone("copy", str(work / "table/README.md"), f"door:{BUCKET}/local/x")
    check((status != 0, "AccessDenied" in said), (True, True), "rclone copy to the bucket")
    shutil.rmtree(work / "cloned")


def with_s3fs(node, keys, work):
    import pandas
    import s3fs

    options = {"client_kwargs": {"endpoint_url": node.url, "region_name": "us-east-1"}}
    options |= {"anon": True} if keys is None else {"key": keys[0], "secret": keys[1]}
    fs = s3fs.S3FileSystem(**options, skip_instance_cache=True)
    check(sorted(fs.ls(f"{BUCKET}/{TABLE}")), [f"{BUCKET}/{TABLE}/{n}" for n in ("README.md", "year=2024", "year=2025")], "s3fs ls")
    check(len(fs.find(f"{BUCKET}/{SMALL}")), SMALL_FILES, "s3fs find")
    check(len(fs.glob(f"{BUCKET}/{TABLE}/*/*.parquet")), 4, "s3fs glob")
    check(fs.isdir(f"{BUCKET}/{TABLE}/year=2024"), True, "s3fs isdir")
    check(fs.exists(f"{BUCKET}/{TABLE}/nothing"), False, "s3fs exists")
    for path, data in files_of(work / "mixed").items():
        if any(c in path for c in "?*["):
            continue
        check(fs.cat_file(f"{BUCKET}/{MIXED}/{path}"), data, f"s3fs cat_file {path}")
    path = "year=2025/part-1.parquet"
    with fs.open(f"{BUCKET}/{TABLE}/{path}", block_size=50_000) as f:
        f.seek(70_000)
        check(f.read(10), (work / "table" / path).read_bytes()[70_000:70_010], "s3fs read")
    frame = pandas.read_parquet(f"s3://{BUCKET}/{TABLE}/{path}", storage_options=options)
    wanted = pq.read_table(work / "table" / path, partitioning=None)
    found = pa.Table.from_pandas(frame, preserve_index=False).select(wanted.column_names).cast(wanted.schema)
    check(found.equals(wanted), True, "pandas read_parquet")


def same_rows(table, work, what):
    """Compares with pyarrow on the original files."""
    wanted = pads.dataset(work / "table", partitioning="hive", exclude_invalid_files=True).to_table(columns=["id", "text", "score"]).sort_by("id")
    found = table.select(["id", "text", "score"]).sort_by("id").cast(wanted.schema)
    check(found.equals(wanted), True, what)


def arrow_fs(node, keys):
    more = {"anonymous": True} if keys is None else {"access_key": keys[0], "secret_key": keys[1]}
    return pafs.S3FileSystem(endpoint_override=node.host, scheme="http", region="us-east-1", **more)


def with_pyarrow(node, keys, work):
    fs = arrow_fs(node, keys)
    check(fs.get_file_info(f"{BUCKET}/{TABLE}").type, pafs.FileType.Directory, "pyarrow info of a directory")
    check(fs.get_file_info(f"{BUCKET}/{TABLE}/README.md").size, 8, "pyarrow info of a file")
    check(fs.get_file_info(f"{BUCKET}/{TABLE}/nothing").type, pafs.FileType.NotFound, "pyarrow info of nothing")
    below = fs.get_file_info(pafs.FileSelector(f"{BUCKET}/{SMALL}", recursive=True))
    check(sum(i.type == pafs.FileType.File for i in below), SMALL_FILES, "pyarrow selector")
    dataset = pads.dataset(f"{BUCKET}/{TABLE}", filesystem=fs, format="parquet", partitioning="hive", exclude_invalid_files=True)
    same_rows(dataset.to_table(), work, "pyarrow dataset")
    check(dataset.count_rows(filter=pads.field("year") == 2025), 2 * ROWS, "pyarrow filter")
    latest = pads.dataset(f"{BUCKET}/local/table@latest", filesystem=fs, format="parquet", partitioning="hive", exclude_invalid_files=True)
    same_rows(latest.to_table(), work, "pyarrow dataset by alias")
    with fs.open_input_file(f"{BUCKET}/{MIXED}/é ü.txt") as f:
        check(f.read(), (work / "mixed/é ü.txt").read_bytes(), "pyarrow open_input_file")


def with_polars(node, keys, work):
    import polars

    options = {"aws_endpoint_url": node.url, "aws_region": "us-east-1", "aws_allow_http": "true"}
    if keys is None:
        options |= {"aws_skip_signature": "true"}
    else:
        options |= {"aws_access_key_id": keys[0], "aws_secret_access_key": keys[1]}
    scan = polars.scan_parquet(f"s3://{BUCKET}/{TABLE}/*/*.parquet", storage_options=options, hive_partitioning=True)
    same_rows(scan.collect().to_arrow(), work, "polars scan_parquet")
    one = polars.scan_parquet(f"s3://{BUCKET}/{TABLE}/year=2024/part-0.parquet", storage_options=options)
    check(one.select(polars.col("id").sum()).collect().item(), sum(range(ROWS)), "polars of one file")


def with_duckdb(node, keys, work):
    import duckdb

    db = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    found = importlib.util.find_spec("duckdb_extension_httpfs")
    extension = next(pathlib.Path(found.submodule_search_locations[0]).rglob("httpfs.duckdb_extension"))
    db.execute(f"LOAD '{extension}'")
    secret = "" if keys is None else f"KEY_ID '{keys[0]}', SECRET '{keys[1]}',"
    db.execute(f"CREATE SECRET (TYPE s3, {secret} ENDPOINT '{node.host}', REGION 'us-east-1', URL_STYLE 'path', USE_SSL false)")
    table = db.execute(f"SELECT id, text, score FROM read_parquet('s3://{BUCKET}/{TABLE}/*/*.parquet', hive_partitioning=true)").to_arrow_table()
    same_rows(table, work, "DuckDB read_parquet")
    count = db.execute(f"SELECT count(*) FROM read_parquet('s3://{BUCKET}/local/table@latest/**/*.parquet') WHERE id < 10").fetchone()
    check(count, (10,), "DuckDB by alias")
    small = db.execute(f"SELECT sum(n), count(*) FROM read_json('s3://{BUCKET}/{SMALL}/d3/*.json')").fetchone()
    numbers = range(3, SMALL_FILES, 7)
    check(small, (sum(numbers), len(numbers)), "DuckDB read_json")


def with_dask(node, keys, work):
    import dask.dataframe

    options = {"client_kwargs": {"endpoint_url": node.url, "region_name": "us-east-1"}}
    options |= {"anon": True} if keys is None else {"key": keys[0], "secret": keys[1]}
    frame = dask.dataframe.read_parquet(f"s3://{BUCKET}/{TABLE}/*/*.parquet", storage_options=options)
    same_rows(pa.Table.from_pandas(frame[["id", "text", "score"]].compute(), preserve_index=False), work, "dask read_parquet")


def with_ray(node, keys, work):
    """Ray Data reads by pyarrow's file system. Ray itself takes long to start: once is enough, and elsewhere these are its calls."""
    if keys is not None and importlib.util.find_spec("ray"):
        import ray

        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
        rows = ray.data.read_parquet(f"{BUCKET}/{TABLE}/year=2024/", filesystem=arrow_fs(node, keys))
        check(rows.count(), 2 * ROWS, "ray read_parquet")
        check(rows.sum("id"), sum(range(2 * ROWS)), "ray sum")
        ray.shutdown()
        return
    fs = arrow_fs(node, keys)
    paths = fs.get_file_info(pafs.FileSelector(f"{BUCKET}/{TABLE}/year=2024", recursive=True))
    fragments = [pads.ParquetFileFormat().make_fragment(i.path, filesystem=fs) for i in paths]
    check(sum(f.metadata.num_rows for f in fragments), 2 * ROWS, "the footers that Ray Data reads")
    check(sum(b.num_rows for f in fragments for b in f.to_batches()), 2 * ROWS, "the batches that Ray Data reads")


# Requests by hand.


def ask(host, method, path, headers=None):
    connection = http.client.HTTPConnection(host)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return found


def with_spark(node, _keys, work):
    """The requests that s3a of Hadoop sends for a read of a Parquet file, as they were recorded."""
    agent = {"User-Agent": "Hadoop 3.4.1, aws-sdk-java/2.24.6 Linux/6.1 OpenJDK_64-Bit_Server_VM/17 Java/17", "amz-sdk-invocation-id": "1", "amz-sdk-request": "attempt=1; max=6"}
    path = "year=2024/part-1.parquet"
    key = f"/{BUCKET}/{TABLE}/{path}".replace("@", "%40").replace("=", "%3D")
    data = (work / "table" / path).read_bytes()
    directory = f"/{BUCKET}/{TABLE}/year=2024".replace("@", "%40").replace("=", "%3D")
    check(ask(node.host, "HEAD", directory, agent)[0], 404, "s3a: HEAD of a directory")
    prefix = urllib.parse.quote(f"{TABLE}/year=2024/", safe="")
    for query in (f"list-type=2&delimiter=%2F&max-keys=2&prefix={prefix}&fetch-owner=false", f"list-type=2&delimiter=%2F&max-keys=5000&prefix={prefix}&fetch-owner=false"):
        status, _, body = ask(node.host, "GET", f"/{BUCKET}?{query}", agent)
        check((status, body.count(b"<Contents>")), (200, 2), "s3a: LIST")
    status, headers, _ = ask(node.host, "HEAD", key, agent)
    check((status, headers["content-length"], "last-modified" in headers), (200, str(len(data)), True), "s3a: HEAD of a file")
    etag = headers["etag"]
    for begin, end in ((len(data) - 8, len(data) - 1), (len(data) - 4000, len(data) - 1), (0, len(data) - 1), (4, 5000)):
        status, headers, body = ask(node.host, "GET", key, agent | {"Range": f"bytes={begin}-{end}", "If-Match": etag})
        check((status, body), (206, data[begin : end + 1]), "s3a: GET with a range and If-Match")
        check(headers["etag"], etag, "s3a: ETag of a range")
    check(ask(node.host, "GET", key, agent | {"Range": "bytes=0-9", "If-Match": '"of another version"'})[0], 412, "s3a: a file that has changed")


def texts(element):
    """The structure of a document: names, texts and children, without the name space."""
    name = element.tag.split("}")[-1]
    return name, (element.text or "").strip(), [texts(child) for child in element]


# Elements and headers that differ by nature: tags, times, owners, identities of requests.
FREE_ELEMENTS = {"ETag", "LastModified", "CreationDate", "Owner", "RequestId", "HostId", "Message", "Resource", "Key", "BucketName", "ContinuationToken", "NextContinuationToken",
                 "ArgumentName", "ArgumentValue", "ChecksumAlgorithm", "ChecksumType", "BucketRegion", "ActualObjectSize", "RangeRequested", "Condition", "Method", "ResourceType"}
HEADERS = ["accept-ranges", "content-length", "content-range", "content-type", "last-modified", "etag"]


def shown(children):
    """Children without those that differ by nature. The key of an object is one to compare, unlike that of an error."""
    return [(name, text, shown(below)) for name, text, below in children if name == "Key" or name not in FREE_ELEMENTS]


def shape(answer, is_error):
    """The parts of an answer that have a meaning for clients."""
    status, headers, body = answer
    # Without a document, the status says it all.
    if status == 304 or is_error and not body:
        return status
    if body[:5] != b"<?xml" and not body.startswith(b"<Error"):
        kept = {name: headers[name] for name in HEADERS if name in headers}
        for name in ("last-modified", "etag"):
            kept[name] = name in kept
        return status, kept, body
    root = ET.fromstring(body)
    if is_error:
        return status, root.find("Code").text
    entries = []
    for name, text, children in texts(root)[2]:
        if name in ("Contents", "CommonPrefixes", "Buckets"):
            entries.append((name, shown(children)))
        # An empty element means as much as none.
        elif name not in FREE_ELEMENTS and text:
            entries.append((name, text))
    return status, sorted(entries, key=str)


def with_moto(node, work):
    """moto with the same files as an oracle."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host = ":".join(map(str, server.get_host_and_port()))
    s3 = boto3.client("s3", endpoint_url=f"http://{host}", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    s3.create_bucket(Bucket=BUCKET)
    for name, prefix in (("mixed", MIXED), ("small", SMALL), ("table", TABLE)):
        for path, data in files_of(work / name).items():
            s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path}", Body=data, ACL="public-read")
    quote = lambda text: urllib.parse.quote(text, safe="")
    lists = [
        "", "prefix=local%2F", f"prefix={quote(MIXED)}%2F", f"prefix={quote(MIXED)}%2F&delimiter=%2F", f"prefix={quote(MIXED)}%2Fdeep&delimiter=%2F",
        "delimiter=%2F", "prefix=local%2F&delimiter=%2F", "prefix=local%2F&delimiter=%40", f"prefix={quote(SMALL)}%2Fd3%2F&max-keys=5",
        f"prefix={quote(SMALL)}%2F&delimiter=%2F&max-keys=3", "prefix=nothing", "max-keys=0", f"prefix={quote(MIXED)}%2F&encoding-type=url",
        f"prefix={quote(MIXED)}%2F&delimiter=%2F&encoding-type=url", f"prefix={quote(SMALL)}%2Fd3&delimiter=d", f"prefix={quote(MIXED)}%2F&delimiter=.txt",
    ]
    requests = [("GET", "/", {}), ("HEAD", f"/{BUCKET}", {}), ("GET", f"/{BUCKET}?location", {})]
    for query in lists:
        requests.append(("GET", f"/{BUCKET}?list-type=2&{query}".rstrip("&"), {}))
        requests.append(("GET", f"/{BUCKET}?{query}".rstrip("?"), {}))
    for start in (f"{SMALL}/d3/01000.json", f"{SMALL}/d3/", f"{SMALL}/d3", f"{MIXED}/deep/", "zzz"):
        requests.append(("GET", f"/{BUCKET}?list-type=2&max-keys=4&start-after={quote(start)}", {}))
        requests.append(("GET", f"/{BUCKET}?list-type=2&max-keys=4&delimiter=%2F&prefix={quote(SMALL)}%2F&start-after={quote(start)}", {}))
    keys = [f"/{BUCKET}/{MIXED}/{name}" for name in NAMES] + [f"/{BUCKET}/{TABLE}/year=2024/part-0.parquet", f"/{BUCKET}/{MIXED}/deep", f"/{BUCKET}/nothing", "/others/nothing"]
    for key in keys:
        for method in ("GET", "HEAD"):
            for headers in ({}, {"Range": "bytes=0-3"}, {"Range": "bytes=-4"}, {"Range": "bytes=5-"}, {"Range": "bytes=4-2"}, {"Range": "bytes=99999999-"},
                            {"If-Match": '"other"'}, {"If-None-Match": '"other"'}, {"If-None-Match": "ETAG"}, {"If-Match": "ETAG", "Range": "bytes=1-1"},
                            {"If-Modified-Since": "Sun, 06 Nov 2044 08:49:37 GMT"}, {"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}):
                requests.append((method, urllib.parse.quote(key), headers))
    different, same, permitted = [], 0, 0
    for method, path, headers in requests:
        answers = []
        for place in (node.host, host):
            sent = dict(headers)
            if "ETAG" in sent.values():
                etag = ask(place, "HEAD", path)[1].get("etag", '"none"')
                sent = {name: etag if value == "ETAG" else value for name, value in sent.items()}
            answer = ask(place, method, path, sent)
            answers.append(shape(answer, answer[0] >= 400))
        only = [[e for e in a[1] if e not in b[1]] if isinstance(a, tuple) and isinstance(b, tuple) and isinstance(a[1], list) and isinstance(b[1], list) else a
                for a, b in (answers, answers[::-1])]
        if answers[0] == answers[1]:
            same += 1
        elif is_permitted(method, path, only) or path.endswith("/empty") and "Range" in headers:
            # Ranges of nothing: RFC 9110 and S3 say otherwise than moto.
            permitted += 1
        else:
            different.append(f"{method} {path} {headers}\n  door {str(only[0])[:700]}\n  moto {str(only[1])[:700]}")
    server.stop()
    if different:
        sys.exit(f"{len(different)} answers differ from moto's, {same} are the same:\n" + "\n".join(different))
    return same, permitted


def is_permitted(method, path, only):
    """Answers of moto that S3 does not give. `only` has the parts that are in one of the two."""
    is_v1 = path.startswith(f"/{BUCKET}?") and "list-type" not in path or path == f"/{BUCKET}"
    if (method, path) == ("HEAD", f"/{BUCKET}"):
        return only[0][0] == only[1][0] == 200
    if not is_v1 or not isinstance(only[0], list):
        return False
    names = {entry[0] for side in only for entry in side}
    # A token as a marker, also without a delimiter.
    if names == {"NextMarker"}:
        return not only[0]
    # Prefixes that are not encoded.
    if "encoding-type" in path:
        return names <= {"Prefix", "CommonPrefixes"}
    # Pages of which only the keys are counted.
    return "max-keys" in path and "delimiter" in path and names == {"CommonPrefixes", "IsTruncated", "NextMarker"}


def main():
    program, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    # The user's own settings of S3 are none of this.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    make_files(work)
    home = work / "home"
    run(program, home, "index", str(work / "table"), "--name", "table", "--version", "1.0.0")
    run(program, home, "index", str(work / "mixed"), "--name", "mixed")
    run(program, home, "index", str(work / "small"), "--name", "small")
    token = run(program, home, "registry", "token", "add", "judge")["tokens"][0]
    keys = token["access_key"], token["secret"]
    clients = [with_boto3, with_aws, with_rclone, with_s3fs, with_pyarrow, with_polars, with_duckdb, with_dask, with_ray]
    only = sys.argv[3:]
    chosen = [c for c in clients if not only or c.__name__[5:] in only]
    node = Node(program, home)
    for client in chosen:
        client(node, None, work)
    with_spark(node, None, work)
    same, permitted = with_moto(node, work) if not only or "moto" in only else (0, 0)
    node.stop()
    node = Node(program, home, "--access", "listed")
    for client in chosen + [with_boto3_signatures]:
        client(node, keys, work)
    anonymous = client_of(node, None)
    refused(lambda: anonymous.list_objects_v2(Bucket=BUCKET), "AccessDenied", "an anonymous request where keys are needed")
    signed = client_of(node, keys)
    run(program, home, "registry", "token", "revoke", "judge")
    refused(lambda: signed.list_objects_v2(Bucket=BUCKET), "InvalidAccessKeyId", "a revoked key")
    node.stop()
    is_ray_here = importlib.util.find_spec("ray") is not None
    names = ", ".join(c.__name__[5:] for c in chosen if c is not with_ray or is_ray_here)
    names += "" if is_ray_here else " and the calls of Ray"
    print(f"S3 door: {names}, anonymous and signed, read what pyarrow reads; s3a's requests; {same} answers are moto's, {permitted} are where moto is not S3; {checks} comparisons")


if __name__ == "__main__":
    main()
