//! Snapshots of a collection as JSON Lines.

use std::io::Write;

use crate::documents::DocumentError;
use crate::documents::Engine;
use crate::documents::FastStore;
use crate::documents::Layout;
use crate::documents::Scan;
use crate::documents::StoreOptions;

/// Writes the documents of a collection as lines, in the order of the log without its dead lines: a
/// compaction changes nothing in it, and documents that are added later come behind.
///
/// Takes no lock. Returns the number of documents.
///
/// # Errors
/// As [`FastStore::open_with`] for a reader; [`DocumentError::File`] of `to`.
pub fn snapshot_into(layout: &Layout, to: &mut dyn Write) -> Result<u64, DocumentError> {
    let all = Scan::all();
    let mut count = 0;
    let mut write = |document: crate::documents::Document| {
        count += 1;
        let written = to.write_all(document.as_bytes());
        let written = written.and_then(|()| to.write_all(b"\n"));
        written.map_err(|e| DocumentError::file("write", layout.root(), e))
    };
    if layout.has_files_only() {
        let engine = Engine::of_layout(layout.clone())?;
        for document in engine.scan(&all) {
            write(document?)?;
        }
    } else {
        let store = FastStore::open_with(layout.clone(), &StoreOptions::read())?;
        for document in store.iter()? {
            write(document?)?;
        }
    }
    Ok(count)
}
