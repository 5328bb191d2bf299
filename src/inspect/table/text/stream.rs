//! Sequential reading of rows. One thread at a time reads and splits; all threads process the rows.

use std::sync::Mutex;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Filled;
use crate::inspect::table::GrowingIndex;
use crate::inspect::table::LongRow;
use crate::inspect::table::NextBatch;
use crate::inspect::table::RowSource;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::inspect::table::input::Input;
use crate::inspect::table::row_index::Point;
use crate::inspect::table::text::splitter::RowSpan;
use crate::inspect::table::text::splitter::RowSplitter;
use crate::locks::lock;
use crate::wire::limits::ROW_BYTES_MAX;

/// Least bytes of text in a batch, except the last.
const PART_BYTES: usize = 256 << 10;
/// Bytes per read.
const PIECE_BYTES: usize = 64 << 10;

/// Start of a sequential read.
pub(in crate::inspect::table) struct ReadStart {
    /// Text from the first byte to read.
    pub(in crate::inspect::table) input: Input,
    /// Offset of that byte in the text.
    pub(in crate::inspect::table) at: u64,
    /// Number of the row that starts there.
    pub(in crate::inspect::table) row: u64,
    /// Number of the first row wanted.
    pub(in crate::inspect::table) from: u64,
}

/// Batches of rows split from text in order.
pub(in crate::inspect::table) struct TextBatches {
    shape: Shape,
    state: Mutex<StreamState>,
    /// Collects the offsets of rows.
    index: Option<GrowingIndex>,
    /// Source for reading rows again.
    source: RowSource,
}

struct StreamState {
    input: Input,
    splitter: Box<dyn RowSplitter>,
    /// Offset of the first unread byte.
    at: u64,
    /// Text of an incomplete row, and unscanned text after it.
    carry: Vec<u8>,
    carry_at: u64,
    carry_scanned: usize,
    row: u64,
    from: u64,
    /// Rows found so far.
    found: Vec<RowSpan>,
    batches: u64,
    file_at: u64,
    /// Result that ends the rows, once all earlier ones are handed out.
    end: Option<Result<(), TableError>>,
}

impl TextBatches {
    pub(in crate::inspect::table) fn new(
        shape: Shape,
        splitter: Box<dyn RowSplitter>,
        start: ReadStart,
        index: Option<GrowingIndex>,
        source: RowSource,
    ) -> Self {
        Self {
            shape,
            state: Mutex::new(StreamState {
                file_at: start.input.file_at(),
                input: start.input,
                splitter,
                at: start.at,
                carry: Vec::new(),
                carry_at: start.at,
                carry_scanned: 0,
                row: start.row,
                from: start.from,
                found: Vec::new(),
                batches: 0,
                end: None,
            }),
            index,
            source,
        }
    }

    fn add_point(&self, state: &StreamState) {
        let Some(index) = &self.index else { return };
        if let Some(first) = state.found.first() {
            index.add_point(Point {
                row: state.row,
                at: first.start,
            });
        }
        if matches!(state.end, Some(Ok(()))) {
            index.set_rows(state.row + state.found.len() as u64);
        }
    }
}

impl Batches for TextBatches {
    fn next(&self, batch: &mut Batch) -> Result<NextBatch, TableError> {
        let mut state = lock(&self.state);
        loop {
            if let Some(end) = &mut state.end {
                // Later callers see the end; only the first one gets the error.
                return match std::mem::replace(end, Ok(())) {
                    Ok(()) => Ok(NextBatch::End(state.batches)),
                    Err(error) => Err(error),
                };
            }
            let is_lines = state.splitter.finds_lines();
            let state = &mut *state;
            let at = state.carry_at;
            if is_lines {
                batch.refill_lines(&self.shape, at, |text| {
                    let truncated = state.fill(text);
                    state.take_lines(text, truncated)
                });
            } else {
                batch.refill_spans(&self.shape, at, |text, spans| {
                    let truncated = state.fill(text);
                    self.add_point(state);
                    state.take_rows(at, text, truncated, spans)
                });
            }
            if let (true, Some(found)) = (batch.truncated() > 0, state.found.last()) {
                let source = self.source.clone();
                let row = if is_lines {
                    LongRow::line(source, found.start, Some(found.end))
                } else {
                    LongRow::part(source, found.start, found.end)
                };
                let at = batch.rows_and_blanks().next().map_or(0, |row| row.at);
                batch.set_long(at, row);
            }
            if batch.count() > 0 {
                state.batches += 1;
                return Ok(NextBatch::Batch(state.batches - 1));
            }
        }
    }
}

