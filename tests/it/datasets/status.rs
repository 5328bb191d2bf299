//! Changes in a directory since its checkout or its indexing.

use std::path::Path;

use serde_json::Value;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lines;
use crate::support::program;
use crate::support::run;

/// A directory with five files, indexed as `data`.
fn indexed(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let (home, data) = (dir.join("home"), dir.join("data"));
    std::fs::create_dir_all(data.join("sub")).unwrap();
    std::fs::write(data.join("a.jsonl"), lines(300, 1)).unwrap();
    std::fs::write(data.join("b.jsonl"), lines(300, 2)).unwrap();
    std::fs::write(data.join("small.txt"), "abc").unwrap();
    std::fs::write(data.join("sub/c.jsonl"), lines(300, 3)).unwrap();
    std::fs::write(data.join("sub/d.txt"), "moved later").unwrap();
    answer(&home, &["registry", "index", data.to_str().unwrap()]);
    (home, data)
}

/// `status path`, with the old path of what was renamed.
fn changes(said: &Value) -> Vec<String> {
    let all = said["changes"].as_array().unwrap().iter();
    all.map(|c| {
        let text = |key: &str| c[key].as_str().unwrap_or_default().to_owned();
        match c["from"].is_null() {
            true => format!("{} {}", text("status"), text("path")),
            false => format!("{} {} from {}", text("status"), text("path"), text("from")),
        }
    })
    .collect()
}

fn change_everything(data: &Path) {
    // The same length: only the content differs.
    std::fs::write(data.join("small.txt"), "abd").unwrap();
    std::fs::remove_file(data.join("b.jsonl")).unwrap();
    std::fs::write(data.join("new.txt"), "new").unwrap();
    std::fs::rename(data.join("sub/d.txt"), data.join("d.txt")).unwrap();
}

const ALL: [&str; 4] = [
    "removed b.jsonl",
    "renamed d.txt from sub/d.txt",
    "added new.txt",
    "changed small.txt",
];

#[test]
fn status_of_an_indexed_directory_lists_every_kind_of_change() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = indexed(dir.path());
    let path = data.to_str().unwrap();
    let said = answer(&home, &["registry", "status", path, "--exit-code"]);
    assert_eq!(
        (&said["dataset"], &said["version"]),
        (&"data".into(), &"0.1.0".into())
    );
    assert_eq!(changes(&said), [""; 0]);
    change_everything(&data);
    // Twice: what the first one read is remembered.
    for _ in 0..2 {
        let said = answer(&home, &["registry", "status", path]);
        assert_eq!(changes(&said), ALL);
        assert_eq!(said["changes"][3]["size_before"], 3);
    }
    let out = run(&home, &["registry", "status", path, "--exit-code"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(out.stderr.is_empty(), "{out:?}");
    // In the directory itself and below it, for people.
    let human = |cwd: &Path| {
        let out = program(&home)
            .args(["registry", "status"])
            .current_dir(cwd)
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let lines = text.lines().skip(1).map(str::to_owned);
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        human(&data),
        [
            "D  b.jsonl",
            "R  sub/d.txt -> d.txt",
            "A  new.txt",
            "M  small.txt"
        ]
    );
    assert_eq!(human(&data.join("sub")), ["R  sub/d.txt -> d.txt"]);
    // Indexed again, it is as it was indexed.
    answer(&home, &["registry", "index", path]);
    let said = answer(&home, &["registry", "status", path]);
    assert_eq!(
        (changes(&said), &said["version"]),
        (vec![], &"0.1.1".into())
    );
    std::fs::write(data.join("new.txt"), "neu").unwrap();
    let said = answer(&home, &["registry", "status", path]);
    assert_eq!(changes(&said), ["changed new.txt"]);
}

#[test]
fn status_of_a_checkout_and_of_a_file_lists_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (home, _) = indexed(dir.path());
    let copy = dir.path().join("copy");
    let path = copy.to_str().unwrap();
    answer(&home, &["registry", "checkout", "data", path]);
    assert_eq!(
        changes(&answer(&home, &["registry", "status", path])),
        [""; 0]
    );
    change_everything(&copy);
    assert_eq!(changes(&answer(&home, &["registry", "status", path])), ALL);
    let file = dir.path().join("any-name");
    let path = file.to_str().unwrap();
    answer(&home, &["registry", "checkout", "data:a.jsonl", path]);
    assert_eq!(
        changes(&answer(&home, &["registry", "status", path])),
        [""; 0]
    );
    std::fs::write(&file, "x").unwrap();
    assert_eq!(
        changes(&answer(&home, &["registry", "status", path])),
        ["changed a.jsonl"]
    );
    // One that nothing is known of.
    let other = dir.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let out = run(&home, &["registry", "status", other.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(3));
    let hint = error_of(&out)["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("registry diff REF DIR"), "{hint}");
}

#[test]
fn status_of_a_partial_checkout_compares_only_that_part() {
    let dir = tempfile::tempdir().unwrap();
    let (home, _) = indexed(dir.path());
    let copy = dir.path().join("copy");
    let path = copy.to_str().unwrap();
    answer(&home, &["registry", "checkout", "data:sub/", path]);
    let said = answer(&home, &["registry", "status", path]);
    assert_eq!((changes(&said), &said["part"]), (vec![], &"sub/".into()));
    std::fs::remove_file(copy.join("d.txt")).unwrap();
    let said = answer(&home, &["registry", "status", path]);
    assert_eq!(changes(&said), ["removed d.txt"]);
}

#[test]
fn status_ignores_files_left_out_of_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("a.txt"), "a").unwrap();
    std::fs::write(data.join("b.tmp"), "b").unwrap();
    std::fs::write(data.join(".c.partial-0123456789ab"), "c").unwrap();
    std::fs::write(data.join("node.key"), "0123456789abcdef".repeat(4)).unwrap();
    let path = data.to_str().unwrap();
    // A secret key is left out unasked, which is said.
    let out = run(&home, &["registry", "index", path, "--exclude", "*.tmp"]);
    assert_eq!(out.status.code(), Some(7), "{out:?}");
    let said = answer(&home, &["registry", "status", path]);
    assert_eq!(changes(&said), [""; 0]);
    std::fs::write(data.join("d.tmp"), "d").unwrap();
    std::fs::write(data.join("d.txt"), "d").unwrap();
    let said = answer(&home, &["registry", "status", path]);
    assert_eq!(changes(&said), ["added d.txt"]);
}

