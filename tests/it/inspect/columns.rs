//! Columns in the output of `inspect`: unreadable ones, bytes, dates, and JSON by columns.

use std::io::Write;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::inspect::text;
use crate::support::answer;
use crate::support::error_of;
use crate::support::run;

fn put(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    std::fs::write(dir.join(name), bytes).unwrap();
    text(&dir.join(name))
}

fn formats(name: &str) -> String {
    text(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/formats")
            .join(name),
    )
}

fn kinds(stats: &Value) -> Vec<(&str, &str)> {
    let columns = stats["columns"].as_array().unwrap().iter();
    columns
        .map(|c| (c["name"].as_str().unwrap(), c["type"].as_str().unwrap()))
        .collect()
}

#[test]
fn export_with_an_unreadable_column_names_it_and_fails() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let union = formats("union.arrow");
    let info = answer(home, &["inspect", "info", &union]);
    assert_eq!(info["left_out"][0]["column"], "either");
    let kind = info["left_out"][0]["type"].as_str().unwrap();
    assert!(kind.starts_with("Union"), "{kind}");
    for ending in ["jsonl", "csv", "parquet", "arrow"] {
        let out = text(&dir.join(format!("o.{ending}")));
        let done = run(home, &["inspect", "export", &union, "-o", &out]);
        assert_eq!(done.status.code(), Some(7), "{ending}");
        let told: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(
            (&told["rows_out"], &told["left_out"][0]["column"]),
            (&json!(3), &json!("either"))
        );
        let error = error_of(&done);
        assert!(
            error["message"].as_str().unwrap().contains("`either`"),
            "{error}"
        );
        // Of the columns that were named, none is lacking.
        let words = [
            "inspect", "export", &union, "-o", &out, "--yes", "--column", "id",
        ];
        assert_eq!(answer(home, &words)["left_out"], json!([]));
    }
    let asked = run(home, &["inspect", "stats", &union, "--column", "either"]);
    assert!(!asked.status.success());
    let error = error_of(&asked);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("column `either` has the type Union"),
        "{error}"
    );
}

#[test]
fn stats_give_bytes_and_times_their_own_types() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let csv = put(
        dir,
        "a.csv",
        "day,at,both,not\n2020-01-31,2020-01-31T10:00:00, 1999-01-01 ,2020-01-31\n1999-12-31,2020-02-01T09:00:00,1999-01-01T00:00:01,soon\n",
    );
    let expected = [
        ("day", "date"),
        ("at", "timestamp"),
        ("both", "timestamp"),
        ("not", "text"),
    ];
    let stats = answer(home, &["inspect", "stats", &csv]);
    assert_eq!(kinds(&stats), expected);
    let day = &stats["columns"][0];
    assert_eq!(
        (&day["earliest"], &day["min"]),
        (&json!("1999-12-31"), &json!("1999-12-31"))
    );
    assert_eq!(
        (&day["latest"], &day["max"]),
        (&json!("2020-01-31"), &json!("2020-01-31"))
    );
    // Columns of a file that has such types; strings of JSON are text.
    let parquet = text(&dir.join("a.parquet"));
    answer(home, &["inspect", "export", &csv, "-o", &parquet]);
    let stats = answer(home, &["inspect", "stats", &parquet]);
    assert_eq!(kinds(&stats)[..2], expected[..2]);
    let lines = text(&dir.join("a.jsonl"));
    answer(home, &["inspect", "export", &csv, "-o", &lines]);
    let stats = answer(home, &["inspect", "stats", &lines]);
    assert_eq!(kinds(&stats)[0], ("day", "text"));
    assert_eq!(stats["columns"][0]["earliest"], "1999-12-31");
    let stats = answer(home, &["inspect", "stats", &formats("bytes.parquet")]);
    assert_eq!(
        kinds(&stats),
        [
            ("n", "int"),
            ("bytes", "binary"),
            ("list", "array"),
            ("list[]", "binary")
        ]
    );
    let bytes = &stats["columns"][1];
    assert_eq!(
        (
            &bytes["lengths"]["min"],
            &bytes["lengths"]["max"],
            &bytes["lengths"]["sum"]
        ),
        (&json!(0), &json!(11), &json!(16))
    );
    assert_eq!(
        (
            &bytes["types"]["binary"],
            &bytes["types"]["text"],
            &bytes["nulls"]
        ),
        (&json!(3), &json!(0), &json!(1))
    );
    // The bytes are counted as text, and not the base64 of them.
    let words = [
        "inspect",
        "tokens",
        &formats("bytes.parquet"),
        "--column",
        "bytes",
    ];
    let tokens = answer(home, &words);
    assert_eq!((&tokens["bytes"], &tokens["rows"]), (&json!(16), &json!(4)));
    let all = answer(home, &["inspect", "tokens", &formats("bytes.parquet")]);
    assert_eq!(all["bytes"], 24);
}

