//! What stands in a row: its values by column, and the text of them.

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;
use crate::inspect::table::Header;
use crate::inspect::table::Shape;
use crate::inspect::table::rows::path::collect_into;
use crate::inspect::table::rows::path::is_many;
use crate::inspect::table::rows::path::value_at;

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing: `null`, or an empty field.
    Null,
    /// True or false.
    Bool(bool),
    /// A number as it is written.
    Number(&'a [u8]),
    /// What a text says, without escapes and quotes.
    Text(&'a [u8]),
    /// An array or an object, as JSON.
    Nested(&'a [u8]),
}

impl<'a> Cell<'a> {
    /// Its text: what it says, or how it is written.
    pub fn bytes(&self) -> &'a [u8] {
        match *self {
            Cell::Null => b"",
            Cell::Bool(true) => b"true",
            Cell::Bool(false) => b"false",
            Cell::Number(raw) | Cell::Nested(raw) => raw,
            Cell::Text(text) => text,
        }
    }
}

/// Memory that looking into rows uses again and again.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: Vec<u8>,
}

impl Shape {
    /// The value of a column; in JSON a path of keys with dots between them, and `[]` for all
    /// elements of an array, which are an array again. `None` where the row has no such column, or is
    /// malformed before its end.
    pub fn cell<'a>(
        &self,
        row: &'a [u8],
        column: &str,
        scratch: &'a mut Scratch,
    ) -> Option<Cell<'a>> {
        match self {
            Self::Json => {
                if let Some(value) = value_at(row, column) {
                    return Some(json_cell(value, scratch));
                }
                if is_many(column) {
                    scratch.bytes.clear();
                    collect_into(row, column, &mut scratch.bytes)?;
                    return Some(Cell::Nested(&scratch.bytes));
                }
                let is_alone = column == VALUE_COLUMN && !row.trim_ascii_start().starts_with(b"{");
                let value = is_alone.then(|| Scanner::with_nan(row).skip_value().ok().flatten());
                Some(json_cell(value.flatten()?, scratch))
            }
            Self::Delimited(header) => {
                let at = header.names.iter().position(|n| n == column)?;
                header.field(row, at, scratch)
            }
            Self::Text => (column == TEXT_COLUMN).then_some(Cell::Text(row)),
        }
    }

    /// Shows every column of a row to `each`, with its name. Rows of JSON that are no objects have
    /// one column, and so have rows of text. False where the row is malformed; what stands before
    /// that was shown.
    pub fn each_cell(
        &self,
        row: &[u8],
        scratch: &mut Scratch,
        each: &mut dyn FnMut(&str, Cell<'_>),
    ) -> bool {
        match self {
            Self::Json => each_member(row, scratch, each),
            Self::Delimited(header) => {
                header.each_field(row, scratch, &mut |n, cell| match header.names.get(n) {
                    Some(name) => each(name, cell),
                    None => each(&format!("column_{}", n + 1), cell),
                });
                true
            }
            Self::Text => {
                each(TEXT_COLUMN, Cell::Text(row));
                true
            }
        }
    }

    /// Appends the text of a row: all that its strings say, in JSON without keys and whatever the
    /// depth, with a newline between them; or the text of some columns alone. False where the row
    /// is malformed; what was found before that is there.
    pub fn text_into(
        &self,
        row: &[u8],
        columns: &[String],
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> bool {
        let start = out.len();
        let separate = |out: &mut Vec<u8>| {
            if out.len() > start {
                out.push(b'\n');
            }
        };
        if !columns.is_empty() {
            let mut is_whole = true;
            for column in columns {
                match self.cell(row, column, scratch) {
                    Some(Cell::Nested(raw)) => {
                        separate(out);
                        is_whole &= strings_into(raw, out);
                    }
                    Some(cell) => {
                        separate(out);
                        out.extend_from_slice(cell.bytes());
                    }
                    None => {}
                }
            }
            return is_whole;
        }
        match self {
            Self::Json => strings_into(row, out),
            Self::Delimited(header) => {
                header.each_field(row, scratch, &mut |_, cell| {
                    separate(out);
                    out.extend_from_slice(cell.bytes());
                });
                true
            }
            Self::Text => {
                out.extend_from_slice(row);
                true
            }
        }
    }
}

/// What the one column of text is called.
pub const TEXT_COLUMN: &str = "text";
/// What the one column is called where JSON is no object.
pub const VALUE_COLUMN: &str = "value";

fn json_cell<'a>(value: Value<'a>, scratch: &'a mut Scratch) -> Cell<'a> {
    match value.kind {
        ValueKind::Null => Cell::Null,
        ValueKind::Bool => Cell::Bool(value.raw == b"true"),
        ValueKind::Number => Cell::Number(value.raw),
        ValueKind::Array | ValueKind::Object => Cell::Nested(value.raw),
        ValueKind::String => match value.text() {
            Some(text) if text.is_escaped => {
                // Half characters are no UTF-8; who shows the text has U+FFFD for them.
                let _ = text.said_into(&mut scratch.bytes);
                Cell::Text(&scratch.bytes)
            }
            Some(text) => Cell::Text(text.raw),
            None => Cell::Null,
        },
    }
}

fn each_member(row: &[u8], scratch: &mut Scratch, each: &mut dyn FnMut(&str, Cell<'_>)) -> bool {
    let mut scanner = Scanner::with_nan(row);
    match scanner.next_event() {
        Ok(Some(Event::Object)) => {}
        Ok(Some(_)) => {
            let mut scanner = Scanner::with_nan(row);
            let Ok(Some(value)) = scanner.skip_value() else {
                return false;
            };
            each(VALUE_COLUMN, json_cell(value, scratch));
            return matches!(scanner.next_event(), Ok(None));
        }
        _ => return false,
    }
    let mut name = String::new();
    loop {
        match scanner.next_event() {
            Ok(Some(Event::Key(key))) => {
                let _ = key.unescape_into(&mut name);
            }
            Ok(Some(Event::ObjectEnd)) => return matches!(scanner.next_event(), Ok(None)),
            _ => return false,
        }
        match scanner.skip_value() {
            Ok(Some(value)) => each(&name, json_cell(value, scratch)),
            _ => return false,
        }
    }
}

/// Appends what all strings of a JSON text say, keys left out.
fn strings_into(text: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut scanner = Scanner::new(text);
    let mut said = Vec::new();
    loop {
        match scanner.next_event() {
            Ok(Some(Event::String(text))) => {
                if out.len() > start {
                    out.push(b'\n');
                }
                if text.is_escaped {
                    let _ = text.said_into(&mut said);
                    out.extend_from_slice(&said);
                } else {
                    out.extend_from_slice(text.raw);
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

impl Header {
    /// A field of a record by its number; `None` where it has not as many.
    fn field<'a>(
        &self,
        row: &'a [u8],
        number: usize,
        scratch: &'a mut Scratch,
    ) -> Option<Cell<'a>> {
        let mut fields = Fields::new(row, self.separator, self.quote);
        let raw = fields.nth(number)?;
        Some(Fields::said(raw, self.quote, &mut scratch.bytes))
    }

    /// Shows the fields of a record in order.
    fn each_field(&self, row: &[u8], scratch: &mut Scratch, each: &mut dyn FnMut(usize, Cell<'_>)) {
        let fields = Fields::new(row, self.separator, self.quote);
        for (n, raw) in fields.enumerate() {
            each(n, Fields::said(raw, self.quote, &mut scratch.bytes));
        }
    }
}

/// The fields of a record as they are written, quotes and all.
pub(in crate::inspect) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
    quote: Option<u8>,
}

impl<'a> Fields<'a> {
    /// Those of a record with this between fields, and this around those that are quoted.
    pub(in crate::inspect) fn new(row: &'a [u8], separator: u8, quote: Option<u8>) -> Self {
        Self {
            rest: Some(row),
            separator,
            quote,
        }
    }

    /// What a field says; null where it is empty and not quoted.
    pub(in crate::inspect) fn said<'b>(
        raw: &'b [u8],
        quote: Option<u8>,
        buffer: &'b mut Vec<u8>,
    ) -> Cell<'b> {
        let Some(first) = raw.first() else {
            return Cell::Null;
        };
        let quote = match quote {
            Some(quote) if *first == quote => quote,
            _ => return Cell::Text(raw),
        };
        buffer.clear();
        let mut rest = raw.get(1..).unwrap_or_default();
        // A quote ends the quoted part, two are one; what follows the end is taken as it is.
        while let Some(end) = memchr::memchr(quote, rest) {
            buffer.extend_from_slice(rest.get(..end).unwrap_or_default());
            rest = rest.get(end + 1..).unwrap_or_default();
            match rest.split_first() {
                Some((next, after)) if *next == quote => {
                    buffer.push(quote);
                    rest = after;
                }
                _ => break,
            }
        }
        buffer.extend_from_slice(rest);
        Cell::Text(buffer)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let mut from = 0;
        if let Some(quote) = self.quote
            && rest.first() == Some(&quote)
        {
            from = 1;
            // To the quote that is not doubled.
            loop {
                let tail = rest.get(from..).unwrap_or_default();
                match memchr::memchr(quote, tail) {
                    None => return Some(rest),
                    Some(n) if tail.get(n + 1) == Some(&quote) => from += n + 2,
                    Some(n) => {
                        from += n + 1;
                        break;
                    }
                }
            }
        }
        let tail = rest.get(from..).unwrap_or_default();
        match memchr::memchr(self.separator, tail) {
            None => Some(rest),
            Some(n) => {
                self.rest = rest.get(from + n + 1..);
                rest.get(..from + n)
            }
        }
    }
}
