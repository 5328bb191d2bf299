//! Going over the rows again when it is known how many are in each batch: every thread knows the
//! numbers of the rows that it has, so nobody waits for another.

use std::sync::Arc;

use crate::inspect::dedup::OpenRows;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Cell;
use crate::inspect::table::LongRow;
use crate::inspect::table::Next;
use crate::inspect::table::Row;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// Rows that are gone over several times.
pub(in crate::inspect::dedup) struct Passes<'a> {
    pub(in crate::inspect::dedup) open: &'a OpenRows<'a>,
    pub(in crate::inspect::dedup) selection: Selection,
    pub(in crate::inspect::dedup) threads: usize,
    /// How far a pass goes, where it is known.
    pub(in crate::inspect::dedup) size_bytes: Option<u64>,
    pub(in crate::inspect::dedup) progress: &'a dyn Progress,
    /// Number of the first row of each batch, and behind the last.
    pub(in crate::inspect::dedup) firsts: Vec<u64>,
    /// The batches that were gone over first, for rows that are read alone.
    pub(in crate::inspect::dedup) surveyed: Option<Arc<dyn Batches>>,
}

impl Passes<'_> {
    pub(in crate::inspect::dedup) fn batches(&self) -> Result<Arc<dyn Batches>, TableError> {
        (self.open)(&self.selection)
    }

    /// Shows every batch, with the number of its first row, to one of the threads; what each of
    /// them made in the end.
    pub(in crate::inspect::dedup) fn each<W: Send>(
        &self,
        phase: &str,
        make: impl Fn() -> W + Sync,
        see: impl Fn(&mut W, u64, &Batch) -> Result<(), TableError> + Sync,
    ) -> Result<Vec<W>, TableError> {
        self.progress.phase(phase, self.size_bytes);
        let batches = self.batches()?;
        let work = || -> Result<W, TableError> {
            let (mut made, mut batch) = (make(), Batch::default());
            loop {
                if self.progress.cancelled() {
                    return Err(TableError::Interrupted);
                }
                let Next::Batch(number) = batches.next(&mut batch)? else {
                    return Ok(made);
                };
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let ends = (self.firsts.get(number), self.firsts.get(number + 1));
                let (Some(first), Some(_)) = ends else {
                    return Err(changed());
                };
                see(&mut made, *first, &batch)?;
                self.progress.advance(batch.bytes_read());
            }
        };
        in_threads(self.threads, &work)
    }

    /// Reads one row again, alone, into `into`; `false` where that cannot be done.
    pub(in crate::inspect::dedup) fn row(
        &self,
        row: u32,
        place: u32,
        into: &mut Batch,
    ) -> Result<bool, TableError> {
        let batch = self.firsts.partition_point(|first| *first <= row.into());
        match (&self.surveyed, batch.checked_sub(1)) {
            (Some(batches), Some(batch)) => batches.row(batch as u64, place, into),
            _ => Ok(false),
        }
    }
}

/// Does the same on several threads; all that they made.
pub(in crate::inspect::dedup) fn in_threads<T: Send>(
    threads: usize,
    work: &(dyn Fn() -> Result<T, TableError> + Sync),
) -> Result<Vec<T>, TableError> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|t| match t.join() {
            Ok(made) => made,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}

/// Says that the rows are not those of the pass before.
pub(in crate::inspect::dedup) fn changed() -> TableError {
    TableError::Damaged("its rows changed while they were compared".to_owned())
}

/// What a row is compared by: the text of its strings, or of some columns.
#[derive(Default)]
pub(in crate::inspect::dedup) struct TextOf {
    scratch: Scratch,
    text: Vec<u8>,
    /// The whole of a row that its batch has only the beginning of.
    long: Vec<u8>,
}

impl TextOf {
    /// The text that near duplicates are alike in.
    pub(in crate::inspect::dedup) fn strings<'a>(
        &'a mut self,
        batch: &Batch,
        row: &Row<'_>,
        columns: &[String],
    ) -> &'a [u8] {
        self.text.clear();
        let row = whole(batch, row, &mut self.long);
        // What stands before a mistake is compared too.
        let _ = batch
            .shape()
            .text_into(row, columns, &mut self.scratch, &mut self.text);
        &self.text
    }

    /// The bytes that equal rows are equal in: all of the row, or the values of some columns, of
    /// which missing, null and each type of value are different things. None for a row that has a
    /// value in none of them, which is like no other.
    pub(in crate::inspect::dedup) fn bytes<'a>(
        &'a mut self,
        batch: &Batch,
        row: &Row<'a>,
        columns: &[String],
    ) -> Option<&'a [u8]> {
        if columns.is_empty() {
            return Some(whole(batch, row, &mut self.long));
        }
        self.text.clear();
        let row = whole(batch, row, &mut self.long);
        let mut has_value = false;
        for column in columns {
            let cell = batch.shape().cell(row, column, &mut self.scratch);
            let (tag, bytes) = match &cell {
                None => (0, &b""[..]),
                Some(Cell::Null) => (1, &b""[..]),
                Some(cell @ Cell::Bool(_)) => (2, cell.bytes()),
                Some(Cell::Number(raw)) => (3, *raw),
                Some(Cell::Text(text)) => (4, *text),
                Some(Cell::Nested(raw)) => (5, *raw),
            };
            has_value |= tag > 1;
            self.text.push(tag);
            self.text.extend((bytes.len() as u64).to_le_bytes());
            self.text.extend_from_slice(bytes);
        }
        has_value.then_some(&self.text)
    }
}

/// The text of a row; of a long one, all of it where it can be read and held.
fn whole<'a>(batch: &Batch, row: &Row<'a>, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    match batch.long(row).map(LongRow::whole) {
        Some(Ok(text)) => {
            *buffer = text;
            buffer
        }
        // The first pass ended with an error there.
        Some(Err(_)) | None => row.text,
    }
}
