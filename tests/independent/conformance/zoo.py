"""Files of the situations that people report about tools of this field, made here."""

import datetime
import decimal
import gzip
import json
import os

import numpy
import pyarrow as pa
import pyarrow.parquet as pq

UTC = datetime.timezone.utc

CSV = {
    "names-twice.csv": "a,a,b,a_1,a\n1,2,3,4,5\n6,7,8,9,10\n",
    "names-of-two-cases.csv": "a,A,b\n1,2,x\n3,4,y\n",
    "names-empty.csv": "a,,b,\n1,2,3,4\n5,6,7,8\n",
    "leading-zeros.csv": "zip,agent,n\n02139,007,1\n90210,099,2\n00501,,3\n",
    "nan-beside-numbers.csv": "x,y\n1.5,nan\nnan,inf\n-2,-inf\nNaN,Infinity\n",
    "nan-beside-text.csv": "name,x\nNan,1\nInf,2\nAda,3\n",
    "null-and-empty.csv": 's,t,n\n"",x,1\n,y,\n"a",,3\n',
    "numbers-of-every-kind.csv": "a,b,c,d\n9007199254740993,0.1,1e3,1\n1,0.25,-2.5E-3,-0\n,,,\n18446744073709551615,1.10,5,2\n",
    "integers-beyond-64-bits.csv": "n,m\n99999999999999999999,1\n-99999999999999999999,2\n",
    "integer-beside-fraction.csv": "n\n9007199254740993\n0.5\n",
    "booleans.csv": "a,b,c\ntrue,True,yes\nfalse,FALSE,no\nTRUE,,maybe\n",
    "dates.csv": "d,t,z,f,x\n2020-01-31,2020-01-31T23:59:59,2020-01-31T23:59:59Z,2020-01-31 10:00:00.123456789,2020-02-30\n"
    "1999-12-31,2021-06-01 00:00:00.25,1970-01-01T00:00:00.5Z,2020-01-31 10:00:00,2020-02-01\n,,,,\n",
    "dates-of-others.csv": "us,eu,slash,time\n01/31/2020,31.01.2020,2020/01/31,10:30:00\n12/01/1999,01.12.1999,1999/12/01,23:59:59\n",
    "quotes-within.csv": 'id,text\n1,"he said ""no"", twice"\n2,plain "quoted" middle\n3,"a,b"\n',
    "stray-quote.csv": 'id,text\n1,foo;"bar\n2,next\n3,last\n',
    "quoted-newlines.csv": 'id,text\n1,"two\nlines"\n2,"cr\r\nlf"\n3,"\n"\n',
    "crlf.csv": "a,b\r\n1,x\r\n2,\r\n",
    "cr.csv": "a,b\r1,x\r2,y\r",
    "mixed-ends.csv": "a,b\n1,x\r\n2,y\r3,z\n",
    "no-last-newline.csv": "a,b\n1,x\n2,y",
    "blank-lines.csv": "a,b\n\n1,x\n\n\n2,y\n\n",
    "mark.csv": "\ufeffa,b\n1,x\n2,y\n",
    "short-rows.csv": "a,b,c\n1,2,3\n4\n5,6\n7,8,9\n",
    "long-rows.csv": "a,b\n1,2\n3,4,5\n6,7\n8,9,10,11\n",
    "header-only.csv": "a,b,c\n",
    "header-only-no-newline.csv": "a,b,c",
    "empty.csv": "",
    "one-column.csv": "word\nalpha\nbeta\n\ngamma\n",
    "one-column-of-commas.csv": 'text\n"a, b"\n"c, d"\n',
    "semicolons.csv": "a;b;c\n1;2,5;x\n3;4,5;y\n",
    "pipes.csv": "a|b|c\n1|x, y|2\n3|z|4\n",
    "tabs.csv": "a\tb\n1\tx, y\n2\tz\n",
    "tabs.tsv": "a\tb\n1\tx, y\n2\t\"q\"\n",
    "comma-and-text.csv": "a,b\n1,\"x; y; z\"\n2,\"u; v; w\"\n",
    "single-quotes.csv": "a,b\n'1','x, y'\n'2','z'\n",
    "years-as-header.csv": "name,2020,2021\nA,1,2\nB,3,4\nC,5,6\n",
    "no-header.csv": "1,x,2.5\n2,y,3.5\n3,z,4.5\n",
    "all-text.csv": "name,city\nAda,London\nGrace,New York\nAlan,Wilmslow\n",
    "spaces.csv": "a, b ,c\n 1, x ,2 \n3 ,y, 4\n",
    "white-space-only.csv": "a,b\n1, \n2,\t\n",
    "formulas.csv": "a,b\n=1+1,+1\n-1,@x\n",
    "unicode.csv": "name,\u00e9t\u00e9\n\u6f22\u5b57,\U0001f600\n\u2028,\u00a0\n",
    "nul.csv": "a,b\n1,x\x00y\n2,z\n",
    "wide.csv": ",".join(f"c{n}" for n in range(3000)) + "\n" + ",".join(str(n) for n in range(3000)) + "\n",
    "underscores.csv": "n,hex\n1_000,0x1F\n2_000,0xFF\n",
    "signs.csv": "a,b,c\n+1,.5,5.\n-1,-.5,1.\n",
    "thousands.csv": 'n,m\n"1,000","2,000.5"\n"3,000","4,000.5"\n',
    "nulls-of-others.csv": "a,b,c\nNA,NULL,\\N\n1,2,3\nN/A,null,None\n",
}

