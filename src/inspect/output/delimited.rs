//! CSV and TSV writer (RFC 4180). Null is an empty field, and an empty text is a quoted one.

use std::io::Write;

use crate::inspect::output::OutputPlan;
use crate::inspect::output::PushError;
use crate::inspect::output::Refusal;
use crate::inspect::output::check::NO_COLUMN;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

pub(super) struct DelimitedWriter<W> {
    to: W,
    separator: u8,
    plan: OutputPlan,
    scratch: Scratch,
    fields: Vec<Option<Vec<u8>>>,
    record: Vec<u8>,
}

impl<W: Write> DelimitedWriter<W> {
    pub(super) fn new(to: W, separator: u8, plan: &OutputPlan) -> Result<Self, PushError> {
        let names = plan
            .columns()
            .map(|(name, _)| Some(name.as_bytes().to_vec()));
        let mut writer = Self {
            to,
            separator,
            fields: names.collect(),
            plan: plan.clone(),
            scratch: Scratch::default(),
            record: Vec::new(),
        };
        if !writer.fields.is_empty() {
            writer.write()?;
        }
        Ok(writer)
    }

    pub(super) fn into_inner(self) -> W {
        self.to
    }

    pub(super) fn push(&mut self, shape: &Shape, row: &[u8]) -> Result<(), PushError> {
        if self.fields.is_empty() {
            return Err(Refusal::of_row(NO_COLUMN).into());
        }
        let fields = &mut self.fields;
        fields.iter_mut().for_each(|field| *field = None);
        let scratch = &mut self.scratch;
        self.plan.each_cell(shape, row, scratch, &mut |at, cell| {
            if let (Some(field), false) = (fields.get_mut(at), *cell == Cell::Null) {
                *field = Some(cell.bytes().to_vec());
            }
            Ok(())
        })?;
        self.write()
    }

    fn write(&mut self) -> Result<(), PushError> {
        self.record.clear();
        // A record of one empty field must not be a blank line, because a blank line is no record.
        let is_lonely = self.fields.len() == 1;
        for (n, field) in self.fields.iter().enumerate() {
            if n > 0 {
                self.record.push(self.separator);
            }
            let separator = self.separator;
            let special = |b: &u8| matches!(b, b'"' | b'\n' | b'\r') || *b == separator;
            let Some(field) = field else {
                if is_lonely {
                    self.record.extend_from_slice(b"\"\"");
                }
                continue;
            };
            if field.is_empty() || field.iter().any(special) {
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
        Ok(self.to.write_all(&self.record)?)
    }
}
