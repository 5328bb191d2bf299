//! Retention by rules, at the command line.

use std::path::Path;

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;
use crate::support::refused;

/// Five versions of `corpus`, the second with a tag; one of `other`.
fn filled(dir: &Path) -> std::path::PathBuf {
    let home = dir.join("home");
    for seed in 0..5 {
        let file = dir.join("f.jsonl");
        std::fs::write(&file, lines(50, seed)).unwrap();
        let file = file.to_str().unwrap();
        let tag = if seed == 1 { "gold" } else { "plain" };
        let words = ["registry", "index", file, "--name", "corpus", "--tag", tag];
        answer(&home, &words);
        if seed == 0 {
            answer(&home, &["registry", "index", file, "--name", "other"]);
        }
    }
    home
}

fn told(value: &Value) -> Vec<String> {
    let list = value.as_array().unwrap().iter();
    list.map(|v| {
        for key in ["content_id", "created_at"] {
            assert!(v[key].is_string(), "{v}");
        }
        let part = |key: &str| v[key].as_str().unwrap().to_owned();
        format!("{}@{}: {}", part("name"), part("version"), part("reason"))
    })
    .collect()
}

#[test]
fn forget_needs_a_rule_and_consent() {
    let dir = tempfile::tempdir().unwrap();
    let home = filled(dir.path());
    assert_eq!(
        refused(&home, &["registry", "forget"], 2)["kind"],
        "invalid"
    );
    let rules = [
        "registry",
        "forget",
        "corpus",
        "--keep-last",
        "2",
        "--keep-tag",
        "gold",
    ];
    let kept = [
        "corpus@0.1.1: tag gold",
        "corpus@0.1.3: last",
        "corpus@0.1.4: last",
    ];
    let removed = [
        "corpus@0.1.0: no rule keeps it",
        "corpus@0.1.2: no rule keeps it",
    ];
    let plan = answer(&home, &[&rules[..], &["--dry-run"]].concat());
    assert_eq!(told(&plan["kept"]), kept);
    assert_eq!(told(&plan["removed"]), removed);
    let error = refused(&home, &rules, 2);
    assert!(
        error["message"].as_str().unwrap().contains("--yes"),
        "{error}"
    );
    let listed = answer(&home, &["registry", "list"]);
    assert_eq!(listed["datasets"].as_array().unwrap().len(), 6);
    let done = answer(&home, &[&rules[..], &["--yes"]].concat());
    assert_eq!(told(&done["removed"]), removed);
    let listed = answer(&home, &["registry", "list"]);
    assert_eq!(listed["datasets"].as_array().unwrap().len(), 4);
    // Again there is nothing to do, and so nothing to ask.
    assert_eq!(told(&answer(&home, &rules)["removed"]), [""; 0]);
    let back = answer(&home, &["registry", "restore", "corpus"]);
    assert_eq!(back["versions"].as_array().unwrap().len(), 2);
}

#[test]
fn forget_without_names_covers_own_datasets_and_keeps_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let home = filled(dir.path());
    let words = ["registry", "forget", "--keep-tag", "none", "--dry-run"];
    let plan = answer(&home, &words);
    assert_eq!(
        told(&plan["kept"]),
        ["corpus@0.1.4: newest", "other@0.1.0: newest"]
    );
    assert_eq!(plan["removed"].as_array().unwrap().len(), 4);
    let within = ["registry", "forget", "--keep-within", "1h", "--dry-run"];
    assert_eq!(told(&answer(&home, &within)["removed"]), [""; 0]);
    let all = ["registry", "forget", "--keep-last", "0", "--yes"];
    assert_eq!(answer(&home, &all)["removed"].as_array().unwrap().len(), 6);
    for (words, code) in [
        (["registry", "forget", "--keep-within", "30"], 2),
        (["registry", "forget", "--keep-within", "1s"], 2),
    ] {
        assert_eq!(refused(&home, &words, code)["kind"], "usage");
    }
    let words = ["registry", "forget", "nothing", "--keep-last", "1"];
    assert_eq!(refused(&home, &words, 3)["kind"], "not_found");
}

#[test]
fn forget_keeps_versions_with_an_alias() {
    let dir = tempfile::tempdir().unwrap();
    let home = filled(dir.path());
    answer(&home, &["registry", "alias", "corpus@prod", "0.1.0"]);
    let words = [
        "registry",
        "forget",
        "corpus",
        "--keep-last",
        "1",
        "--dry-run",
    ];
    let plan = answer(&home, &words);
    assert_eq!(
        told(&plan["kept"]),
        ["corpus@0.1.0: alias prod", "corpus@0.1.4: last"]
    );
}
