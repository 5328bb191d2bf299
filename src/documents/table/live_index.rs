//! The places of all live documents, and the offsets of the lines that are none.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::documents::format::Place;
use crate::documents::format::part_check;
use crate::documents::table::hash_table::HashTable;
use crate::documents::table::slot::HashKey;
use crate::documents::table::slot::LENGTH_MAX;
use crate::documents::table::slot::LOG_BYTES_MAX;
use crate::documents::table::slot::Slot;
use crate::documents::table::slots::damaged;

/// A source of the lines of a log.
pub(crate) trait LineSource {
    /// Calls `read` with the line at an offset, with its line feed if it has one. `length` is its length, or
    /// [`LENGTH_MAX`] for a line that is as long or longer.
    ///
    /// # Errors
    /// As the source; `UnexpectedEof` for a line that is not there.
    fn with_line<R>(&self, place: Place, read: impl FnOnce(&[u8]) -> R) -> io::Result<R>;
}

/// Bytes that the memory brings at once.
const CACHE_LINE_BYTES: usize = 64;
/// Bytes of a line that are brought near; the memory foresees what follows.
const NEAR_BYTES_MAX: u32 = 512;

/// Live documents of a log.
#[derive(Debug)]
pub(crate) struct LiveIndex {
    table: HashTable,
    /// Bytes of the lines of live documents.
    live_bytes: u64,
    /// Offsets of the other lines: replaced, deleted, blank, or no documents.
    dead: DeadLines,
}

/// Offsets of lines that a scan leaves out.
#[derive(Debug, Default)]
pub(crate) struct DeadLines {
    /// Those in the file of the table, which are read when they are needed.
    stored: Option<StoredDead>,
    /// The others, in the order in which the lines died.
    newer: Arc<Vec<u64>>,
}

#[derive(Clone, Debug)]
pub(crate) struct StoredDead {
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
    pub(crate) count: usize,
    pub(crate) check: [u8; 16],
}

/// Dead lines at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadSnapshot {
    stored: Option<StoredDead>,
    newer: Arc<Vec<u64>>,
}

impl DeadSnapshot {
    /// Returns the offsets in order.
    ///
    /// # Errors
    /// As reading; `InvalidData` for a damaged file.
    pub(crate) fn sorted(&self) -> io::Result<Vec<u64>> {
        let mut all = match &self.stored {
            None => Vec::new(),
            Some(stored) => {
                let mut bytes = vec![0; stored.count * 8];
                stored.file.read_exact_at(&mut bytes, stored.offset)?;
                if part_check(&bytes) != stored.check {
                    return Err(damaged());
                }
                let (offsets, _) = bytes.as_chunks::<8>();
                offsets.iter().map(|b| u64::from_le_bytes(*b)).collect()
            }
        };
        all.extend(self.newer.iter());
        if !self.newer.is_empty() {
            all.sort_unstable();
        }
        Ok(all)
    }
}

