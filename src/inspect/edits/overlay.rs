//! All edits of a file: which rows and bytes come from the base, and which do not.

use std::sync::Arc;

use crate::inspect::edits::compose::compose;
use crate::inspect::edits::region::Origin;
use crate::inspect::edits::region::Region;
use crate::inspect::edits::region::Span;
use crate::inspect::edits::region::Start;
use crate::inspect::edits::splice::Splice;
use crate::inspect::edits::splice::sum;
use crate::wire::DecodeError;

/// All edits of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOverlay {
    regions: Vec<Region>,
    starts: Vec<Start>,
    text: Arc<Vec<u8>>,
    base_bytes: u64,
    bytes: u64,
    is_of_rows: bool,
}

/// Numbers of edits and of rows that differ from the base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EditCounts {
    /// Edits that are not undone.
    pub edits: u64,
    /// Rows of the base with another text.
    pub rows_changed: u64,
    /// Rows of the base that are removed.
    pub rows_deleted: u64,
    /// Rows that the base does not have.
    pub rows_inserted: u64,
}

/// A part of an edited file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditedPart<'a> {
    /// Bytes of the base.
    Base {
        /// Offset of the first.
        at: u64,
        /// Their number.
        bytes: u64,
    },
    /// Bytes that the base does not have.
    New(&'a [u8]),
}

/// Place of a row of an edited file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPlace {
    /// A row of the base.
    Base {
        /// Its number in the base.
        row: u64,
        /// First row of the base without an edit up to it, and its offset in the base.
        from: (u64, u64),
        /// Number and offset of that row in the edited file.
        edited_from: (u64, u64),
    },
    /// A row of an edited region.
    Region {
        /// Index of the region.
        index: usize,
        /// First row of the region.
        first: u64,
        /// Offset of that row.
        at: u64,
    },
}

impl FileOverlay {
    /// Creates the overlay of a file of `base_bytes` bytes without edits. `text` are the bytes of the
    /// journal.
    pub fn new(base_bytes: u64, text: Arc<Vec<u8>>) -> Self {
        Self {
            regions: Vec::new(),
            starts: Vec::new(),
            text,
            base_bytes,
            bytes: base_bytes,
            is_of_rows: false,
        }
    }

    /// Creates the overlay of a file whose rows have no bytes of their own.
    pub fn of_rows(text: Arc<Vec<u8>>) -> Self {
        Self {
            is_of_rows: true,
            ..Self::new(0, text)
        }
    }

    /// Returns true if the rows of the file have no bytes of their own.
    pub fn is_of_rows(&self) -> bool {
        self.is_of_rows
    }

    /// Applies the splices of one edit, which are in order.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for splices that do not fit.
    pub fn apply(&mut self, splices: &[Splice]) -> Result<(), DecodeError> {
        let placed = compose(std::mem::take(&mut self.regions), splices)
            .and_then(|regions| self.place(regions));
        if placed.is_err() {
            // Nothing is left that later steps could trust.
            self.regions.clear();
            self.starts.clear();
        }
        placed
    }

    /// Takes regions that are in order and inside of the file.
    fn place(&mut self, regions: Vec<Region>) -> Result<(), DecodeError> {
        self.regions = regions;
        self.starts.clear();
        self.starts.reserve(self.regions.len());
        let mut now = Start::default();
        let mut base = Start::default();
        for region in &self.regions {
            let is_ordered = region.base_row >= base.row && region.base_at >= base.at;
            let end = region.base_at.checked_add(region.base_bytes);
            let is_inside = end.is_some_and(|end| end <= self.base_bytes);
            if !is_ordered || !is_inside {
                return Err(DecodeError::Invalid("splice"));
            }
            now.row += region.base_row - base.row;
            now.at += region.base_at - base.at;
            self.starts.push(now);
            now.row = sum(now.row, region.rows)?;
            now.at = sum(now.at, region.bytes)?;
            base.row = sum(region.base_row, region.base_rows)?;
            base.at = sum(region.base_at, region.base_bytes)?;
        }
        self.bytes = now.at + (self.base_bytes - base.at);
        Ok(())
    }

    /// Returns true if no edit has an effect.
    pub fn is_empty(&self) -> bool {
        self.regions.is_empty()
    }

    /// Length of the edited file in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Length of the base in bytes.
    pub fn base_bytes(&self) -> u64 {
        self.base_bytes
    }

    /// Returns the number of rows for a base with this many.
    pub fn rows(&self, base_rows: u64) -> u64 {
        let removed: u64 = self.regions.iter().map(|r| r.base_rows).sum();
        let added: u64 = self.regions.iter().map(|r| r.rows).sum();
        base_rows.saturating_sub(removed).saturating_add(added)
    }

    /// Counts the rows that differ from the base.
    pub fn counts(&self) -> EditCounts {
        let mut counts = EditCounts::default();
        for region in &self.regions {
            let of = |origin| {
                let runs = region.runs.iter().filter(|run| run.origin == origin);
                runs.map(|run| run.rows).sum::<u64>()
            };
            let (kept, changed) = (of(Origin::Kept), of(Origin::Changed));
            counts.rows_changed += changed;
            counts.rows_inserted += of(Origin::New);
            counts.rows_deleted += region.base_rows.saturating_sub(kept + changed);
        }
        counts
    }

