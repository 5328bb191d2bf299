//! The judge: readers of the other implementation.

use std::path::Path;

use serde_json::Value;
use serde_json::json;
use zippy_data::Engine;
use zippy_data::FastStore;
use zippy_data::OpenMode;

use crate::ours::Documents;
use crate::ours::NAME;

/// Opens the log for writing. It flushes when it is dropped.
pub fn store(root: &Path) -> FastStore {
    FastStore::open(root, NAME, 1000).unwrap()
}

/// Opens the log for reading.
pub fn reader(root: &Path) -> FastStore {
    FastStore::open_with_mode(root, NAME, 1000, OpenMode::Read).unwrap()
}

/// All documents of the log, by `get`; `scan` and `scan_raw` must agree.
pub fn log(root: &Path) -> Documents {
    let store = reader(root);
    let found = store.doc_ids().into_iter().map(|id| {
        let document = store.get(&id).unwrap_or_else(|e| panic!("{id}: {e}"));
        (id, document)
    });
    let found: Documents = found.collect();
    let mut scanned: Vec<String> = store.scan().unwrap().iter().map(Value::to_string).collect();
    let mut got: Vec<String> = found.values().map(Value::to_string).collect();
    scanned.sort();
    got.sort();
    assert_eq!(scanned, got);
    assert_eq!(store.scan_raw().unwrap().len(), found.len());
    found
}

/// All documents that are files of their own.
pub fn files(root: &Path) -> Documents {
    let engine = Engine::open(root, NAME).unwrap();
    let found = engine
        .doc_ids()
        .iter()
        .map(|id| (id.clone(), engine.get_document(id).unwrap()));
    let found: Documents = found.collect();
    let scanned = engine
        .scan(None, None)
        .unwrap()
        .collect::<zippy_data::Result<Vec<_>>>();
    assert_eq!(scanned.unwrap().len(), found.len());
    found
}

/// A document of any shape.
pub fn document(n: u64) -> Value {
    let nested = json!({"_id": "nested", "list": [n, null, true, {"é": "\u{2028}\"\\\n"}], "deep": {"n": n % 3}});
    match n % 4 {
        0 => json!({"n": n}),
        1 => json!({"n": n, "text": "x".repeat(n as usize % 300), "o": nested}),
        2 => {
            json!({"n": n, "half": n as f64 + 0.5, "minus": -(n as i64), "big": u64::MAX, "A": "", "z": []})
        }
        _ => json!({"n": n, "name": format!("né{n}"), "empty": {}}),
    }
}

/// Documents with ids that every program takes.
pub fn documents(range: std::ops::Range<u64>) -> Vec<(String, Value)> {
    let ids = ["plain", "UPPER", "with.dot", "with-dash", "with_line"];
    range
        .map(|n| (format!("{}-{n}", ids[n as usize % ids.len()]), document(n)))
        .collect()
}
