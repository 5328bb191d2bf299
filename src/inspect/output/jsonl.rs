//! JSON Lines. Rows that are JSON stay as they are written, but for newlines between their parts.

use std::io;
use std::io::Write;

use crate::inspect::json_text::text_into;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

pub(super) struct Writer<W> {
    to: W,
    scratch: Scratch,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            scratch: Scratch::default(),
            line: Vec::new(),
        }
    }

    pub(super) fn into_inner(self) -> W {
        self.to
    }

    pub(super) fn push(&mut self, shape: &Shape, row: &[u8]) -> io::Result<()> {
        self.line.clear();
        match shape {
            Shape::Json => on_one_line(row, &mut self.line),
            Shape::Delimited(_) | Shape::Text => {
                let line = &mut self.line;
                let mut before = b'{';
                shape.each_cell(row, &mut self.scratch, &mut |name, cell| {
                    line.push(before);
                    before = b',';
                    text_into(name.as_bytes(), line);
                    line.push(b':');
                    value_into(&cell, line);
                });
                if before == b'{' {
                    line.push(b'{');
                }
                line.push(b'}');
            }
        }
        self.line.push(b'\n');
        self.to.write_all(&self.line)
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
        Cell::Bool(_) | Cell::Number(_) | Cell::Nested(_) => line.extend_from_slice(cell.bytes()),
        Cell::Text(text) => text_into(String::from_utf8_lossy(text).as_bytes(), line),
    }
}
