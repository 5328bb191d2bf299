//! The commands, one effect each.

use serde_json::json;

use super::applied;
use super::counts;
use super::edit;
use crate::support::answer;
use crate::support::program;
use crate::support::refused;
use crate::support::run;

const ROWS: &str = "{\"a\":1,\"t\":\"x\"}\n{\"a\": 2, \"t\": \"y  \"}\n{\"a\":3,\"t\":\"z\"}";

#[test]
fn edit_changes_only_what_it_names_and_keeps_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("a.jsonl"));
    std::fs::write(&file, ROWS).unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(
        edit(&home, &file, &["--set", "1.t=he \"llo", "--set", "0.a=7"]),
        [2, 2, 0, 0]
    );
    let now = "{\"a\":7,\"t\":\"x\"}\n{\"a\": 2, \"t\": \"he \\\"llo\"}\n{\"a\":3,\"t\":\"z\"}";
    assert_eq!(applied(&home, path), now.as_bytes());
    assert_eq!(edit(&home, &file, &["--delete", "0"]), [3, 1, 1, 0]);
    assert_eq!(edit(&home, &file, &["--set", "0.t=w"]), [4, 1, 1, 0]);
    let now = "{\"a\": 2, \"t\": \"w\"}\n{\"a\":3,\"t\":\"z\"}";
    assert_eq!(applied(&home, path), now.as_bytes());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), ROWS);
    let rows = answer(&home, &["inspect", "info", path, "--edits"]);
    assert_eq!(rows["rows"], 2);
    let rows = answer(&home, &["inspect", "info", path]);
    assert_eq!(rows["rows"], 3);
}

#[test]
fn every_inspect_command_reads_edited_rows() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("a.jsonl"));
    std::fs::write(&file, ROWS).unwrap();
    let path = file.to_str().unwrap();
    edit(&home, &file, &["--delete", "0", "--delete", "2"]);
    edit(&home, &file, &["--set", "0.t=only"]);
    let lines = run(&home, &["inspect", "lines", path, "--edits"]);
    let line: serde_json::Value = serde_json::from_slice(&lines.stdout).unwrap();
    assert_eq!(line["text"], "{\"a\": 2, \"t\": \"only\"}");
    let found = answer(
        &home,
        &["inspect", "search", path, "only", "--count", "--edits"],
    );
    assert_eq!(
        (&found["matches"], &found["rows_scanned"]),
        (&json!(1), &json!(1))
    );
    let stats = answer(&home, &["inspect", "stats", path, "--edits"]);
    assert_eq!(stats["columns"][0]["max"], 2);
    assert_eq!(
        answer(&home, &["inspect", "lint", path, "--edits"])["checked"],
        1
    );
    assert_eq!(
        answer(&home, &["inspect", "dedup", path, "--edits"])["rows"],
        1
    );
    assert_eq!(
        answer(&home, &["inspect", "tokens", path, "--edits"])["rows"],
        1
    );
    let other = dir.path().join("b.jsonl");
    std::fs::write(&other, "{\"a\": 2, \"t\": \"only\"}\n").unwrap();
    let other = other.to_str().unwrap();
    assert_eq!(
        answer(&home, &["inspect", "overlap", path, other, "--edits"])["exact"],
        1
    );
    let out = dir.path().join("out.csv");
    let words = [
        "inspect",
        "export",
        path,
        "--edits",
        "-o",
        out.to_str().unwrap(),
    ];
    assert_eq!(answer(&home, &words)["rows_out"], 1);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "a,t\n2,only\n");
}

