//! Splitter of delimited records: RFC 4180, with three additions. A quote opens a quoted field only
//! at the start of a field. A lone carriage return ends a record. An empty line is no record.

use crate::inspect::table::text::splitter::MalformedText;
use crate::inspect::table::text::splitter::RowSpan;
use crate::inspect::table::text::splitter::RowSplitter;

/// Finds records.
#[derive(Debug)]
pub(in crate::inspect) struct DelimitedSplitter {
    separator: u8,
    /// `None` without quoting.
    quote: Option<u8>,
    open: Option<u64>,
    quotes: QuoteState,
    /// True if the next byte starts a field.
    field_start: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuoteState {
    Outside,
    Inside,
    /// After a quote inside quotes: the end, or half of a doubled quote.
    Perhaps,
}

impl DelimitedSplitter {
    /// Creates a splitter for a separator and a quote.
    pub(in crate::inspect) fn new(separator: u8, quote: Option<u8>) -> Self {
        Self {
            separator,
            quote,
            open: None,
            quotes: QuoteState::Outside,
            field_start: true,
        }
    }

    /// Returns true if the text so far ends inside quotes.
    pub(in crate::inspect) fn is_quoted(&self) -> bool {
        self.quotes == QuoteState::Inside
    }
}

impl RowSplitter for DelimitedSplitter {
    fn scan(
        &mut self,
        piece: &[u8],
        at: u64,
        most: usize,
        rows: &mut Vec<RowSpan>,
    ) -> Result<usize, MalformedText> {
        let mut n = 0;
        // Without quoting, no text is ever inside quotes.
        let quote_byte = self.quote.unwrap_or(b'\n');
        while let Some(rest) = piece.get(n..).filter(|r| !r.is_empty()) {
            match self.quotes {
                QuoteState::Inside => match memchr::memchr(quote_byte, rest) {
                    None => return Ok(piece.len()),
                    Some(quote) => {
                        self.quotes = QuoteState::Perhaps;
                        n += quote + 1;
                    }
                },
                QuoteState::Perhaps if rest.first() == Some(&quote_byte) => {
                    self.quotes = QuoteState::Inside;
                    n += 1;
                }
                QuoteState::Perhaps => {
                    self.quotes = QuoteState::Outside;
                    self.field_start = false;
                }
                QuoteState::Outside => {
                    n += self.outside(rest, at + n as u64, rows);
                    if rows.len() >= most {
                        return Ok(n);
                    }
                }
            }
        }
        Ok(piece.len())
    }

    fn finish(&mut self, at: u64, rows: &mut Vec<RowSpan>) -> Result<(), MalformedText> {
        rows.extend(self.open.take().map(|start| RowSpan { start, end: at }));
        Ok(())
    }

    fn open_from(&self) -> Option<u64> {
        self.open
    }
}

impl DelimitedSplitter {
    /// Moves behind the next byte that ends a record or opens quotes, and returns the number of
    /// bytes.
    fn outside(&mut self, rest: &[u8], at: u64, rows: &mut Vec<RowSpan>) -> usize {
        let mut from = 0;
        let (separator, quote) = (self.separator, self.quote.unwrap_or(b'\n'));
        loop {
            let tail = rest.get(from..).unwrap_or_default();
            let Some(found) = memchr::memchr3(b'\n', b'\r', quote, tail) else {
                if let Some(last) = rest.last() {
                    self.open.get_or_insert(at);
                    self.field_start = *last == separator;
                }
                return rest.len();
            };
            let found = from + found;
            if rest.get(found).copied() != self.quote {
                if found > 0 {
                    self.open.get_or_insert(at);
                }
                let end = at + found as u64;
                rows.extend(self.open.take().map(|start| RowSpan { start, end }));
                self.field_start = true;
                return found + 1;
            }
            self.open.get_or_insert(at);
            let before = found.checked_sub(1).and_then(|n| rest.get(n));
            let opens = before.map_or(self.field_start, |b| *b == separator);
            if opens {
                self.quotes = QuoteState::Inside;
                return found + 1;
            }
            from = found + 1;
        }
    }
}

/// Byte ranges of the records in a text in memory.
#[derive(Debug)]
pub(in crate::inspect) struct RecordSpans {
    /// Records that end within the text.
    pub(in crate::inspect) whole: Vec<(usize, usize)>,
    /// The record at the end of the text, without its end.
    pub(in crate::inspect) last: Option<(usize, usize)>,
    /// True if the text ends inside quotes.
    pub(in crate::inspect) is_quoted: bool,
}

impl RecordSpans {
    /// Splits a text by a separator and a quote.
    pub(in crate::inspect) fn of(text: &[u8], separator: u8, quote: Option<u8>) -> Self {
        let mut splitter = DelimitedSplitter::new(separator, quote);
        let mut found = Vec::new();
        // Any bytes form records, so this cannot fail.
        let _ = splitter.scan(text, 0, usize::MAX, &mut found);
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        Self {
            whole: found
                .iter()
                .map(|f| (place(f.start), place(f.end)))
                .collect(),
            last: splitter.open_from().map(|start| (place(start), text.len())),
            is_quoted: splitter.is_quoted(),
        }
    }
}

/// Returns the records of a text in memory; the last one only if the text `is_whole`.
pub(in crate::inspect) fn records_of(
    text: &[u8],
    separator: u8,
    quote: Option<u8>,
    is_whole: bool,
) -> impl Iterator<Item = &[u8]> {
    let spans = RecordSpans::of(text, separator, quote);
    let all = spans
        .whole
        .into_iter()
        .chain(spans.last.filter(|_| is_whole));
    all.map(|(start, end)| text.get(start..end).unwrap_or_default())
}
