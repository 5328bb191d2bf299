//! The guarantee of commands that write rows: they report every lost row, column and value.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use serde_json::json;

use crate::inspect::text;
use crate::support::answer;
use crate::support::program;
use crate::support::run;

fn put(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    text(&path)
}

fn read(path: &str) -> String {
    String::from_utf8(std::fs::read(path).unwrap()).unwrap()
}

fn error(out: &Output) -> Value {
    let text = String::from_utf8_lossy(&out.stderr);
    let line = text.lines().find(|l| l.starts_with("{\"error\"")).unwrap();
    serde_json::from_str::<Value>(line).unwrap()["error"].clone()
}

/// Rows of a file as JSON.
fn rows(home: &Path, dir: &Path, path: &str) -> Vec<Value> {
    let to = text(&dir.join("read.jsonl"));
    answer(home, &["inspect", "export", path, "-o", &to, "--yes"]);
    let text = read(&to);
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// The type that each column of a file has.
fn types(home: &Path, path: &str) -> Vec<(String, String)> {
    let info = answer(home, &["inspect", "info", path]);
    let fields = info["schema"]["fields"].as_array().unwrap().clone();
    let of = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    fields
        .iter()
        .map(|f| (of(f, "name"), of(f, "type")))
        .collect()
}

#[test]
fn long_row_is_copied_whole() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let long = "x".repeat((64 << 20) + 5000);
    let all = format!("{{\"a\":1}}\n{{\"a\":\"{long}\"}}\r\n{{\"a\":2}}\n");
    let source = put(dir, "long.jsonl", &all);
    let array = put(
        dir,
        "long.json",
        format!("[{{\"a\":1}},\n{{\"a\":\"{long}\"}},{{\"a\":2}}]"),
    );
    let out = text(&dir.join("out.jsonl"));
    let whole = all.replace('\r', "");
    for words in [
        &["inspect", "export", &source][..],
        &["inspect", "export", &array],
        &["inspect", "filter", &source, "a"],
        &["inspect", "dedup", &source, "--exact"],
    ] {
        let told = answer(home, &[words, &["-o", &out, "--yes"]].concat());
        assert!(
            std::fs::read(&out).unwrap() == whole.as_bytes(),
            "{words:?}"
        );
        assert!(
            told["rows_out"] == 3 || told["unique_rows"] == 3,
            "{words:?}"
        );
    }
    let csv = text(&dir.join("out.csv"));
    answer(home, &["inspect", "export", &source, "-o", &csv]);
    assert!(read(&csv) == format!("a\n1\n{long}\n2\n"));
}

#[test]
fn dedup_tells_rows_apart_beyond_64_mib() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let long = "x".repeat(64 << 20);
    let source = put(dir, "long.txt", format!("{long}a\n{long}b\n"));
    let told = answer(home, &["inspect", "dedup", &source, "--exact"]);
    assert_eq!(told["unique_rows"], 2);
}

#[test]
fn export_writes_more_than_ten_thousand_columns() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let names: Vec<String> = (0..10_500).map(|n| format!("c{n}")).collect();
    let values: Vec<String> = (0..10_500).map(|n| n.to_string()).collect();
    let csv = format!("{}\n{}\n", names.join(","), values.join(","));
    let source = put(dir, "wide.csv", &csv);
    let (lines, again) = (text(&dir.join("w.jsonl")), text(&dir.join("w.csv")));
    answer(home, &["inspect", "export", &source, "-o", &lines]);
    answer(home, &["inspect", "export", &lines, "-o", &again]);
    assert_eq!(read(&again), csv);
}

#[test]
fn columns_beyond_the_limit_are_refused() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let all: String = (0..70_000).map(|n| format!("{{\"k{n}\":1}}\n")).collect();
    let source = put(dir, "keys.jsonl", all);
    for name in ["k.parquet", "k.csv"] {
        let out = run(
            home,
            &["inspect", "export", &source, "-o", &text(&dir.join(name))],
        );
        assert_eq!(out.status.code(), Some(1));
        let said = error(&out)["message"].as_str().unwrap().to_owned();
        assert!(said.contains("written_columns_max"), "{said}");
        assert!(!dir.join(name).exists());
    }
    let lines = text(&dir.join("k.jsonl"));
    let told = answer(home, &["inspect", "export", &source, "-o", &lines]);
    assert_eq!(told["rows_out"], 70_000);
}

#[test]
fn csv_header_longer_than_the_probe_names_all_columns() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let long = "n".repeat(1_100_000);
    let source = put(dir, "long.csv", format!("a{long},b,c\n1,2,3\n"));
    let found = rows(home, dir, &source);
    assert_eq!(found.len(), 1);
    let names: Vec<&String> = found[0].as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 3);
    assert_eq!(found[0]["c"], 3);
}

