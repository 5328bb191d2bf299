//! Indexes of rows that are kept in the home, so that a file whose rows are found only by reading
//! from its front is read whole once at most.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::inspect::line_index::FileStamp;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::GrowingIndex;
use crate::inspect::table::Next;
use crate::inspect::table::RowIndex;
use crate::inspect::table::RowKind;
use crate::inspect::table::StoredRowIndex;
use crate::inspect::table::StoredText;
use crate::inspect::table::TableError;
use crate::registry::cache::files::CacheFiles;
use crate::registry::cache::files::CacheKind;
use crate::registry::cache::files::stamp_of;
use crate::wire::limits::ROW_INDEX_BYTES_MAX;
use crate::wire::limits::ROW_INDEX_FILES_MAX;
use crate::wire::limits::ROW_INDEXES_BYTES_MAX;

/// The place in a home for the index of one file's rows.
#[derive(Clone, Debug)]
pub(crate) struct KeptRows {
    cache: CacheFiles,
    of: Of,
    what: What,
}

/// What is kept of a file.
#[derive(Clone, Copy, Debug)]
enum What {
    /// Where some rows are.
    Places = 0,
    /// How many lines are not blank.
    Count = 1,
}

/// Whose index it is.
#[derive(Clone, Debug)]
enum Of {
    /// A file that looked so before it was read, and whether it was settled.
    Disk(Arc<File>, FileStamp, bool),
    Store(StoredText),
}

impl KeptRows {
    /// For a file on disk, of which nothing was read yet; none where it cannot be told which it is.
    pub(crate) fn on_disk(file: &Arc<File>, home: &Path) -> Option<Self> {
        let (stamp, is_settled) = stamp_of(file).ok()?;
        Some(Self {
            cache: CacheFiles::new(home, CACHE),
            of: Of::Disk(Arc::clone(file), stamp, is_settled),
            what: What::Places,
        })
    }

    /// For a file in the store.
    pub(crate) fn in_store(text: StoredText, home: &Path) -> Self {
        Self {
            cache: CacheFiles::new(home, CACHE),
            of: Of::Store(text),
            what: What::Places,
        }
    }

    /// The place for the number of its lines that are not blank.
    pub(crate) fn of_count(self) -> Self {
        Self {
            what: What::Count,
            ..self
        }
    }

    /// How many lines are not blank, where that was kept and the file is still the same.
    pub(crate) fn count(&self) -> Option<u64> {
        self.find(RowKind::Values)?.rows()
    }

    /// Keeps that number.
    pub(crate) fn keep_count(&self, rows: u64) {
        self.write(RowKind::Values, RowIndex::of_count(rows));
    }

    /// Puts what was kept of the file into its index, as far as it still counts. What is missing,
    /// damaged or another file's is none.
    pub(crate) fn load(&self, index: &GrowingIndex) {
        if let Some(found) = self.find(index.kind()) {
            index.put(found);
        }
    }

    /// Rows of the file, whose index is kept once they were read to their end or nobody reads on.
    pub(crate) fn keep_after(
        self,
        index: GrowingIndex,
        inner: Arc<dyn Batches>,
    ) -> Arc<dyn Batches> {
        let kept = self;
        Arc::new(IndexRecorder { inner, index, kept })
    }

    fn find(&self, kind: RowKind) -> Option<RowIndex> {
        let stored = StoredRowIndex::decode(&self.cache.read(&self.id(kind))?).ok()?;
        match &self.of {
            Of::Disk(file, stamp, _) => stored.for_disk(kind, stamp, &**file).ok()?,
            Of::Store(text) => stored.for_store(kind, text),
        }
    }

    /// Keeps what was learnt, where that is more than opening the file tells.
    fn keep(&self, index: &GrowingIndex) {
        let news = index.take_news();
        let Some(news) = news.filter(|index| index.last().at >= WORTH_BYTES) else {
            return;
        };
        self.write(index.kind(), news);
    }

    fn write(&self, kind: RowKind, news: RowIndex) {
        let stored = match &self.of {
            Of::Disk(file, stamp, is_settled) => {
                // What was read of a file while somebody wrote it may be of both.
                let is_same = stamp_of(file).is_ok_and(|(now, _)| now == *stamp);
                let seen = (*stamp, *is_settled);
                match is_same.then(|| StoredRowIndex::on_disk(news, kind, seen, &**file)) {
                    Some(Ok(stored)) => stored,
                    _ => return,
                }
            }
            Of::Store(text) => StoredRowIndex::in_store(news, kind, *text),
        };
        self.cache.write(&self.id(kind), &stored.encode());
    }

    /// What the index is kept under.
    fn id(&self, kind: RowKind) -> Vec<u8> {
        let mut id = vec![kind.number(), RULES, self.what as u8];
        match &self.of {
            Of::Disk(_, stamp, _) => {
                id.extend(
                    [stamp.device, stamp.inode]
                        .map(u64::to_le_bytes)
                        .as_flattened(),
                );
            }
            Of::Store(text) => {
                id.extend(text.tree.as_bytes());
                id.extend(text.start.to_le_bytes());
            }
        }
        id
    }
}

/// Rows whose index is kept.
struct IndexRecorder {
    inner: Arc<dyn Batches>,
    index: GrowingIndex,
    kept: KeptRows,
}

impl Batches for IndexRecorder {
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
        let next = self.inner.next(batch);
        if matches!(next, Ok(Next::End(_))) {
            self.kept.keep(&self.index);
        }
        next
    }
}

impl Drop for IndexRecorder {
    fn drop(&mut self) {
        self.kept.keep(&self.index);
    }
}

/// How rows are found. Indexes that were made by other rules are not found.
const RULES: u8 = 2;
/// Indexes of rows in a home.
const CACHE: CacheKind = CacheKind {
    name: "rows",
    files_max: ROW_INDEX_FILES_MAX,
    bytes_max: ROW_INDEXES_BYTES_MAX as u64,
    file_bytes_max: ROW_INDEX_BYTES_MAX,
};
/// Bytes that an index tells of at least to be kept: as many are read whenever a file is opened.
const WORTH_BYTES: u64 = 1 << 20;