    /// Finds a row of the edited file. The row may be behind the last one.
    pub fn place_of(&self, row: u64) -> RowPlace {
        let after = self.starts.partition_point(|start| start.row <= row);
        let mut index = after;
        // Regions without rows share their first row with what follows.
        while let Some(before) = index.checked_sub(1) {
            let (Some(region), Some(start)) = (self.regions.get(before), self.starts.get(before))
            else {
                break;
            };
            if row < start.row.saturating_add(region.rows) {
                return RowPlace::Region {
                    index: before,
                    first: start.row,
                    at: start.at,
                };
            }
            if region.rows > 0 {
                break;
            }
            index = before;
        }
        let (base, edited) = self.gap_before(after);
        RowPlace::Base {
            row: base.row.saturating_add(row.saturating_sub(edited.row)),
            from: (base.row, base.at),
            edited_from: (edited.row, edited.at),
        }
    }

    /// Returns the start of the unedited rows in front of a region, in the base and in the edited
    /// file.
    fn gap_before(&self, index: usize) -> (Start, Start) {
        let before = index.checked_sub(1);
        let region = before.and_then(|n| self.regions.get(n));
        let start = before.and_then(|n| self.starts.get(n));
        let (Some(region), Some(start)) = (region, start) else {
            return (Start::default(), Start::default());
        };
        let base = Start {
            row: region.base_row.saturating_add(region.base_rows),
            at: region.base_at.saturating_add(region.base_bytes),
        };
        let edited = Start {
            row: start.row.saturating_add(region.rows),
            at: start.at.saturating_add(region.bytes),
        };
        (base, edited)
    }

    /// Iterates over the parts of the edited file, in order.
    pub fn parts(&self) -> impl Iterator<Item = EditedPart<'_>> {
        let mut at = 0;
        let regions = self.regions.iter().map(Some).chain([None]);
        regions.flat_map(move |region| {
            let start = region.map_or(self.base_bytes, |region| region.base_at);
            let gap = (start > at).then(|| Span::Base {
                at,
                bytes: start - at,
            });
            at = region.map_or(start, |region| region.base_at + region.base_bytes);
            let spans = region.map_or(&[][..], |region| region.spans.as_slice());
            let spans = gap.into_iter().chain(spans.iter().copied());
            spans.map(|span| self.part(span))
        })
    }

    fn part(&self, span: Span) -> EditedPart<'_> {
        match span {
            Span::Base { at, bytes } => EditedPart::Base { at, bytes },
            Span::New { at, bytes } => {
                let start = usize::try_from(at).unwrap_or(usize::MAX);
                let end = usize::try_from(at + bytes).unwrap_or(usize::MAX);
                // The decoder found the text inside of the journal.
                EditedPart::New(self.text.get(start..end).unwrap_or_default())
            }
        }
    }

    /// Iterates over ranges of edited bytes: offset and length in the base, and offset and length in
    /// the edited file.
    pub fn edited_ranges(&self) -> impl Iterator<Item = ((u64, u64), (u64, u64))> {
        let regions = self.regions.iter().zip(&self.starts);
        regions.map(|(region, start)| {
            (
                (region.base_at, region.base_bytes),
                (start.at, region.bytes),
            )
        })
    }

    /// Returns the text of a region whose rows have no bytes in the base.
    pub(in crate::inspect) fn region_text(&self, region: &Region) -> Result<Vec<u8>, DecodeError> {
        let mut text = Vec::new();
        for span in &region.spans {
            let Span::New { at, bytes } = *span else {
                return Err(DecodeError::Invalid("splice"));
            };
            let end = usize::try_from(at + bytes).map_err(|_| DecodeError::Truncated)?;
            let start = usize::try_from(at).map_err(|_| DecodeError::Truncated)?;
            let part = self.text.get(start..end);
            text.extend_from_slice(part.ok_or(DecodeError::Truncated)?);
        }
        Ok(text)
    }

    /// Returns the place and the text, with its line end, of a stored row of a file whose rows have no
    /// bytes in the base. A row of the base has no text.
    ///
    /// # Errors
    /// [`DecodeError`] for edits of another form.
    pub fn stored_row(&self, row: u64) -> Result<(u64, Vec<u8>), DecodeError> {
        match self.place_of(row) {
            RowPlace::Base { edited_from, .. } => Ok((edited_from.1, Vec::new())),
            RowPlace::Region { index, first, at } => {
                let region = self.regions.get(index).ok_or(DecodeError::Truncated)?;
                let text = self.region_text(region)?;
                let nth = usize::try_from(row - first).map_err(|_| DecodeError::Truncated)?;
                let mut before = 0;
                let mut lines = text.split_inclusive(|b| *b == b'\n');
                for line in lines.by_ref().take(nth) {
                    before += line.len() as u64;
                }
                let line = lines.next().ok_or(DecodeError::Truncated)?;
                Ok((at + before, line.to_vec()))
            }
        }
    }

    pub(in crate::inspect) fn regions(&self) -> &[Region] {
        &self.regions
    }

    pub(in crate::inspect) fn starts(&self) -> &[Start] {
        &self.starts
    }

    pub(in crate::inspect) fn text(&self) -> &[u8] {
        &self.text
    }
}
