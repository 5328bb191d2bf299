//! CSV and TSV (RFC 4180).

use std::io;
use std::io::Write;

use crate::inspect::output::Plan;
use crate::inspect::output::malformed;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

pub(super) struct Writer<W> {
    to: W,
    separator: u8,
    plan: Plan,
    scratch: Scratch,
    fields: Vec<Vec<u8>>,
    record: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(to: W, separator: u8, plan: &Plan) -> io::Result<Self> {
        let names = plan
            .columns()
            .iter()
            .map(|(name, _)| name.as_bytes().to_vec());
        let mut writer = Self {
            to,
            separator,
            fields: names.collect(),
            plan: plan.clone(),
            scratch: Scratch::default(),
            record: Vec::new(),
        };
        writer.write()?;
        Ok(writer)
    }

    pub(super) fn into_inner(self) -> W {
        self.to
    }

    pub(super) fn push(&mut self, shape: &Shape, row: &[u8]) -> io::Result<()> {
        self.fields.iter_mut().for_each(Vec::clear);
        let (plan, fields) = (&self.plan, &mut self.fields);
        let is_whole = shape.each_cell(row, &mut self.scratch, &mut |name, cell| {
            // Of a column that is there twice the first counts.
            let field = plan.place(name).and_then(|at| fields.get_mut(at));
            if let Some(field) = field.filter(|f| f.is_empty()) {
                field.extend_from_slice(cell.bytes());
            }
        });
        if !is_whole {
            return Err(malformed());
        }
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.record.clear();
        // A record of one empty field must not be a blank line.
        let is_lonely = self.fields.len() == 1;
        for (n, field) in self.fields.iter().enumerate() {
            if n > 0 {
                self.record.push(self.separator);
            }
            let separator = self.separator;
            let special = |b: &u8| matches!(b, b'"' | b'\n' | b'\r') || *b == separator;
            if field.iter().any(special) || (is_lonely && field.is_empty()) {
                self.record.push(b'"');
                for byte in field {
                    if *byte == b'"' {
                        self.record.push(b'"');
                    }
                    self.record.push(*byte);
                }
                self.record.push(b'"');
            } else {
                self.record.extend_from_slice(field);
            }
        }
        self.record.push(b'\n');
        self.to.write_all(&self.record)
    }
}
