//! Rows of keys. The cells of a group of keys are read one after the other without waiting, then both ends of each row,
//! which may be in two lines of the cache, and only then is anything compared: a processor has ten and more reads of
//! memory under way at a time, and a lookup that waits for each of its own takes three times as long. Asking for lines of
//! the cache by instructions for that was measured too, and takes twice as long as reading a byte.

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
use crate::features::table::rows::GROUP;
use crate::features::table::rows::Rows;

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
        let hashes = keys.group(first);
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
            if let (Some(first), Some(last)) = (row.first(), row.last()) {
                seen ^= first ^ last;
            }
            rows.put(row, *part);
        }
        std::hint::black_box(seen);
        self.compare((keys, first), &cells, rows)
    }

    /// Compares the keys from a number on with rows, and forgets those of other keys.
    #[inline]
    fn compare(
        &self,
        (keys, first): (&HashedKeys<'_>, usize),
        cells: &[(Cell, usize)],
        rows: &mut Rows<'a>,
    ) -> Result<(), FeatureError> {
        let hashes = keys.group(first);
        let single = keys
            .only_words()
            .zip(self.table.schema.key_places().first());
        let single =
            single.and_then(|(words, place)| Some((words, self.table.layout.slots.get(*place)?)));
        let all = rows.rows_mut().iter_mut().zip(cells).zip(hashes);
        for (n, ((row, (cell, part)), hash)) in all.enumerate() {
            if row.is_empty() {
                continue;
            }
            let key = (keys, first + n);
            if keys.is_absent(first + n) {
                *row = &[];
                continue;
            }
            let is_same = match single {
                Some((words, slot)) => {
                    is_word(row, slot, words.get(first + n).copied().unwrap_or(0))
                }
                None => self.is_row_of(row, *part, key)?,
            };
            if !is_same {
                *row = self.other_row(cell, (*part, *hash), key)?;
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
                    is_word(row, slot, words.get(number).copied().unwrap_or(0))
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

/// Returns true if a column of a row is an integer, in as many bytes as the type of the column has.
#[inline]
fn is_word(row: &[u8], slot: &Slot, word: u64) -> bool {
    let field = row.get(slot.at..).unwrap_or_default();
    match slot.storage {
        Storage::Fixed(8) => field.first_chunk() == Some(&word.to_le_bytes()),
        Storage::Fixed(4) => field.first_chunk() == Some(&(word as u32).to_le_bytes()),
        Storage::Fixed(2) => field.first_chunk() == Some(&(word as u16).to_le_bytes()),
        Storage::Fixed(1) => field.first_chunk() == Some(&(word as u8).to_le_bytes()),
        Storage::Fixed(_) | Storage::Inline(_) | Storage::Heap => false,
    }
}