#[test]
fn repeated_column_names_are_made_unique() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let csv = put(dir, "twice.csv", "a,a,b\n1,x,3\n2,y,4\n");
    let to = text(&dir.join("t.jsonl"));
    let out = run(home, &["inspect", "export", &csv, "-o", &to]);
    assert!(out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("`a_1`"));
    assert_eq!(
        read(&to),
        "{\"a\":1,\"a_1\":\"x\",\"b\":3}\n{\"a\":2,\"a_1\":\"y\",\"b\":4}\n"
    );
    let info = run(home, &["inspect", "info", &csv]);
    assert!(String::from_utf8_lossy(&info.stderr).contains("`a_1`"));
    let stats = answer(home, &["inspect", "stats", &csv]);
    let columns = stats["columns"].as_array().unwrap();
    let names: Vec<&str> = columns
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["a", "a_1", "b"]);
    assert_eq!(columns[1]["type"], "text");
    let lint = answer(home, &["inspect", "lint", &csv]);
    let rules = lint["rules"].as_array().unwrap();
    assert!(rules.iter().any(|r| r["rule"] == "duplicate-column"));
    let json = put(
        dir,
        "twice.jsonl",
        "{\"a\":1,\"a\":2,\"a_1\":3}\n{\"a\":4}\n",
    );
    let to = text(&dir.join("t.csv"));
    answer(home, &["inspect", "export", &json, "-o", &to]);
    assert_eq!(read(&to), "a,a_1,a_1_1\n1,2,3\n4,,\n");
}

#[test]
fn missing_column_is_exit_code_3() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let lines = put(
        dir,
        "a.jsonl",
        "{\"question\":\"x\",\"id\":1}\n{\"question\":\"y\"}\n",
    );
    let csv = put(dir, "a.csv", "question,id\nx,1\ny,2\n");
    let parquet = text(&dir.join("a.parquet"));
    answer(home, &["inspect", "export", &lines, "-o", &parquet]);
    let out = text(&dir.join("out.jsonl"));
    for target in [&lines, &csv, &parquet] {
        for words in [
            &["search", target, "x", "--column", "questin"][..],
            &["filter", target, "x", "--column", "questin", "-o", &out],
            &["export", target, "--column", "questin", "-o", &out],
            &["stats", target, "--column", "questin"],
            &["lint", target, "--column", "questin"],
            &["tokens", target, "--column", "questin"],
            &["dedup", target, "--column", "questin"],
            &["dedup", target, "--source", "questin"],
            &["dedup", target, "--keep", "max:questin"],
            &["overlap", target, target, "--column", "questin"],
            &["split", target, "--by", "questin", "-o", &out],
        ] {
            let ended = run(home, &[&["inspect"], words].concat());
            assert_eq!(ended.status.code(), Some(3), "{words:?}");
            let said = error(&ended);
            assert_eq!(said["kind"], "not_found");
            assert!(
                said["message"].as_str().unwrap().contains("`question`"),
                "{said}"
            );
        }
    }
    // A column that only a row far behind the front has is there.
    let mut late: String = (0..60_000)
        .map(|n| format!("{{\"text\":\"row {n} of many\"}}\n"))
        .collect();
    late += "{\"late\":1}\n";
    let late = put(dir, "late.jsonl", late);
    let counted = answer(
        home,
        &[
            "inspect", "search", &late, "1", "--column", "late", "--count",
        ],
    );
    assert_eq!(counted["matches"], 1);
    // One syntax of paths.
    let chat = put(
        dir,
        "chat.jsonl",
        "{\"m\":[{\"c\":\"hello\"},{\"c\":\"world\"}]}\n",
    );
    for path in ["m[].c", "m.0.c", "m"] {
        for words in [
            &["search", &chat, "hello", "--column", path, "--count"][..],
            &["tokens", &chat, "--column", path],
            &["dedup", &chat, "--column", path],
            &["lint", &chat, "--column", path],
            &["export", &chat, "--column", path, "-o", &out, "--yes"],
        ] {
            answer(home, &[&["inspect"], words].concat());
        }
    }
}