#[test]
fn inserted_rows_take_the_form_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let csv = write("x.csv", "id;name\r\n1;\"a; b\"\r\n2;c\r\n");
    let more = write(
        "more.jsonl",
        "{\"name\":\"d\\ne\",\"id\":7}\n\n{\"id\":8}\n",
    );
    let more = more.to_str().unwrap();
    assert_eq!(
        edit(&home, &csv, &["--insert", more, "--at", "1"]),
        [1, 0, 0, 2]
    );
    let now = "id;name\r\n1;\"a; b\"\r\n7;\"d\ne\"\r\n8;\r\n2;c\r\n";
    assert_eq!(applied(&home, csv.to_str().unwrap()), now.as_bytes());
    assert_eq!(
        edit(&home, &csv, &["--set", "0.name=q", "--set", "3.name=;"]),
        [3, 2, 0, 2]
    );
    let now = "id;name\r\n1;\"q\"\r\n7;\"d\ne\"\r\n8;\r\n2;\";\"\r\n";
    assert_eq!(applied(&home, csv.to_str().unwrap()), now.as_bytes());

    let lines = write("t.jsonl", "{\"id\":1,\"name\":\"x\"}");
    let from = csv.to_str().unwrap();
    assert_eq!(
        edit(&home, &lines, &["--insert", from, "--at", "1"]),
        [1, 0, 0, 2]
    );
    let now =
        "{\"id\":1,\"name\":\"x\"}\n{\"id\":1,\"name\":\"a; b\"}\n{\"id\":2,\"name\":\"c\"}\n";
    assert_eq!(applied(&home, lines.to_str().unwrap()), now.as_bytes());

    let empty = write("empty.txt", "");
    let text = write("more.txt", "one\ntwo");
    let text = text.to_str().unwrap();
    assert_eq!(
        edit(&home, &empty, &["--insert", text, "--at", "0"]),
        [1, 0, 0, 2]
    );
    assert_eq!(applied(&home, empty.to_str().unwrap()), b"one\ntwo\n");
    let header = write("header.csv", "id,name");
    assert_eq!(
        edit(&home, &header, &["--insert", more, "--at", "0"]),
        [1, 0, 0, 2]
    );
    let now = "id,name\n7,\"d\ne\"\n8,\n";
    assert_eq!(applied(&home, header.to_str().unwrap()), now.as_bytes());
    let wrong = write("wrong.jsonl", "{\"id\":1,\"nane\":2}\n");
    let (csv, wrong) = (csv.to_str().unwrap(), wrong.to_str().unwrap());
    let error = refused(
        &home,
        &["inspect", "edit", csv, "--insert", wrong, "--at", "0"],
        3,
    );
    assert!(
        error["message"].as_str().unwrap().contains("`name`"),
        "{error}"
    );
}

#[test]
fn mistakes_are_refused_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("a.jsonl"));
    std::fs::write(&file, ROWS).unwrap();
    let path = file.to_str().unwrap();
    let more = dir.path().join("more.txt");
    std::fs::write(&more, "not json\n").unwrap();
    let more = more.to_str().unwrap();
    let cases: [(&[&str], i32, &str); 14] = [
        (&["--set", "3.a=1"], 3, "no row 3"),
        (&["--set", "0.a=1", "--set", "99.a=1"], 3, "no row 99"),
        (&["--delete", "1-3"], 3, "no row"),
        (&["--delete", "18446744073709551615"], 2, "ROWS"),
        (&["--delete", "3-1"], 2, "ends before"),
        (&["--insert", more, "--at", "4"], 3, "no row 4"),
        (&["--insert", more], 2, "--at"),
        (&["--set", "0.b=1"], 3, "`a`"),
        (&["--set", "0.a=many"], 2, "not a number"),
        (&["--set", "0.a=1", "--set", "0.a=many"], 2, "not a number"),
        (&["--set", "0.a={", "--as", "json"], 2, "not JSON"),
        (&["--fix", "secret"], 2, "trailing-blanks"),
        (&["--set", "a=1"], 2, "ROW.COLUMN=VALUE"),
        (&["--set", "0.a=1", "--delete", "1"], 2, "--delete"),
    ];
    for (words, code, part) in cases {
        let out = run(&home, &[&["inspect", "edit", path], words].concat());
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(part), "{words:?}: {said}");
    }
    let list = answer(&home, &["inspect", "edits", "list", path]);
    assert_eq!(counts(&list), [0; 4]);
    let journals = std::fs::read_dir(home.join("edits")).map_or(0, Iterator::count);
    assert_eq!(journals, 0);
}

#[test]
fn targets_without_a_form_of_edits_are_refused_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    std::fs::write(dir.path().join("a.json"), "[{\"a\":1},{\"a\":2}]").unwrap();
    std::fs::write(
        dir.path().join("b.csv"),
        [0xff, 0xfe, b'a', 0, b'\n', 0, b'1', 0],
    )
    .unwrap();
    for (name, part) in [
        ("a.json", "export"),
        ("b.csv", "export"),
        ("", "several files"),
    ] {
        let path = dir.path().join(name);
        let words = ["inspect", "edit", path.to_str().unwrap(), "--delete", "0"];
        let error = refused(&home, &words, 1);
        assert!(
            error["message"].as_str().unwrap().contains(part),
            "{name}: {error}"
        );
    }
    let mut command = program(&home);
    let out = command.args(["--json", "inspect", "edit", "-", "--delete", "0"]);
    let out = out.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{out:?}");
}

