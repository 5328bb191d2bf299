//! Rows of keys. The cells of a group of keys are read one after the other without waiting, then a byte of each row,
//! and only then is anything compared: a processor has ten and more reads of memory under way at a time, and a lookup
//! that waits for each of its own takes three times as long.

use crate::features::error::FeatureError;
use crate::features::segment::CELL_BYTES;
use crate::features::segment::Cell;
use crate::features::segment::RowLayout;
use crate::features::segment::Slot;
use crate::features::segment::Storage;
use crate::features::segment::part_of;
use crate::features::table::keys::HashedKeys;
use crate::features::table::keys::KeyValues;
use crate::features::table::open::PartPlace;
use crate::features::table::open::Segment;

/// Keys of a group. Its cells and rows stay in the first cache.
pub(super) const GROUP: usize = 64;

/// The rows of a group of keys.
#[derive(Default)]
pub(super) struct Rows<'a> {
    /// The bytes of each row; none for a key without one.
    rows: Vec<&'a [u8]>,
    /// The part of each row.
    parts: Vec<usize>,
}

impl<'a> Rows<'a> {
    pub(super) fn rows(&self) -> &[&'a [u8]] {
        &self.rows
    }

    pub(super) fn parts(&self) -> &[usize] {
        &self.parts
    }

    /// Forgets rows by their number in the group.
    pub(super) fn forget(&mut self, mut is_forgotten: impl FnMut(usize) -> bool) {
        for (n, row) in self.rows.iter_mut().enumerate() {
            if is_forgotten(n) {
                *row = &[];
            }
        }
    }

    pub(super) fn put(&mut self, row: &'a [u8], part: usize) {
        self.rows.push(row);
        self.parts.push(part);
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.parts.clear();
    }
}

/// Lookups of one request.
pub(super) struct Finder<'a> {
    table: &'a Segment,
    bytes: &'a [u8],
    /// True if every block must be looked at before it is used.
    checks: bool,
}

impl<'a> Finder<'a> {
    pub(super) fn new(table: &'a Segment) -> Result<Self, FeatureError> {
        Ok(Self {
            bytes: table.memory.bytes(&table.path)?,
            checks: !table.memory.is_all_checked(),
            table,
        })
    }

    /// Returns the places of the columns.
    pub(super) fn layout(&self) -> &RowLayout {
        &self.table.layout
    }

    /// Finds the rows of the group that begins at a key.
    pub(super) fn find(
        &self,
        keys: &HashedKeys<'_>,
        first: usize,
        rows: &mut Rows<'a>,
    ) -> Result<(), FeatureError> {
        let hashes = keys.hashes().get(first..).unwrap_or_default();
        let hashes = hashes.get(..GROUP).unwrap_or(hashes);
        let mut cells = [(Cell::default(), 0); GROUP];
        for (to, hash) in cells.iter_mut().zip(hashes) {
            *to = self.cell(*hash)?;
        }
        rows.clear();
        let mut seen = 0_u8;
        for ((cell, part), hash) in cells.iter().zip(hashes) {
            let row = match cell.candidates(*hash).next() {
                Some(at) => self.row(*part, at)?,
                None => &[],
            };
            seen ^= row.first().copied().unwrap_or(0);
            rows.put(row, *part);
        }
        std::hint::black_box(seen);
        for (n, ((cell, part), hash)) in cells.iter().zip(hashes).enumerate() {
            let Some(row) = rows.rows.get_mut(n).filter(|row| !row.is_empty()) else {
                continue;
            };
            if keys.is_absent(first + n) {
                *row = &[];
            } else if !self.is_row_of(row, *part, (keys, first + n))? {
                *row = self.other_row(cell, (*part, *hash), (keys, first + n))?;
            }
        }
        Ok(())
    }

    /// Looks at the further candidates of a cell.
    #[cold]
    fn other_row(
        &self,
        cell: &Cell,
        (part, hash): (usize, u64),
        key: (&HashedKeys<'_>, usize),
    ) -> Result<&'a [u8], FeatureError> {
        for at in cell.candidates(hash).skip(1) {
            let row = self.row(part, at)?;
            if self.is_row_of(row, part, key)? {
                return Ok(row);
            }
        }
        Ok(&[])
    }

    /// Reads the cell of a hash.
    #[inline]
    fn cell(&self, hash: u64) -> Result<(Cell, usize), FeatureError> {
        let (part, cell) = part_of(hash, self.table.parts.len() as u64, self.table.cells);
        let at = self.place(part)?.cells_at + cell as usize * CELL_BYTES;
        if self.checks {
            self.check(at..at + CELL_BYTES)?;
        }
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        let bytes = bytes.ok_or_else(|| self.damaged("a cell is outside of the file"))?;
        Ok((Cell::of_bytes(*bytes), part))
    }

