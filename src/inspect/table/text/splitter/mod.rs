//! Where rows end in text that comes in pieces. Places are offsets in the text as a whole.

mod delimited;
mod json;
mod lines;

pub(in crate::inspect) use delimited::DelimitedCutter;
pub(in crate::inspect) use delimited::RecordSpans;
pub(in crate::inspect) use delimited::records_of;
pub(in crate::inspect) use json::JsonCutter;
pub(in crate::inspect::table) use lines::LineCutter;

/// Finds rows in text that is shown to it piece by piece.
pub(in crate::inspect) trait Cutter: Send {
    /// Looks through the next piece, which begins at `at`, until that many rows were found; how
    /// many of its bytes were looked at. Rows found before something wrong count.
    fn scan(
        &mut self,
        piece: &[u8],
        at: u64,
        most: usize,
        rows: &mut Vec<Found>,
    ) -> Result<usize, Wrong>;

    /// There is no more text than to `at`.
    fn finish(&mut self, at: u64, rows: &mut Vec<Found>) -> Result<(), Wrong>;

    /// Where the row begins whose end was not seen yet.
    fn open_from(&self) -> Option<u64>;

    /// Whether what is found are blocks of whole lines instead of single rows.
    fn finds_lines(&self) -> bool {
        false
    }
}

/// A row, or a block of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) struct Found {
    pub(in crate::inspect) start: u64,
    pub(in crate::inspect) end: u64,
}

/// Text that is not what the format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) struct Wrong {
    pub(in crate::inspect) at: u64,
    pub(in crate::inspect) what: &'static str,
}
