//! JSON Lines. Rows that are JSON stay as they are written, but for newlines between their parts;
//! fields of delimited rows become values of the type that all of their column have.

use std::io;
use std::io::Write;

use crate::inspect::format::cell_type::Look;
use crate::inspect::format::cell_type::look;
use crate::inspect::json::write::text_into;
use crate::inspect::output::ColumnKind;
use crate::inspect::output::NanRule;
use crate::inspect::output::Plan;
use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::output::kinds::nan_word;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

pub(super) struct Writer<W> {
    to: W,
    plan: Plan,
    columns: Vec<(String, ColumnKind)>,
    nan: NanRule,
    scratch: Scratch,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(to: W, plan: &Plan, nan: NanRule) -> Self {
        let columns = plan.columns().map(|(name, kind)| (name.to_owned(), kind));
        Self {
            to,
            columns: columns.collect(),
            plan: plan.clone(),
            nan,
            scratch: Scratch::default(),
            line: Vec::new(),
        }
    }

    pub(super) fn into_inner(self) -> W {
        self.to
    }

    pub(super) fn push(&mut self, shape: &Shape, row: &[u8]) -> Result<(), PushError> {
        self.line.clear();
        match shape {
            Shape::Json if !self.plan.is_fixed() => on_one_line(row, &mut self.line),
            Shape::Text if !self.plan.is_fixed() => {
                self.line.extend_from_slice(b"{\"text\":");
                text_into(String::from_utf8_lossy(row).as_bytes(), &mut self.line);
                self.line.push(b'}');
            }
            _ => self.object(shape, row)?,
        }
        self.line.push(b'\n');
        Ok(self.to.write_all(&self.line)?)
    }

    /// Writes lines as they are.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.to.write_all(lines)
    }

    /// Writes a row piece by piece, as it is.
    pub(super) fn copy(
        &mut self,
        copy: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), PushError>,
    ) -> Result<(), PushError> {
        let (to, line) = (&mut self.to, &mut self.line);
        copy(&mut |piece| {
            line.clear();
            on_one_line(piece, line);
            to.write_all(line)
        })?;
        Ok(self.to.write_all(b"\n")?)
    }

    fn object(&mut self, shape: &Shape, row: &[u8]) -> Result<(), PushError> {
        let (line, columns, nan) = (&mut self.line, &self.columns, self.nan);
        let mut before = b'{';
        self.plan
            .each_cell(shape, row, &mut self.scratch, &mut |at, cell| {
                let Some((name, kind)) = columns.get(at) else {
                    return Ok(());
                };
                line.push(before);
                before = b',';
                text_into(name.as_bytes(), line);
                line.push(b':');
                match (shape, cell) {
                    (Shape::Delimited(_), Cell::Text(field)) => {
                        field_into(field, (name, *kind), nan, line)
                    }
                    _ => {
                        value_into(cell, line);
                        Ok(())
                    }
                }
            })?;
        if before == b'{' {
            line.push(b'{');
        }
        line.push(b'}');
        Ok(())
    }
}

/// A JSON text without newlines: within strings there are none, elsewhere they mean nothing.
fn on_one_line(row: &[u8], line: &mut Vec<u8>) {
    match memchr::memchr2(b'\n', b'\r', row) {
        None => line.extend_from_slice(row),
        Some(_) => {
            let bytes = row.iter().copied();
            line.extend(bytes.map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }));
        }
    }
}

fn value_into(cell: &Cell<'_>, line: &mut Vec<u8>) {
    match cell {
        Cell::Null => line.extend_from_slice(b"null"),
        Cell::Bool(_) | Cell::Number(_) => line.extend_from_slice(cell.bytes()),
        Cell::Nested(raw) => on_one_line(raw, line),
        Cell::Text(text) => text_into(String::from_utf8_lossy(text).as_bytes(), line),
    }
}

/// A field as a value of its column's type.
fn field_into(
    field: &[u8],
    (name, kind): (&str, ColumnKind),
    nan: NanRule,
    line: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let text = || String::from_utf8_lossy(field);
    match (kind, look(field)) {
        (ColumnKind::Nothing | ColumnKind::Text, _) => text_into(text().as_bytes(), line),
        // As DuckDB reads it.
        _ if field.is_empty() => line.extend_from_slice(b"null"),
        (ColumnKind::Bool, Look::Bool(true)) => line.extend_from_slice(b"true"),
        (ColumnKind::Bool, Look::Bool(false)) => line.extend_from_slice(b"false"),
        (ColumnKind::Int | ColumnKind::Unsigned | ColumnKind::Float, Look::Number(_)) => {
            number_into(field, line);
        }
        (ColumnKind::Float, _) => match (nan_word(field), nan) {
            (Some(_), NanRule::Null) => line.extend_from_slice(b"null"),
            (Some(_), NanRule::Text) => text_into(text().as_bytes(), line),
            (Some(_), NanRule::Fail) => {
                let why = format!("`{}` is no number in JSON", text());
                return Err(Refusal {
                    is_nan: true,
                    ..Refusal::of_column(name, why)
                });
            }
            (None, _) => return Err(Refusal::of_column(name, "the rows changed meanwhile")),
        },
        (ColumnKind::Date | ColumnKind::Time { .. }, _) => text_into(text().as_bytes(), line),
        _ => return Err(Refusal::of_column(name, "the rows changed meanwhile")),
    }
    Ok(())
}

/// A decimal number as JSON writes it: without a plus, and with digits on both sides of a point.
fn number_into(field: &[u8], line: &mut Vec<u8>) {
    let (sign, digits) = match field {
        [b'-', rest @ ..] => (&b"-"[..], rest),
        [b'+', rest @ ..] => (&b""[..], rest),
        rest => (&b""[..], rest),
    };
    line.extend_from_slice(sign);
    if digits.first() == Some(&b'.') {
        line.push(b'0');
    }
    for (n, byte) in digits.iter().enumerate() {
        let is_open = *byte == b'.' && !digits.get(n + 1).is_some_and(u8::is_ascii_digit);
        match is_open {
            true => line.extend_from_slice(b".0"),
            false => line.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::number_into;

    #[test]
    fn numbers_of_fields_become_numbers_of_json() {
        for (field, json) in [
            ("+5", "5"),
            ("-.5", "-0.5"),
            ("1.", "1.0"),
            ("1.e3", "1.0e3"),
            ("12.50", "12.50"),
        ] {
            let mut line = Vec::new();
            number_into(field.as_bytes(), &mut line);
            assert_eq!(String::from_utf8(line.clone()).unwrap(), json);
            assert!(serde_json::from_slice::<f64>(&line).is_ok(), "{json}");
        }
    }
}
