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

/// The records of one part.
#[derive(Default)]
pub(super) struct Part {
    held: Vec<u8>,
    run: Option<Box<dyn SpillRun>>,
    spilled_bytes: u64,
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
            part.spilled_bytes += part.held.len() as u64;
            self.spilled_bytes += part.held.len() as u64;
            part.held = Vec::new();
        }
        self.held_bytes = 0;
        Ok(())
    }

    /// No more records come: where some are on disk, all of them go there, since memory is needed for
    /// other things now.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        match self.spilled_bytes {
            0 => Ok(()),
            _ => self.flush(),
        }
    }

    /// All records of a part, which is empty then. They are read when they are asked for.
    pub(super) fn take(&mut self, part: usize) -> Part {
        let taken = self.parts.get_mut(part).map(std::mem::take);
        let taken = taken.unwrap_or_default();
        self.held_bytes -= taken.held.len().min(self.held_bytes);
        taken
    }
}

impl Part {
    /// All its records of `N` bytes, each as what `of` makes of it.
    pub(super) fn records<const N: usize, R>(
        mut self,
        of: impl Fn(&[u8; N]) -> R,
    ) -> io::Result<Vec<R>> {
        let bytes = self.spilled_bytes + self.held.len() as u64;
        let count = usize::try_from(bytes).unwrap_or(usize::MAX) / N;
        let mut records = Vec::with_capacity(count);
        if let Some(mut run) = self.run.take() {
            let mut cut: Vec<u8> = Vec::with_capacity(N);
            run.read_each(&mut |mut piece| {
                if !cut.is_empty() {
                    let (missing, rest) = piece.split_at(piece.len().min(N - cut.len()));
                    cut.extend_from_slice(missing);
                    piece = rest;
                    if let Some(record) = cut.first_chunk().filter(|_| cut.len() == N) {
                        records.push(of(record));
                        cut.clear();
                    }
                }
                let (whole, rest) = piece.as_chunks::<N>();
                records.extend(whole.iter().map(&of));
                cut.extend_from_slice(rest);
            })?;
        }
        records.extend(self.held.as_chunks::<N>().0.iter().map(&of));
        Ok(records)
    }
}
