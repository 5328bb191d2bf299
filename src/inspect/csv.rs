//! CSV and its relatives: records counted over quoted newlines, separator and header guessed,
//! column types from the first records.

use arrow_schema::Schema;
use csv::ReaderBuilder;
use csv::StringRecord;

use crate::inspect::format::Format;
use crate::inspect::infer::Object;
use crate::inspect::infer::Shape;

/// Counts records that are not blank lines, in bytes that come in pieces. A quote opens a quoted
/// field only at a field's start; that is known for the separators in use.
#[derive(Debug)]
pub(crate) struct RecordCounter {
    records: u64,
    quoted: bool,
    /// The last byte was a quote inside a quoted field: the end, or half of a doubled one.
    quote_before: bool,
    /// The next byte begins a field.
    field_start: bool,
    line_has_text: bool,
}

impl Default for RecordCounter {
    fn default() -> Self {
        Self {
            records: 0,
            quoted: false,
            quote_before: false,
            field_start: true,
            line_has_text: false,
        }
    }
}

impl RecordCounter {
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let mut at = 0;
        // Lines before the next quote need only be told from blank ones.
        let mut plain_until = memchr::memchr(b'"', piece).unwrap_or(piece.len());
        while let Some(rest) = piece.get(at..).filter(|r| !r.is_empty()) {
            if plain_until < at {
                plain_until = memchr::memchr(b'"', rest).map_or(piece.len(), |n| at + n);
            }
            let plain = rest.get(..plain_until - at).unwrap_or_default();
            let outside = !self.quoted && !self.quote_before;
            let line = match memchr::memchr(b'\n', plain) {
                Some(end) if outside => plain.get(..end),
                _ => None,
            };
            at += if let Some(line) = line {
                self.line(line)
            } else if self.quoted && !self.quote_before {
                self.quoted_text(rest)
            } else {
                self.byte(rest)
            };
        }
    }

    /// The rest of a line without quotes; how many bytes that is with its end. Only a lone
    /// carriage return inside would end a record too.
    fn line(&mut self, line: &[u8]) -> usize {
        let inner = line.strip_suffix(b"\r").unwrap_or(line);
        for part in inner.split(|b| *b == b'\r') {
            self.records += u64::from(self.line_has_text || !part.is_empty());
            self.line_has_text = false;
        }
        self.field_start = true;
        line.len() + 1
    }

    fn quoted_text(&mut self, rest: &[u8]) -> usize {
        match memchr::memchr(b'"', rest) {
            None => rest.len(),
            Some(n) => {
                self.quote_before = true;
                n + 1
            }
        }
    }

    fn byte(&mut self, rest: &[u8]) -> usize {
        let Some(byte) = rest.first() else { return 1 };
        if self.quote_before {
            self.quote_before = false;
            if *byte == b'"' {
                return 1;
            }
            self.quoted = false;
        }
        match byte {
            b'"' if self.field_start => {
                self.quoted = true;
                self.line_has_text = true;
                self.field_start = false;
                1
            }
            b'\n' | b'\r' => {
                self.records += u64::from(self.line_has_text);
                self.line_has_text = false;
                self.field_start = true;
                1
            }
            b',' | b';' | b'\t' | b'|' => {
                self.line_has_text = true;
                self.field_start = true;
                1
            }
            _ => {
                self.line_has_text = true;
                self.field_start = false;
                // On to the next byte that may mean something.
                let stop = |b: &u8| matches!(b, b',' | b'\n' | b';' | b'\t' | b'|' | b'\r');
                rest.iter().position(stop).unwrap_or(rest.len())
            }
        }
    }

    pub(crate) fn finish(self) -> u64 {
        self.records + u64::from(self.line_has_text)
    }
}

/// What the beginning of a file says of it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) schema: Option<Schema>,
    pub(crate) has_header: bool,
    /// What the columns are called.
    pub(crate) names: Vec<String>,
    pub(crate) separator: u8,
}

/// Looks at the beginning of a file; the last record counts only when it is `whole`.
pub(crate) fn table(format: Format, text: &[u8], whole: bool) -> Table {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let separator = match format {
        Format::Tsv => b'\t',
        _ => separator(text),
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(text);
    let mut records = Vec::new();
    let mut record = csv::ByteRecord::new();
    // Reading from memory fails on nothing but the text, and then what was read counts.
    while matches!(reader.read_byte_record(&mut record), Ok(true)) {
        records.push(StringRecord::from_byte_record_lossy(record.clone()));
    }
    if !whole {
        records.pop();
    }
    let Some((first, rest)) = records.split_first() else {
        return Table {
            schema: None,
            has_header: false,
            names: Vec::new(),
            separator,
        };
    };
    let mut columns = vec![Shape::Null; first.len()];
    for row in rest {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.merge(Shape::of_cell(cell));
        }
    }
    let has_header = is_header(first, &columns);
    if !has_header {
        for (column, cell) in columns.iter_mut().zip(first) {
            column.merge(Shape::of_cell(cell));
        }
    }
    let mut object = Object::default();
    let mut names = Vec::new();
    for (n, shape) in columns.into_iter().enumerate() {
        let name = first
            .get(n)
            .map(str::trim)
            .filter(|h| has_header && !h.is_empty());
        let name = name.map_or_else(|| format!("column_{}", n + 1), str::to_owned);
        object.add(&name, as_cells(shape));
        names.push(name);
    }
    Table {
        schema: Shape::Object(object).schema(),
        has_header,
        names,
        separator,
    }
}

/// Cells without a type in common are text, and a column without any value may hold anything.
fn as_cells(shape: Shape) -> Shape {
    match shape {
        Shape::Mixed => Shape::Text,
        other => other,
    }
}

/// The commonest of the separators in the first line, outside of quotes.
fn separator(text: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if quoted => {}
            _ => counts
                .iter_mut()
                .filter(|(s, _)| s == byte)
                .for_each(|(_, n)| *n += 1),
        }
    }
    // The comma, where they are as common.
    let best = counts.iter().rev().max_by_key(|(_, n)| *n);
    best.map_or(b',', |(separator, _)| *separator)
}

/// Whether a first record names the columns: all of it is text, or a cell is of another type than
/// the rest of its column.
fn is_header(first: &StringRecord, columns: &[Shape]) -> bool {
    let cells: Vec<Shape> = first.iter().map(Shape::of_cell).collect();
    let is_number = |s: &Shape| matches!(s, Shape::Int | Shape::Float);
    let differs = |(cell, column): (&Shape, &Shape)| {
        let unknown = *cell == Shape::Null || *column == Shape::Null;
        !unknown && cell != column && !(is_number(cell) && is_number(column))
    };
    let all_text = cells.iter().all(|c| matches!(c, Shape::Text | Shape::Null));
    let is_empty = cells.iter().all(|c| *c == Shape::Null);
    !is_empty && (all_text || cells.iter().zip(columns).any(differs))
}
