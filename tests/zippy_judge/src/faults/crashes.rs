//! Crashes, flushes, two writers, compactions.

use serde_json::json;
use zippy_data::OpenMode;
use zippy_data::ZDSRoot;

use crate::ours::Lab;
use crate::theirs;

/// The writer spilled its buffer and was killed before it wrote the index again.
pub fn stale_index(lab: &Lab) {
    let mut store = zippy_data::FastStore::open(&lab.root, "c", 100_000).unwrap();
    for n in 0..3 {
        store.put(format!("d{n}"), json!({"n": n})).unwrap();
    }
    store.flush().unwrap();
    for n in 3..4000 {
        store
            .put(format!("d{n}"), json!({"n": n, "text": "x".repeat(80)}))
            .unwrap();
    }
    // As `kill -9` leaves it: nothing is dropped.
    std::mem::forget(store);
    let data = std::fs::read_to_string(lab.meta("data.jsonl")).unwrap();
    let whole = data.matches('\n').count();
    assert!(whole > 2000, "{whole}");
    assert_eq!(theirs::reader(&lab.root).len(), 3, "their fault is mended");
    assert_eq!(lab.all().len(), whole);
    // After a writer of ours, theirs have them too.
    lab.put(&[("next".to_owned(), json!({}))]);
    assert_eq!(lab.all().len(), whole + 1);
    assert_eq!(theirs::log(&lab.root).len(), whole + 1);
}

pub fn get_before_flush(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    store.put("a", json!({"n": 1})).unwrap();
    let got = store.get("a");
    assert!(got.is_err(), "their fault is mended: {got:?}");
    drop(store);
    lab.put(&[("b".to_owned(), json!({"n": 2}))]);
    assert_eq!(lab.all().len(), 2);
}

pub fn two_writers(lab: &Lab) {
    let mut a = theirs::store(&lab.root);
    a.put("from_a", json!({"n": 1})).unwrap();
    a.flush().unwrap();
    let mut b = theirs::store(&lab.root);
    b.put("from_b", json!({"n": 2})).unwrap();
    b.flush().unwrap();
    a.put("from_a2", json!({"n": 3})).unwrap();
    a.flush().unwrap();
    drop(a);
    std::mem::forget(b);
    let store = zippy_data::FastStore::open_with_mode(&lab.root, "c", 1, OpenMode::Read).unwrap();
    assert!(
        !store.exists("from_b") || store.get("from_a2").is_err(),
        "their fault is mended"
    );
    // The log has all of them, and their index is no witness against it: its offsets are wrong.
    assert_eq!(
        lab.all().into_keys().collect::<Vec<_>>(),
        ["from_a", "from_a2", "from_b"]
    );
    // Writers of ours wait for each other.
    let ids: Vec<String> = (0..6).map(|n| format!("w{n}")).collect();
    let writers: Vec<_> = ids
        .iter()
        .map(|id| lab.begin("put", &[id, "--data", "{}"]))
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(lab.all().len(), 9);
    assert_eq!(theirs::log(&lab.root).len(), 9);
}

/// Their lock keeps no store of theirs out, and its file goes with it; ours stays.
pub fn lock(lab: &Lab) {
    let root = ZDSRoot::open(&lab.root, 10, OpenMode::ReadWrite).unwrap();
    let mut store = theirs::store(&lab.root);
    store.put("d0", json!({"n": 0})).unwrap();
    drop(store);
    assert_eq!(
        theirs::reader(&lab.copied()).len(),
        1,
        "their fault is mended"
    );
    let file = lab.root.join(".zds/.zds_write.lock");
    assert!(file.exists());
    drop(root);
    assert!(!file.exists(), "their fault is mended");
    std::fs::write(&file, "pid=1\n").unwrap();
    lab.put(&[("d1".to_owned(), json!({"n": 1}))]);
    assert!(file.exists() && lab.meta("alimentar.lock").exists());
    assert_eq!(lab.all().len(), 2);
}

pub fn missing_line_feed(lab: &Lab) {
    let path = lab.meta("data.jsonl");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "{\"_id\":\"a\",\"n\":1}").unwrap();
    let copy = lab.dir.path().join("copy");
    std::fs::create_dir_all(copy.join("collections/c/meta")).unwrap();
    std::fs::copy(&path, copy.join("collections/c/meta/data.jsonl")).unwrap();
    let mut store = theirs::store(&copy);
    store.put("b", json!({"n": 2})).unwrap();
    drop(store);
    let text = std::fs::read_to_string(copy.join("collections/c/meta/data.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 1, "their fault is mended");
    lab.put(&[("b".to_owned(), json!({"n": 2}))]);
    assert_eq!(lab.all().len(), 2);
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 2);
    assert_eq!(theirs::log(&lab.root).len(), 2);
}

pub fn compaction(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    for round in 0..5 {
        for n in 0..20 {
            store
                .put(format!("d{n}"), json!({"n": n, "round": round}))
                .unwrap();
        }
    }
    store.flush().unwrap();
    drop(store);
    let length = || std::fs::metadata(lab.meta("data.jsonl")).unwrap().len();
    let before = length();
    let mut store = theirs::store(&lab.root);
    store.delete("d0").unwrap();
    store.compact().unwrap();
    let wrong = (1..20).filter(|n| {
        let wanted = json!({"n": n, "round": 4});
        store.get(&format!("d{n}")).ok().as_ref() != Some(&wanted)
    });
    assert_eq!(wrong.count(), 19, "their fault is mended");
    drop(store);
    let theirs = length();
    assert!(
        theirs * 10 > before * 9,
        "their fault is mended: {theirs} of {before}"
    );
    assert_eq!(lab.all().len(), 19);
    lab.done("compact", &[]);
    assert!(length() * 4 < theirs, "{}", length());
    assert_eq!(lab.all(), theirs::log(&lab.root));
}
