//! Rows as CSV (RFC 4180), lines ended by a newline alone.

use std::io::Write;

use crate::inspect::output::ColumnPlan;
use crate::inspect::output::OutputError;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

pub(super) struct CsvRows<W> {
    plan: ColumnPlan,
    out: W,
    fields: Vec<Vec<u8>>,
    line: Vec<u8>,
    scratch: Scratch,
}

impl<W: Write> CsvRows<W> {
    pub(super) fn new(plan: ColumnPlan, out: W) -> Result<Self, OutputError> {
        let names = plan.columns().iter();
        let fields = names.map(|(name, _)| name.as_bytes().to_vec()).collect();
        let mut rows = Self {
            plan,
            out,
            fields,
            line: Vec::new(),
            scratch: Scratch::default(),
        };
        rows.write()?;
        Ok(rows)
    }

    pub(super) fn row(&mut self, shape: &Shape, row: &[u8]) -> Result<(), OutputError> {
        self.fields.iter_mut().for_each(Vec::clear);
        let (plan, fields) = (&self.plan, &mut self.fields);
        shape.each_cell(row, &mut self.scratch, &mut |name, cell| {
            if let Some(field) = plan.place(name).and_then(|n| fields.get_mut(n)) {
                field.clear();
                field.extend_from_slice(cell.bytes());
            }
        });
        self.write()
    }

    fn write(&mut self) -> Result<(), OutputError> {
        self.line.clear();
        for (n, field) in self.fields.iter().enumerate() {
            if n > 0 {
                self.line.push(b',');
            }
            field_into(field, &mut self.line);
        }
        // A blank line would be no record.
        if self.line.is_empty() {
            self.line.extend_from_slice(b"\"\"");
        }
        self.line.push(b'\n');
        Ok(self.out.write_all(&self.line)?)
    }

    pub(super) fn finish(mut self) -> Result<W, OutputError> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn field_into(field: &[u8], out: &mut Vec<u8>) {
    let needs_quotes = |b: &u8| matches!(b, b',' | b'"' | b'\n' | b'\r' | b';' | b'\t' | b'|');
    if !field.iter().any(needs_quotes) {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for byte in field {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
