//! `inspect` from outside, over files of every format and over datasets in the registry.

use std::path::Path;

use serde_json::Value;

use crate::inspect::everywhere;
use crate::inspect::gsm8k;
use crate::inspect::text;
use crate::support::answer;
use crate::support::run;

/// The objects that a command prints, one a line.
fn stream(home: &Path, words: &[&str]) -> Vec<Value> {
    let out = run(home, words);
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{words:?}: {errors}");
    let lines = out.stdout.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.map(|l| serde_json::from_slice(l).unwrap()).collect()
}

#[test]
fn rows_are_the_same_in_every_format() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let row = r"for break(fast)";
    for target in everywhere(dir.path(), home) {
        let info = answer(home, &["inspect", "info", &target]);
        assert_eq!(info["rows"], 1319, "{target}");
        let fields = info["schema"]["fields"].as_array().unwrap();
        let names: Vec<&str> = fields.iter().map(|f| f["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["question", "answer"], "{target}");
        let last = stream(
            home,
            &[
                "inspect", "lines", &target, "--start", "1317", "--count", "5",
            ],
        );
        assert_eq!(last.len(), 2, "{target}");
        assert_eq!(last[1]["n"], 1318);
        assert!(
            last[1]["text"]
                .as_str()
                .unwrap()
                .contains("Henry and 3 of his friends")
        );
        let middle = stream(
            home,
            &[
                "inspect", "lines", &target, "--start", "700", "--count", "1",
            ],
        );
        assert_eq!(middle.len(), 1, "{target}");
        let counted = answer(home, &["inspect", "search", &target, row, "--count"]);
        assert_eq!(counted["matches"], 5, "{target}");
        assert_eq!(counted["rows_scanned"], 1319, "{target}");
        let some = ["inspect", "search", &target, row, "--count", "--limit", "2"];
        assert_eq!(answer(home, &some)["matches"], 2, "{target}");
        let words = [
            "inspect", "search", &target, "DOZEN", "-i", "--column", "question",
        ];
        let found = stream(home, &[&words[..], &["--limit", "7"]].concat());
        assert_eq!(found.len(), 7, "{target}");
        let numbers: Vec<u64> = found.iter().map(|f| f["n"].as_u64().unwrap()).collect();
        assert!(numbers.is_sorted());
        for hit in &found {
            let said = hit["cell"].as_str().unwrap();
            let span = hit["spans"][0].as_array().unwrap();
            let place = |n: usize| usize::try_from(span[n].as_u64().unwrap()).unwrap();
            assert_eq!(said[place(0)..place(1)].to_lowercase(), "dozen");
        }
    }
}

#[test]
fn rows_of_a_dataset_are_numbered_across_files() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    std::fs::write(dir.path().join("a.jsonl"), "{\"a\":0}\n{\"a\":1}").unwrap();
    std::fs::write(dir.path().join("b.csv"), "a,b\n2,\"x\ny\"\n3,z\n").unwrap();
    std::fs::write(dir.path().join("c.json"), "[{\"a\":4},{\"a\":5}]").unwrap();
    std::fs::write(dir.path().join("notes.md"), "no rows\n").unwrap();
    answer(
        home,
        &["registry", "index", &text(dir.path()), "--name", "several"],
    );
    for target in [text(dir.path()), "several".to_owned()] {
        assert_eq!(answer(home, &["inspect", "info", &target])["rows"], 6);
        for start in 0..6 {
            let n = start.to_string();
            let found = stream(home, &["inspect", "lines", &target, "--start", &n]);
            assert_eq!(found.len(), 6 - start, "{target} {start}");
            assert!(found[0]["text"].as_str().unwrap().contains(&n));
        }
    }
    let one = stream(home, &["inspect", "lines", "several:b.csv"]);
    assert_eq!(one[0]["text"], "2,\"x\ny\"");
}

