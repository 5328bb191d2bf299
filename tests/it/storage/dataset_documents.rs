//! Datasets that are read as collections of documents.

use std::path::Path;

use alimentar::documents::FastStore;
use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::error_of;
use crate::support::program;
use crate::support::refused;
use crate::support::run;
use crate::support::serving::Serving;

/// Makes a collection `NAME` with some documents, and indexes it.
fn indexed(home: &Path, root: &Path, name: &str, count: u64, version: &str) -> Value {
    let store = FastStore::open(root, name, 1000).unwrap();
    for n in 0..count {
        let document = json!({"n": n, "even": n % 2 == 0, "version": version});
        store.put(&format!("d{n:04}"), &document).unwrap();
    }
    store.checkpoint().unwrap();
    let path = root.join("collections").join(name);
    let path = path.to_str().unwrap();
    answer(home, &["registry", "index", path, "--version", version])
}

fn lines(home: &Path, words: &[&str]) -> Vec<u8> {
    let out = run(home, words);
    assert!(out.status.success(), "{words:?}: {out:?}");
    out.stdout
}

/// The stores in the cache of a home.
fn cached(home: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(home.join("cache/documents"));
    let names = entries.into_iter().flatten();
    let mut names: Vec<String> = names
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn pulled_dataset_is_read_as_the_collection_that_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| dir.path().join(name));
    let root = dir.path().join("store");
    indexed(&one, &root, "pulled-notes", 500, "0.1.0");
    let serving = Serving::start(&one, &["--share-unsigned"]);
    let addr = serving.addr();
    let words = ["registry", "pull", "pulled-notes", "--peer", &addr];
    answer(&other, &[&words[..], &["--accept-unsigned"]].concat());
    drop(serving);
    // The dataset says what the store says.
    let root = root.to_str().unwrap();
    let choice = ["--where", "n > 90 and even = true", "--fields", "_id,n"];
    for words in [
        ["get", "", "d0007", "d0499"].to_vec(),
        [&["scan", ""][..], &choice].concat(),
        vec!["scan", "", "--count"],
        vec!["list", ""],
        vec!["stats", ""],
        vec!["schema", ""],
        vec!["validate", ""],
    ] {
        let of = |target| {
            let filled = words.iter().map(|w| if w.is_empty() { target } else { *w });
            [vec!["documents"], filled.collect()].concat()
        };
        let here = lines(&other, &of(root));
        for target in ["pulled-notes", "pulled-notes@0.1.0"] {
            assert_eq!(lines(&other, &of(target)), here, "{words:?}");
        }
    }
    let copy = dir.path().join("copy.jsonl");
    let copy = copy.to_str().unwrap();
    let words = ["documents", "export", "pulled-notes", "-o", copy];
    assert_eq!(answer(&other, &words)["documents"], 500);
    let error = refused(&other, &["documents", "get", "pulled-notes", "nobody"], 3);
    assert_eq!(error["kind"], "not_found");
    let name = "no-such-collection";
    refused(
        &other,
        &["documents", "get", "pulled-notes", "-c", name, "d0007"],
        3,
    );
    // All of that was read from one store, which was made once, with its index.
    let stores = cached(&other);
    assert_eq!(stores.len(), 1, "{stores:?}");
    let meta = other
        .join("cache/documents")
        .join(&stores[0])
        .join("collections/pulled-notes/meta");
    assert!(meta.join("index.bin").is_file());
    let read_only = meta.join("data.jsonl").metadata().unwrap().permissions();
    assert!(read_only.readonly());
}

#[test]
fn versions_of_a_dataset_are_collections_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    indexed(&home, &root, "versioned-notes", 10, "0.1.0");
    let second = indexed(&home, &root, "versioned-notes", 12, "0.2.0");
    let count = |target: &str| {
        let words = ["documents", "scan", target, "--count"];
        answer(&home, &words)["documents"].clone()
    };
    let id = second["content_id"].as_str().unwrap();
    for (target, expected) in [
        ("versioned-notes@0.1.0", 10),
        ("versioned-notes@0.2.0", 12),
        ("versioned-notes", 12),
        (id, 12),
    ] {
        assert_eq!(count(target), expected, "{target}");
    }
    assert_eq!(cached(&home).len(), 2);
}