JSONL = {
    "objects.jsonl": ['{"a":1,"b":"x"}', '{"a":2,"b":null}', '{"b":"","c":[1,{"d":2}]}'],
    "names-twice.jsonl": ['{"a":1,"a":2,"b":3}', '{"a":4,"b":5}'],
    "order-of-keys.jsonl": ['{"b":1,"a":2}', '{"a":3,"b":4}'],
    "integers.jsonl": ['{"n":9007199254740993}', '{"n":18446744073709551615}', '{"n":-9223372036854775808}'],
    "integer-beside-fraction.jsonl": ['{"n":9007199254740993}', '{"n":0.5}'],
    "numbers.jsonl": ['{"n":0.1,"m":1e3}', '{"n":1.10,"m":-0.0}', '{"n":1e400,"m":5e-324}', '{"n":123456789012345678901234567890,"m":1}'],
    "floats.jsonl": ['{"n":0.1}', '{"n":2}', '{"n":-1.5e300}', '{"n":null}'],
    "nan.jsonl": ['{"n":NaN}', '{"n":-Infinity}', '{"n":1.5}'],
    "surrogates.jsonl": ['{"s":"half \\ud83d"}', '{"s":"whole \\ud83d\\ude00"}', '{"s":"x"}'],
    "escapes.jsonl": ['{"s":"\\u0000\\u001f\\/\\"\\\\\\b\\f"}', '{"\\u0061":"\\n","s":"\u2028"}'],
    "mixed-types.jsonl": ['{"v":1}', '{"v":"1"}', '{"v":true}', '{"v":[1]}', '{"v":{"a":1}}', '{"v":null}', "{}"],
    "null-missing-empty.jsonl": ['{"a":null,"b":1}', '{"b":2}', '{"a":"","b":3}'],
    "no-objects.jsonl": ["1", '"text"', "null", "[1,2]", "true", "{}", '{"a":1}'],
    "nested.jsonl": ['{"m":[{"role":"user","content":"x\\ny"},{"role":"assistant","content":""}],"o":{"p":{"q":[[]]}}}'] * 3,
    "keys.jsonl": ['{"":1,"a.b":2,"a b":3,"A":4,"a":5,"\u00e9":6,"a[]":7}'] * 2,
    "late-key.jsonl": ['{"a":1}'] * 30000 + ['{"a":2,"late":"x"}'],
    "late-type.jsonl": ['{"a":1}'] * 30000 + ['{"a":"x"}'],
    "malformed.jsonl": ['{"a":1}', '{"a":', "nonsense", '{"a":2} {"a":3}', "{'a':4}", '{"a":5}'],
    "digits-as-text.jsonl": ['{"zip":"02139","n":"12","d":"2020-01-31","b":"true"}', '{"zip":"10001","n":"13","d":"x","b":"false"}'],
    "long-row.jsonl": ['{"a":"' + "x" * 3_000_000 + '"}', '{"a":"y"}'],
    "deep.jsonl": ['{"a":' + "[" * 200 + "1" + "]" * 200 + "}", '{"a":[]}'],
    "white-space.jsonl": ['  {"a" : 1 ,\t"b":[ 1 , 2 ]}  ', '{"a":2}\r'],
}