#[test]
fn dedup_finds_removes_and_reports_duplicates() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let lines = std::fs::read_to_string(gsm8k()).unwrap();
    let rows: Vec<&str> = lines.lines().collect();
    let near = rows[5].replacen("the", "this", 1);
    assert_ne!(near, rows[5]);
    let all = format!(
        "{}\n{}\n{near}\n{}\n",
        rows[..100].join("\n"),
        rows[7],
        rows[7]
    );
    let path = dir.path().join("in.jsonl");
    std::fs::write(&path, all).unwrap();
    let (kept, why) = (
        text(&dir.path().join("out.jsonl")),
        text(&dir.path().join("why.jsonl")),
    );
    let target = text(&path);
    let words = [
        "inspect",
        "dedup",
        &target,
        "--output",
        &kept,
        "--clusters",
        &why,
    ];
    let report = answer(home, &words);
    assert_eq!(report["rows"], 103);
    assert_eq!(report["exact_duplicates"], 2);
    assert_eq!(report["near_duplicates"], 1);
    assert_eq!(report["unique_rows"], 100);
    let out = std::fs::read_to_string(&kept).unwrap();
    assert_eq!(out.trim_end(), rows[..100].join("\n"));
    let evidence = std::fs::read_to_string(&why).unwrap();
    let evidence: Vec<Value> = evidence
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let pairs: Vec<(u64, u64)> = evidence
        .iter()
        .map(|e| (e["row"].as_u64().unwrap(), e["kept"].as_u64().unwrap()))
        .collect();
    assert_eq!(pairs, [(100, 7), (101, 5), (102, 7)]);
    assert!(evidence[1]["similarity"].as_f64().unwrap() > 0.8);
    // A file that is there stays, unless it may be replaced.
    assert_eq!(run(home, &words).status.code(), Some(1));
    assert!(
        run(home, &[&words[..], &["--yes"]].concat())
            .status
            .success()
    );
    // Data without room in memory goes to disk and leaves nothing behind.
    let tight = answer(home, &["inspect", "dedup", &target, "--budget", "1kB"]);
    assert_eq!(tight["unique_rows"], 100);
    assert!(tight["spilled_bytes"].as_u64().unwrap() > 0);
    let cache = std::fs::read_dir(home.join("cache")).unwrap();
    let names = cache.map(|e| e.unwrap().file_name().into_string().unwrap());
    assert!(names.filter(|n| n.starts_with("spill")).count() == 0);
    let exact = answer(home, &["inspect", "dedup", &target, "--exact"]);
    assert_eq!(
        (&exact["unique_rows"], &exact["near_duplicates"]),
        (&101.into(), &0.into())
    );
}

#[test]
fn lint_reports_findings_and_exits_with_1() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let clean = answer(home, &["inspect", "lint", &text(&gsm8k())]);
    assert_eq!(
        (&clean["checked"], &clean["errors"]),
        (&1319.into(), &0.into())
    );
    let path = dir.path().join("broken.jsonl");
    std::fs::write(&path, "{\"a\":1}\n{\"a\":}\n{\"a\":3}\n").unwrap();
    let out = run(home, &["inspect", "lint", &text(&path)]);
    assert_eq!(out.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["errors"], 1);
    let rules = report["rules"].as_array().unwrap();
    let rule = rules
        .iter()
        .find(|r| r["rule"] == "malformed-json")
        .unwrap();
    assert_eq!(
        (&rule["count"], &rule["examples"][0]["n"]),
        (&1.into(), &1.into())
    );
    // A document without a value is no JSON; a file without lines is nothing wrong.
    let nothing = dir.path().join("nothing.json");
    std::fs::write(&nothing, " \n").unwrap();
    let nothing = text(&nothing);
    assert_eq!(
        run(home, &["inspect", "lint", &nothing]).status.code(),
        Some(1)
    );
    let other = answer(home, &["inspect", "lint", &nothing, "--rule", "bad-utf8"]);
    assert_eq!(other["errors"], 0);
    let out = run(
        home,
        &["inspect", "lint", &text(&path), "--format", "sarif"],
    );
    let log: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "malformed-json");
}

#[test]
fn filter_and_merge_write_the_selected_rows() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let source = text(&gsm8k());
    let (out, rest) = (
        text(&dir.path().join("a.jsonl")),
        text(&dir.path().join("b.jsonl")),
    );
    let some = answer(home, &["inspect", "filter", &source, "dozen", "-o", &out]);
    let others = answer(
        home,
        &[
            "inspect", "filter", &source, "dozen", "--invert", "-o", &rest,
        ],
    );
    let rows = |r: &Value| r["rows_out"].as_u64().unwrap();
    assert!(rows(&some) > 0);
    assert_eq!(rows(&some) + rows(&others), 1319);
    let both = text(&dir.path().join("c.jsonl"));
    let merged = answer(home, &["inspect", "merge", &out, &rest, "-o", &both]);
    assert_eq!(rows(&merged), 1319);
    let sorted = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&both), sorted(&source));
}

