//! Records put into parts, each of which is looked at by itself later. Beyond a budget all that is
//! held goes to the spill.

use std::io;

use crate::inspect::dup::Spill;
use crate::inspect::dup::SpillRun;

pub(super) struct Partitions<'a> {
    parts: Vec<Part>,
    spill: &'a dyn Spill,
    budget_bytes: usize,
    held_bytes: usize,
    /// Bytes that went to the spill.
    pub(super) spilled_bytes: u64,
}

#[derive(Default)]
struct Part {
    held: Vec<u8>,
    run: Option<Box<dyn SpillRun>>,
}

impl<'a> Partitions<'a> {
    pub(super) fn new(parts: usize, budget_bytes: usize, spill: &'a dyn Spill) -> Self {
        Self {
            parts: (0..parts).map(|_| Part::default()).collect(),
            spill,
            budget_bytes,
            held_bytes: 0,
            spilled_bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Puts records into a part.
    pub(super) fn push(&mut self, part: usize, records: &[u8]) -> io::Result<()> {
        if let Some(part) = self.parts.get_mut(part) {
            part.held.extend_from_slice(records);
            self.held_bytes += records.len();
        }
        // Vectors that grow hold up to twice of what is in them.
        if self.held_bytes > self.budget_bytes / 2 {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        for part in self.parts.iter_mut().filter(|p| !p.held.is_empty()) {
            let run = match &mut part.run {
                Some(run) => run,
                none => none.insert(self.spill.create()?),
            };
            run.append(&part.held)?;
            self.spilled_bytes += part.held.len() as u64;
            part.held = Vec::new();
        }
        self.held_bytes = 0;
        Ok(())
    }

    /// All records of a part, which is empty then.
    pub(super) fn take(&mut self, part: usize) -> io::Result<Vec<u8>> {
        let Some(part) = self.parts.get_mut(part) else {
            return Ok(Vec::new());
        };
        let held = std::mem::take(&mut part.held);
        self.held_bytes -= held.len().min(self.held_bytes);
        let Some(mut run) = part.run.take() else {
            return Ok(held);
        };
        let mut all = Vec::new();
        run.read_into(&mut all)?;
        all.extend_from_slice(&held);
        Ok(all)
    }
}
