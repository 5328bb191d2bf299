//! Targets that are no single file: standard input, pipes, and several at once.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::inspect::text;
use crate::support::answer;
use crate::support::program;

fn piped(home: &Path, words: &[&str], input: &[u8]) -> Value {
    let mut child = program(home)
        .arg("--json")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{words:?}");
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn inspect_reads_every_format_from_standard_input() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let lines = b"{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n{\"a\":3,\"b\":\"z\"}\n";
    let source = dir.join("a.jsonl");
    std::fs::write(&source, lines).unwrap();
    let parquet = text(&dir.join("a.parquet"));
    answer(home, &["inspect", "export", &text(&source), "-o", &parquet]);
    let columnar = std::fs::read(&parquet).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines).unwrap();
    let packed = packed.finish().unwrap();
    for (input, format) in [
        (&lines[..], "jsonl"),
        (
            b"[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":\"y\"},{\"a\":3,\"b\":\"z\"}]",
            "json-array",
        ),
        (b"a,b\n1,x\n2,y\n3,z\n", "csv"),
        (&columnar, "parquet"),
        (&packed, "jsonl"),
    ] {
        for name in ["-", "/dev/stdin"] {
            let stats = piped(home, &["inspect", "stats", name], input);
            assert_eq!(stats["rows"], 3, "{format} {name}");
            assert_eq!(stats["columns"][0]["max"], 3, "{format} {name}");
        }
        let out = text(&dir.join("out.csv"));
        let told = piped(
            home,
            &["inspect", "export", "-", "-o", &out, "--yes"],
            input,
        );
        assert_eq!(told["rows_out"], 3);
        assert_eq!(
            std::fs::read_to_string(&out).unwrap(),
            "a,b\n1,x\n2,y\n3,z\n"
        );
    }
    let plain = piped(
        home,
        &["inspect", "info", "-"],
        b"some lines\nof text, all in all\n",
    );
    assert_eq!(plain["rows"], 2);
    // Nothing of it stays.
    let left = std::fs::read_dir(home.join("cache")).unwrap();
    let names = left.map(|e| e.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|n| n.starts_with("spill")).count(), 0);
}

#[test]
fn inspect_reads_several_targets_in_order() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let put = |name: &str, all: &str| {
        std::fs::write(dir.join(name), all).unwrap();
        text(&dir.join(name))
    };
    let (a, b) = (
        put("a.jsonl", "{\"n\":1}\n{\"n\":2}\n"),
        put("b.csv", "n,m\n3,x\n"),
    );
    for (words, key, value) in [
        (&["info", &a, &b][..], "rows", 3),
        (&["stats", &a, &b], "rows", 3),
        (&["tokens", &a, &b], "rows", 3),
        (&["dedup", &a, &b, &a], "exact_duplicates", 2),
        (&["lint", &a, &b], "checked", 3),
        (&["search", &a, &b, "[123]", "--count"], "matches", 3),
        (&["sample", &a, &b, "-n", "9"], "rows_out", 3),
    ] {
        let told = answer(home, &[&["inspect"], words].concat());
        assert_eq!(told[key], value, "{words:?}");
    }
    let out = text(&dir.join("o.jsonl"));
    answer(home, &["inspect", "filter", &a, &b, "[23]", "-o", &out]);
    let all = std::fs::read_to_string(&out).unwrap();
    assert_eq!(all, "{\"n\":2}\n{\"n\":3,\"m\":\"x\"}\n");
    // Files with other columns are told.
    let c = put("c.csv", "n\n3\n");
    let lint = answer(home, &["inspect", "lint", &b, &c, "--rule", "file-columns"]);
    assert_eq!(lint["warnings"], 1);
}

#[test]
fn split_keeps_the_format() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = text(&dir.join("a.jsonl"));
    let rows: String = (0..50).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    std::fs::write(&source, rows).unwrap();
    for ending in ["jsonl", "csv", "tsv", "parquet", "arrow"] {
        let path = text(&dir.join(format!("all.{ending}")));
        answer(home, &["inspect", "export", &source, "-o", &path]);
        let parts = text(&dir.join(format!("parts-{ending}")));
        let told = answer(
            home,
            &["inspect", "split", &path, "--ratios", "80,20", "-o", &parts],
        );
        assert_eq!(told["rows_out"], 50);
        for file in told["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            assert!(path.ends_with(ending), "{path}");
            assert_eq!(
                answer(home, &["inspect", "info", path])["rows"],
                file["rows"]
            );
        }
    }
}
