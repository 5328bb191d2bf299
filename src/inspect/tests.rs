//! Every format with the same rows, pieces of every size, and input that is cut or damaged.

use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Schema;

use crate::inspect::Describer;
use crate::inspect::Description;
use crate::inspect::SchemaMessage;
use crate::inspect::common_schema;

fn describe(path: &str, bytes: &[u8], piece: usize) -> Description {
    let mut describer = Describer::new(path);
    bytes.chunks(piece.max(1)).for_each(|p| describer.push(p));
    describer.finish(&bytes)
}

fn fields(found: &Description) -> String {
    let schema = found.schema.iter().flat_map(|s| s.fields().iter());
    let named = schema.map(|f| format!("{}:{}", f.name(), f.data_type()));
    named.collect::<Vec<_>>().join(" ")
}

/// Name and bytes; expected format, rows and fields.
type Case = (
    &'static str,
    Vec<u8>,
    &'static str,
    Option<u64>,
    &'static str,
);

#[test]
fn description_is_independent_of_piece_size() {
    let gz = |text: &str| {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gz, text.as_bytes()).unwrap();
        gz.finish().unwrap()
    };
    let jsonl = "{\"a\":1,\"b\":\"x\"}\n\n{\"a\":2.5,\"c\":[true,null]}\n";
    let cases: &[Case] = &[
        (
            "x.jsonl",
            jsonl.into(),
            "jsonl",
            Some(2),
            "a:Float64 b:Utf8 c:List(Boolean)",
        ),
        (
            "x.json",
            jsonl.into(),
            "jsonl",
            Some(2),
            "a:Float64 b:Utf8 c:List(Boolean)",
        ),
        (
            "x.jsonl.gz",
            gz(jsonl),
            "jsonl.gz",
            Some(2),
            "a:Float64 b:Utf8 c:List(Boolean)",
        ),
        (
            "x.jsonl.zst",
            zrip::compress(jsonl.as_bytes(), 1).unwrap(),
            "jsonl.zst",
            Some(2),
            "a:Float64 b:Utf8 c:List(Boolean)",
        ),
        ("x.json", "{\"one\":\n [1]}\n".into(), "bytes", None, ""),
        ("x.json", "[]".into(), "json", Some(0), ""),
        (
            "x.json",
            "\u{feff}{\"version\":\"1\",\"data\":[{\"a\":1},{\"a\":2}],\"x\":{\"y\":[1]}}\n".into(),
            "json",
            Some(2),
            "a:Int64",
        ),
        (
            "x.json.gz",
            gz("{\"data\":[{\"a\":[1]},\n{\"a\":[2]},{}]}"),
            "json.gz",
            Some(3),
            "a:List(Int64)",
        ),
        // Two candidate lists.
        (
            "x.json",
            "{\"a\":[{\"x\":1}],\"b\":[{\"y\":1}]}".into(),
            "bytes",
            None,
            "",
        ),
        ("x.json", "{\"a\":[{\"x\":1}]".into(), "bytes", None, ""),
        (
            "x.json",
            "\u{feff} [ 1 , \"],[\\\"\" , {\"a\":[1,2]} ] \n".into(),
            "json",
            Some(3),
            "",
        ),
        (
            "x.json",
            "[{\"a\":{\"b\":1}},{\"a\":{\"c\":2}}]".into(),
            "json",
            Some(2),
            "a:Struct(\"b\": Int64, \"c\": Int64)",
        ),
        ("x.json", "[1,2".into(), "bytes", None, ""),
        ("x.json", "[1,,2]".into(), "bytes", None, ""),
        ("x.json", "[1]]".into(), "bytes", None, ""),
        (
            "x.csv",
            "a,b\n1,\"x\ny\"\"z\"\n\n2,\r\n".into(),
            "csv",
            Some(2),
            "a:Int64 b:Utf8",
        ),
        (
            "x.csv",
            "1,2\n3,4".into(),
            "csv",
            Some(2),
            "column_1:Int64 column_2:Int64",
        ),
        (
            "x.csv",
            "d;t\n2020-01-02;2020-01-02T03:04:05Z\n".into(),
            "csv",
            Some(1),
            "d:Date32 t:Timestamp(s)",
        ),
        (
            "x.tsv",
            "a\tb,c\n1\t2\n".into(),
            "tsv",
            Some(1),
            "a:Int64 b,c:Int64",
        ),
        ("x.csv", "".into(), "csv", Some(0), ""),
        (
            "x.csv",
            "a,b\rc,d\re,f".into(),
            "csv",
            Some(2),
            "a:Utf8 b:Utf8",
        ),
        (
            "x.csv",
            "k\n5\" pipe\n6\" pipe\n".into(),
            "csv",
            Some(2),
            "k:Utf8",
        ),
        ("x.bin", "{\"a\":1}\n".into(), "bytes", None, ""),
        ("x.jsonl.gz", "not gzip".into(), "bytes", None, ""),
    ];
    for (path, bytes, format, rows, expected) in cases {
        for piece in [1, 2, 3, 7, 1000] {
            let found = describe(path, bytes, piece);
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(found.format.name(), *format, "{path} {text:?} by {piece}");
            assert_eq!(found.rows, *rows, "{path} {text:?} by {piece}");
            assert_eq!(fields(&found), *expected, "{path} {text:?} by {piece}");
        }
    }
}

