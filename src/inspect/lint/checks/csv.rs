//! Records of CSV: how many fields, and whether quotes stand where RFC 4180 lets them.

use memchr::memchr;

/// What a record is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::inspect::lint) struct Record {
    /// How many fields it has.
    pub(in crate::inspect::lint) fields: usize,
    /// Where the first quote is that may not stand there, and what is wrong with it.
    pub(in crate::inspect::lint) stray: Option<(usize, &'static str)>,
}

impl Record {
    pub(in crate::inspect::lint) fn of(text: &[u8], separator: u8, quote: Option<u8>) -> Self {
        let mut record = Self::default();
        let mut at = 0;
        loop {
            record.fields += 1;
            let end = match (text.get(at), quote) {
                (Some(byte), Some(quote)) if *byte == quote => record.quoted(text, at, quote),
                _ => at,
            };
            let rest = text.get(end..).unwrap_or_default();
            let next = memchr(separator, rest);
            let tail = rest.get(..next.unwrap_or(rest.len())).unwrap_or_default();
            if end > at && !tail.is_empty() {
                record.stray(end, "something behind the end of a quoted field");
            } else if let Some(n) = quote.and_then(|quote| memchr(quote, tail)) {
                record.stray(end + n, "a quote in a field that is not quoted");
            }
            match next {
                Some(n) => at = end + n + 1,
                None => return record,
            }
        }
    }

    /// Where the quoted field at `at` ends, behind its quote.
    fn quoted(&mut self, text: &[u8], at: usize, quote: u8) -> usize {
        let mut from = at + 1;
        while let Some(n) = memchr(quote, text.get(from..).unwrap_or_default()) {
            from += n + 1;
            if text.get(from) != Some(&quote) {
                return from;
            }
            from += 1;
        }
        self.stray(at, "a quote that is never closed");
        text.len()
    }

    fn stray(&mut self, at: usize, what: &'static str) {
        self.stray.get_or_insert((at, what));
    }
}

/// Whether a field looks like a number.
pub(in crate::inspect::lint) fn is_number(text: &[u8]) -> bool {
    let first = text.trim_ascii();
    let starts = matches!(first.first(), Some(b'0'..=b'9' | b'-' | b'+' | b'.'));
    starts && std::str::from_utf8(first).is_ok_and(|t| t.parse::<f64>().is_ok())
}
