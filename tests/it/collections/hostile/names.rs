//! Ids of documents and names of collections.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::json;

use super::listing;
use crate::collections::rows;
use crate::support::answer;
use crate::support::program;
use crate::support::refused;
use crate::support::run;

#[test]
fn names_of_collections_that_lead_elsewhere_are_refused_by_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("in/store"));
    let root = root.to_str().unwrap();
    answer(
        &home,
        &["documents", "put", root, "-c", "c", "a", "--data", "{}"],
    );
    let before = listing(&dir.path().join("in"));
    let long = "n".repeat(256);
    for name in [
        "../x", "..", ".", "", ".hidden", "a/b", "/tmp/x", "a\\b", "a..b", "a b", "a\nb", &long,
    ] {
        let commands: [&[&str]; 10] = [
            &["init"],
            &["put", "a", "--data", "{}"],
            &["get", "a"],
            &["delete", "a"],
            &["scan"],
            &["stats"],
            &["validate", "--fix"],
            &["reindex"],
            &["compact"],
            &["schema"],
        ];
        for command in commands {
            let words = [&["documents", command[0], root, "-c", name], &command[1..]].concat();
            refused(&home, &words, 2);
        }
    }
    assert_eq!(listing(&dir.path().join("in")), before);
}

#[test]
fn arguments_that_are_no_utf8_are_refused_and_a_root_that_is_none_works() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let bytes = OsStr::from_bytes(b"id\xff\xfe");
    let store = dir.path().join("store");
    let run = |words: &[&OsStr]| {
        program(&home)
            .arg("--json")
            .arg("documents")
            .args(words)
            .output()
            .unwrap()
    };
    let w = OsStr::new;
    let cases: [&[&OsStr]; 5] = [
        &[w("put"), store.as_os_str(), bytes, w("--data"), w("{}")],
        &[
            w("put"),
            store.as_os_str(),
            w("-c"),
            bytes,
            w("a"),
            w("--data"),
            w("{}"),
        ],
        &[w("put"), store.as_os_str(), w("a"), w("--data"), bytes],
        &[w("get"), store.as_os_str(), bytes],
        &[w("delete"), store.as_os_str(), bytes],
    ];
    for words in cases {
        let out = run(words);
        assert_eq!(out.status.code(), Some(2), "{words:?}: {out:?}");
    }
    assert!(!store.exists());
    let root = dir.path().join(bytes);
    assert!(
        run(&[
            w("put"),
            root.as_os_str(),
            w("a"),
            w("--data"),
            w("{\"n\":1}")
        ])
        .status
        .success()
    );
    assert_eq!(
        rows(&run(&[w("scan"), root.as_os_str()])),
        [json!({"_id": "a", "n": 1})]
    );
}

/// Ids that no document may be stored under here. Others take them.
const HOSTILE_IDS: [&str; 9] = [
    "../../../x",
    "/etc/passwd",
    "a/b",
    "..",
    "",
    " ",
    "a\tb\nc\"\\",
    "é\u{2028}",
    "nul\0",
];

/// Makes a store as another program leaves it: a log alone.
fn store_of_others(root: &Path, ids: &[&str]) {
    let meta = root.join("collections/c/meta");
    std::fs::create_dir_all(&meta).unwrap();
    let lines = ids
        .iter()
        .map(|id| json!({"n": id.len(), "_id": id}).to_string() + "\n");
    std::fs::write(meta.join("data.jsonl"), lines.collect::<String>()).unwrap();
}

/// Returns the ids of a scan. Each document must be its own.
fn scanned(home: &Path, root: &str) -> Vec<String> {
    let found = rows(&run(home, &["documents", "scan", root]));
    let ids = found.iter().map(|row| {
        let id = row["_id"].as_str().unwrap();
        assert!(row["n"] == id.len() || id == "fresh");
        id.to_owned()
    });
    ids.collect()
}

#[test]
fn hostile_ids_from_other_programs_are_read_and_deleted_and_lead_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let (home, store) = (dir.path().join("home"), dir.path().join("in/store"));
    let root = store.to_str().unwrap();
    let long = "l".repeat(60_000);
    let ids = [&HOSTILE_IDS[..], &["-", "--help", &long]].concat();
    store_of_others(&store, &ids);
    std::fs::write(dir.path().join("x.json"), "{\"secret\":1}").unwrap();
    assert_eq!(scanned(&home, root), ids);
    for id in ids.iter().filter(|id| !id.contains('\0')) {
        let found = answer(&home, &["documents", "get", root, "--", id]);
        assert_eq!(found["n"], id.len());
        // They are read, and may not be written. A dash alone is standard input.
        if !["-", "--help"].contains(id) {
            refused(
                &home,
                &["documents", "put", root, "--data", "{}", "--", id],
                2,
            );
        }
    }
    answer(&home, &["documents", "compact", root]);
    assert_eq!(scanned(&home, root), ids);
    let gone = ["../../../x", "", &long];
    let deleted = answer(
        &home,
        &[&["documents", "delete", root, "--"], &gone[..]].concat(),
    );
    assert_eq!(deleted["deleted"], 3);
    let left: Vec<&str> = ids.into_iter().filter(|id| !gone.contains(id)).collect();
    assert_eq!(scanned(&home, root), left);
    std::fs::remove_file(store.join("collections/c/meta/index.bin")).unwrap();
    assert_eq!(scanned(&home, root), left);
    let outside = std::fs::read_dir(dir.path()).unwrap();
    assert_eq!(outside.count(), 2 + usize::from(home.exists()));
}

/// The binary index has 16 bits for the length of an id, the text index no tabs.
#[test]
fn documents_whose_ids_fit_into_no_index_survive_writers_and_compactions() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let long = "l".repeat(70_000);
    let ids = [&HOSTILE_IDS[..], &[&long, "z"]].concat();
    for form in ["binary", "text"] {
        let store = dir.path().join(form);
        let root = store.to_str().unwrap();
        store_of_others(&store, &ids);
        let mut expected = ids.clone();
        expected.push("fresh");
        let put = [
            "documents",
            "put",
            root,
            "fresh",
            "--data",
            "{}",
            "--index",
            form,
        ];
        answer(&home, &put);
        assert_eq!(scanned(&home, root), expected, "{form}");
        answer(&home, &["documents", "reindex", root]);
        assert_eq!(scanned(&home, root), expected, "{form}");
        answer(&home, &["documents", "compact", root]);
        assert_eq!(scanned(&home, root), expected, "{form}");
        answer(&home, &["documents", "delete", root, "--", &long]);
        expected.retain(|id| *id != long);
        assert_eq!(scanned(&home, root), expected, "{form}");
    }
}
