//! Detection of the formats and types of text files, which is the same in every command.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::run;

fn file(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn types(answer: &Value) -> Vec<(String, String)> {
    let fields = answer["schema"]["fields"].as_array().unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    fields
        .iter()
        .map(|f| (text(&f["name"]), text(&f["type"])))
        .collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn csv_dialect_is_reported_and_can_be_given() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let years = file(
        dir,
        "years.csv",
        b"state;2020;2021\nOhio;1.5;-2\nIowa;3;4.5\n",
    );
    let found = answer(home, &["inspect", "info", &years]);
    assert_eq!(
        found["dialect"],
        json!({"delimiter": ";", "quote": "\"", "header": true, "encoding": "utf-8"})
    );
    assert_eq!(found["schema_from"], "whole file");
    assert_eq!(found["rows"], 2);
    let said = [
        "inspect",
        "info",
        &years,
        "--delimiter",
        ",",
        "--quote",
        "none",
        "--header",
        "no",
    ];
    let found = answer(home, &said);
    assert_eq!(
        found["dialect"],
        json!({"delimiter": ",", "quote": null, "header": false, "encoding": "utf-8"})
    );
    assert_eq!((&found["rows"], types(&found).len()), (&json!(3), 1));
    // A quote behind another separator swallows nothing.
    let odd = file(dir, "odd.csv", b"a,b\n1,foo;\"bar\n2,x\n3,y\n");
    let found = answer(home, &["inspect", "stats", &odd]);
    assert_eq!(
        (&found["rows"], &found["malformed"]),
        (&json!(3), &json!(0))
    );
    let latin = file(dir, "latin.csv", b"id,text\n1,caf\xe9\n");
    let found = answer(home, &["inspect", "stats", &latin, "--encoding", "latin1"]);
    assert_eq!(found["columns"][1]["top"][0]["value"], "caf\u{e9}");
    let tokens = [
        "inspect",
        "tokens",
        &latin,
        "--encoding",
        "cl100k_base",
        "--encoding",
        "latin-1",
    ];
    let found = answer(home, &tokens);
    assert_eq!(found["encoding"], "cl100k_base");
    for wrong in [
        &["inspect", "info", &years, "--delimiter", "ab"][..],
        &["inspect", "info", &years, "--encoding", "ebcdic"],
        &[
            "inspect",
            "info",
            &years,
            "--delimiter",
            "\"",
            "--quote",
            "\"",
        ],
    ] {
        assert_eq!(run(home, wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn utf_16_with_a_byte_order_mark_is_read() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let wide = |text: &str| {
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let csv = file(dir, "a.csv", &wide("id,text\n1,h\u{e9}\n2,\u{1f600}\n"));
    let lines = file(dir, "b.jsonl", &wide("{\"id\":1}\n\n{\"id\":2}\n"));
    for (path, encoded) in [(&csv, "id"), (&lines, "id")] {
        let info = answer(home, &["inspect", "info", path]);
        assert_eq!(info["dialect"]["encoding"], "utf-16le", "{path}");
        assert_eq!(info["rows"], 2, "{path}");
        assert_eq!(types(&info)[0], (encoded.to_owned(), "Int64".to_owned()));
        let stats = answer(home, &["inspect", "stats", path]);
        assert_eq!(
            (&stats["rows"], &stats["malformed"]),
            (&json!(2), &json!(0))
        );
    }
    let made = answer(home, &["registry", "index", &csv, "--name", "wide"]);
    assert_eq!(made["rows"], 2);
    assert_eq!(answer(home, &["inspect", "info", "wide"])["rows"], 2);
    let out = run(home, &["inspect", "lines", "wide", "--start", "1"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("2,\u{1f600}"), "{text}");
}

#[test]
fn blank_lines_are_no_rows() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let text = b"\n{\"a\":1}\n  \n\r\n{\"a\":2}\n\n";
    let lines = file(dir, "a.jsonl", text);
    let csv = file(dir, "b.csv", b"a,b\n\n1,2\n\n\n3,4\n\n");
    for (path, name) in [(&lines, "lines"), (&csv, "records")] {
        assert_eq!(
            answer(home, &["inspect", "info", path])["rows"],
            2,
            "{path}"
        );
        assert_eq!(answer(home, &["inspect", "stats", path])["rows"], 2);
        assert_eq!(answer(home, &["inspect", "lint", path])["checked"], 2);
        assert_eq!(
            answer(home, &["registry", "index", path, "--name", name])["rows"],
            2
        );
        assert_eq!(answer(home, &["inspect", "info", name])["rows"], 2);
    }
    // Their numbers are those of the lines.
    let out = run(home, &["inspect", "search", &lines, "a", "--json"]);
    let hits = String::from_utf8(out.stdout).unwrap();
    let numbers: Vec<Value> = hits
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["n"].clone())
        .collect();
    assert_eq!(numbers, [json!(1), json!(4)]);
    // The count of a large file is stored, and forgotten with the file.
    let big = "{\"a\":1}\n\n".repeat(200_000);
    let path = file(dir, "big.jsonl", big.as_bytes());
    for _ in 0..2 {
        assert_eq!(answer(home, &["inspect", "info", &path])["rows"], 200_000);
    }
    let path = file(dir, "big.jsonl", format!("{big}{{}}\n").as_bytes());
    assert_eq!(answer(home, &["inspect", "info", &path])["rows"], 200_001);
}

#[test]
fn json_readers_accept_the_same_documents() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let text = b"{\"a\":\"x\\ud83d\",\"n\":1e400,\"b\":1}\n{\"a\":\"x\\udc00\",\"n\":2,\"b\":2}\n{\"a\":\"x\xef\xbf\xbd\",\"n\":3,\"b\":3}\n";
    let lines = file(dir, "a.jsonl", text);
    let expected = pairs(&[("a", "Utf8"), ("n", "Float64"), ("b", "Int64")]);
    let info = answer(home, &["inspect", "info", &lines]);
    assert_eq!(types(&info), expected);
    let made = answer(home, &["registry", "index", &lines, "--name", "odd"]);
    assert_eq!(made["rows"], 3);
    assert_eq!(types(&answer(home, &["registry", "info", "odd"])), expected);
    let stats = answer(home, &["inspect", "stats", &lines]);
    assert_eq!(
        (&stats["rows"], &stats["malformed"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(stats["columns"][0]["distinct_estimate"], 3);
    // Three texts that look the same, and are not.
    let dedup = ["inspect", "dedup", &lines, "--exact", "--column", "a"];
    assert_eq!(answer(home, &dedup)["unique_rows"], 3);
    let array = file(
        dir,
        "a.json",
        b"[{\"a\":\"\\ud83d\",\"b\":1e400},{\"c\":1}]",
    );
    let info = answer(home, &["inspect", "info", &array]);
    assert_eq!(
        types(&info),
        pairs(&[("a", "Utf8"), ("b", "Float64"), ("c", "Int64")])
    );
}

#[test]
fn byte_order_mark_inside_a_file_is_malformed() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let text = b"\xef\xbb\xbf{\"a\":1}\n\xef\xbb\xbf{\"a\":2}\n";
    let lines = file(dir, "a.jsonl", text);
    let stats = answer(home, &["inspect", "stats", &lines]);
    assert_eq!(
        (&stats["rows"], &stats["malformed"]),
        (&json!(2), &json!(1))
    );
    let out = run(home, &["inspect", "lint", &lines, "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let rules = report["rules"].as_array().unwrap();
    let count = |name| &rules.iter().find(|r| r["rule"] == name).unwrap()["count"];
    assert_eq!(count("malformed-json"), 1);
    assert_eq!(count("byte-order-mark"), 1);
}

#[test]
fn lint_reports_damage_and_compares_checksums_on_request() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let cut = file(dir, "cut.json", b"[{\"a\":1},{\"a\":2},");
    let out = run(home, &["inspect", "lint", &cut, "--json"]);
    assert_eq!(out.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["checked"], 2);
    let rules = report["rules"].as_array().unwrap();
    let rule = |name| rules.iter().find(|r| r["rule"] == name).unwrap();
    assert_eq!(rule("damaged-file")["count"], 1);
    assert_eq!(rule("damaged-file")["examples"][0]["n"], 2);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats/checksums.parquet");
    let mut bytes = std::fs::read(from).unwrap();
    let at = memchr::memmem::find(&bytes, b"line 17").unwrap();
    bytes[at] ^= 0x20;
    let parquet = file(dir, "c.parquet", &bytes);
    assert!(run(home, &["inspect", "stats", &parquet]).status.success());
    let verified = run(home, &["inspect", "stats", &parquet, "--verify"]);
    assert!(!verified.status.success());
    assert_eq!(
        run(home, &["inspect", "lint", &parquet]).status.code(),
        Some(1)
    );
}

#[test]
fn schema_names_its_source() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let mut text =
        "{\"a\":1,\"pad\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n".repeat(20_000);
    text += "{\"a\":\"text\",\"late\":true}\n";
    let lines = file(dir, "a.jsonl", text.as_bytes());
    let info = answer(home, &["inspect", "info", &lines]);
    assert_eq!(info["schema_from"], "first 1 MiB");
    let made = answer(home, &["registry", "index", &lines, "--name", "front"]);
    assert_eq!(made["schema_from"], "first 1 MiB");
    assert_eq!(
        types(&answer(home, &["registry", "info", "front"])),
        pairs(&[("a", "Int64"), ("pad", "Utf8")])
    );
    let full = [
        "registry",
        "index",
        &lines,
        "--name",
        "full",
        "--full-schema",
    ];
    assert_eq!(answer(home, &full)["schema_from"], "whole file");
    assert_eq!(
        types(&answer(home, &["registry", "info", "full"])),
        pairs(&[("a", "Utf8"), ("pad", "Utf8"), ("late", "Boolean")])
    );
    let found = answer(home, &["registry", "search", "--schema", "late"]);
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    let mut csv = "zip,n\n".to_owned() + &"12345,1\n".repeat(200_000);
    csv += "02139,2.5\n";
    let csv = file(dir, "b.csv", csv.as_bytes());
    let full = [
        "registry",
        "index",
        &csv,
        "--name",
        "codes",
        "--full-schema",
    ];
    assert_eq!(answer(home, &full)["rows"], 200_001);
    assert_eq!(
        types(&answer(home, &["registry", "info", "codes"])),
        pairs(&[("zip", "Utf8"), ("n", "Float64")])
    );
}

#[test]
fn types_agree_in_schema_and_stats() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let csv = file(
        dir,
        "a.csv",
        b"zip,agent,bread,n,x,y\n02139,007.1,Nan,1,1.5,nan\n10001,8,Pita,2,2,1\n",
    );
    let info = answer(home, &["inspect", "info", &csv]);
    let expected = [
        ("zip", "Utf8"),
        ("agent", "Utf8"),
        ("bread", "Utf8"),
        ("n", "Int64"),
        ("x", "Float64"),
        ("y", "Float64"),
    ];
    assert_eq!(types(&info), pairs(&expected));
    let stats = answer(home, &["inspect", "stats", &csv]);
    let named = |v: &Value| v.as_str().unwrap().to_owned();
    let found: Vec<(String, String)> = stats["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (named(&c["name"]), named(&c["type"])))
        .collect();
    let expected = [
        ("zip", "text"),
        ("agent", "text"),
        ("bread", "text"),
        ("n", "int"),
        ("x", "float"),
        ("y", "float"),
    ];
    assert_eq!(found, pairs(&expected));
}

#[test]
fn search_finds_non_ascii_in_json_escapes() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let text = "{\"a\":\"caf\\u00e9\"}\n{\"a\":\"caf\u{e9}\"}\n{\"a\":\"cafe\"}\n";
    let lines = file(dir, "a.jsonl", text.as_bytes());
    for pattern in ["caf\u{e9}", "caf\\u{e9}", "\\p{Latin}{3}\u{e9}"] {
        let found = answer(home, &["inspect", "search", &lines, pattern, "--count"]);
        assert_eq!(found["matches"], 2, "{pattern}");
    }
    let out = run(home, &["inspect", "search", &lines, "\u{e9}", "--json"]);
    let hits = String::from_utf8(out.stdout).unwrap();
    let hits: Vec<Value> = hits
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(hits[0]["cell"], "{\"a\":\"caf\u{e9}\"}");
    assert_eq!(hits[0]["spans"], json!([[9, 11]]));
    assert_eq!(hits[1]["cell"], Value::Null);
    assert_eq!(hits[1]["spans"], json!([[9, 11]]));
    let inverted = ["inspect", "search", &lines, "\u{e9}", "--invert", "--count"];
    assert_eq!(answer(home, &inverted)["matches"], 1);
}
