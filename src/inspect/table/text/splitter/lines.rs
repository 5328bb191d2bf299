//! Lines, many at a time.

use crate::inspect::table::text::splitter::Cutter;
use crate::inspect::table::text::splitter::Found;
use crate::inspect::table::text::splitter::Wrong;

/// Finds blocks of lines: only the last newline of a piece is looked for.
#[derive(Debug, Default)]
pub(in crate::inspect::table) struct LineCutter {
    open: Option<u64>,
}

impl Cutter for LineCutter {
    fn scan(
        &mut self,
        piece: &[u8],
        at: u64,
        most: usize,
        rows: &mut Vec<Found>,
    ) -> Result<usize, Wrong> {
        let newline = match most {
            1 => memchr::memchr(b'\n', piece),
            _ => memchr::memrchr(b'\n', piece),
        };
        let start = self.open.unwrap_or(at);
        let Some(newline) = newline else {
            self.open = (!piece.is_empty()).then_some(start).or(self.open);
            return Ok(piece.len());
        };
        let end = at + newline as u64 + 1;
        rows.push(Found { start, end });
        let is_all = newline + 1 == piece.len();
        let looked_at = if most == 1 { newline + 1 } else { piece.len() };
        self.open = (!is_all && most != 1).then_some(end);
        Ok(looked_at)
    }

    fn finish(&mut self, at: u64, rows: &mut Vec<Found>) -> Result<(), Wrong> {
        rows.extend(self.open.take().map(|start| Found { start, end: at }));
        Ok(())
    }

    fn open_from(&self) -> Option<u64> {
        self.open
    }

    fn finds_lines(&self) -> bool {
        true
    }
}
