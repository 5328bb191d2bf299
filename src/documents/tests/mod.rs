//! Tests of collections on real files.

mod beside;
mod durability;
mod faults;
mod lines;
mod model;
mod table;

use std::path::Path;

use super::*;

pub(super) fn open(root: &Path) -> FastStore {
    FastStore::open(root, "c", 100).unwrap()
}

pub(super) fn reader(root: &Path) -> FastStore {
    let layout = Layout::new(root, "c").unwrap();
    FastStore::open_with(layout, &StoreOptions::read()).unwrap()
}

pub(super) fn layout(root: &Path) -> Layout {
    Layout::new(root, "c").unwrap()
}

/// Stores a document and makes it durable, and leaves without a checkpoint, as a killed process does.
pub(super) fn put(store: &FastStore, id: &str, n: u64) {
    store
        .put_raw(id, format!("{{\"n\":{n}}}").as_bytes())
        .unwrap();
}

pub(super) fn n_of(store: &FastStore, id: &str) -> Option<u64> {
    match store.get(id) {
        Ok(document) => document.json().unwrap()["n"].as_u64(),
        Err(DocumentError::NoDocument(_)) => None,
        Err(e) => panic!("{id}: {e}"),
    }
}

/// Copies what a crash at this instant would leave: the files as they are.
pub(super) fn crash(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let (from, to) = (layout(from), layout(to));
    to.init_collection().unwrap();
    for entry in std::fs::read_dir(from.meta_dir()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.meta_dir().join(entry.file_name())).unwrap();
    }
}