#[test]
fn diff_of_a_directory_and_a_reference_lists_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = indexed(dir.path());
    change_everything(&data);
    answer(&home, &["registry", "index", data.to_str().unwrap()]);
    let diff = |a: &str, more: &[&str]| {
        let words = [&["registry", "diff", a, data.to_str().unwrap()], more].concat();
        run(&home, &words)
    };
    let out = diff("data@0.1.0", &[]);
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(changes(&said), ALL);
    assert_eq!(said["version"], "0.1.0");
    assert_eq!(diff("data@0.1.0", &["--exit-code"]).status.code(), Some(1));
    assert_eq!(diff("data@0.1.1", &["--exit-code"]).status.code(), Some(0));
    // A dataset comes before a path of the same name, unless it is written as a path.
    let in_dir = |b: &str| {
        let out = program(&home)
            .args(["--json", "registry", "diff", "data@0.1.0", b])
            .current_dir(dir.path())
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&out.stdout).unwrap()
    };
    assert!(in_dir("data")["files"].is_array());
    assert!(in_dir("./data")["changes"].is_array());
    let out = run(&home, &["registry", "diff", "data", "/nowhere"]);
    assert_eq!(out.status.code(), Some(3));
}

#[test]
fn diff_of_two_datasets_lists_only_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = indexed(dir.path());
    change_everything(&data);
    answer(&home, &["registry", "index", data.to_str().unwrap()]);
    let said = answer(&home, &["registry", "diff", "data@0.1.0", "data@0.1.1"]);
    let files: Vec<String> = said["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| format!("{} {} {}", f["status"], f["path"], f["from"]))
        .collect();
    assert_eq!(
        files,
        [
            "\"removed\" \"b.jsonl\" null",
            "\"renamed\" \"d.txt\" \"sub/d.txt\"",
            "\"added\" \"new.txt\" null",
            "\"changed\" \"small.txt\" null",
        ]
    );
    // Small files that did not change are not named, nor are their rows.
    let small = dir.path().join("small");
    std::fs::create_dir(&small).unwrap();
    std::fs::write(small.join("same.jsonl"), "{}\n").unwrap();
    for text in ["{\"a\":1}\n", "{\"a\":2}\n"] {
        std::fs::write(small.join("other.jsonl"), text).unwrap();
        answer(&home, &["registry", "index", small.to_str().unwrap()]);
    }
    let words = ["registry", "diff", "small@0.1.0", "small@0.1.1"];
    let out = program(&home).args(words).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("changed other.jsonl"), "{text}");
    assert!(!text.contains("same.jsonl"), "{text}");
}
