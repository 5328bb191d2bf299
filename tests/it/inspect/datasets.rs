//! `inspect` from outside: every command over every format and over datasets in the registry, and
//! what is kept from one version to the next.

use serde_json::Value;

use crate::inspect::everywhere;
use crate::inspect::gsm8k;
use crate::inspect::text;
use crate::support::answer;

#[test]
fn dedup_of_the_next_version_sketches_only_new_rows() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let path = dir.path().join("problems.jsonl");
    let mut rows: Vec<String> = {
        let lines = std::fs::read_to_string(gsm8k()).unwrap();
        lines.lines().map(str::to_owned).collect()
    };
    let index = |rows: &[String]| {
        std::fs::write(&path, rows.join("\n")).unwrap();
        answer(home, &["registry", "index", &text(&path)]);
    };
    let found = |report: &Value| {
        let of = |key: &str| report[key].as_u64().unwrap();
        [
            "rows",
            "unique_rows",
            "exact_duplicates",
            "near_duplicates",
            "clusters",
        ]
        .map(of)
    };
    index(&rows);
    let first = answer(home, &["inspect", "dedup", "problems"]);
    let unequal = first["rows"].as_u64().unwrap() - first["exact_duplicates"].as_u64().unwrap();
    assert_eq!(first["rows_sketched"], unequal);
    let again = answer(home, &["inspect", "dedup", "problems"]);
    assert_eq!(again["rows_sketched"], 0);
    assert_eq!(found(&again), found(&first));
    rows.insert(3, rows[900].replace("the", "that"));
    rows.extend((0..5).map(|n| format!(r#"{{"question":"{}"}}"#, "new words ".repeat(n + 1))));
    index(&rows);
    let next = answer(home, &["inspect", "dedup", "problems"]);
    // Files are looked at anew.
    let alone = answer(home, &["inspect", "dedup", &text(&path)]);
    assert_eq!(found(&next), found(&alone));
    let sketched = next["rows_sketched"].as_u64().unwrap();
    assert!((5..100).contains(&sketched), "{sketched}");
    // Stored sketches may be lost or damaged at any time.
    let prints = home.join("cache").join("prints");
    for entry in std::fs::read_dir(&prints).unwrap() {
        let kept = entry.unwrap().path();
        let length = std::fs::metadata(&kept).unwrap().len();
        std::fs::File::options()
            .write(true)
            .open(&kept)
            .unwrap()
            .set_len(length / 2)
            .unwrap();
    }
    let damaged = answer(home, &["inspect", "dedup", "problems"]);
    assert_eq!(found(&damaged), found(&alone));
    assert_eq!(std::fs::read_dir(&prints).unwrap().count(), 1);
}

#[test]
fn inspect_commands_work_on_every_format_and_reference() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let home = home.path();
    let source = text(&gsm8k());
    let number = |value: &Value, key: &str| value[key].as_u64().unwrap();
    let of = |words: &[&str]| answer(home, &[&["inspect"], words].concat());
    let columns = ["--column", "question", "--column", "answer"];
    let alone = of(&[&["dedup", &source], &columns[..]].concat());
    let wanted = of(&[&["tokens", &source], &columns[..]].concat());
    let count = of(&["search", &source, "(?i)janet", "--count"]);
    for target in everywhere(dir.path(), home) {
        let near = of(&[&["dedup", &target], &columns[..]].concat());
        assert_eq!(number(&near, "rows"), 1319, "{target}");
        assert_eq!(
            near["near_duplicates"], alone["near_duplicates"],
            "{target}"
        );
        let both = of(&[&["overlap", &source, &target], &columns[..]].concat());
        assert_eq!(number(&both, "exact"), 1319, "{target}");
        let tokens = of(&[&["tokens", &target], &columns[..]].concat());
        assert_eq!(tokens["tokens"], wanted["tokens"], "{target}");
        let checked = of(&["lint", &target]);
        assert_eq!(number(&checked, "checked"), 1319, "{target}");
        let out = text(&dir.path().join("out.jsonl"));
        let some = of(&[
            "sample", &target, "--rows", "7", "--seed", "1", "-o", &out, "--yes",
        ]);
        assert_eq!(number(&some, "rows_out"), 7, "{target}");
        let filtered = of(&["filter", &target, "(?i)janet", "-o", &out, "--yes"]);
        assert_eq!(filtered["rows_out"], count["matches"], "{target}");
        let merged = of(&["merge", &target, &source, "-o", &out, "--yes"]);
        assert_eq!(number(&merged, "rows_out"), 2638, "{target}");
        let parts = text(&dir.path().join("parts"));
        let split = of(&["split", &target, "-o", &parts, "--yes"]);
        assert_eq!(number(&split, "rows_out"), 1319, "{target}");
    }
}