    #[inline]
    fn place(&self, part: usize) -> Result<&PartPlace, FeatureError> {
        let place = self.table.parts.get(part);
        place.ok_or_else(|| self.damaged("it has too few parts"))
    }

    /// Returns a row of a part.
    #[inline]
    pub(super) fn row(&self, part: usize, at: u32) -> Result<&'a [u8], FeatureError> {
        let place = self.place(part)?;
        if u64::from(at) >= place.rows {
            return Err(self.damaged("a cell names a row that is not there"));
        }
        let length = self.table.layout.bytes;
        let start = place.rows_at + at as usize * length;
        if self.checks {
            self.check(start..start + length)?;
        }
        let row = self.bytes.get(start..start + length);
        row.ok_or_else(|| self.damaged("a row is outside of the file"))
    }

    fn is_row_of(
        &self,
        row: &[u8],
        part: usize,
        (keys, number): (&HashedKeys<'_>, usize),
    ) -> Result<bool, FeatureError> {
        let places = self.table.schema.key_places();
        for (values, place) in keys.columns().iter().zip(places) {
            let Some(slot) = self.table.layout.slots.get(*place) else {
                return Ok(false);
            };
            let is_same = match values {
                KeyValues::Words(words) => {
                    let word = words.get(number).copied().unwrap_or(0).to_le_bytes();
                    let width = slot.storage.bytes();
                    row.get(slot.at..slot.at + width) == word.get(..width)
                }
                KeyValues::Texts(texts) => {
                    self.text(row, part, slot)? == texts.value(number).as_bytes()
                }
            };
            if !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the text of a column of a row.
    #[inline]
    pub(super) fn text<'r>(
        &self,
        row: &'r [u8],
        part: usize,
        slot: &Slot,
    ) -> Result<&'r [u8], FeatureError>
    where
        'a: 'r,
    {
        let field = row.get(slot.at..).unwrap_or_default();
        let text = match slot.storage {
            Storage::Inline(room) => {
                let length = field.first().map_or(0, |length| usize::from(*length));
                field.get(1..1 + length).filter(|_| length <= room)
            }
            Storage::Heap => return self.heap_text(field, part),
            Storage::Fixed(_) => None,
        };
        text.ok_or_else(|| self.damaged("a text is longer than its place"))
    }

    fn heap_text(&self, field: &[u8], part: usize) -> Result<&'a [u8], FeatureError> {
        let wrong = || self.damaged("a text is outside of the texts of its part");
        let (length, rest) = field.split_first_chunk::<4>().ok_or_else(wrong)?;
        let at = rest.first_chunk::<8>().ok_or_else(wrong)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| wrong())?;
        let at = usize::try_from(u64::from_le_bytes(*at)).map_err(|_| wrong())?;
        let place = self.place(part)?;
        let end = at
            .checked_add(length)
            .filter(|end| *end <= place.heap_bytes);
        let end = place.heap_at + end.ok_or_else(wrong)?;
        if self.checks && length > 0 {
            self.check(end - length..end)?;
        }
        self.bytes.get(end - length..end).ok_or_else(wrong)
    }

    fn check(&self, range: std::ops::Range<usize>) -> Result<(), FeatureError> {
        self.table.memory.check(self.bytes, range, &self.table.path)
    }

    #[cold]
    pub(super) fn damaged(&self, why: &'static str) -> FeatureError {
        FeatureError::damaged(&self.table.path, why)
    }

    /// Asks for all pages of a request at once, if they may be on disk: one after the other, each waits for the disk.
    pub(super) fn read_ahead(&self, hashes: &[u64]) {
        if !self.table.memory.is_cold() {
            return;
        }
        let count = self.table.parts.len() as u64;
        for hash in hashes {
            let (part, cell) = part_of(*hash, count, self.table.cells);
            if let Some(place) = self.table.parts.get(part) {
                let at = place.cells_at + cell as usize * CELL_BYTES;
                self.table.memory.read_ahead(at..at + CELL_BYTES);
            }
        }
        for hash in hashes {
            let Ok((cell, part)) = self.cell(*hash) else {
                return;
            };
            let length = self.table.layout.bytes;
            if let (Some(at), Some(place)) =
                (cell.candidates(*hash).next(), self.table.parts.get(part))
            {
                let start = place.rows_at + at as usize * length;
                self.table.memory.read_ahead(start..start + length);
            }
        }
    }
}
