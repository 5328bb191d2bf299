//! Rows of several files, one file after the other.

use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::NextBatch;
use crate::inspect::table::TableError;
use crate::locks::lock;

/// Opens the batches of the file with an index; `None` after the last file.
pub type OpenFile = dyn Fn(usize) -> Option<Result<Arc<dyn Batches>, TableError>> + Send + Sync;

/// Batches of several files; each file is opened when its turn comes.
pub struct Chain {
    open: Box<OpenFile>,
    at: Mutex<ChainState>,
    /// Signals that a thread has left the current file.
    left: Condvar,
    /// Number of batches up to the end of each finished file.
    ends: Mutex<Vec<u64>>,
    /// The file reopened last for reads of single rows.
    reopened: Mutex<Option<(usize, Arc<dyn Batches>)>>,
}

struct ChainState {
    place: BatchSource,
    /// Number of threads in the current file.
    inside: usize,
    /// Index of the file that failed. No later file is opened.
    failed: Option<usize>,
}

#[derive(Clone)]
struct BatchSource {
    file: usize,
    /// Number of batches in the earlier files.
    before: u64,
    batches: Option<Arc<dyn Batches>>,
}

impl Chain {
    /// Creates a chain; `open` opens files by their index.
    pub fn new(open: Box<OpenFile>) -> Self {
        Self {
            open,
            at: Mutex::new(ChainState {
                place: BatchSource {
                    file: 0,
                    before: 0,
                    batches: None,
                },
                inside: 0,
                failed: None,
            }),
            left: Condvar::new(),
            ends: Mutex::default(),
            reopened: Mutex::default(),
        }
    }

    /// Index of the file that could not be opened or read to its end. Batches delivered so far are
    /// from files up to it.
    pub fn failed(&self) -> Option<usize> {
        self.at().failed
    }

    fn at(&self) -> MutexGuard<'_, ChainState> {
        lock(&self.at)
    }

    /// Returns the source of the next batch; none at the end, and after a failed file.
    fn next_source(&self) -> Result<BatchSource, TableError> {
        let mut at = self.at();
        at.inside += 1;
        if at.failed.is_some() {
            return Ok(BatchSource {
                batches: None,
                ..at.place.clone()
            });
        }
        if at.place.batches.is_none() {
            match (self.open)(at.place.file).transpose() {
                Ok(batches) => at.place.batches = batches,
                Err(error) => {
                    at.failed = Some(at.place.file);
                    at.inside -= 1;
                    self.left.notify_all();
                    return Err(error);
                }
            }
        }
        Ok(at.place.clone())
    }

    /// Moves to the next file, once no thread is left that could still find damage in the current
    /// one.
    fn finish_file(&self, left: &BatchSource, parts: u64) {
        let mut at = self.at();
        while at.place.file == left.file && at.inside > 0 && at.failed.is_none() {
            let waited = self.left.wait(at);
            at = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if at.place.file == left.file && at.failed.is_none() {
            at.place.file += 1;
            at.place.before += parts;
            at.place.batches = None;
            let mut ends = lock(&self.ends);
            ends.push(at.place.before);
        }
    }

    /// Returns the file of a batch, and the number of batches before that file.
    fn file_of(&self, number: u64) -> Option<(usize, u64)> {
        let ends = lock(&self.ends);
        let file = ends.partition_point(|end| *end <= number);
        ends.get(file)?;
        let before = file.checked_sub(1).and_then(|n| ends.get(n));
        Some((file, before.copied().unwrap_or(0)))
    }

    /// Reopens a finished file.
    fn reopen(&self, file: usize) -> Result<Option<Arc<dyn Batches>>, TableError> {
        let mut reopened = lock(&self.reopened);
        match &*reopened {
            Some((open, batches)) if *open == file => return Ok(Some(Arc::clone(batches))),
            _ => {}
        }
        let Some(batches) = (self.open)(file).transpose()? else {
            return Ok(None);
        };
        *reopened = Some((file, Arc::clone(&batches)));
        Ok(Some(batches))
    }
}

/// Guard of a thread that reads the current file.
struct FileGuard<'a>(&'a Chain);

impl Drop for FileGuard<'_> {
    fn drop(&mut self) {
        let mut at = self.0.at();
        at.inside = at.inside.saturating_sub(1);
        drop(at);
        self.0.left.notify_all();
    }
}

impl Batches for Chain {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        loop {
            let place = self.next_source()?;
            let inside = FileGuard(self);
            let Some(batches) = &place.batches else {
                return Ok(NextBatch::End(place.before));
            };
            match batches.next(batch) {
                Ok(NextBatch::Batch(number)) => return Ok(NextBatch::Batch(place.before + number)),
                Ok(NextBatch::End(parts)) => {
                    drop(inside);
                    self.finish_file(&place, parts);
                }
                Err(error) => {
                    self.at().failed = Some(place.file);
                    return Err(error);
                }
            }
        }
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let Some((file, before)) = self.file_of(number) else {
            return Ok(false);
        };
        match self.reopen(file)? {
            Some(batches) => batches.row(number - before, place, into),
            None => Ok(false),
        }
    }
}
