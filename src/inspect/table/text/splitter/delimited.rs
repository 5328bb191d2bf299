//! Records of CSV and its relatives: RFC 4180, where a quote opens a quoted field only at a field's
//! start, a lone carriage return ends a record too, and an empty line is none.

use crate::inspect::table::text::splitter::Cutter;
use crate::inspect::table::text::splitter::Found;
use crate::inspect::table::text::splitter::Wrong;

/// Finds records.
#[derive(Debug)]
pub(in crate::inspect) struct DelimitedCutter {
    separator: u8,
    /// None where nothing quotes fields.
    quote: Option<u8>,
    open: Option<u64>,
    quotes: Quotes,
    /// The next byte begins a field.
    field_start: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Outside,
    Inside,
    /// Behind a quote inside: the end, or half of a doubled one.
    Perhaps,
}

impl DelimitedCutter {
    /// For fields with this between them, and this around those that are quoted.
    pub(in crate::inspect) fn new(separator: u8, quote: Option<u8>) -> Self {
        Self {
            separator,
            quote,
            open: None,
            quotes: Quotes::Outside,
            field_start: true,
        }
    }

    /// Whether the text ended within quotes so far.
    pub(in crate::inspect) fn is_quoted(&self) -> bool {
        self.quotes == Quotes::Inside
    }
}

impl Cutter for DelimitedCutter {
    fn scan(
        &mut self,
        piece: &[u8],
        at: u64,
        most: usize,
        rows: &mut Vec<Found>,
    ) -> Result<usize, Wrong> {
        let mut n = 0;
        // Where nothing quotes fields, nothing is ever within quotes.
        let quote_byte = self.quote.unwrap_or(b'\n');
        while let Some(rest) = piece.get(n..).filter(|r| !r.is_empty()) {
            match self.quotes {
                Quotes::Inside => match memchr::memchr(quote_byte, rest) {
                    None => return Ok(piece.len()),
                    Some(quote) => {
                        self.quotes = Quotes::Perhaps;
                        n += quote + 1;
                    }
                },
                Quotes::Perhaps if rest.first() == Some(&quote_byte) => {
                    self.quotes = Quotes::Inside;
                    n += 1;
                }
                Quotes::Perhaps => {
                    self.quotes = Quotes::Outside;
                    self.field_start = false;
                }
                Quotes::Outside => {
                    n += self.outside(rest, at + n as u64, rows);
                    if rows.len() >= most {
                        return Ok(n);
                    }
                }
            }
        }
        Ok(piece.len())
    }

    fn finish(&mut self, at: u64, rows: &mut Vec<Found>) -> Result<(), Wrong> {
        rows.extend(self.open.take().map(|start| Found { start, end: at }));
        Ok(())
    }

    fn open_from(&self) -> Option<u64> {
        self.open
    }
}

impl DelimitedCutter {
    /// On to behind the next byte that ends a record or opens quotes; how many bytes that is.
    fn outside(&mut self, rest: &[u8], at: u64, rows: &mut Vec<Found>) -> usize {
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
                rows.extend(self.open.take().map(|start| Found { start, end }));
                self.field_start = true;
                return found + 1;
            }
            self.open.get_or_insert(at);
            let before = found.checked_sub(1).and_then(|n| rest.get(n));
            let opens = before.map_or(self.field_start, |b| *b == separator);
            if opens {
                self.quotes = Quotes::Inside;
                return found + 1;
            }
            from = found + 1;
        }
    }
}

/// The records of a text that is in memory, by where they stand in it.
#[derive(Debug)]
pub(in crate::inspect) struct RecordSpans {
    /// Those that end within the text.
    pub(in crate::inspect) whole: Vec<(usize, usize)>,
    /// The one that goes on to the end of the text.
    pub(in crate::inspect) last: Option<(usize, usize)>,
    /// It is within quotes there.
    pub(in crate::inspect) is_quoted: bool,
}

impl RecordSpans {
    /// Those of a text whose fields have this between them, and this around those that are quoted.
    pub(in crate::inspect) fn of(text: &[u8], separator: u8, quote: Option<u8>) -> Self {
        let mut cutter = DelimitedCutter::new(separator, quote);
        let mut found = Vec::new();
        // Any bytes are records.
        let _ = cutter.scan(text, 0, usize::MAX, &mut found);
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        Self {
            whole: found
                .iter()
                .map(|f| (place(f.start), place(f.end)))
                .collect(),
            last: cutter.open_from().map(|start| (place(start), text.len())),
            is_quoted: cutter.is_quoted(),
        }
    }
}

/// The records of a text that is in memory, the last one only where the text `is_whole`.
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
