//! Unsigned datasets from elsewhere, which never speak for local ones.

use std::path::Path;

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;
use crate::support::serving::Serving;

/// A home that made a dataset, and one that was given a copy and edited it.
fn labs(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf, String) {
    let (own, other) = (dir.join("own"), dir.join("other"));
    let path = dir.join("corpus.jsonl");
    std::fs::write(&path, lines(300, 1)).unwrap();
    let archive = dir.join("given.alimentar");
    let (path, archive) = (path.to_str().unwrap(), archive.to_str().unwrap());
    let words = [
        "registry",
        "index",
        path,
        "--license",
        "MIT",
        "--tag",
        "ours",
    ];
    let made = answer(&own, &words);
    let id = made["content_id"].as_str().unwrap().to_owned();
    answer(&own, &["registry", "export", "corpus", "-o", archive]);
    answer(&other, &["registry", "import", archive]);
    answer(&other, &["registry", "tag", &id, "--add", "theirs"]);
    answer(&other, &["registry", "rename", &id, "stolen"]);
    (own, other, id)
}

fn datasets(home: &Path) -> Vec<Value> {
    let listed = answer(home, &["registry", "list", "--all"]);
    listed["datasets"].as_array().unwrap().clone()
}

fn assert_own_is_untouched(home: &Path) {
    let info = answer(home, &["registry", "info", "corpus"]);
    assert_eq!(info["license"], "MIT");
    assert_eq!(info["tags"], serde_json::json!(["ours"]));
    assert_eq!(info["trust"], "local");
    let all = datasets(home);
    let trusts: Vec<(&str, &str)> = all
        .iter()
        .map(|d| (d["name"].as_str().unwrap(), d["trust"].as_str().unwrap()))
        .collect();
    assert_eq!(trusts, [("corpus", "local"), ("stolen", "unsigned")]);
    let plain = answer(home, &["registry", "list"]);
    assert_eq!(plain["datasets"].as_array().unwrap().len(), 1);
}

#[test]
fn import_of_an_unsigned_edited_copy_keeps_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let (own, other, id) = labs(dir.path());
    let back = dir.path().join("back.alimentar");
    let back = back.to_str().unwrap();
    answer(&other, &["registry", "export", &id, "-o", back]);
    let imported = answer(&own, &["registry", "import", back]);
    assert_eq!(imported["imported"][0]["trust"], "unsigned");
    assert_own_is_untouched(&own);
    // An edit of the original goes on as if nothing had come.
    answer(&own, &["registry", "tag", "corpus", "--add", "later"]);
    let info = answer(&own, &["registry", "info", "corpus"]);
    assert_eq!(info["tags"], serde_json::json!(["later", "ours"]));
    assert_eq!(info["trust"], "local");
}

#[test]
fn import_of_an_own_unsigned_archive_adds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (own, _, _) = labs(dir.path());
    let given = dir.path().join("given.alimentar");
    answer(&own, &["registry", "import", given.to_str().unwrap()]);
    assert_eq!(datasets(&own).len(), 1);
}

#[test]
fn pull_by_id_of_an_unsigned_edited_copy_keeps_the_original() {
    let dir = tempfile::tempdir().unwrap();
    let (own, other, id) = labs(dir.path());
    answer(&other, &["registry", "share", "stolen"]);
    let node = Serving::start(&other, &[]);
    let digits = id.trim_start_matches("alimentar:");
    answer(&own, &["registry", "pull", digits, "--peer", &node.addr()]);
    assert_own_is_untouched(&own);
    node.stop();
    // An unsigned dataset from elsewhere is not shown to others as a local one.
    let node = Serving::start(&own, &["--share-unsigned"]);
    let shown = answer(&other, &["registry", "list", "--peer", &node.addr()]);
    let names: Vec<&str> = shown["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["corpus"], "{shown}");
    node.stop();
}
