//! Row counts while the bytes of a file stream by: lines that are not blank, or delimited records.

use crate::inspect::table::DelimitedSplitter;
use crate::inspect::table::RowSpan;
use crate::inspect::table::RowSplitter;

/// Streaming counter of lines that are not blank.
#[derive(Debug, Default)]
pub(crate) struct RowCounter {
    rows: u64,
    line_has_text: bool,
}

impl RowCounter {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', piece) {
            let line = piece.get(start..end).unwrap_or_default();
            self.rows += u64::from(self.line_has_text || has_text(line));
            self.line_has_text = false;
            start = end + 1;
        }
        self.line_has_text |= has_text(piece.get(start..).unwrap_or_default());
    }

    pub(crate) fn finish(self) -> u64 {
        self.rows + u64::from(self.line_has_text)
    }
}

/// Streaming counter of delimited records.
#[derive(Debug)]
pub(crate) struct RecordCounter {
    splitter: DelimitedSplitter,
    at: u64,
    count: u64,
    found: Vec<RowSpan>,
}

impl RecordCounter {
    pub(crate) fn new((separator, quote): (u8, Option<u8>)) -> Self {
        Self {
            splitter: DelimitedSplitter::new(separator, quote),
            at: 0,
            count: 0,
            found: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) {
        for part in piece.chunks(RECORDS_BYTES) {
            // Any bytes form records, so this cannot fail.
            let _ = self
                .splitter
                .scan(part, self.at, usize::MAX, &mut self.found);
            self.at += part.len() as u64;
            self.count += self.found.drain(..).len() as u64;
        }
    }

    pub(crate) fn finish(self) -> u64 {
        self.count + u64::from(self.splitter.open_from().is_some())
    }
}

/// Bytes split into records at a time.
const RECORDS_BYTES: usize = 64 << 10;

fn has_text(line: &[u8]) -> bool {
    line.iter().any(|b| !matches!(b, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::RowCounter;

    #[test]
    fn row_count_is_independent_of_piece_size() {
        for (text, rows) in [
            ("", 0),
            ("a", 1),
            ("a\n", 1),
            ("a\n\n \r\nb", 2),
            ("\n\n", 0),
            ("a\nb\nc\n", 3),
        ] {
            for size in 1..=text.len().max(1) {
                let mut counter = RowCounter::default();
                text.as_bytes()
                    .chunks(size)
                    .for_each(|piece| counter.push(piece));
                assert_eq!(counter.finish(), rows, "{text:?} by {size}");
            }
        }
    }
}
