//! Edits by assistants: kept beside the data, as `inspect edit` keeps them.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use super::client::Client;
use crate::support::answer;

const ROWS: &str =
    "{\"id\":0,\"text\":\"zero\"}\n{\"id\":1,\"text\":\"one \"}\n{\"id\":2,\"text\":\"two\"}\n";

fn file(dir: &Path) -> String {
    let path = dir.join("rows.jsonl");
    std::fs::write(&path, ROWS).unwrap();
    path.to_str().unwrap().to_owned()
}

fn texts(client: &mut Client, target: &str) -> Vec<String> {
    let found = client.call("get_lines", json!({"target": target, "count": 100}));
    let rows = found["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| row["text"].as_str().unwrap().to_owned())
        .collect()
}

fn counts(value: &Value) -> [u64; 4] {
    ["edits", "rows_changed", "rows_deleted", "rows_inserted"]
        .map(|key| value[key].as_u64().unwrap())
}

#[test]
fn edits_are_offered_only_if_they_are_allowed() {
    let home = tempfile::tempdir().unwrap();
    let path = file(home.path());
    let mut client = Client::start(home.path(), &[&path]);
    let refused = client.request(
        "tools/call",
        json!({"name": "edit_rows", "arguments": {"delete": "0"}}),
    );
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let mut client = Client::start(home.path(), &[&path, "--allow-edits", "--allow-pull"]);
    let response = client.request("tools/list", json!({}));
    let tools = response["result"]["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 14);
    let edit = tools.iter().find(|t| t["name"] == "edit_rows").unwrap();
    assert_eq!(edit["annotations"]["readOnlyHint"], false, "{edit}");
    assert_eq!(edit["annotations"]["destructiveHint"], true, "{edit}");
    assert_eq!(edit["annotations"]["idempotentHint"], false, "{edit}");
    assert_eq!(edit["annotations"]["openWorldHint"], false, "{edit}");
    let file = home.path().join("tools.jsonl");
    let line = json!({"tools": response["result"].to_string()});
    std::fs::write(&file, format!("{line}\n")).unwrap();
    let counted = answer(home.path(), &["inspect", "tokens", file.to_str().unwrap()]);
    assert!(counted["tokens"].as_u64().unwrap() < 3_000, "{counted}");
}

#[test]
fn edited_rows_are_read_and_the_data_stays() {
    let home = tempfile::tempdir().unwrap();
    let path = file(home.path());
    let mut client = Client::start(home.path(), &[&path, "--allow-edits"]);
    let set = client.call("edit_rows", json!({"set": ["1.text=uno", "2.id=20"]}));
    assert_eq!(counts(&set), [2, 2, 0, 0], "{set}");
    assert_eq!(set["log"], json!(["set 1.text", "set 2.id"]));
    assert_eq!(set["rows"][0]["text"], r#"{"id":1,"text":"uno"}"#);
    assert!(set["kept"].as_str().unwrap().contains("inspect edits list"));
    let inserted = client.call(
        "edit_rows",
        json!({"insert": ["{\"id\":9,\n \"text\":\"new\"}"], "at": 0}),
    );
    assert_eq!(counts(&inserted), [3, 2, 0, 1], "{inserted}");
    let deleted = client.call("edit_rows", json!({"delete": "1"}));
    assert_eq!(counts(&deleted), [4, 2, 1, 1], "{deleted}");
    let wanted = [
        r#"{"id":9,  "text":"new"}"#,
        r#"{"id":1,"text":"uno"}"#,
        r#"{"id":20,"text":"two"}"#,
    ];
    assert_eq!(texts(&mut client, &path), wanted);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), ROWS);
    let listed = answer(home.path(), &["inspect", "edits", "list", &path]);
    assert_eq!(listed["edits"], 4, "{listed}");
    // The way back is in the answer.
    let undo = deleted["undo"].as_str().unwrap();
    let arguments = undo.strip_prefix("edit_rows ").unwrap();
    let undone = client.call("edit_rows", serde_json::from_str(arguments).unwrap());
    assert_eq!(counts(&undone), [3, 2, 0, 1], "{undone}");
    assert_eq!(texts(&mut client, &path).len(), 4);
    // A person undoes the rest; the server sees that at once.
    answer(home.path(), &["inspect", "edits", "discard", &path]);
    assert_eq!(texts(&mut client, &path)[1], r#"{"id":1,"text":"one "}"#);
}

#[test]
fn rehearsed_edit_is_shown_and_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let path = file(home.path());
    let mut client = Client::start(home.path(), &[&path, "--allow-edits"]);
    let shown = client.call("edit_rows", json!({"set": ["0.text=x"], "dry_run": true}));
    assert_eq!(counts(&shown), [1, 1, 0, 0], "{shown}");
    assert_eq!(shown["rows"][0]["text"], r#"{"id":0,"text":"x"}"#);
    assert_eq!(
        (&shown["dry_run"], &shown["undo"]),
        (&json!(true), &Value::Null)
    );
    let fixed = client.call(
        "edit_rows",
        json!({"fix": ["trailing-blanks"], "dry_run": true}),
    );
    assert_eq!(fixed["rows_fixed"], 1, "{fixed}");
    assert_eq!(texts(&mut client, &path)[0], r#"{"id":0,"text":"zero"}"#);
    let listed = answer(home.path(), &["inspect", "edits", "list"]);
    assert_eq!(listed["targets"], json!([]));
    let journals = std::fs::read_dir(home.path().join("edits"));
    assert_eq!(journals.map_or(0, Iterator::count), 0);
}

#[test]
fn fix_mends_what_the_command_mends() {
    let home = tempfile::tempdir().unwrap();
    let path = file(home.path());
    let mut client = Client::start(home.path(), &[&path, "--allow-edits"]);
    let fixed = client.call("edit_rows", json!({"fix": ["trailing-blanks"]}));
    assert_eq!(
        (&fixed["rows_fixed"], &fixed["rows_left"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(texts(&mut client, &path)[1], r#"{"id":1,"text":"one"}"#);
}

#[test]
fn dataset_is_edited_by_its_reference_and_committed_by_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let (path, home) = (file(dir.path()), dir.path().join("home"));
    answer(&home, &["index", &path, "--name", "corpus"]);
    let mut client = Client::start(&home, &["--allow-edits"]);
    let deleted = client.call("edit_rows", json!({"target": "corpus", "delete": "0-1"}));
    assert_eq!(counts(&deleted), [1, 0, 2, 0], "{deleted}");
    assert_eq!(texts(&mut client, "corpus"), [r#"{"id":2,"text":"two"}"#]);
    answer(&home, &["commit", "corpus"]);
    assert_eq!(texts(&mut client, "corpus"), [r#"{"id":2,"text":"two"}"#]);
    assert_eq!(texts(&mut client, "corpus@0.1.0").len(), 3);
}

#[test]
fn wrong_edits_are_refused_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let path = file(home.path());
    let several = home.path().join("several");
    std::fs::create_dir(&several).unwrap();
    for name in ["a.jsonl", "b.jsonl"] {
        std::fs::write(several.join(name), ROWS).unwrap();
    }
    let other = home.path().join("private.jsonl");
    std::fs::write(&other, ROWS).unwrap();
    let several = several.to_str().unwrap();
    let mut client = Client::start(home.path(), &[&path, several, "--allow-edits"]);
    let cases = [
        (json!({"target": path}), "nothing to change"),
        (
            json!({"target": path, "set": ["0.id=1"], "delete": "1"}),
            "exclude each other",
        ),
        (json!({"target": path, "set": ["id=1"]}), "ROW.COLUMN=VALUE"),
        (
            json!({"target": path, "set": ["0.nothing=1"]}),
            "dataset_schema",
        ),
        (json!({"target": path, "set": ["7.id=1"]}), "it has 3"),
        (json!({"target": path, "set": ["0.id=words"]}), "`as`"),
        (
            json!({"target": path, "delete": "9-2"}),
            "ends before it begins",
        ),
        (json!({"target": path, "insert": ["{}"]}), "`at`"),
        (
            json!({"target": path, "insert": [other.to_str().unwrap()], "at": 0}),
            "cannot insert",
        ),
        (
            json!({"target": path, "fix": ["secret"]}),
            "no certain mend",
        ),
        (json!({"target": path, "undo": 1}), "0 edits"),
        (json!({"target": several, "delete": "0"}), "several files"),
        (
            json!({"target": other.to_str().unwrap(), "delete": "0"}),
            "neither open",
        ),
    ];
    for (arguments, part) in cases {
        let error = client.failure("edit_rows", arguments.clone());
        assert!(error.contains(part), "{arguments}: {error}");
    }
    let listed = answer(home.path(), &["inspect", "edits", "list"]);
    assert_eq!(listed["targets"], json!([]));
}

#[test]
fn cursor_from_before_an_edit_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = file(home.path());
    let mut client = Client::start(home.path(), &[&path, "--allow-edits"]);
    let first = client.call("get_lines", json!({"count": 1}));
    client.call("edit_rows", json!({"delete": "0"}));
    let refused = client.failure("get_lines", json!({"cursor": first["next_cursor"]}));
    assert!(refused.contains("another version"), "{refused}");
}

#[test]
fn file_that_changed_under_its_edits_is_not_read_as_if_it_fitted() {
    let home = tempfile::tempdir().unwrap();
    let path = file(home.path());
    let mut client = Client::start(home.path(), &[&path, "--allow-edits"]);
    client.call("edit_rows", json!({"delete": "0"}));
    std::fs::write(&path, "{\"other\":1}\n").unwrap();
    for (tool, arguments) in [
        ("get_lines", json!({})),
        ("edit_rows", json!({"delete": "0"})),
    ] {
        let refused = client.failure(tool, arguments);
        assert!(refused.contains("since it was edited"), "{tool}: {refused}");
    }
}
