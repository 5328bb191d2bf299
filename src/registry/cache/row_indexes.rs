//! Cached row indexes. A file whose rows are found only by reading it from the front is read as a
//! whole once at most.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::inspect::line_index::FileStamp;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::GrowingIndex;
use crate::inspect::table::NextBatch;
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

/// Cache entry for the rows of one file.
#[derive(Clone, Debug)]
pub(crate) struct RowIndexEntry {
    cache: CacheFiles,
    of: RowCacheSource,
    what: RowCacheKind,
}

/// Kind of cached data.
#[derive(Clone, Copy, Debug)]
enum RowCacheKind {
    /// Offsets of some rows.
    Places = 0,
    /// Number of lines that are not blank.
    Count = 1,
}

/// File that the index belongs to.
#[derive(Clone, Debug)]
enum RowCacheSource {
    /// A file on disk: its metadata before it was read, and a flag that it had settled.
    Disk(Arc<File>, FileStamp, bool),
    Store(StoredText),
}

impl RowIndexEntry {
    /// Creates the entry of a file on disk that has not been read yet. Returns `None` if the file
    /// cannot be identified.
    pub(crate) fn on_disk(file: &Arc<File>, home: &Path) -> Option<Self> {
        let (stamp, is_settled) = stamp_of(file).ok()?;
        Some(Self {
            cache: CacheFiles::new(home, CACHE),
            of: RowCacheSource::Disk(Arc::clone(file), stamp, is_settled),
            what: RowCacheKind::Places,
        })
    }

    /// Creates the entry of a file in the store.
    pub(crate) fn in_store(text: StoredText, home: &Path) -> Self {
        Self {
            cache: CacheFiles::new(home, CACHE),
            of: RowCacheSource::Store(text),
            what: RowCacheKind::Places,
        }
    }

    /// Selects the entry for the number of lines that are not blank.
    pub(crate) fn of_count(self) -> Self {
        Self {
            what: RowCacheKind::Count,
            ..self
        }
    }

    /// Returns the cached number of lines that are not blank, if the file is unchanged.
    pub(crate) fn count(&self) -> Option<u64> {
        self.find(RowKind::Values)?.rows()
    }

    /// Stores that number.
    pub(crate) fn keep_count(&self, rows: u64) {
        self.write(RowKind::Values, RowIndex::of_count(rows));
    }

    /// Loads the cached offsets into the index. Missing, damaged or outdated entries load nothing.
    pub(crate) fn load(&self, index: &GrowingIndex) {
        if let Some(found) = self.find(index.kind()) {
            index.put(found);
        }
    }

    /// Wraps the rows of the file. Its index is stored after they are read to the end or dropped.
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
            RowCacheSource::Disk(file, stamp, _) => stored.for_disk(kind, stamp, &**file).ok()?,
            RowCacheSource::Store(text) => stored.for_store(kind, text),
        }
    }

    /// Stores the index if it has more than opening the file finds.
    fn keep(&self, index: &GrowingIndex) {
        let news = index.take_if_changed();
        let Some(news) = news.filter(|index| index.last().at >= WORTH_BYTES) else {
            return;
        };
        self.write(index.kind(), news);
    }

    fn write(&self, kind: RowKind, news: RowIndex) {
        let stored = match &self.of {
            RowCacheSource::Disk(file, stamp, is_settled) => {
                // An index of a file that changed during the read may mix both states.
                let is_same = stamp_of(file).is_ok_and(|(now, _)| now == *stamp);
                let seen = (*stamp, *is_settled);
                match is_same.then(|| StoredRowIndex::on_disk(news, kind, seen, &**file)) {
                    Some(Ok(stored)) => stored,
                    _ => return,
                }
            }
            RowCacheSource::Store(text) => StoredRowIndex::in_store(news, kind, *text),
        };
        self.cache.write(&self.id(kind), &stored.encode());
    }

    /// Returns the cache key of the index.
    fn id(&self, kind: RowKind) -> Vec<u8> {
        let mut id = vec![kind.number(), RULES, self.what as u8];
        match &self.of {
            RowCacheSource::Disk(_, stamp, _) => {
                id.extend(
                    [stamp.device, stamp.inode]
                        .map(u64::to_le_bytes)
                        .as_flattened(),
                );
            }
            RowCacheSource::Store(text) => {
                id.extend(text.tree.as_bytes());
                id.extend(text.start.to_le_bytes());
            }
        }
        id
    }
}

/// Rows whose index is stored.
struct IndexRecorder {
    inner: Arc<dyn Batches>,
    index: GrowingIndex,
    kept: RowIndexEntry,
}

impl Batches for IndexRecorder {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let next = self.inner.next(batch);
        if matches!(next, Ok(NextBatch::End(_))) {
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

/// Version of the rules for finding rows. Indexes of other versions are ignored.
const RULES: u8 = 2;
/// Row indexes in a home.
const CACHE: CacheKind = CacheKind {
    name: "rows",
    files_max: ROW_INDEX_FILES_MAX,
    bytes_max: ROW_INDEXES_BYTES_MAX as u64,
    file_bytes_max: ROW_INDEX_BYTES_MAX,
};
/// Minimum number of indexed bytes for an entry. Opening a file reads that many anyway.
const WORTH_BYTES: u64 = 1 << 20;