#[test]
fn json_by_columns_has_rows() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let list = "{\"a\":[1,2],\n \"b\":[\"x\",\n\"y\"]}";
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(list.as_bytes()).unwrap();
    for (path, orient) in [
        (put(dir, "list.json", list), "list"),
        (
            put(
                dir,
                "columns.json",
                "{\"a\":{\"0\":1,\"1\":2},\"b\":{\"0\":\"x\",\"1\":\"y\"}}",
            ),
            "columns",
        ),
        (put(dir, "list.json.gz", packed.finish().unwrap()), "list"),
    ] {
        let info = answer(home, &["inspect", "info", &path]);
        assert_eq!(
            (
                &info["rows"],
                &info["format"].as_str().unwrap().starts_with("json")
            ),
            (&json!(2), &true),
            "{path}"
        );
        assert_eq!(info["dialect"]["orient"], orient);
        assert_eq!(info["schema"]["fields"][1]["name"], "b");
        let out = text(&dir.join("o.jsonl"));
        answer(home, &["inspect", "export", &path, "-o", &out, "--yes"]);
        assert_eq!(
            std::fs::read_to_string(&out).unwrap(),
            "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n"
        );
        let lines = run(
            home,
            &["inspect", "lines", &path, "--start", "1", "--count", "5"],
        );
        assert_eq!(String::from_utf8(lines.stdout).unwrap().lines().count(), 1);
        // A registry counts the same rows, and finds them again.
        let made = answer(home, &["registry", "index", &path, "--name", "d"]);
        assert_eq!(made["rows"], 2, "{path}");
        let id = made["content_id"].as_str().unwrap();
        assert_eq!(answer(home, &["registry", "verify", id])["content"], "ok");
        assert_eq!(
            answer(home, &["inspect", "stats", id])["columns"][0]["max"],
            2
        );
    }
    // More than the front, so that the types are from all rows only where that is asked for.
    let numbers: Vec<String> = (0..150_000).map(|n| n.to_string()).collect();
    let text_of = format!(
        "{{\"n\":[{}],\"m\":[{}\"x\"]}}",
        numbers.join(","),
        "1,".repeat(149_999)
    );
    let long = put(dir, "long.json", text_of);
    assert_eq!(
        answer(home, &["inspect", "info", &long])["schema_from"],
        "first 1 MiB"
    );
    let full = [
        "registry",
        "index",
        &long,
        "--name",
        "long",
        "--full-schema",
    ];
    let made = answer(home, &full);
    assert_eq!(
        (&made["rows"], &made["schema_from"]),
        (&json!(150_000), &json!("whole file"))
    );
    let fields = answer(home, &["registry", "info", "long"]);
    assert_eq!(fields["schema"]["fields"][1]["type"], "Utf8");
    assert_eq!(
        answer(home, &["registry", "verify", "long"])["content"],
        "ok"
    );
}

#[test]
fn search_does_not_count_blank_lines() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let lines = put(dir, "a.jsonl", "{\"a\":1}\n\n  \n{\"a\":2}\n");
    for words in [
        &["inspect", "search", &lines, "a", "--count"][..],
        &["inspect", "search", &lines, "a", "--count", "--limit", "9"],
    ] {
        let found = answer(home, words);
        assert_eq!(
            (&found["rows_scanned"], &found["matches"]),
            (&json!(2), &json!(2))
        );
    }
}

#[test]
fn lint_continues_after_a_damaged_file() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    // The first is damaged behind two rows, the second cannot be opened.
    put(dir, "a.json", "[{\"a\":1},{\"a\":2},");
    put(dir, "b.parquet", b"PAR1 and no more");
    put(dir, "c.jsonl", "{\"a\":3}\n{\"a\":\n");
    let out = run(home, &["inspect", "lint", &text(dir)]);
    assert_eq!(out.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["checked"], 4);
    let rules = report["rules"].as_array().unwrap();
    let rule = |name| rules.iter().find(|r| r["rule"] == name).unwrap();
    let damaged = &rule("damaged-file")["examples"];
    assert_eq!(rule("damaged-file")["count"], 2);
    assert!(
        damaged[1]["message"]
            .as_str()
            .unwrap()
            .starts_with("b.parquet"),
        "{damaged}"
    );
    let malformed = rule("malformed-json");
    assert_eq!(
        (&malformed["count"], &malformed["examples"][0]["n"]),
        (&json!(1), &json!(3))
    );
}

