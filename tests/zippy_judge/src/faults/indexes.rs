//! Indexes that are lost, made anew, or lie.

use std::panic::catch_unwind;

use serde_json::json;

use crate::ours::Documents;
use crate::ours::Lab;
use crate::theirs;

fn numbered(count: u64) -> Documents {
    (0..count)
        .map(|n| (format!("d{n}"), json!({"n": n})))
        .collect()
}

fn put_all(lab: &Lab, count: u64) {
    let mut store = theirs::store(&lab.root);
    for (id, document) in numbered(count) {
        store.put(id, document).unwrap();
    }
}

pub fn resurrection(lab: &Lab) {
    put_all(lab, 5);
    theirs::store(&lab.root).delete("d3").unwrap();
    // A writer of ours takes the deletion over.
    lab.done("reindex", &[]);
    std::fs::remove_file(lab.meta("index.bin")).unwrap();
    assert!(
        theirs::reader(&lab.root).exists("d3"),
        "their fault is mended"
    );
    let mut expected = numbered(5);
    expected.remove("d3");
    assert_eq!(lab.all(), expected);
    // A compaction of ours removes the line, and theirs have nothing to find.
    lab.done("compact", &[]);
    std::fs::remove_file(lab.meta("index.bin")).unwrap();
    assert_eq!(theirs::log(&lab.root), expected);
}

pub fn last_deletion(lab: &Lab) {
    lab.put(&numbered(5).into_iter().collect::<Vec<_>>());
    let mut store = theirs::store(&lab.root);
    for id in numbered(5).keys() {
        store.delete(id).unwrap();
    }
    drop(store);
    assert_eq!(lab.all(), Documents::new());
    let copy = lab.copied();
    assert_eq!(theirs::reader(&copy).len(), 5, "their fault is mended");
    lab.done("reindex", &[]);
    assert_eq!(lab.all(), Documents::new());
    assert!(theirs::reader(&lab.root).is_empty());
    lab.put(&numbered(2).into_iter().collect::<Vec<_>>());
    assert_eq!(theirs::log(&lab.root), numbered(2));
    lab.delete(&["d0", "d1"]);
    assert!(theirs::reader(&lab.root).is_empty());
}

/// A handle that only reads writes the index when it is dropped: what it knew when it opened.
pub fn writing_reader(lab: &Lab) {
    lab.put(&numbered(3).into_iter().collect::<Vec<_>>());
    let reader = theirs::reader(&lab.root);
    lab.delete(&["d1"]);
    lab.put(&[("new".to_owned(), json!({}))]);
    let before = std::fs::read(lab.meta("index.bin")).unwrap();
    drop(reader);
    assert_ne!(
        std::fs::read(lab.meta("index.bin")).unwrap(),
        before,
        "their fault is mended"
    );
    assert_eq!(
        lab.all().into_keys().collect::<Vec<_>>(),
        ["d0", "d2", "new"]
    );
    lab.done("reindex", &[]);
    assert_eq!(theirs::log(&lab.root), lab.all());
}

/// An index that lacks the end of the log may be one of a crash, and nothing is deleted on its word.
pub fn deletion_at_the_end(lab: &Lab) {
    lab.put(&numbered(3).into_iter().collect::<Vec<_>>());
    theirs::store(&lab.root).delete("d2").unwrap();
    assert_eq!(theirs::log(&lab.root).len(), 2);
    assert_eq!(lab.all(), numbered(3));
    // A document behind it shows that they knew of it.
    let mut store = theirs::store(&lab.root);
    store.put("next", json!({})).unwrap();
    drop(store);
    assert_eq!(
        lab.all().into_keys().collect::<Vec<_>>(),
        ["d0", "d1", "next"]
    );
}

pub fn blank_lines(lab: &Lab) {
    let blob =
        "{\"_id\":\"d0\",\"n\":0}\n\n\n{\"_id\":\"d1\",\"n\":1}\n\n{\"_id\":\"d2\",\"n\":2}\n";
    let ids: Vec<String> = numbered(3).into_keys().collect();
    let mut store = theirs::store(&lab.root);
    store.write_jsonl_blob(blob.as_bytes(), &ids).unwrap();
    drop(store);
    let store = theirs::reader(&lab.root);
    let wrong = |id: &str| store.get(id).ok().as_ref() != numbered(3).get(id);
    assert!(wrong("d1") && wrong("d2"), "their fault is mended");
    drop(store);
    assert_eq!(lab.all(), numbered(3));
    lab.done("reindex", &[]);
    assert_eq!(theirs::log(&lab.root), numbered(3));
}

/// A blob with more lines than ids moves the offsets of what follows.
pub fn lines_without_ids(lab: &Lab) {
    let blob = "{\"_id\":\"d0\",\"n\":0}\n{\"_id\":\"d1\",\"n\":1}\n";
    let mut store = theirs::store(&lab.root);
    store
        .write_jsonl_blob(blob.as_bytes(), &["d0".to_owned()])
        .unwrap();
    store.put("d2", json!({"n": 2})).unwrap();
    drop(store);
    let copy = lab.copied();
    let got = theirs::reader(&copy).get("d2");
    assert_ne!(got.ok(), Some(json!({"n": 2})), "their fault is mended");
    assert_eq!(lab.all(), numbered(3));
    lab.done("reindex", &[]);
    assert_eq!(theirs::log(&lab.root), numbered(3));
}

