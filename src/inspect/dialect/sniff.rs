//! Dialect detection: the separator and quote for which the first records agree best on their
//! width.

use std::collections::BTreeMap;

use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::detect::Format;
use crate::inspect::table::RecordSpans;

/// Detects the dialect from the beginning of a file.
pub(super) fn sniff(
    format: Format,
    text: &[u8],
    is_whole: bool,
    options: &ReadOptions,
) -> (u8, Option<u8>) {
    let window = text.get(..WINDOW_BYTES).unwrap_or(text);
    let window = Window {
        text: window,
        is_whole: is_whole && window.len() == text.len(),
        format,
        separator: options.separator,
    };
    if let Some(quote) = options.quote {
        return (window.best(quote).separator, quote);
    }
    let plain = window.best(Some(b'"'));
    let chosen = match plain {
        _ if plain.is_misquoted() => {
            let bare = window.best(None);
            let is_better = bare.is_fit() && bare.agrees_more(&plain);
            if is_better { bare } else { plain }
        }
        _ if plain.quoted == 0 && memchr::memchr(b'\'', window.text).is_some() => {
            let single = window.best(Some(b'\''));
            let is_quoted = single.stray == 0 && !single.is_open && single.quoted > 0;
            let is_everywhere = single.quoted_records * 10 >= single.records * 9;
            let is_better = is_everywhere || single.agrees_more(&plain);
            if is_quoted && single.is_fit() && is_better {
                single
            } else {
                plain
            }
        }
        _ => plain,
    };
    (chosen.separator, chosen.quote)
}

/// The beginning of a file.
struct Window<'a> {
    text: &'a [u8],
    is_whole: bool,
    format: Format,
    /// The caller's separator, if any.
    separator: Option<u8>,
}

/// The window as read with one separator and quote.
#[derive(Clone, Copy, Debug)]
struct WindowReading {
    separator: u8,
    quote: Option<u8>,
    records: u64,
    /// Most frequent number of fields, and true if the first record has it.
    width: usize,
    first_agrees: bool,
    /// Bytes of the records with that width and valid quotes, and bytes of all records.
    agreeing: u64,
    bytes: u64,
    /// Quoted fields, records with quoted fields, and misplaced quotes.
    quoted: u64,
    quoted_records: u64,
    stray: u64,
    /// True if most of the window, or its end, is inside an unclosed quote.
    is_open: bool,
}

impl Window<'_> {
    /// Reads the window under the separator that fits best with this quote.
    fn best(&self, quote: Option<u8>) -> WindowReading {
        if let Some(separator) = self.separator {
            return self.read(separator, quote);
        }
        let occurs = |byte: u8| memchr::memchr(byte, self.text).is_some();
        if self.format == Format::Tsv && occurs(b'\t') {
            return self.read(b'\t', quote);
        }
        let there = SEPARATORS.into_iter().filter(|s| occurs(*s));
        let read: Vec<WindowReading> = there.map(|s| self.read(s, quote)).collect();
        let fit = read.iter().copied().filter(WindowReading::is_fit);
        // The first separator wins a tie.
        let best = fit.rev().max_by_key(WindowReading::rank);
        let Some(best) = best else {
            return self.read(self.single_column_separator(&read), quote);
        };
        // `1,5;2,5`: a comma between digits is a decimal comma if another separator fits.
        let is_decimal = best.separator == b',' && self.has_decimal_commas();
        let rank = |r: &WindowReading| (r.first_agrees, r.tenths());
        let other = read
            .iter()
            .copied()
            .filter(|r| is_decimal && r.separator != b',' && r.is_fit() && rank(r) >= rank(&best));
        other.rev().max_by_key(WindowReading::rank).unwrap_or(best)
    }

    /// Returns the separator for a file of one column: one that its text does not contain.
    fn single_column_separator(&self, read: &[WindowReading]) -> u8 {
        let first = match self.format {
            Format::Tsv => b'\t',
            _ => b',',
        };
        let is_there = |s: u8| read.iter().any(|r| r.separator == s);
        let all = std::iter::once(first).chain(SEPARATORS);
        all.into_iter().find(|s| !is_there(*s)).unwrap_or(first)
    }

    fn has_decimal_commas(&self) -> bool {
        memchr::memchr_iter(b',', self.text).all(|at| {
            let digit = |at: Option<usize>| {
                let byte = at.and_then(|at| self.text.get(at));
                byte.is_some_and(u8::is_ascii_digit)
            };
            digit(at.checked_sub(1)) && digit(at.checked_add(1))
        })
    }

    fn read(&self, separator: u8, quote: Option<u8>) -> WindowReading {
        let spans = RecordSpans::of(self.text, separator, quote);
        let (mut records, last) = (spans.whole, spans.last);
        let last_bytes = last.map_or(0, |(start, end)| end - start);
        // A long quoted stretch is most likely a stray quote.
        let is_long = self.is_whole || last_bytes * 4 > self.text.len();
        let is_open = spans.is_quoted && is_long;
        // The end of the last record is known only if the text ends there.
        let is_known = self.is_whole || records.is_empty();
        records.extend(last.filter(|_| is_known && !is_open));
        let mut reading = WindowReading {
            separator,
            quote,
            records: 0,
            width: 0,
            first_agrees: false,
            agreeing: 0,
            bytes: 0,
            quoted: 0,
            quoted_records: 0,
            stray: 0,
            is_open,
        };
        if is_open {
            (reading.stray, reading.bytes) = (1, last_bytes as u64);
        }
        let mut widths: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        let mut first = None;
        for (start, end) in records {
            let record = self.text.get(start..end).unwrap_or_default();
            let fields = FieldCount::of(record, separator, quote);
            let bytes = record.len() as u64 + 1;
            reading.records += 1;
            reading.bytes += bytes;
            reading.quoted += fields.quoted;
            reading.quoted_records += u64::from(fields.quoted > 0);
            reading.stray += fields.stray;
            first.get_or_insert(fields.fields);
            if fields.stray == 0 {
                let width = widths.entry(fields.fields).or_default();
                *width = (width.0 + 1, width.1 + bytes);
            }
        }
        let most = widths
            .iter()
            .max_by_key(|(width, count)| (**count, **width));
        if let Some((width, (_, bytes))) = most {
            (reading.width, reading.agreeing) = (*width, *bytes);
        }
        reading.first_agrees = first == Some(reading.width);
        reading
    }
}

