//! The program reads what each writer of the other implementation wrote.

use serde_json::Value;
use serde_json::json;
use zippy_data::BufferedWriter;
use zippy_data::OpenMode;
use zippy_data::WriteConfig;
use zippy_data::ZDSRoot;
use zippy_data::writer::SyncWriter;

use crate::Check;
use crate::ours::Documents;
use crate::ours::Lab;
use crate::ours::NAME;
use crate::theirs;

pub const CHECKS: &[Check] = &[
    ("puts_updates_and_deletions_of_their_store_are_read", store),
    ("raw_lines_in_any_spelling_are_read", raw_lines),
    ("blobs_of_theirs_are_read", blobs),
    ("compacted_log_of_theirs_is_read", compacted),
    ("sync_writer_of_theirs_is_read", sync_writer),
    ("buffered_writer_of_theirs_is_read", buffered_writer),
    ("archive_of_theirs_is_unpacked", archive),
    ("writer_waits_for_their_lock", locked),
];

fn pairs(range: std::ops::Range<u64>) -> Vec<(String, Value)> {
    theirs::documents(range)
}

fn store(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    let mut expected = Documents::new();
    for (id, document) in pairs(0..300).into_iter().chain(pairs(1000..1003)) {
        store.put(&id, document.clone()).unwrap();
        expected.insert(id, document);
    }
    store.flush().unwrap();
    store.put("plain-0", json!({"new": true})).unwrap();
    expected.insert("plain-0".to_owned(), json!({"new": true}));
    store.delete("UPPER-1").unwrap();
    expected.remove("UPPER-1");
    // Letters of any script are theirs.
    store.put("é-1", json!({"n": 1})).unwrap();
    expected.insert("é-1".to_owned(), json!({"n": 1}));
    drop(store);
    assert_eq!(lab.all(), expected);
    lab.done("validate", &[]);
    assert_eq!(theirs::log(&lab.root), expected);
}

fn raw_lines(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    let lines = [
        ("a", r#"{"_id":"a","n":1}"#),
        ("b", r#"{ "_id" : "b" , "n" : 2 }"#),
        ("c", r#"{"n":3,"_id":"c"}"#),
        ("d", r#"{"o":{"_id":"inner"},"n":4,"_id":"d"}"#),
        ("e\"q", r#"{"_id":"e\"q","n":5}"#),
        ("f", r#"{"\u005fid":"\u0066","n":6}"#),
    ];
    for (id, line) in lines {
        store.put_raw_line(id, line.as_bytes()).unwrap();
    }
    drop(store);
    let found = lab.all();
    let ids: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(ids, lines.map(|(id, _)| id));
    let numbers: Vec<u64> = found.values().map(|d| d["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
}

fn blobs(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    let mut expected = Documents::new();
    for range in [0..100, 100..101, 50..160] {
        let documents = pairs(range);
        let lines = documents.iter().map(|(id, document)| {
            let mut document = document.clone();
            document["_id"] = id.as_str().into();
            document.to_string()
        });
        let blob = lines.collect::<Vec<_>>().join("\n");
        let ids: Vec<String> = documents.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(
            store.write_jsonl_blob(blob.as_bytes(), &ids).unwrap(),
            ids.len()
        );
        expected.extend(documents);
    }
    drop(store);
    assert_eq!(lab.all(), expected);
}

fn compacted(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    for (id, document) in pairs(0..100) {
        store.put(id, document).unwrap();
    }
    store.delete("plain-0").unwrap();
    store.compact().unwrap();
    drop(store);
    let mut expected: Documents = pairs(0..100).into_iter().collect();
    expected.remove("plain-0");
    assert_eq!(lab.all(), expected);
    lab.put(&pairs(0..1));
    expected.extend(pairs(0..1));
    assert_eq!(lab.all(), expected);
    assert_eq!(theirs::log(&lab.root), expected);
}

fn sync_writer(lab: &Lab) {
    let mut writer = SyncWriter::new(&lab.root, NAME).unwrap();
    for (id, document) in pairs(0..30) {
        writer.put(&id, &document).unwrap();
    }
    writer.put("plain-0", &json!({"new": 1})).unwrap();
    writer.delete("UPPER-1").unwrap();
    let mut expected: Documents = pairs(0..30).into_iter().collect();
    expected.insert("plain-0".to_owned(), json!({"new": 1}));
    expected.remove("UPPER-1");
    assert_eq!(lab.all(), expected);
    // And it goes on in what the program wrote.
    drop(writer);
    lab.put(&pairs(30..40));
    lab.delete(&["with.dot-2"]);
    let mut writer = SyncWriter::new(&lab.root, NAME).unwrap();
    writer.put("last", &json!({"n": 1})).unwrap();
    writer.delete("with-dash-3").unwrap();
    expected.extend(pairs(30..40));
    expected.insert("last".to_owned(), json!({"n": 1}));
    expected.retain(|id, _| id != "with.dot-2" && id != "with-dash-3");
    assert_eq!(lab.all(), expected);
    assert_eq!(theirs::files(&lab.root), expected);
}

fn buffered_writer(lab: &Lab) {
    let config = WriteConfig {
        max_pending_ops: 7,
        ..WriteConfig::default()
    };
    let mut writer = BufferedWriter::new(&lab.root, NAME, config).unwrap();
    for (id, document) in pairs(0..50) {
        writer.put(id, document).unwrap();
    }
    writer.delete("plain-0").unwrap();
    writer.flush().unwrap();
    drop(writer);
    let mut expected: Documents = pairs(0..50).into_iter().collect();
    expected.remove("plain-0");
    assert_eq!(lab.all(), expected);
    assert_eq!(theirs::files(&lab.root), expected);
}

fn archive(lab: &Lab) {
    let mut store = theirs::store(&lab.root);
    for (id, document) in pairs(0..100) {
        store.put(id, document).unwrap();
    }
    store.delete("plain-0").unwrap();
    drop(store);
    let mut files = SyncWriter::new(&lab.root, "files").unwrap();
    files.put("f", &json!({"n": 1})).unwrap();
    let path = lab.dir.path().join("a.zds");
    zippy_data::container::pack(&lab.root, &path).unwrap();
    let expected = lab.done("scan", &[]);
    let out = lab.dir.path().join("out");
    assert_eq!(
        lab.plain(&["unpack", path.to_str().unwrap(), out.to_str().unwrap()]),
        Some(0)
    );
    let unpacked = lab.beside(out);
    assert_eq!(unpacked.done("scan", &[]), expected);
    assert_eq!(expected.lines().count(), 99);
    let file = unpacked.root.join("collections/files/docs/f.json");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "{\n  \"n\": 1\n}");
}

fn locked(lab: &Lab) {
    let root = ZDSRoot::open(&lab.root, 1000, OpenMode::ReadWrite).unwrap();
    let mut store = root.collection(NAME).unwrap();
    store.put("theirs", json!({"n": 1})).unwrap();
    let mut child = lab.begin("put", &["ours", "--data", "{\"n\":2}"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it did not wait for the lock"
    );
    drop((store, root));
    assert!(child.wait().unwrap().success());
    let ids: Vec<String> = lab.all().into_keys().collect();
    assert_eq!(ids, ["ours", "theirs"]);
    assert_eq!(theirs::log(&lab.root).len(), 2);
}