OTHER = {
    "blank-lines.jsonl": b'{"a":1}\n\n  \n{"a":2}\n\t\r\n{"a":3}\n\n',
    "no-last-newline.jsonl": b'{"a":1}\n{"a":2}',
    "crlf.jsonl": b'{"a":1}\r\n{"a":2}\r\n',
    "mark.jsonl": b'\xef\xbb\xbf{"a":1}\n{"a":2}\n',
    "mark-within.jsonl": b'{"a":1}\n\xef\xbb\xbf{"a":2}\n{"a":3}\n',
    "not-utf-8.jsonl": b'{"a":"\xe9"}\n{"a":"x"}\n',
    "empty.jsonl": b"",
    "array.json": b'[{"a":1,"b":"x"},\n {"a":2,"b":null},{"a":3,"b":"\xc3\xa9"}]\n',
    "array-empty.json": b"[]",
    "array-of-numbers.json": b"[1, 2.5, null, \"x\"]",
    "array-unclosed.json": b'[{"a":1},{"a":2}',
    "data-member.json": b'{"version":"1.0","data":[{"a":1},{"a":2,"b":"x"}],"more":null}',
    "data-of-two-lists.json": b'{"train":[{"a":1}],"test":[{"a":2},{"a":3}]}',
    "columns-as-lists.json": b'{"a":[1,2,null],"b":["x","y","z"],"c":[{"d":1},{},[2]]}',
    "columns-as-objects.json": b'{"a":{"0":1,"1":2},"b":{"0":"x","1":null}}',
    "columns-of-other-lengths.json": b'{"a":[1,2],"b":["x"]}',
    "columns-apart.json": b'{"columns":["a","b"],"data":[[1,"x"],[2,"y"]]}',
    "rows-by-number.json": b'{"0":{"a":1,"b":"x"},"1":{"a":2,"b":"y"}}',
    "one-object.json": b'{"a":1,"b":{"c":[1,2]}}',
    "pretty.json": json.dumps([{"a": n, "b": [n, {"c": "x\ny"}]} for n in range(5)], indent=2).encode(),
    "lines.json": b'{"a":1}\n{"a":2}\n{"a":3}\n',
    "empty.json": b"",
    "utf-16.csv": "a,b\n1,\u00e9\n2,\u6f22\n".encode("utf-16"),
    "utf-16-be.csv": b"\xfe\xff" + "a,b\n1,\u00e9\n2,\u6f22\n".encode("utf-16-be"),
    "utf-16.jsonl": '{"a":"\u00e9"}\n{"a":"\U0001f600"}\n'.encode("utf-16"),
    "header-latin-1.csv": "id,caf\u00e9\n1,x\n2,y\n".encode("latin-1"),
    "latin-1.csv": "a,b\n1,caf\u00e9\n2,x\n".encode("latin-1"),
    "lines.txt": b"one\n\ntwo\r\nthree, four\n \nlast",
    "not-utf-8.txt": b"caf\xe9\nplain\n",
    "empty.txt": b"",
    "truncated.jsonl.gz": gzip.compress(b"".join(b'{"a":%d}\n' % n for n in range(50000)), mtime=0)[:-5000],
    "padded.jsonl.gz": gzip.compress(b'{"a":1}\n{"a":2}\n', mtime=0) + b"\0" * 512,
    "members.jsonl.gz": gzip.compress(b'{"a":1}\n', mtime=0) + gzip.compress(b'{"a":2}\n', mtime=0),
    "packed.csv.gz": gzip.compress(b"a,b\n1,x\n2,y\n", mtime=0),
    "noise.parquet": b"PAR1" + bytes(range(200)) + b"PAR1",
    "noise.arrow": b"ARROW1\0\0" + bytes(range(200)),
    "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "database.sqlite": b"SQLite format 3\0" + bytes(100),
    "array.npy": b"\x93NUMPY\x01\0v\0" + b"{'descr': '<i8', 'fortran_order': False, 'shape': (0,), }".ljust(118),
    "old.feather": b"FEA1" + bytes(64) + b"FEA1",
    "table.orc": b"ORC" + bytes(64) + b"ORC",
    "table.avro": b"Obj\x01" + bytes(64),
    "pack.zip": b"PK\x03\x04" + bytes(64),
}


