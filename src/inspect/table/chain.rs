//! Rows of several files, one file after the other.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Next;
use crate::inspect::table::TableError;

/// Opens the batches of the file of a number; none when there are no more files.
pub type OpenFile = dyn Fn(usize) -> Option<Result<Arc<dyn Batches>, TableError>> + Send + Sync;

/// Batches of several files, which are opened when it is their turn.
pub struct Chain {
    open: Box<OpenFile>,
    at: Mutex<Place>,
    /// Batches before the end of each file that was gone over.
    ends: Mutex<Vec<u64>>,
    /// The file of which a row was read again last.
    again: Mutex<Option<(usize, Arc<dyn Batches>)>>,
}

#[derive(Clone)]
struct Place {
    file: usize,
    /// Batches of the files before.
    before: u64,
    batches: Option<Arc<dyn Batches>>,
}

impl Chain {
    /// A chain of files that `open` opens by their number.
    pub fn new(open: Box<OpenFile>) -> Self {
        Self {
            open,
            at: Mutex::new(Place {
                file: 0,
                before: 0,
                batches: None,
            }),
            ends: Mutex::default(),
            again: Mutex::default(),
        }
    }

    /// Where the next batch comes from; none at the end.
    fn place(&self) -> Result<Place, TableError> {
        let mut place = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if place.batches.is_none() {
            place.batches = (self.open)(place.file).transpose()?;
        }
        Ok(place.clone())
    }

    fn leave(&self, left: &Place, parts: u64) {
        let mut place = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if place.file == left.file {
            place.file += 1;
            place.before += parts;
            place.batches = None;
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.push(place.before);
        }
    }

    /// The file that a batch was of, and the batches before it.
    fn file_of(&self, number: u64) -> Option<(usize, u64)> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let file = ends.partition_point(|end| *end <= number);
        ends.get(file)?;
        let before = file.checked_sub(1).and_then(|n| ends.get(n));
        Some((file, before.copied().unwrap_or(0)))
    }

    /// A file that was gone over, opened once more.
    fn again(&self, file: usize) -> Result<Option<Arc<dyn Batches>>, TableError> {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        match &*again {
            Some((open, batches)) if *open == file => return Ok(Some(Arc::clone(batches))),
            _ => {}
        }
        let Some(batches) = (self.open)(file).transpose()? else {
            return Ok(None);
        };
        *again = Some((file, Arc::clone(&batches)));
        Ok(Some(batches))
    }
}

impl Batches for Chain {
    fn next(&self, batch: &mut Batch) -> Result<Next, TableError> {
        loop {
            let place = self.place()?;
            let Some(batches) = &place.batches else {
                return Ok(Next::End(place.before));
            };
            match batches.next(batch)? {
                Next::Batch(number) => return Ok(Next::Batch(place.before + number)),
                Next::End(parts) => self.leave(&place, parts),
            }
        }
    }

    fn row(&self, number: u64, place: u32, into: &mut Batch) -> Result<bool, TableError> {
        let Some((file, before)) = self.file_of(number) else {
            return Ok(false);
        };
        match self.again(file)? {
            Some(batches) => batches.row(number - before, place, into),
            None => Ok(false),
        }
    }
}