#[test]
fn undo_redo_and_discard_walk_the_edits() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("t.txt"));
    std::fs::write(&file, "a\nb\nc\n").unwrap();
    let path = file.to_str().unwrap();
    let step = |words: &[&str]| counts(&answer(&home, &[&["inspect", "edits"], words].concat()));
    edit(&home, &file, &["--delete", "0"]);
    edit(&home, &file, &["--set", "0.text=B", "--set", "1.text=C"]);
    assert_eq!(applied(&home, path), b"B\nC\n");
    assert_eq!(step(&["undo", path]), [2, 1, 1, 0]);
    assert_eq!(applied(&home, path), b"B\nc\n");
    assert_eq!(step(&["undo", path, "--count", "2"]), [0; 4]);
    assert_eq!(applied(&home, path), b"a\nb\nc\n");
    refused(&home, &["inspect", "edits", "undo", path], 1);
    assert_eq!(step(&["redo", path, "--count", "3"]), [3, 2, 1, 0]);
    refused(&home, &["inspect", "edits", "redo", path], 1);
    assert_eq!(step(&["discard", path]), [0; 4]);
    assert_eq!(step(&["redo", path, "--count", "3"]), [3, 2, 1, 0]);
    step(&["undo", path]);
    edit(&home, &file, &["--delete", "1"]);
    refused(&home, &["inspect", "edits", "redo", path], 1);
    assert_eq!(applied(&home, path), b"B\n");
    let list = answer(&home, &["inspect", "edits", "list", path]);
    assert_eq!(list["log"].as_array().unwrap().len(), 3);
    let all = answer(&home, &["inspect", "edits", "list"]);
    assert_eq!(counts(&all["targets"][0]), [3, 1, 2, 0]);
}

#[test]
fn fix_mends_what_is_certain_and_counts_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("a.jsonl"));
    let text = "{\"a\":\"x</think>y\"}\r\n\n{\"a\":\"<think>a<think>b\"}\n{\"a\":\"ok  \",}\n{\"a\":\"q\u{200b}\"}";
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let fix = |rule: &str| {
        let found = answer(&home, &["inspect", "edit", path, "--fix", rule]);
        [
            found["rows_fixed"].as_u64().unwrap(),
            found["rows_left"].as_u64().unwrap(),
        ]
    };
    assert_eq!(fix("unbalanced-think"), [1, 1]);
    assert_eq!(fix("malformed-json"), [1, 0]);
    assert_eq!(fix("malformed-json"), [0, 0]);
    assert_eq!(fix("trailing-blanks"), [1, 0]);
    assert_eq!(fix("zero-width"), [1, 0]);
    assert_eq!(fix("blank-line"), [1, 0]);
    assert_eq!(fix("mixed-line-ends"), [1, 0]);
    assert_eq!(fix("missing-final-newline"), [1, 0]);
    let now = "{\"a\":\"<think>x</think>y\"}\n{\"a\":\"<think>a<think>b\"}\n{\"a\":\"ok\"}\n{\"a\":\"q\"}\n";
    assert_eq!(String::from_utf8(applied(&home, path)).unwrap(), now);
    let lint = run(
        &home,
        &[
            "inspect",
            "lint",
            path,
            "--edits",
            "--rule",
            "malformed-json",
        ],
    );
    assert_eq!(lint.status.code(), Some(0), "{lint:?}");
}

#[test]
fn names_with_tricks_have_journals_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for name in [
        "..jsonl",
        "a b\n.jsonl",
        "$(x).jsonl",
        "ü\u{202e}.jsonl",
        "-o.jsonl",
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, ROWS).unwrap();
        let dotted = dir.path().join("home").join("..").join(name);
        std::fs::create_dir_all(&home).unwrap();
        assert_eq!(edit(&home, &path, &["--delete", "0"]), [1, 0, 1, 0]);
        assert_eq!(edit(&home, &dotted, &["--delete", "0"]), [2, 0, 2, 0]);
        let link = dir.path().join("link.jsonl");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(edit(&home, &link, &["--delete", "0"]), [3, 0, 3, 0]);
        std::fs::remove_file(&link).unwrap();
        assert_eq!(applied(&home, path.to_str().unwrap()), b"");
    }
}
