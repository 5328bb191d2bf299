//! Random operations against a map.

use std::collections::BTreeMap;

use super::*;
use crate::splitmix::drawn;

fn check(store: &FastStore, model: &BTreeMap<String, u64>) {
    assert_eq!(store.len(), model.len());
    for (id, n) in model {
        assert_eq!(n_of(store, id), Some(*n), "{id}");
    }
    let mut ids = store.doc_ids().unwrap();
    let scanned: Vec<String> = store
        .iter()
        .unwrap()
        .map(|d| {
            d.unwrap().json().unwrap()["_id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(scanned, ids);
    ids.sort_unstable();
    assert!(ids.iter().eq(model.keys()));
}

#[test]
fn random_operations_agree_with_a_map() {
    for seed in 0..12_u64 {
        let dir = tempfile::tempdir().unwrap();
        let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
        let mut drawn_so_far = seed << 32;
        let mut next = || {
            drawn_so_far += 1;
            drawn(drawn_so_far)
        };
        let mut model = BTreeMap::new();
        let mut store = open(&root);
        for step in 0..300_u64 {
            let id = format!("d{}", next() % 40);
            match next() % 20 {
                0..10 => {
                    put(&store, &id, step);
                    model.insert(id, step);
                }
                10..14 => assert_eq!(store.delete(&id).unwrap(), model.remove(&id).is_some()),
                14 => store.flush().unwrap(),
                15 => {
                    store.compact().unwrap();
                }
                16 => {
                    store.checkpoint().unwrap();
                    let report = FastStore::validate(&layout(&root)).unwrap();
                    assert_eq!((report.index_fault, report.torn_bytes), (None, 0));
                }
                17 => {
                    drop(store);
                    store = open(&root);
                }
                18 => {
                    // A kill after a flush.
                    store.flush().unwrap();
                    crash(&root, &copy);
                    check(&reader(&copy), &model);
                    check(&open(&copy), &model);
                }
                _ => {
                    store.flush().unwrap();
                    check(&reader(&root), &model);
                }
            }
        }
        check(&store, &model);
    }
}
