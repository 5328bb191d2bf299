//! Links, empty directories and what else is left out of a directory that is indexed.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::answer;
use crate::support::answer_partly;
use crate::support::lines;
use crate::support::refused;

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// A cache as the hub's client makes it: files under their hashes, and links to them.
fn hub_cache(dir: &Path) -> (PathBuf, PathBuf) {
    let cache = dir.join("datasets--lab--corpus");
    let snapshot = cache.join("snapshots/5a0b");
    std::fs::create_dir_all(snapshot.join("data")).unwrap();
    for (name, seed) in [("aa11", 1), ("bb22", 2)] {
        write(&cache.join("blobs").join(name), &lines(50, seed));
    }
    symlink("../../blobs/aa11", snapshot.join("train.jsonl")).unwrap();
    symlink("../../../blobs/bb22", snapshot.join("data/test.jsonl")).unwrap();
    write(&cache.join("refs/main"), b"5a0b");
    (cache, snapshot)
}

fn index<'a>(path: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["registry", "index", path.to_str().unwrap()], more].concat()
}

fn files(home: &Path, name: &str) -> Vec<String> {
    let listed = answer(home, &["registry", "ls", name]);
    let files = listed["files"].as_array().unwrap().iter();
    files
        .map(|f| f["path"].as_str().unwrap().to_owned())
        .collect()
}

/// Paths behind the directory and reasons of what was left out, in order.
fn left_out(said: &Value, dir: &Path) -> Vec<(String, String)> {
    let dir = dir.canonicalize().unwrap();
    let list = said["left_out"].as_array().unwrap().iter();
    let mut found: Vec<_> = list
        .map(|s| {
            let path = Path::new(s["path"].as_str().unwrap());
            let inside = path.strip_prefix(&dir).unwrap().to_str().unwrap();
            assert!(!s["detail"].as_str().unwrap().is_empty(), "{said}");
            (inside.to_owned(), s["reason"].as_str().unwrap().to_owned())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn index_of_a_link_cache_takes_its_snapshot_when_links_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let (cache, snapshot) = hub_cache(dir.path());
    let whole = answer(&home, &index(&cache, &["--name", "cache"]));
    assert_eq!(whole["files"], 5);
    let error = refused(&home, &index(&snapshot, &["--name", "snap"]), 2);
    assert!(
        error["message"].as_str().unwrap().contains("train.jsonl"),
        "{error}"
    );
    assert!(error["hint"].as_str().unwrap().contains("--follow-links"));
    let words = index(&snapshot, &["--name", "snap", "--follow-links"]);
    assert_eq!(answer(&home, &words)["files"], 2);
    assert_eq!(files(&home, "snap"), ["data/test.jsonl", "train.jsonl"]);
    let out = dir.path().join("out");
    answer(
        &home,
        &["registry", "checkout", "snap", out.to_str().unwrap()],
    );
    assert!(std::fs::read(out.join("train.jsonl")).unwrap() == lines(50, 1));
    // Looked at again, and changed behind the link.
    assert_eq!(answer(&home, &words)["unchanged"], true);
    write(&cache.join("blobs/aa11"), &lines(51, 1));
    assert_eq!(answer(&home, &words)["unchanged"], false);
}

#[test]
fn index_follows_a_link_to_a_directory_inside() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    write(&data.join("real/deep/a.txt"), b"a");
    write(&data.join("real/b.txt"), b"b");
    symlink("real", data.join("first")).unwrap();
    symlink("first/deep", data.join("second")).unwrap();
    answer(&home, &index(&data, &["--exclude", "first/b.txt"]));
    assert_eq!(
        files(&home, "data"),
        [
            "first/deep/a.txt",
            "real/b.txt",
            "real/deep/a.txt",
            "second/a.txt"
        ]
    );
}

#[test]
fn index_of_circular_links_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    write(&data.join("a/x.txt"), b"x");
    let (up, own) = (data.join("a/up"), data.join("own"));
    symlink("..", &up).unwrap();
    let error = refused(&home, &index(&data, &[]), 2);
    for part in ["data/a/up", "circle"] {
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
    }
    std::fs::remove_file(&up).unwrap();
    symlink("own", &own).unwrap();
    let error = refused(&home, &index(&data, &[]), 2);
    assert!(
        error["message"].as_str().unwrap().contains("data/own"),
        "{error}"
    );
    assert_eq!(
        answer(&home, &index(&data, &["--exclude", "own"]))["files"],
        1
    );
    // Through a directory outside and back.
    std::fs::remove_file(&own).unwrap();
    let aside = dir.path().join("aside");
    std::fs::create_dir(&aside).unwrap();
    symlink(&data, aside.join("back")).unwrap();
    symlink(&aside, data.join("out")).unwrap();
    refused(&home, &index(&data, &["--follow-links"]), 2);
}

