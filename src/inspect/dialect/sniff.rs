//! What separates the fields of a file and what quotes them: the pair under which its first
//! records agree best on their width.

use std::collections::BTreeMap;

use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::detect::Format;
use crate::inspect::table::RecordSpans;

/// Decides from the beginning of a file.
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
    /// Where somebody said what it is.
    separator: Option<u8>,
}

/// The window as it is under one separator and quote.
#[derive(Clone, Copy, Debug)]
struct Reading {
    separator: u8,
    quote: Option<u8>,
    records: u64,
    /// Fields that most records have, and whether the first has as many.
    width: usize,
    first_agrees: bool,
    /// Bytes of records that have as many and whose quotes stand where they may; and of all.
    agreeing: u64,
    bytes: u64,
    /// Fields in quotes, records with such, and quotes where none may stand.
    quoted: u64,
    quoted_records: u64,
    stray: u64,
    /// Most of the window, or its end, is in quotes that nobody closes.
    is_open: bool,
}

impl Window<'_> {
    /// The window under the separator that fits best to this quote.
    fn best(&self, quote: Option<u8>) -> Reading {
        if let Some(separator) = self.separator {
            return self.read(separator, quote);
        }
        let occurs = |byte: u8| memchr::memchr(byte, self.text).is_some();
        if self.format == Format::Tsv && occurs(b'\t') {
            return self.read(b'\t', quote);
        }
        let there = SEPARATORS.into_iter().filter(|s| occurs(*s));
        let read: Vec<Reading> = there.map(|s| self.read(s, quote)).collect();
        let fit = read.iter().copied().filter(Reading::is_fit);
        // Of equals the first counts.
        let best = fit.rev().max_by_key(Reading::rank);
        let Some(best) = best else {
            return self.read(self.none(&read), quote);
        };
        // `1,5;2,5`: a comma between digits is a decimal one, where something else separates.
        let is_decimal = best.separator == b',' && self.has_decimal_commas();
        let rank = |r: &Reading| (r.first_agrees, r.tenths());
        let other = read
            .iter()
            .copied()
            .filter(|r| is_decimal && r.separator != b',' && r.is_fit() && rank(r) >= rank(&best));
        other.rev().max_by_key(Reading::rank).unwrap_or(best)
    }

    /// The separator of a file of one column: one that is not in its text.
    fn none(&self, read: &[Reading]) -> u8 {
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

    fn read(&self, separator: u8, quote: Option<u8>) -> Reading {
        let spans = RecordSpans::of(self.text, separator, quote);
        let (mut records, last) = (spans.whole, spans.last);
        let last_bytes = last.map_or(0, |(start, end)| end - start);
        // What goes on for long in quotes is most likely not meant.
        let is_long = self.is_whole || last_bytes * 4 > self.text.len();
        let is_open = spans.is_quoted && is_long;
        // Where the last record ends is not known, unless the text ends there.
        let is_known = self.is_whole || records.is_empty();
        records.extend(last.filter(|_| is_known && !is_open));
        let mut reading = Reading {
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

impl Reading {
    /// Whether the separator separates anything, in the first record or in most.
    fn is_fit(&self) -> bool {
        self.width > 1 && (self.first_agrees || self.tenths() >= 5)
    }

    /// How much of the window agrees; a few records that do not are as good as none.
    fn tenths(&self) -> u64 {
        let tenths = self.agreeing.saturating_mul(10) / self.bytes.max(1);
        tenths.min(9)
    }

    fn rank(&self) -> (bool, u64, usize) {
        (self.first_agrees, self.tenths(), self.width)
    }

    /// Whether quotes stand where they may not more often than where they may, or are not closed.
    fn is_misquoted(&self) -> bool {
        self.is_open || self.stray > self.quoted
    }

    /// Whether clearly more of the window agrees: by a tenth of it, or where quotes are wrong in
    /// the other by anything.
    fn agrees_more(&self, other: &Self) -> bool {
        let share = |r: &Self| r.agreeing as f64 / r.bytes.max(1) as f64;
        let least = if other.is_open { 0.1 } else { 0.0 };
        share(self) > share(other) + least
    }
}

/// How many fields a record has, and how it is quoted.
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

/// Where the quoted field in front ends, behind its quote.
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

/// Separators in use, the commonest first.
const SEPARATORS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// Bytes at the front of a file from which the separator and the quote are decided.
const WINDOW_BYTES: usize = 256 << 10;
