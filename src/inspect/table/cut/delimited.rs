//! Records of CSV and its relatives: RFC 4180, where a quote opens a quoted field only at a field's
//! start, a lone carriage return ends a record too, and an empty line is none. As `RecordCounter`
//! counts them, which knows that fields begin behind any of the separators in use.

use crate::inspect::table::cut::Cutter;
use crate::inspect::table::cut::Found;
use crate::inspect::table::cut::Wrong;

/// Finds records.
#[derive(Debug)]
pub(in crate::inspect::table) struct DelimitedCutter {
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

impl Default for DelimitedCutter {
    fn default() -> Self {
        Self {
            open: None,
            quotes: Quotes::Outside,
            field_start: true,
        }
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
        while let Some(rest) = piece.get(n..).filter(|r| !r.is_empty()) {
            match self.quotes {
                Quotes::Inside => match memchr::memchr(b'"', rest) {
                    None => return Ok(piece.len()),
                    Some(quote) => {
                        self.quotes = Quotes::Perhaps;
                        n += quote + 1;
                    }
                },
                Quotes::Perhaps if rest.first() == Some(&b'"') => {
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
        loop {
            let tail = rest.get(from..).unwrap_or_default();
            let Some(found) = memchr::memchr3(b'\n', b'\r', b'"', tail) else {
                if let Some(last) = rest.last() {
                    self.open.get_or_insert(at);
                    self.field_start = is_separator(*last);
                }
                return rest.len();
            };
            let found = from + found;
            if rest.get(found) != Some(&b'"') {
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
            let opens = before.map_or(self.field_start, |b| is_separator(*b));
            if opens {
                self.quotes = Quotes::Inside;
                return found + 1;
            }
            from = found + 1;
        }
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b',' | b';' | b'\t' | b'|')
}
