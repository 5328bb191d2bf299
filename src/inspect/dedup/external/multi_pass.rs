//! Passes over rows whose number per batch is known. Each thread can number its rows itself, so no
//! thread waits for another.

use std::sync::Arc;

use crate::inspect::dedup::OpenRows;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Cell;
use crate::inspect::table::LongRow;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Row;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::progress::Progress;

/// A table that is read several times.
pub(in crate::inspect::dedup) struct Passes<'a> {
    pub(in crate::inspect::dedup) open: &'a OpenRows<'a>,
    pub(in crate::inspect::dedup) selection: Selection,
    pub(in crate::inspect::dedup) threads: usize,
    /// Total bytes of one pass, if known.
    pub(in crate::inspect::dedup) size_bytes: Option<u64>,
    pub(in crate::inspect::dedup) progress: &'a dyn Progress,
    /// Number of the first row of each batch, and the total at the end.
    pub(in crate::inspect::dedup) firsts: Vec<u64>,
    /// Batches of the first pass, for reads of single rows.
    pub(in crate::inspect::dedup) surveyed: Option<Arc<dyn Batches>>,
}

impl Passes<'_> {
    pub(in crate::inspect::dedup) fn batches(&self) -> Result<Arc<dyn Batches>, TableError> {
        (self.open)(&self.selection)
    }

    /// Passes every batch, with the number of its first row, to one of the threads. Returns the
    /// final value of each thread.
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
                let NextBatch::Batch(number) = batches.next(&mut batch)? else {
                    return Ok(made);
                };
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let ends = (self.firsts.get(number), self.firsts.get(number + 1));
                let (Some(first), Some(_)) = ends else {
                    return Err(changed_error());
                };
                see(&mut made, *first, &batch)?;
                self.progress.advance(batch.bytes_read());
            }
        };
        in_threads(self.threads, &work)
    }

    /// Reads one row alone into `into`; `false` if the batches do not support it.
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

/// Runs the same work on several threads, and returns all results.
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

/// Error for rows that differ from those of the pass before.
pub(in crate::inspect::dedup) fn changed_error() -> TableError {
    TableError::Damaged("its rows changed while they were compared".to_owned())
}

/// Text by which rows are compared: all strings of a row, or the values of some columns.
#[derive(Default)]
pub(in crate::inspect::dedup) struct RowText {
    scratch: Scratch,
    text: Vec<u8>,
    /// Buffer for a row of which the batch holds only the beginning.
    long: Vec<u8>,
}

impl RowText {
    /// Returns the text that near-duplicate search compares.
    pub(in crate::inspect::dedup) fn strings<'a>(
        &'a mut self,
        batch: &Batch,
        row: &Row<'_>,
        columns: &[String],
    ) -> &'a [u8] {
        self.text.clear();
        let row = whole_row(batch, row, &mut self.long);
        // The part before a syntax error is compared too.
        let _ = batch
            .shape()
            .text_into(row, columns, &mut self.scratch, &mut self.text);
        &self.text
    }

    /// Returns the bytes that exact search compares: the whole row, or the values of some columns.
    /// Missing values, nulls and values of different types differ. Returns `None` if the row has a
    /// value in none of the columns; such a row equals no other.
    pub(in crate::inspect::dedup) fn bytes<'a>(
        &'a mut self,
        batch: &Batch,
        row: &Row<'a>,
        columns: &[String],
    ) -> Option<&'a [u8]> {
        if columns.is_empty() {
            return Some(whole_row(batch, row, &mut self.long));
        }
        self.text.clear();
        let row = whole_row(batch, row, &mut self.long);
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

/// Returns the text of a row; for a long row the whole of it, if it can be read and fits in memory.
fn whole_row<'a>(batch: &Batch, row: &Row<'a>, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    match batch.long(row).map(LongRow::read_all) {
        Some(Ok(text)) => {
            *buffer = text;
            buffer
        }
        // The first pass stopped at the error there.
        Some(Err(_)) | None => row.text,
    }
}