#[test]
fn lint_of_a_path_ignores_the_others() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let row = json!({"a": [
        {"b": "one@example.org", "c": "two@example.org"}, {"b": "", "c": "three@example.org"},
    ]});
    let clean = json!({"a": [{"b": "nobody", "c": "four@example.org"}]});
    let lines = put(dir, "a.jsonl", format!("{row}\n{clean}\n"));
    let count = |column: &str| {
        let words = [
            "inspect",
            "lint",
            &lines,
            "--rule",
            "email-address",
            "--column",
            column,
        ];
        answer(home, &words)["rules"][0]["count"].clone()
    };
    assert_eq!(
        (count("a[].b"), count("a[].c"), count("a")),
        (json!(1), json!(2), json!(2))
    );
}

#[test]
fn rows_that_are_not_utf_8_are_refused_with_both_remedies() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    for (name, bytes) in [("a.csv", &b"a\ncaf\xe9\n"[..]), ("b.txt", b"caf\xe9\n")] {
        let path = put(dir, name, bytes);
        let out = text(&dir.join("o.jsonl"));
        let done = run(home, &["inspect", "export", &path, "-o", &out]);
        assert!(!done.status.success());
        let hint = error_of(&done)["hint"].as_str().unwrap().to_owned();
        assert!(
            hint.contains("--encoding") && hint.contains("--skip-malformed"),
            "{hint}"
        );
    }
}

#[test]
fn full_schema_of_unchanged_content_is_not_reported() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let all =
        "{\"a\":1,\"pad\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}\n".repeat(20_000);
    let lines = put(dir, "a.jsonl", all + "{\"a\":\"text\"}\n");
    let index = |more: &[&str]| {
        let words = ["registry", "index", &lines, "--name", "d"];
        answer(home, &[&words[..], more].concat())
    };
    assert_eq!(index(&[])["schema_kept"], false);
    let again = index(&["--full-schema"]);
    assert_eq!(
        (&again["unchanged"], &again["schema_kept"]),
        (&json!(true), &json!(true))
    );
    // It is said each time.
    assert_eq!(index(&["--full-schema"])["schema_kept"], true);
    let next = index(&["--full-schema", "--version", "2.0.0"]);
    assert_eq!(
        (&next["schema_kept"], &next["schema_from"]),
        (&json!(false), &json!("whole file"))
    );
    assert_eq!(
        answer(home, &["registry", "info", "d@2.0.0"])["schema"]["fields"][0]["type"],
        "Utf8"
    );
    assert_eq!(
        answer(home, &["registry", "verify", "d@2.0.0"])["content"],
        "ok"
    );
}

#[test]
fn header_that_is_not_utf8_and_records_wider_than_it_are_said() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = put(dir.path(), "wide.csv", b"caf\xe9,b\n1,2,3\n4,5\n");
    for command in ["info", "stats"] {
        let told = run(home.path(), &["inspect", command, &file]);
        let said = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.success(), "{said}");
        assert!(said.contains("`caf\u{fffd}`"), "{command}: {said}");
        assert!(said.contains("--encoding latin-1"), "{command}: {said}");
        assert!(said.contains("up to 3 fields"), "{command}: {said}");
    }
    let lint = run(home.path(), &["inspect", "lint", &file]);
    assert_eq!(lint.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&lint.stdout).unwrap();
    let rules = found["rules"].as_array().unwrap();
    let bad = rules.iter().find(|r| r["rule"] == "bad-utf8").unwrap();
    assert_eq!(bad["count"], 1, "{found}");
    let latin = ["inspect", "info", &file, "--encoding", "latin-1"];
    let said = run(home.path(), &latin).stderr;
    assert!(!String::from_utf8_lossy(&said).contains("is not UTF-8"));
    let plain = put(dir.path(), "plain.csv", b"a,b\n1,2\n");
    assert!(
        run(home.path(), &["inspect", "info", &plain])
            .stderr
            .is_empty()
    );
}