# Files of which a person has to say how they are written.
SAID = {
    "said-latin-1.csv": ("a,b\n1,caf\u00e9\n2,x\n".encode("latin-1"), ["--encoding", "latin-1"]),
    "said-windows-1252.csv": ("a,b\n1,\u201cx\u201d\n2,\u20ac\n".encode("cp1252"), ["--encoding", "windows-1252"]),
    "said-utf-16.csv": ("a,b\n1,\u00e9\n2,x\n".encode("utf-16-le"), ["--encoding", "utf-16le"]),
    "said-delimiter.csv": (b"a:b\n1:x,y\n2:z\n", ["--delimiter", ":"]),
    "said-control.csv": (b"a\x1fb\n1\x1fx,y\n2\x1fz\n", ["--delimiter", "\x1f"]),
    "said-no-header.csv": (b"id,name\n1,x\n2,y\n", ["--header", "no"]),
    "said-header.csv": (b"1,2\n3,4\n", ["--header", "yes"]),
    "said-no-quote.csv": (b'a,b\n1,"x\n2,y"\n', ["--quote", "none"]),
    "said-quote.csv": (b"a,b\n1,|x,y|\n2,z\n", ["--quote", "|"]),
}


def columns():
    """Columns of every type that pyarrow writes, of four rows each."""
    at = datetime.datetime(2020, 2, 29, 12, 30, 15, 123456)
    day = datetime.date(1969, 12, 31)
    d = decimal.Decimal
    return {
        "int8": pa.array([1, None, -128, 127], pa.int8()),
        "int64": pa.array([1, None, -(2**63), 2**63 - 1], pa.int64()),
        "uint8": pa.array([1, None, 0, 255], pa.uint8()),
        "uint64": pa.array([1, None, 2**53 + 1, 2**64 - 1], pa.uint64()),
        "half": pa.array([numpy.float16(0.1), None, numpy.float16("nan"), numpy.float16(65504)], pa.float16()),
        "single": pa.array([0.1, None, float("inf"), -1.5], pa.float32()),
        "double": pa.array([0.1, None, float("nan"), 5e-324], pa.float64()),
        "bool": pa.array([True, None, False, True]),
        "text": pa.array(["", None, 'quo"te, \n\u6f22', "02139"]),
        "large": pa.array(["", None, "x" * 100, "y"], pa.large_string()),
        "binary": pa.array([b"", None, b"\x00\xff", b"abc"]),
        "fixed": pa.array([b"abcd", None, b"\0\0\0\0", b"wxyz"], pa.binary(4)),
        "decimal": pa.array([d("0.10"), None, d("-12345678901234567890.12"), d("1.00")], pa.decimal128(30, 2)),
        "decimal256": pa.array([d("0.1"), None, d("1234567890" * 6), d("-1")], pa.decimal256(70, 1)),
        "date32": pa.array([day, None, datetime.date(2020, 2, 29), datetime.date(1, 1, 1)], pa.date32()),
        "time32": pa.array([0, None, 86399999, 1], pa.time32("ms")),
        "time64": pa.array([0, None, 86399999999, 1], pa.time64("us")),
        "seconds": pa.array([0, None, -1, 10**9], pa.timestamp("s")),
        "millis": pa.array([0, None, -1, 10**12], pa.timestamp("ms")),
        "micros": pa.array([at, None, at, at], pa.timestamp("us")),
        "nanos": pa.array([0, None, -1, 2**62], pa.timestamp("ns")),
        "zoned": pa.array([at, None, at, at], pa.timestamp("us", "Europe/Berlin")),
        "utc": pa.array([at, None, at, at], pa.timestamp("ms", "UTC")),
        "duration": pa.array([0, None, -1500, 86_400_000], pa.duration("ms")),
        "list": pa.array([[1, None], None, [], [2]], pa.list_(pa.int32())),
        "large_list": pa.array([["a"], None, [], ["", None]], pa.large_list(pa.string())),
        "fixed_list": pa.array([[1, 2], None, [3, None], [5, 6]], pa.list_(pa.int16(), 2)),
        "deep": pa.array([[[1], []], None, [None], [[2, 3]]], pa.list_(pa.list_(pa.int64()))),
        "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": ""}, {"a": 2, "b": None}]),
        "structs": pa.array([[{"a": at, "b": d("1.5")}], None, [], [None]],
                            pa.list_(pa.struct([("a", pa.timestamp("us")), ("b", pa.decimal128(5, 1))]))),
        "map": pa.array([[("k", 1)], None, [], [("k", None), ("l", 2)]], pa.map_(pa.string(), pa.int64())),
        "map_of_numbers": pa.array([[(1, "x")], None, [], [(2, None)]], pa.map_(pa.int32(), pa.string())),
        "dictionary": pa.array(["x", None, "y", "x"]).dictionary_encode(),
        "null": pa.nulls(4),
    }