impl StreamState {
    /// Reads until a part is full and contains rows. Remaining text is carried to the next part.
    /// Returns true if the last row was too long.
    fn fill(&mut self, text: &mut Vec<u8>) -> bool {
        self.found.clear();
        text.clear();
        text.append(&mut self.carry);
        let base = self.carry_at;
        let mut scanned = std::mem::take(&mut self.carry_scanned);
        let done = loop {
            let unseen = text.get(scanned..).unwrap_or_default();
            let at = base + scanned as u64;
            match self.splitter.scan(unseen, at, usize::MAX, &mut self.found) {
                Ok(n) => scanned += n,
                Err(wrong) => break Err(damaged(wrong.at, wrong.what)),
            }
            if self.found.is_empty() {
                match self.splitter.open_from() {
                    Some(open) if self.at - open > ROW_BYTES_MAX as u64 => {
                        return self.cut_short(text, base, open);
                    }
                    // White space alone is not kept.
                    None => return self.drop_scanned(text, scanned),
                    Some(_) => {}
                }
            } else if text.len() >= PART_BYTES {
                break Ok(true);
            }
            match self.read_more(text) {
                Ok(0) => break self.finish().map(|()| false),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        match done {
            Ok(true) => {}
            Ok(false) => self.end = Some(Ok(())),
            Err(error) => self.end = Some(Err(error)),
        }
        let open = self.splitter.open_from().unwrap_or(self.at);
        let keep = usize::try_from(open.saturating_sub(base)).unwrap_or(usize::MAX);
        self.carry
            .extend_from_slice(text.get(keep..).unwrap_or_default());
        self.carry_scanned = self.carry.len();
        self.carry_at = open.max(base);
        false
    }

    /// Drops text that was scanned and contains no row.
    fn drop_scanned(&mut self, text: &mut Vec<u8>, scanned: usize) -> bool {
        debug_assert_eq!(scanned, text.len(), "looked through");
        text.clear();
        self.carry_at = self.at;
        match self.read_more(text) {
            Ok(0) => self.end = Some(self.finish()),
            Ok(_) => std::mem::swap(text, &mut self.carry),
            Err(error) => self.end = Some(Err(error)),
        }
        text.clear();
        false
    }

    fn finish(&mut self) -> Result<(), TableError> {
        let finished = self.splitter.finish(self.at, &mut self.found);
        finished.map_err(|wrong| damaged(wrong.at, wrong.what))
    }

    fn read_more(&mut self, text: &mut Vec<u8>) -> Result<usize, TableError> {
        let before = text.len();
        text.resize(before + PIECE_BYTES, 0);
        let read = self.input.read(text.get_mut(before..).unwrap_or_default());
        let n = *read.as_ref().unwrap_or(&0);
        text.truncate(before + n);
        self.at += n as u64;
        read
    }

    /// Skips to the end of a row that is too long, and keeps its beginning.
    fn cut_short(&mut self, text: &mut Vec<u8>, base: u64, open: u64) -> bool {
        let start = usize::try_from(open - base).unwrap_or(usize::MAX);
        text.truncate(start.saturating_add(ROW_BYTES_MAX));
        let mut piece = Vec::new();
        let ended = loop {
            piece.clear();
            let at = self.at;
            match self.read_more(&mut piece) {
                Ok(0) => break self.finish().map(|()| piece.len()),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
            match self.splitter.scan(&piece, at, 1, &mut self.found) {
                Ok(n) if !self.found.is_empty() => break Ok(n),
                Ok(_) => {}
                Err(wrong) => break Err(damaged(wrong.at, wrong.what)),
            }
        };
        match ended {
            Ok(0) if piece.is_empty() => self.end = Some(Ok(())),
            Ok(n) => self
                .carry
                .extend_from_slice(piece.get(n..).unwrap_or_default()),
            Err(error) => self.end = Some(Err(error)),
        }
        self.carry_at = self.at - self.carry.len() as u64;
        true
    }

    /// Converts the rows found to ranges of the text, without rows before the first one wanted.
    fn take_rows(
        &mut self,
        base: u64,
        text: &[u8],
        truncated: bool,
        spans: &mut Vec<(u32, u32)>,
    ) -> Filled {
        let unwanted = self.from.saturating_sub(self.row);
        let unwanted = usize::try_from(unwanted).unwrap_or(usize::MAX);
        self.row += self.found.len() as u64;
        let length = text.len() as u64;
        let place = |offset: u64| u32::try_from((offset - base).min(length)).unwrap_or(u32::MAX);
        let rows = self.found.iter().skip(unwanted);
        spans.extend(rows.map(|row| (place(row.start), place(row.end))));
        self.filled(truncated, spans.is_empty())
    }

    /// Keeps only the wanted lines in the text.
    fn take_lines(&mut self, text: &mut Vec<u8>, truncated: bool) -> Filled {
        let length: u64 = self.found.iter().map(|f| f.end - f.start).sum();
        text.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        let unwanted = self.from.saturating_sub(self.row);
        if unwanted > 0 {
            let is_open = text.last().is_some_and(|last| *last != b'\n');
            let last = usize::try_from(unwanted - 1).unwrap_or(usize::MAX);
            let mut skipped = 0;
            let mut ends = memchr::memchr_iter(b'\n', text).inspect(|_| skipped += 1);
            let end = ends.nth(last);
            drop(text.drain(..end.map_or(text.len(), |end| end + 1)));
            self.row += skipped + u64::from(end.is_none() && is_open);
        }
        self.filled(truncated, text.is_empty())
    }

    fn filled(&mut self, truncated: bool, is_empty: bool) -> Filled {
        if is_empty {
            return Filled::default();
        }
        let file_at = self.input.file_at();
        let bytes_read = file_at - std::mem::replace(&mut self.file_at, file_at);
        Filled {
            truncated: u64::from(truncated),
            bytes_read,
            ..Filled::default()
        }
    }
}

fn damaged(at: u64, what: &str) -> TableError {
    TableError::Damaged(format!("{what} (byte {at} of the text)"))
}