/// A Parquet file, an Arrow file and a stream of three rows, as in `tests/data/formats`.
const BINARY: [&str; 3] = ["three.parquet", "three.arrow", "three.arrows"];

fn fixture(name: &str) -> Vec<u8> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats");
    std::fs::read(dir.join(name)).unwrap()
}

#[test]
fn foreign_binary_files_are_described() {
    for name in BINARY {
        let found = describe(name, &fixture(name), 100);
        assert_eq!(found.rows, Some(3), "{name}");
        assert_eq!(
            // Parquet has its own name for the items of lists.
            fields(&found).replace(", field: 'element'", ""),
            "id:Int64 text:Utf8 tags:List(Utf8) when:Timestamp(µs, \"UTC\")",
            "{name}"
        );
    }
}

#[test]
fn damaged_files_are_described_or_plain_bytes() {
    for name in BINARY {
        let whole = fixture(name);
        let format = describe(name, &whole, 4096).format.name();
        let is_one_of_both = |bytes: &[u8]| {
            let found = describe(name, bytes, 4096).format.name();
            found == format || found == "bytes"
        };
        for cut in 0..whole.len() {
            assert!(is_one_of_both(&whole[..cut]), "{name} cut at {cut}");
        }
        for bit in (0..whole.len() * 8).step_by(3) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(is_one_of_both(&bytes), "{name} with bit {bit} flipped");
        }
    }
}

#[test]
fn decompression_bomb_is_not_expanded() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let line = [b' '; 1 << 16];
    for _ in 0..8000 {
        std::io::Write::write_all(&mut gz, &line).unwrap();
    }
    let bomb = gz.finish().unwrap();
    assert!((bomb.len() as u64) * 250 + (64 << 20) < 8000 << 16);
    let found = describe("b.jsonl.gz", &bomb, 4096);
    assert_eq!((found.format.name(), found.rows), ("bytes", None));
}

#[test]
fn schema_round_trip_drops_private_metadata() {
    let meta = |k: &str| std::collections::HashMap::from([(k.to_owned(), "v".to_owned())]);
    let field = Field::new("a", DataType::Int64, true).with_metadata(meta("PARQUET:field_id"));
    let schema = Schema::new(vec![field]).with_metadata(meta("pandas"));
    let message = SchemaMessage::of(&schema).unwrap();
    let back = SchemaMessage::read(message.as_bytes()).unwrap();
    assert!(back.metadata().is_empty() && back.field(0).metadata().is_empty());
    assert_eq!(back.field(0).data_type(), &DataType::Int64);
    let whole = message.as_bytes();
    for cut in 0..whole.len() {
        let _ = SchemaMessage::read(&whole[..cut]);
    }
}

#[test]
fn common_schema_needs_same_table() {
    let schema = |fields: &[(&str, DataType)]| {
        let field = |(name, t): &(&str, DataType)| Field::new(*name, t.clone(), true);
        Schema::new(fields.iter().map(field).collect::<Vec<_>>())
    };
    let a = schema(&[("x", DataType::Int64), ("y", DataType::Null)]);
    let b = schema(&[("x", DataType::Int64), ("y", DataType::Utf8)]);
    let other = schema(&[("x", DataType::Int64), ("z", DataType::Utf8)]);
    assert_eq!(common_schema([&a, &b]), Some(b.clone()));
    assert_eq!(common_schema([&b, &a]), Some(b.clone()));
    assert_eq!(common_schema([&b, &other]), None);
    assert_eq!(common_schema([]), None);
}