#[test]
fn commands_that_write_refuse_a_dataset_and_name_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    indexed(&home, &root, "fixed-notes", 5, "0.1.0");
    let data = ["--data", "{}"];
    let missing = dir.path().join("nothing.jsonl");
    std::fs::write(&missing, "").unwrap();
    let file = missing.to_str().unwrap();
    for words in [
        [&["put", "fixed-notes", "a"][..], &data].concat(),
        vec!["import", "fixed-notes", file],
        vec!["delete", "fixed-notes", "d0001"],
        vec!["compact", "fixed-notes"],
        vec!["reindex", "fixed-notes"],
        vec!["validate", "fixed-notes", "--fix"],
        vec!["init", "fixed-notes"],
    ] {
        let words = [vec!["documents"], words].concat();
        let error = refused(&home, &words, 2);
        assert_eq!(error["kind"], "invalid", "{words:?}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains("checkout") && hint.contains("documents import"));
    }
    let words = ["documents", "scan", "fixed-notes", "--count"];
    assert_eq!(answer(&home, &words)["documents"], 5);
    // A path is a path, whatever datasets there are.
    let out = program(&home)
        .current_dir(dir.path())
        .args(["documents", "put", "./fixed-notes", "a", "--data", "{}"])
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let out = program(&home)
        .current_dir(dir.path())
        .args(["documents", "scan", "fixed-notes"])
        .output()
        .unwrap();
    assert_eq!(out.stdout, b"{\"_id\":\"a\"}\n");
}

#[test]
fn dataset_without_ids_is_no_collection() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for (name, content) in [
        ("without-ids.jsonl", "{\"n\":1}\n{\"n\":2}\n"),
        ("no-lines.csv", "_id,n\na,1\n"),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        answer(&home, &["registry", "index", path.to_str().unwrap()]);
        let dataset = name.split('.').next().unwrap();
        let error = refused(&home, &["documents", "scan", dataset], 2);
        assert!(error["hint"].as_str().unwrap().contains("--id"), "{error}");
    }
    assert_eq!(cached(&home), [""; 0]);
    // One that is nowhere is no store either.
    let error = refused(&home, &["documents", "scan", "nothing-at-all"], 3);
    assert_eq!(error["kind"], "not_found");
}

#[test]
fn damaged_dataset_is_no_collection() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    indexed(&home, &root, "damaged-notes", 5000, "0.1.0");
    for entry in std::fs::read_dir(home.join("packs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "pack") {
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let third = bytes.len() / 3;
        bytes[third..2 * third].iter_mut().for_each(|b| *b ^= 0x55);
        std::fs::write(&path, bytes).unwrap();
    }
    let out = run(&home, &["documents", "scan", "damaged-notes"]);
    assert_eq!(out.status.code(), Some(4), "{out:?}");
    assert!(out.stdout.is_empty());
    assert_eq!(error_of(&out)["kind"], "integrity");
    assert_eq!(cached(&home), [""; 0]);
}

#[test]
fn collection_is_read_without_a_writable_cache() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    indexed(&home, &root, "uncached-notes", 5, "0.1.0");
    let cache = home.join("cache");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(cache.join("documents"), "a file in its place").unwrap();
    let words = ["documents", "get", "uncached-notes", "d0003"];
    assert_eq!(answer(&home, &words)["n"], 3);
    let left = std::fs::read_dir(&cache).unwrap();
    let left = left.map(|e| e.unwrap().file_name().into_string().unwrap());
    let left: Vec<String> = left.filter(|name| name.starts_with("spill")).collect();
    assert_eq!(left, [""; 0]);
}
