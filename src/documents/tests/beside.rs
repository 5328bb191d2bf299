//! Many documents at once, beside other changes of the same documents and beside readers.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use super::*;
use crate::splitmix::drawn;

const DOCUMENTS: u64 = 1500;

fn put_all(store: &FastStore, n: u64) {
    let documents: Vec<(String, String)> = (0..DOCUMENTS)
        .map(|id| (format!("d{id}"), format!("{{\"n\":{n}}}")))
        .collect();
    let pairs = documents.iter().map(|(id, d)| (id.as_str(), d.as_bytes()));
    assert_eq!(store.put_many(pairs).unwrap(), DOCUMENTS);
}

fn blob(n: u64) -> String {
    (0..DOCUMENTS)
        .map(|id| format!("{{\"_id\":\"d{id}\",\"n\":{n}}}\n"))
        .collect()
}

/// Puts and deletes one document after the other.
fn change_some(store: &FastStore, seed: u64) {
    for step in 0..200 {
        let number = drawn(seed << 32 | step);
        let id = format!("d{}", number % DOCUMENTS);
        match number >> 32 & 3 {
            0 => drop(store.delete(&id).unwrap()),
            _ => put(store, &id, seed),
        }
        if step % 50 == 0 {
            store.flush().unwrap();
        }
    }
}

/// Looks at all documents until it is told to stop: none is there twice.
fn scan(store: &FastStore, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let ids = store.doc_ids().unwrap();
        let different: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }
}

#[test]
fn bulk_puts_beside_other_changes_leave_what_the_log_says() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let root = dir.path().join(round.to_string());
        let store = open(&root);
        put_all(&store, 0);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let reader = scope.spawn(|| scan(&store, &is_over));
            let workers = [
                scope.spawn(|| (1..6).for_each(|n| put_all(&store, n))),
                scope.spawn(|| {
                    for n in 6..9 {
                        let stored = store.write_jsonl_blob(blob(n).as_bytes());
                        assert_eq!(stored.unwrap(), DOCUMENTS);
                    }
                }),
                scope.spawn(|| (9..13).for_each(|n| change_some(&store, round << 8 | n))),
                scope.spawn(|| {
                    for _ in 0..3 {
                        store.compact().unwrap();
                        // The hashes of ids have another key from now on.
                        store.reindex().unwrap();
                    }
                }),
            ];
            for worker in workers {
                worker.join().unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
        store.flush().unwrap();
        let here: Vec<Option<u64>> = (0..DOCUMENTS)
            .map(|id| n_of(&store, &format!("d{id}")))
            .collect();
        // A kill would leave these files, and they are read by the log alone.
        let copy = dir.path().join("copy");
        crash(&root, &copy);
        let _ = std::fs::remove_file(layout(&copy).table_file());
        let read = reader(&copy);
        for (id, n) in here.iter().enumerate() {
            assert_eq!(n_of(&read, &format!("d{id}")), *n, "d{id}");
        }
        assert_eq!(read.len(), here.iter().flatten().count());
    }
}