#[test]
fn dedup_tells_null_missing_and_empty_apart() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let all = "{\"id\":1,\"a\":null}\n{\"id\":2}\n{\"id\":3,\"a\":\"\"}\n{\"id\":4}\n{\"id\":5,\"a\":\"\"}\n{\"id\":6,\"a\":1}\n{\"id\":7,\"a\":\"1\"}\n";
    let source = put(dir, "a.jsonl", all);
    // Similarity compares the text of values, whatever their type.
    for (how, unique) in [(&["--exact"][..], 6), (&[], 5)] {
        let words = [&["inspect", "dedup", &source, "--column", "a"], how].concat();
        let told = answer(home, &words);
        assert_eq!(told["unique_rows"], unique, "{told}");
        assert_eq!(told["exact_duplicates"], 1);
    }
    let other = put(dir, "b.jsonl", "{\"a\":null}\n{\"b\":1}\n{\"a\":\"\"}\n");
    let told = answer(
        home,
        &[
            "inspect", "overlap", &source, &other, "--column", "a", "--exact",
        ],
    );
    assert_eq!(told["exact"], 1);
}

#[test]
fn export_keeps_integers_beside_fractions() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = put(
        dir,
        "a.jsonl",
        "{\"a\":9007199254740993,\"b\":1}\n{\"a\":0.5,\"b\":2.5}\n",
    );
    let to = text(&dir.join("a.parquet"));
    answer(home, &["inspect", "export", &source, "-o", &to]);
    let found = rows(home, dir, &to);
    assert_eq!(found[0], json!({"a": "9007199254740993", "b": 1.0}));
    assert_eq!(found[1], json!({"a": "0.5", "b": 2.5}));
}

#[test]
fn csv_types_keep_every_value() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let csv = "zip,n,x,ok,day,at,s,big\n02139,1,1.5,true,2020-02-29,2020-02-29T10:00:00Z,,18446744073709551615\n12345,-2,nan,False,2021-01-01,2021-01-01T00:00:00.25Z,\"\",1\n,,,,,,x,\n";
    let source = put(dir, "a.csv", csv);
    let to = text(&dir.join("a.parquet"));
    answer(home, &["inspect", "export", &source, "-o", &to]);
    let kinds: Vec<String> = types(home, &to).into_iter().map(|(_, kind)| kind).collect();
    let expected = [
        "Utf8",
        "Int64",
        "Float64",
        "Boolean",
        "Date32",
        "Timestamp(µs, \"UTC\")",
        "Utf8",
        "UInt64",
    ];
    assert_eq!(kinds, expected);
    let lines = text(&dir.join("a.jsonl"));
    let failed = run(home, &["inspect", "export", &source, "-o", &lines]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        error(&failed)["message"]
            .as_str()
            .unwrap()
            .contains("row 1")
    );
    answer(
        home,
        &["inspect", "export", &source, "-o", &lines, "--nan", "null"],
    );
    let found: Vec<Value> = read(&lines)
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(
        found[0],
        json!({"zip":"02139","n":1,"x":1.5,"ok":true,"day":"2020-02-29","at":"2020-02-29T10:00:00Z","s":null,"big":18_446_744_073_709_551_615_u64})
    );
    assert_eq!((&found[1]["x"], &found[1]["s"]), (&Value::Null, &json!("")));
    // Null and empty text survive from CSV to CSV, by way of Parquet too.
    let back = text(&dir.join("b.csv"));
    answer(home, &["inspect", "export", &to, "-o", &back]);
    let again = read(&back);
    assert!(
        again.contains(",,18446744073709551615\n") && again.contains(",\"\",1\n"),
        "{again}"
    );
}

#[test]
fn refused_rows_are_named_and_nothing_is_written() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    for (name, bytes, to, row) in [
        (
            "broken.jsonl",
            &b"{\"a\":1}\n{\"a\":\n{\"a\":2}\n"[..],
            "o.csv",
            "row 1",
        ),
        (
            "half.jsonl",
            b"{\"a\":\"x\"}\n{\"a\":\"\\ud83d\"}\n",
            "o.parquet",
            "column `a`",
        ),
        ("latin.csv", b"a,b\nx,y\n\xe9,z\n", "o.parquet", "row 1"),
        ("latin.txt", b"x\n\xe9\n", "o.jsonl", "row 1"),
        ("break.csv", b"a,b\n\"x\ny\",z\n", "o.txt", "row 0"),
        ("nan.jsonl", b"{\"a\":1}\n{\"a\":NaN}\n", "o.jsonl", "row 1"),
        (
            "nan.jsonl",
            b"{\"a\":1}\n{\"a\":-Infinity}\n",
            "o.csv",
            "row 1",
        ),
    ] {
        let source = put(dir, name, bytes);
        let path = dir.join(to);
        let out = run(home, &["inspect", "export", &source, "-o", &text(&path)]);
        assert_eq!(out.status.code(), Some(1), "{name}");
        let said = error(&out)["message"].as_str().unwrap().to_owned();
        assert!(said.contains(row), "{name}: {said}");
        assert!(!path.exists(), "{name}");
        let rejects = text(&dir.join("rejects.jsonl"));
        let words = [
            "inspect",
            "export",
            &source,
            "-o",
            &text(&path),
            "--skip-malformed",
            "--rejects",
            &rejects,
            "--yes",
        ];
        let out = run(home, &words);
        assert_eq!(out.status.code(), Some(7), "{name}");
        let told: Value = serde_json::from_slice(&out.stdout).unwrap();
        let of = |key: &str| told[key].as_u64().unwrap();
        assert_eq!(of("rows_in"), of("rows_out") + of("rows_refused"), "{name}");
        assert_eq!(read(&rejects).lines().count() as u64, of("rows_refused"));
        std::fs::remove_file(&path).unwrap();
    }
    // The old file is still there after a failure.
    let source = put(dir, "broken.jsonl", "{\"a\":\n");
    let kept = put(dir, "kept.csv", "mine\n");
    assert_eq!(
        run(home, &["inspect", "export", &source, "-o", &kept, "--yes"])
            .status
            .code(),
        Some(1)
    );
    assert_eq!(read(&kept), "mine\n");
}

