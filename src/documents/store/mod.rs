//! [`FastStore`]: a log of documents with an index in memory.
//!
//! - `commit`: puts and deletions, and the one thread that makes those of all threads durable
//! - `checkpoint`: `index.bin` and the side log; `compact`, `copy`: the log without dead lines
//! - `bulk`: many documents at once; `lines`: JSON Lines; `prepare`, `buffers`: the lines of both; `read`: documents by id, and all of them in the order of the log; `check`: validation and statistics

mod buffers;
mod bulk;
mod check;
mod checkpoint;
mod commit;
mod compact;
mod copy;
mod lines;
mod open;
mod prepare;
mod read;
pub(super) mod schemas;
mod state;

pub use check::CollectionStats;
pub use check::ValidationReport;
pub use compact::CompactionReport;
pub use lines::LineRules;
pub use lines::LinesReport;
pub use lines::RefusedLine;
pub use open::OpenMode;
pub use open::StoreOptions;
pub use read::Documents;

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::RwLock;

use crate::documents::Layout;
use crate::documents::disk::lock::WriterLock;
use crate::documents::format::IndexForm;
use crate::documents::store::buffers::Buffers;
use crate::documents::store::schemas::StrictSchema;
use crate::documents::store::state::Committer;
use crate::documents::store::state::State;

/// A collection as a log of documents. Threads share one handle.
///
/// A put is accepted at once and durable after [`FastStore::flush`]. Other processes read the collection
/// while it is written; a second writer waits until this one is dropped.
#[derive(Debug)]
pub struct FastStore {
    layout: Layout,
    /// Number of puts after which a put flushes.
    batch_size: usize,
    form: IndexForm,
    /// Held by a writer until the handle is dropped.
    lock: Option<WriterLock>,
    strict: Option<StrictSchema>,
    state: RwLock<State>,
    committer: Mutex<Committer>,
    /// Told when the committer has finished.
    committed: Condvar,
    buffers: Buffers,
}

impl Drop for FastStore {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // Everything that was reported durable is so already, and the next handle reads the log.
            let _ = self.checkpoint();
        }
    }
}