impl LiveIndex {
    /// Makes an empty index.
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            table: HashTable::new(key),
            live_bytes: 0,
            dead: DeadLines::default(),
        }
    }

    /// Takes an index from a file.
    pub(crate) fn of_parts(table: HashTable, live_bytes: u64, dead: Option<StoredDead>) -> Self {
        Self {
            table,
            live_bytes,
            dead: DeadLines {
                stored: dead.filter(|d| d.count > 0),
                newer: Arc::default(),
            },
        }
    }

    /// Returns the number of documents.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns the number of bytes of the lines of live documents.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live_bytes
    }

    /// Returns the hash table.
    pub(crate) fn table(&self) -> &HashTable {
        &self.table
    }

    /// Returns the hash table, to make it small enough for a file.
    pub(crate) fn table_mut(&mut self) -> &mut HashTable {
        &mut self.table
    }

    /// Returns the offsets of dead lines as they are now.
    pub(crate) fn dead(&self) -> DeadSnapshot {
        DeadSnapshot {
            stored: self.dead.stored.clone(),
            newer: Arc::clone(&self.dead.newer),
        }
    }

    /// Returns the place of a document, and what `read` makes of its line.
    ///
    /// # Errors
    /// As the source of lines; `InvalidData` for a damaged table.
    pub(crate) fn find<R>(
        &self,
        id: &str,
        lines: &impl LineSource,
        mut read: impl FnMut(&[u8]) -> R,
    ) -> io::Result<Option<(Place, R)>> {
        let hash = self.table.hash(id);
        let is_same = |line: &[u8]| self.table.is_line_of(hash, id, line);
        let found = self.find_slot(hash, is_same, lines, &mut read)?;
        Ok(found.map(|(_, place, r)| (place, r)))
    }

    /// Calls `each` with what `read` makes of the line of each document, in the order of the ids; with `None` where there
    /// is none.
    ///
    /// Slots and lines of all ids are read at the same time before any is compared, so that the memory is waited for once.
    ///
    /// # Errors
    /// As [`LiveIndex::find`].
    pub(crate) fn find_some<R>(
        &self,
        ids: &[&str],
        lines: &impl LineSource,
        mut read: impl FnMut(&[u8]) -> R,
        mut each: impl FnMut(Option<R>),
    ) -> io::Result<()> {
        let hashes: Vec<u64> = ids.iter().map(|id| self.table.hash(id)).collect();
        self.bring_slots_near(hashes.iter().copied());
        let mut sum = 0_u8;
        for place in hashes
            .iter()
            .filter_map(|hash| self.table.likely_place(*hash))
        {
            let length = place.length.min(NEAR_BYTES_MAX);
            let near = |line: &[u8]| {
                let of_each = line.iter().step_by(CACHE_LINE_BYTES);
                of_each.fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
            };
            // A line that cannot be read gives its error where it is looked for.
            let read = lines.with_line(Place { length, ..place }, near);
            sum = sum.wrapping_add(read.unwrap_or(0));
        }
        std::hint::black_box(sum);
        for (id, hash) in ids.iter().zip(hashes) {
            let is_same = |line: &[u8]| self.table.is_line_of(hash, id, line);
            let found = self.find_slot(hash, is_same, lines, &mut read)?;
            each(found.map(|(_, _, r)| r));
        }
        Ok(())
    }

    /// Reads the slots of hashes, all at the same time.
    pub(crate) fn bring_slots_near(&self, hashes: impl Iterator<Item = u64>) {
        let sum = hashes.fold(0_u64, |sum, hash| {
            sum.wrapping_add(self.table.home_byte(hash).into())
        });
        std::hint::black_box(sum);
    }

    /// Looks for the slot of a hash whose line `is_same` accepts.
    fn find_slot<R>(
        &self,
        hash: u64,
        is_same: impl Fn(&[u8]) -> io::Result<bool>,
        lines: &impl LineSource,
        read: &mut impl FnMut(&[u8]) -> R,
    ) -> io::Result<Option<(usize, Place, R)>> {
        let mut got = None;
        let found = self.table.find(hash, |place| {
            let same = lines.with_line(place, |line| {
                is_same(line).map(|is_same| is_same.then(|| (line.len(), read(line))))
            })??;
            let is_same = same.is_some();
            got = same;
            Ok(is_same)
        })?;
        Ok(found.zip(got).map(|((at, place), (length, r))| {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            (at, Place { length, ..place }, r)
        }))
    }

    /// Notes the place of a document. The line that it had is dead.
    ///
    /// # Errors
    /// As [`LiveIndex::find`]; `FileTooLarge` for a place that a slot cannot hold.
    pub(crate) fn put(
        &mut self,
        id: &str,
        place: Place,
        lines: &impl LineSource,
    ) -> io::Result<()> {
        self.put_hashed(self.table.hash(id), || Ok(id.into()), place, lines)
    }

    /// As [`LiveIndex::put`], for an id that is read only if there is a slot with its hash.
    pub(crate) fn put_hashed<'a>(
        &mut self,
        hash: u64,
        id: impl Fn() -> io::Result<Cow<'a, str>>,
        place: Place,
        lines: &impl LineSource,
    ) -> io::Result<()> {
        if place.offset >= LOG_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let slot = Slot { hash, place };
        let is_same = |line: &[u8]| self.table.is_line_of(hash, &id()?, line);
        let old = self.find_slot(hash, is_same, lines, &mut |_| ())?;
        match old {
            None => self.table.put_new(slot)?,
            Some((at, old, ())) => {
                self.table.replace(at, slot)?;
                self.live_bytes = self.live_bytes.saturating_sub(old.length.into());
                // A line that is noted twice stays alive.
                if old.offset != place.offset {
                    self.mark_dead(old.offset);
                }
            }
        }
        self.live_bytes += u64::from(place.length);
        Ok(())
    }

    /// Notes the place of a document whose id no other one has.
    ///
    /// # Errors
    /// As [`LiveIndex::put`].
    pub(crate) fn put_new(&mut self, slot: Slot) -> io::Result<()> {
        if slot.place.offset >= LOG_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.live_bytes += u64::from(slot.place.length);
        self.table.put_new(slot)
    }

    /// Forgets a document whose line begins before an offset. Returns false if it was not there.
    ///
    /// # Errors
    /// As [`LiveIndex::find`].
    pub(crate) fn remove(
        &mut self,
        id: &str,
        before: u64,
        lines: &impl LineSource,
    ) -> io::Result<bool> {
        let hash = self.table.hash(id);
        let is_same = |line: &[u8]| self.table.is_line_of(hash, id, line);
        let found = self.find_slot(hash, is_same, lines, &mut |_| ())?;
        let Some((at, place, ())) = found.filter(|(_, place, ())| place.offset < before) else {
            return Ok(false);
        };
        self.table.remove(at)?;
        self.live_bytes = self.live_bytes.saturating_sub(place.length.into());
        self.mark_dead(place.offset);
        Ok(true)
    }

    /// Notes a line that is no live document.
    pub(crate) fn mark_dead(&mut self, offset: u64) {
        Arc::make_mut(&mut self.dead.newer).push(offset);
    }
}

/// Returns true if the length of a place is that of its line.
pub(crate) fn is_exact(place: Place) -> bool {
    place.length < LENGTH_MAX
}