#[test]
fn index_lists_left_out_files_and_exits_with_7() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    write(&data.join("a.txt"), b"a");
    write(&dir.path().join("aside.txt"), b"b");
    std::fs::create_dir_all(data.join("empty/inner")).unwrap();
    symlink("nowhere", data.join("broken")).unwrap();
    symlink("../aside.txt", data.join("outside")).unwrap();
    write(&data.join("skip.tmp"), b"excluded");
    let words = index(&data, &["--exclude", "*.tmp"]);
    let said = answer_partly(&home, &words);
    let wanted = [
        ("broken", "link"),
        ("empty/inner", "empty_directory"),
        ("outside", "link"),
    ];
    let wanted = wanted.map(|(path, why)| (path.to_owned(), why.to_owned()));
    assert_eq!(left_out(&said, &data), wanted);
    assert_eq!(said["skipped"].as_array().unwrap().len(), 4);
    assert_eq!((&said["files"], &said["name"]), (&1.into(), &"data".into()));
    // Unchanged, it says the same.
    let again = answer_partly(&home, &words);
    assert_eq!(left_out(&again, &data), wanted);
    let more = [
        "--exclude",
        "empty",
        "--exclude",
        "broken",
        "--exclude",
        "outside",
    ];
    assert_eq!(answer(&home, &[words, more.to_vec()].concat())["files"], 1);
}

#[test]
fn target_directory_without_files_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    std::fs::create_dir_all(data.join("inner")).unwrap();
    let error = refused(&home, &index(&data, &[]), 2);
    assert!(
        error["message"].as_str().unwrap().contains("no files"),
        "{error}"
    );
    write(&data.join("a.tmp"), b"a");
    refused(&home, &index(&data, &["--exclude", "*.tmp"]), 2);
    let listed = answer(&home, &["registry", "list"]);
    assert_eq!(listed["datasets"], serde_json::json!([]));
}

#[test]
fn index_with_followed_links_takes_no_home_and_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    answer(&home, &["registry", "node"]);
    let other = dir.path().join("elsewhere/other");
    answer(&other, &["registry", "node"]);
    let data = dir.path().join("data");
    write(&data.join("rows.jsonl"), &lines(5, 1));
    let kept = dir.path().join("kept/node.key");
    write(&kept, &std::fs::read(home.join("node.key")).unwrap());
    let links = [
        ("notes.txt", home.join("node.key")),
        ("copy.txt", kept.clone()),
        ("home", home.clone()),
        ("packs", home.join("packs")),
        ("elsewhere", dir.path().join("elsewhere")),
        ("others.txt", other.join("node.key")),
        ("trust", other.join("trust.toml")),
    ];
    for (name, target) in &links {
        symlink(target, data.join(name)).unwrap();
    }
    let said = answer_partly(&home, &index(&data, &["--follow-links"]));
    assert_eq!(files(&home, "data"), ["rows.jsonl"], "{said}");
    // A key alone is none either behind a link of another name.
    symlink(&kept, dir.path().join("digits.txt")).unwrap();
    let alone = dir.path().join("digits.txt");
    assert_eq!(refused(&home, &index(&alone, &[]), 5)["kind"], "denied");
}