def columnar(root):
    every = columns()
    table = pa.table(every)
    parquet = table.drop_columns([])
    metadata = {b"huggingface": b'{"info":{}}', b"mine": b"\xc3\xa9"}
    schema = parquet.schema.with_metadata(metadata)
    schema = schema.set(0, schema.field(0).with_metadata({b"unit": b"EUR"}))
    parquet = pa.Table.from_arrays(parquet.columns, schema=schema)
    pq.write_table(parquet, f"{root}/every-type.parquet", row_group_size=3)
    pq.write_table(parquet.slice(0, 0), f"{root}/every-type-no-rows.parquet")
    for name in every:
        pq.write_table(parquet.select([name]), f"{root}/type-{name}.parquet")
    extra = {
        "date64": pa.array([0, None, 86_400_000, -86_400_000], pa.date64()),
        "interval": pa.array([(1, 2, 3), None, (0, 0, 0), (-1, -2, -3)], pa.month_day_nano_interval()),
        "runs": pa.RunEndEncodedArray.from_arrays(pa.array([3, 4], pa.int32()), pa.array(["x", "y"])),
        "view": pa.array(["a", None, "long enough to be out of line", ""], pa.string_view()),
        "decimal32": pa.array([decimal.Decimal("0.10"), None, None, decimal.Decimal("-1.25")], pa.decimal32(5, 2)),
        "wide_dictionary": pa.array([b"x", None, b"y", b"x"]).dictionary_encode(),
        "union": pa.UnionArray.from_dense(
            pa.array([0, 1, 0, 1], pa.int8()), pa.array([0, 0, 1, 1], pa.int32()), [pa.array([1, 2]), pa.array(["x", "y"])]
        ),
    }
    arrow(pa.table(every | extra).replace_schema_metadata(metadata), f"{root}/every-type.arrow")
    arrow(pa.table(every), f"{root}/every-type-no-rows.arrow", rows=False)
    for name, column in extra.items():
        arrow(pa.table({"id": pa.array(range(4)), name: column}), f"{root}/type-{name}.arrow")
    for codec in ("lz4", "zstd"):
        arrow(pa.table(every), f"{root}/packed-{codec}.arrow", codec=codec)
    with pa.OSFile(f"{root}/stream.arrows", "wb") as to, pa.ipc.new_stream(to, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    twice = pa.Table.from_arrays([pa.array([1, 2]), pa.array(["x", "y"]), pa.array([3, 4])], names=["a", "b", "a"])
    pq.write_table(twice, f"{root}/names-twice.parquet")
    arrow(twice, f"{root}/names-twice.arrow")
    required = pa.schema([pa.field("id", pa.int32(), nullable=False), pa.field("s", pa.string(), nullable=False)])
    pq.write_table(pa.table({"id": pa.array([1, 2], pa.int32()), "s": ["x", "y"]}, schema=required), f"{root}/required.parquet")
    many = pa.table({"n": pa.array(range(5000)), "s": [f"row {n % 100}" for n in range(5000)]})
    pq.write_table(many, f"{root}/many-groups.parquet", row_group_size=600, data_page_size=2048)
    with open(f"{root}/many-groups.parquet", "rb") as file:
        data = file.read()
    with open(f"{root}/cut.parquet", "wb") as file:
        file.write(data[:-100])


def arrow(table, path, rows=True, codec=None):
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.OSFile(path, "wb") as to, pa.ipc.new_file(to, table.schema, options=options) as writer:
        if rows:
            writer.write_table(table)


def make(root):
    os.makedirs(root)
    for name, text in CSV.items():
        with open(f"{root}/{name}", "w", encoding="utf-8", newline="") as file:
            file.write(text)
    for name, lines in JSONL.items():
        with open(f"{root}/{name}", "w", encoding="utf-8", newline="") as file:
            file.writelines(line + "\n" for line in lines)
    for name, data in list(OTHER.items()) + [(name, data) for name, (data, _) in SAID.items()]:
        with open(f"{root}/{name}", "wb") as file:
            file.write(data)
    columnar(root)
