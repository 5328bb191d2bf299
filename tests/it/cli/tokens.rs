//! `registry token`: the tokens of clients over HTTP and S3.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::answer;
use crate::support::program;
use crate::support::refused;
use crate::support::run;

/// The names of all tokens of a home.
fn names(home: &Path) -> Vec<String> {
    let listed = answer(home, &["registry", "token", "list"]);
    let tokens = listed["tokens"].as_array().unwrap();
    tokens
        .iter()
        .map(|t| t["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn token_has_its_keys_and_its_secret_once() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let words = [
        "registry",
        "token",
        "add",
        "lab b",
        "--dataset",
        "corpus@^1",
        "--dataset",
        "x",
        "--write",
    ];
    let made = answer(&home, &words);
    let token = &made["tokens"][0];
    assert_eq!(token["name"], "lab b");
    assert_eq!(token["datasets"], serde_json::json!(["corpus@^1", "x"]));
    assert_eq!(
        (&token["write"], &token["last_used"]),
        (&Value::Bool(true), &Value::Null)
    );
    assert_eq!(token["access_key"].as_str().unwrap().len(), 20);
    assert!(token["created"].as_str().unwrap().ends_with('Z'));
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(token["secret"], secret);
    let listed = answer(&home, &["token", "list"]);
    assert_eq!(listed["tokens"][0]["access_key"], token["access_key"]);
    assert!(!listed.to_string().contains(secret), "{listed}");
    // Scripts take the two lines.
    let quiet = program(&home)
        .args(["-q", "token", "add", "ci"])
        .output()
        .unwrap();
    let quiet = String::from_utf8(quiet.stdout).unwrap();
    let lines: Vec<&str> = quiet.lines().collect();
    assert!(
        matches!(lines[..], [key, secret] if key.starts_with("ALIM") && secret.starts_with("alim_")),
        "{quiet}"
    );
    assert_eq!(names(&home), ["ci", "lab b"]);
    let left = answer(&home, &["token", "revoke", "lab b"]);
    assert_eq!(
        (&left["revoked"], left["tokens"].as_array().unwrap().len()),
        (&Value::from("lab b"), 1)
    );
}

#[test]
fn token_that_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    assert_eq!(run(&home, &["token", "list"]).status.code(), Some(3));
    assert!(!home.exists());
    answer(&home, &["token", "add", "ci"]);
    assert_eq!(
        refused(&home, &["token", "add", "ci"], 1)["kind"],
        "conflict"
    );
    assert_eq!(
        refused(&home, &["token", "revoke", "nobody"], 3)["kind"],
        "not_found"
    );
    assert_eq!(
        refused(&home, &["token", "add", "b", "--dataset", "a@b@c"], 2)["kind"],
        "invalid"
    );
    assert_eq!(refused(&home, &["token", "add", "a/b"], 2)["kind"], "usage");
    assert_eq!(names(&home), ["ci"]);
    std::fs::write(home.join("tokens.json"), "{").unwrap();
    assert_eq!(refused(&home, &["token", "list"], 4)["kind"], "integrity");
    assert_eq!(
        refused(&home, &["token", "add", "b"], 4)["kind"],
        "integrity"
    );
}

#[test]
fn tokens_of_commands_at_the_same_time_are_all_kept_and_a_killed_one_leaves_a_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    answer(&home, &["token", "add", "first"]);
    let begun: Vec<_> = (0..12)
        .map(|n| {
            let mut command = program(&home);
            command.args(["token", "add", &format!("t{n:02}")]);
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for (n, mut child) in begun.into_iter().enumerate() {
        if n % 4 == 3 {
            let _ = child.kill();
        }
        let ended = child.wait().unwrap();
        assert!(ended.success() || n % 4 == 3, "{n}");
    }
    let found = names(&home);
    let whole = (0..12).filter(|n| n % 4 != 3).map(|n| format!("t{n:02}"));
    for name in whole {
        assert!(found.contains(&name), "{name}: {found:?}");
    }
    answer(&home, &["token", "add", "last"]);
    assert!(names(&home).contains(&"last".to_owned()));
}