#[test]
fn stats_match_the_rows() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    answer(
        home,
        &["registry", "index", &text(&gsm8k()), "--name", "problems"],
    );
    let lines = std::fs::read_to_string(gsm8k()).unwrap();
    let rows: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let lengths: Vec<usize> = rows
        .iter()
        .map(|r| r["answer"].as_str().unwrap().chars().count())
        .collect();
    let mean = lengths.iter().sum::<usize>() as f64 / rows.len() as f64;
    for target in ["problems".to_owned(), text(&gsm8k())] {
        let stats = answer(home, &["inspect", "stats", &target]);
        let columns = stats["columns"].as_array().unwrap();
        let found = columns.iter().find(|c| c["name"] == "answer").unwrap();
        assert_eq!(
            (&found["type"], &found["nulls"]),
            (&"text".into(), &0.into())
        );
        assert_eq!(found["distinct_estimate"], 1319);
        assert!((found["mean"].as_f64().unwrap() - mean).abs() < 1e-9);
        assert_eq!(found["lengths"]["max"], *lengths.iter().max().unwrap());
        let histogram = found["length_histogram"].as_array().unwrap();
        let counted: u64 = histogram.iter().map(|b| b["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, 1319);
        let tokens = answer(home, &["inspect", "tokens", &target, "--column", "answer"]);
        let in_all = answer(home, &["inspect", "tokens", &target]);
        assert_eq!(tokens["rows"], 1319);
        assert!(tokens["tokens"].as_u64() < in_all["tokens"].as_u64());
        assert_eq!(in_all["tokens"], 212_156);
    }
}

#[test]
fn samples_and_splits_are_reproducible() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let source = text(&gsm8k());
    let draw = |seed: &str| {
        let drawn = answer(
            home,
            &["inspect", "sample", &source, "-n", "20", "--seed", seed],
        );
        assert_eq!(
            (&drawn["rows_in"], &drawn["rows_out"]),
            (&1319.into(), &20.into())
        );
        drawn["rows"].clone()
    };
    assert_eq!(draw("1"), draw("1"));
    assert_ne!(draw("1"), draw("2"));
    let lines = std::fs::read_to_string(gsm8k()).unwrap();
    let mut rows: Vec<&str> = lines.lines().collect();
    rows.reverse();
    let turned = dir.path().join("turned.jsonl");
    std::fs::write(&turned, rows.join("\n")).unwrap();
    let parts = |target: &str, name: &str| {
        let at = text(&dir.path().join(name));
        let made = answer(
            home,
            &[
                "inspect", "split", target, "--ratios", "80,10,10", "-o", &at,
            ],
        );
        assert_eq!(made["rows_out"], 1319);
        ["train", "valid", "test"].map(|part| {
            let rows = std::fs::read_to_string(format!("{at}/{part}.jsonl")).unwrap();
            let mut rows: Vec<String> = rows.lines().map(str::to_owned).collect();
            rows.sort();
            rows
        })
    };
    let (one, other) = (parts(&source, "a"), parts(&text(&turned), "b"));
    assert_eq!(one, other);
    assert!((950..1150).contains(&one[0].len()), "{}", one[0].len());
    let test = text(&dir.path().join("a/test.jsonl"));
    let overlap = answer(home, &["inspect", "overlap", &source, &test]);
    assert_eq!(overlap["exact"], one[2].len());
    assert_eq!(overlap["rows_a"], 1319);
    let train = text(&dir.path().join("a/train.jsonl"));
    let apart = answer(home, &["inspect", "overlap", &train, &test]);
    assert_eq!((&apart["exact"], &apart["near"]), (&0.into(), &0.into()));
}

#[test]
fn inspect_of_unreadable_data_says_so() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let code = |words: &[&str]| run(home, words).status.code();
    assert_eq!(code(&["inspect", "info", "no-such-thing"]), Some(3));
    assert_eq!(code(&["inspect", "lines", "./no/such/file.jsonl"]), Some(3));
    assert_eq!(
        code(&["inspect", "search", &text(&gsm8k()), "(", "--count"]),
        Some(2)
    );
    let explosive = "(?:(?:a{1000}){1000}){10}";
    assert_eq!(
        code(&["inspect", "search", &text(&gsm8k()), explosive, "--count"]),
        Some(2)
    );
    let cut = dir.path().join("cut.parquet");
    std::fs::write(&cut, b"PAR1 and then nothing").unwrap();
    assert_eq!(code(&["inspect", "info", &text(&cut)]), Some(1));
    let empty = dir.path().join("empty.jsonl");
    std::fs::write(&empty, b"").unwrap();
    assert_eq!(answer(home, &["inspect", "info", &text(&empty)])["rows"], 0);
    assert_eq!(
        answer(home, &["inspect", "search", &text(&empty), "x", "--count"])["matches"],
        0
    );
}