#[test]
fn export_of_no_rows_keeps_the_columns() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = put(dir, "a.csv", "id,name\n");
    let parquet = text(&dir.join("a.parquet"));
    answer(home, &["inspect", "export", &source, "-o", &parquet]);
    let names: Vec<String> = types(home, &parquet)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["id", "name"]);
    let again = text(&dir.join("b.csv"));
    answer(home, &["inspect", "export", &parquet, "-o", &again]);
    assert_eq!(read(&again), "id,name\n");
    let some = put(dir, "c.jsonl", "{\"n\":1,\"s\":[1]}\n");
    let typed = text(&dir.join("c.parquet"));
    answer(home, &["inspect", "export", &some, "-o", &typed]);
    let none = text(&dir.join("none.parquet"));
    answer(
        home,
        &["inspect", "filter", &typed, "nothing like it", "-o", &none],
    );
    assert_eq!(types(home, &none), types(home, &typed));
}

#[test]
fn stats_count_nan_apart_and_show_extremes() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = put(
        dir,
        "a.csv",
        "x,day\n1.5,2020-01-31\nnan,1999-12-31\n-inf,2021-05-05\n,2000-01-01\n",
    );
    let parquet = text(&dir.join("a.parquet"));
    answer(home, &["inspect", "export", &source, "-o", &parquet]);
    let python = put(
        dir,
        "a.jsonl",
        "{\"x\":1.5,\"day\":\"2020-01-31\"}\n{\"x\":NaN,\"day\":\"1999-12-31\"}\n{\"x\":-Infinity,\"day\":\"2021-05-05\"}\n{\"x\":null,\"day\":\"2000-01-01\"}\n",
    );
    for target in [&parquet, &python] {
        let told = answer(home, &["inspect", "stats", target]);
        assert_eq!(told["malformed"], 0);
        let (x, day) = (&told["columns"][0], &told["columns"][1]);
        assert_eq!(
            (&x["nan"], &x["infinite"], &x["nulls"]),
            (&json!(1), &json!(1), &json!(1))
        );
        assert_eq!(
            (&x["min"], &x["max"], &x["type"]),
            (&json!(1.5), &json!(1.5), &json!("float"))
        );
        assert_eq!(
            (&day["earliest"], &day["latest"]),
            (&json!("1999-12-31"), &json!("2021-05-05"))
        );
        let shown = program(home)
            .args(["inspect", "stats", target])
            .output()
            .unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        for words in [
            "1 NaN",
            "1 infinite",
            "minimum 1.5, maximum 1.5",
            "earliest 1999-12-31, latest 2021-05-05",
        ] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
    }
    let lint = run(home, &["inspect", "lint", &python]);
    let lint: Value = serde_json::from_slice(&lint.stdout).unwrap();
    let rules = lint["rules"].as_array().unwrap();
    let count = |name: &str| rules.iter().find(|r| r["rule"] == name).unwrap()["count"].clone();
    assert_eq!(
        (count("nan-number"), count("malformed-json")),
        (json!(2), json!(0))
    );
    let out = text(&dir.join("o.jsonl"));
    for (rule, first) in [("null", Value::Null), ("text", json!("NaN"))] {
        answer(
            home,
            &[
                "inspect", "export", &parquet, "-o", &out, "--nan", rule, "--yes",
            ],
        );
        let second = read(&out).lines().nth(1).unwrap().to_owned();
        assert_eq!(serde_json::from_str::<Value>(&second).unwrap()["x"], first);
    }
}