impl WindowReading {
    /// Returns true if the separator occurs in the first record or in most records.
    fn is_fit(&self) -> bool {
        self.width > 1 && (self.first_agrees || self.tenths() >= 5)
    }

    /// Tenths of the window that agree, so that a few deviant records do not count.
    fn tenths(&self) -> u64 {
        let tenths = self.agreeing.saturating_mul(10) / self.bytes.max(1);
        tenths.min(9)
    }

    fn rank(&self) -> (bool, u64, usize) {
        (self.first_agrees, self.tenths(), self.width)
    }

    /// Returns true if misplaced quotes outnumber the others, or if a quote stays open.
    fn is_misquoted(&self) -> bool {
        self.is_open || self.stray > self.quoted
    }

    /// Returns true if clearly more of the window agrees: by a tenth, or by any amount if the
    /// quotes of `other` are wrong.
    fn agrees_more(&self, other: &Self) -> bool {
        let share = |r: &Self| r.agreeing as f64 / r.bytes.max(1) as f64;
        let least = if other.is_open { 0.1 } else { 0.0 };
        share(self) > share(other) + least
    }
}

/// Number of fields in a record, and its quotes.
#[derive(Clone, Copy, Debug, Default)]
struct FieldCount {
    fields: usize,
    quoted: u64,
    stray: u64,
}

impl FieldCount {
    fn of(record: &[u8], separator: u8, quote: Option<u8>) -> Self {
        let mut count = Self::default();
        let mut rest = record;
        loop {
            count.fields += 1;
            if quote.is_some() && rest.first().copied() == quote {
                let end = quoted_end(rest);
                let behind = end.and_then(|end| rest.get(end));
                match (end, behind) {
                    (Some(_), None) => count.quoted += 1,
                    (Some(_), Some(byte)) if *byte == separator => count.quoted += 1,
                    _ => count.stray += 1,
                }
                rest = rest.get(end.unwrap_or(rest.len())..).unwrap_or_default();
            }
            match memchr::memchr(separator, rest) {
                Some(at) => rest = rest.get(at + 1..).unwrap_or_default(),
                None => return count,
            }
        }
    }
}

/// Returns the end of the leading quoted field, after its closing quote.
fn quoted_end(field: &[u8]) -> Option<usize> {
    let quote = *field.first()?;
    let mut from = 1;
    loop {
        let at = from + memchr::memchr(quote, field.get(from..)?)?;
        match field.get(at + 1) {
            Some(next) if *next == quote => from = at + 2,
            _ => return Some(at + 1),
        }
    }
}

/// Candidate separators, the most common first.
const SEPARATORS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Bytes at the front of a file that decide the dialect.
const WINDOW_BYTES: usize = 256 << 10;
