//! Splitters: find row boundaries in text that arrives in pieces. Positions are offsets in the
//! whole text.

mod delimited;
mod json;
mod lines;

pub(in crate::inspect) use delimited::DelimitedSplitter;
pub(in crate::inspect) use delimited::RecordSpans;
pub(in crate::inspect) use delimited::records_of;
pub(in crate::inspect) use json::JsonSplitter;
pub(in crate::inspect::table) use lines::LineSplitter;

/// Splitter of text into rows, piece by piece.
pub(in crate::inspect) trait RowSplitter: Send {
    /// Scans the next piece, which starts at `at`, for up to `most` rows. Returns the number of
    /// bytes scanned. Rows before an error count.
    fn scan(
        &mut self,
        piece: &[u8],
        at: u64,
        most: usize,
        rows: &mut Vec<RowSpan>,
    ) -> Result<usize, MalformedText>;

    /// Ends the text at `at`.
    fn finish(&mut self, at: u64, rows: &mut Vec<RowSpan>) -> Result<(), MalformedText>;

    /// Offset of the row whose end is still missing.
    fn open_from(&self) -> Option<u64>;

    /// Returns true if results are blocks of lines instead of single rows.
    fn finds_lines(&self) -> bool {
        false
    }
}

/// A row, or a block of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) struct RowSpan {
    pub(in crate::inspect) start: u64,
    pub(in crate::inspect) end: u64,
}

/// Error: the text violates the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) struct MalformedText {
    pub(in crate::inspect) at: u64,
    pub(in crate::inspect) what: &'static str,
}