/// Lines that are no documents: a scan of theirs is silent about them, and a compaction removes them.
pub fn unreadable_lines(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    store.put("d0", json!({"n": 0})).unwrap();
    store
        .put_raw_line("broken", b"{\"_id\":\"broken\",")
        .unwrap();
    store.put("d1", json!({"n": 1})).unwrap();
    drop(store);
    let copy = lab.copied();
    let mut store = theirs::store(&copy);
    assert_eq!(
        (store.len(), store.scan().unwrap().len()),
        (3, 2),
        "their fault is mended"
    );
    store.compact().unwrap();
    drop(store);
    let text = std::fs::read_to_string(copy.join("collections/c/meta/data.jsonl")).unwrap();
    assert!(!text.contains("broken"), "their fault is mended");
    assert_eq!(lab.all(), numbered(2));
    assert_eq!(lab.run("validate", &[], "").status.code(), Some(4));
    assert!(lab.done("compact", &[]).contains("\"set_aside\":1"));
    let names = std::fs::read_dir(lab.meta(""))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let kept = names
        .filter(|path| path.to_string_lossy().contains("unreadable-"))
        .collect::<Vec<_>>();
    assert_eq!(
        std::fs::read_to_string(&kept[0]).unwrap(),
        "{\"_id\":\"broken\",\n"
    );
    assert_eq!(theirs::log(&lab.root), numbered(2));
}

pub fn order(lab: &Lab) {
    let documents: Vec<_> = (0..100)
        .rev()
        .map(|n| (format!("d{n}"), json!({"n": n})))
        .collect();
    lab.put(&documents);
    let found = theirs::reader(&lab.copied()).scan().unwrap();
    let theirs: Vec<u64> = found.iter().map(|d| d["n"].as_u64().unwrap()).collect();
    let written: Vec<u64> = (0..100).rev().collect();
    assert_ne!(theirs, written, "their fault is mended");
    let out = lab.done("scan", &[]);
    let ours = out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert_eq!(
        ours.map(|d| d["n"].as_u64().unwrap()).collect::<Vec<_>>(),
        written
    );
}

pub fn rebuild(lab: &Lab) {
    let meta = lab.meta("");
    std::fs::create_dir_all(&meta).unwrap();
    let lines = "{\"_id\": \"d0\", \"n\": 0}\n{\"o\":{\"_id\":\"inner\"},\"_id\":\"d1\",\"n\":1}\n{\"_id\":\"d2\",\"n\":2}\n";
    std::fs::write(lab.meta("data.jsonl"), lines).unwrap();
    let mut ids = theirs::reader(&lab.root).doc_ids();
    ids.sort();
    assert_eq!(ids, ["d2", "inner"], "their fault is mended");
    assert_eq!(
        lab.all().into_keys().collect::<Vec<_>>(),
        ["d0", "d1", "d2"]
    );
    // Through our index, theirs find them.
    lab.done("reindex", &[]);
    assert_eq!(theirs::reader(&lab.root).len(), 3);
    assert_eq!(
        theirs::reader(&lab.root).get("d0").unwrap(),
        json!({"n": 0})
    );
}

pub fn claims(lab: &Lab) {
    lab.put(&numbered(5).into_iter().collect::<Vec<_>>());
    let mut index = std::fs::read(lab.meta("index.bin")).unwrap();
    index[8..16].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    std::fs::write(lab.meta("index.bin"), index).unwrap();
    let root = lab.root.clone();
    let opened = catch_unwind(move || theirs::reader(&root).len());
    assert!(opened.is_err(), "their fault is mended: {opened:?}");
    assert_eq!(lab.all(), numbered(5));
    lab.done("reindex", &[]);
    assert_eq!(theirs::log(&lab.root), numbered(5));
}

pub fn other_id(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    store.put("user_001", json!({"_id": "liar"})).unwrap();
    store.put("number", json!(42)).unwrap();
    drop(store);
    assert!(theirs::reader(&lab.root).exists("user_001"));
    assert_eq!(
        theirs::reader(&lab.root).get("number").unwrap(),
        json!({}),
        "their fault is mended"
    );
    std::fs::remove_file(lab.meta("index.bin")).unwrap();
    assert!(
        !theirs::reader(&lab.root).exists("user_001"),
        "their fault is mended"
    );
    // The line says who it is.
    assert_eq!(
        lab.all().into_keys().collect::<Vec<_>>(),
        ["liar", "number"]
    );
    for (id, data) in [("user_001", "{\"_id\":\"liar\"}"), ("other", "42")] {
        assert_eq!(
            lab.run("put", &[id, "--data", data], "").status.code(),
            Some(2)
        );
    }
    assert_eq!(lab.all().len(), 2);
}
