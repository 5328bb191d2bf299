//! Rows as JSON Lines.

use std::io::Write;

use crate::inspect::json_text::text_into;
use crate::inspect::output::OutputError;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

pub(super) struct JsonRows<W> {
    out: W,
    line: Vec<u8>,
    scratch: Scratch,
}

impl<W: Write> JsonRows<W> {
    pub(super) fn new(out: W) -> Self {
        Self {
            out,
            line: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    pub(super) fn row(&mut self, shape: &Shape, row: &[u8]) -> Result<(), OutputError> {
        let line = &mut self.line;
        line.clear();
        match shape {
            // Within JSON a newline is white space: in a string it is escaped.
            Shape::Json => line.extend(row.iter().map(|b| match b {
                b'\n' | b'\r' => b' ',
                other => *other,
            })),
            Shape::Delimited(_) | Shape::Text => {
                line.push(b'{');
                shape.each_cell(row, &mut self.scratch, &mut |name, cell| {
                    if line.len() > 1 {
                        line.push(b',');
                    }
                    string_into(name.as_bytes(), line);
                    line.push(b':');
                    match cell {
                        Cell::Null => line.extend_from_slice(b"\"\""),
                        other => string_into(other.bytes(), line),
                    }
                });
                line.push(b'}');
            }
        }
        line.push(b'\n');
        Ok(self.out.write_all(line)?)
    }

    pub(super) fn finish(mut self) -> Result<W, OutputError> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Bytes that are no UTF-8 become U+FFFD.
fn string_into(bytes: &[u8], out: &mut Vec<u8>) {
    text_into(String::from_utf8_lossy(bytes).as_bytes(), out);
}
