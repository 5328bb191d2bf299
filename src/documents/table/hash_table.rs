//! A hash table of places with open addressing and linear probing. It stores hashes of ids and no ids: the lines
//! have them, and each hit is compared with its line.
//!
//! Slots stand in the order of their hashes (the home of a hash is its share of 2^64), so that a table grows in
//! one sequential pass.

use std::io;

use crate::documents::format::Place;
use crate::documents::format::has_id;
use crate::documents::format::quick_id;
use crate::documents::table::slot::HashKey;
use crate::documents::table::slot::PackedSlot;
use crate::documents::table::slot::RawSlot;
use crate::documents::table::slot::SLOT_BYTES;
use crate::documents::table::slot::Slot;
use crate::documents::table::slot::hash_id;
use crate::documents::table::slots::BLOCK_SLOTS;
use crate::documents::table::slots::Slots;
use crate::documents::table::slots::damaged;

/// Number of slots of the smallest table.
const SLOTS_MIN: usize = 64;
/// Number of slots that are looked at for a guess.
const LOOKS_MAX: usize = 32;
/// An empty slot.
const EMPTY: RawSlot = [0; SLOT_BYTES];

/// A hash table.
#[derive(Debug)]
pub(crate) struct HashTable {
    key: HashKey,
    slots: Slots,
    used: usize,
}

impl HashTable {
    /// Makes an empty table.
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            key,
            slots: Slots::Owned(Vec::new()),
            used: 0,
        }
    }

    /// Takes slots of which `used` are not empty.
    pub(crate) fn of_slots(key: HashKey, slots: Slots, used: usize) -> Self {
        Self { key, slots, used }
    }

    /// Returns the number of documents.
    pub(crate) fn len(&self) -> usize {
        self.used
    }

    /// Returns the key of the hash.
    pub(crate) fn key(&self) -> HashKey {
        self.key
    }

    /// Returns the slots.
    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    /// Checks all slots of a file.
    ///
    /// # Errors
    /// `InvalidData` for a damaged table.
    pub(crate) fn check(&self) -> io::Result<()> {
        (0..self.slots.len())
            .step_by(BLOCK_SLOTS)
            .try_for_each(|at| self.slots.get(at).map(|_| ()))
    }

    /// Hashes an id.
    pub(crate) fn hash(&self, id: &str) -> u64 {
        hash_id(&self.key, id)
    }

    /// Returns the slot at which the search for a hash begins.
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.slots.len() as u128) >> 64) as usize
    }

    fn after(&self, at: usize) -> usize {
        match at + 1 {
            next if next < self.slots.len() => next,
            _ => 0,
        }
    }

    /// Reads a byte of the slot at which the search for a hash begins.
    pub(crate) fn home_byte(&self, hash: u64) -> u8 {
        self.slots.get(self.home(hash)).map_or(0, |raw| raw[0])
    }

    /// Returns the place of the first document with this hash: nearly always the one that is looked for.
    pub(crate) fn likely_place(&self, hash: u64) -> Option<Place> {
        let mut at = self.home(hash);
        for _ in 0..LOOKS_MAX {
            let slot = Slot::decode(self.slots.get(at).ok()?)?;
            if slot.hash == hash {
                return Some(slot.place);
            }
            at = self.after(at);
        }
        None
    }

    /// Returns all documents in the order of their places.
    ///
    /// # Errors
    /// `InvalidData` for a damaged table.
    pub(crate) fn by_place(&self) -> io::Result<Vec<PackedSlot>> {
        let mut used = Vec::with_capacity(self.used);
        for at in 0..self.slots.len() {
            used.extend(PackedSlot::of(self.slots.get(at)?));
        }
        used.sort_unstable();
        Ok(used)
    }

    /// Looks for a document. `is_same` compares the id with that of the line at a place.
    ///
    /// # Errors
    /// Those of `is_same`; `InvalidData` for a damaged table.
    pub(crate) fn find(
        &self,
        hash: u64,
        mut is_same: impl FnMut(Place) -> io::Result<bool>,
    ) -> io::Result<Option<(usize, Place)>> {
        let mut at = self.home(hash);
        for _ in 0..self.slots.len() {
            let Some(slot) = Slot::decode(self.slots.get(at)?) else {
                return Ok(None);
            };
            if slot.hash == hash && is_same(slot.place)? {
                return Ok(Some((at, slot.place)));
            }
            at = self.after(at);
        }
        Ok(None)
    }

    /// Returns true if the line of a slot with this hash is that of an id, and false if two ids share the hash.
    ///
    /// # Errors
    /// `UnexpectedEof` if the line has an id of another hash: the log is not what it was.
    pub(crate) fn is_line_of(&self, hash: u64, id: &str, line: &[u8]) -> io::Result<bool> {
        if has_id(line, id) {
            return Ok(true);
        }
        match quick_id(line) {
            Ok(other) if self.hash(&other) == hash => Ok(false),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Changes the place of the document of a slot.
    ///
    /// # Errors
    /// `InvalidData` for a damaged table.
    pub(crate) fn replace(&mut self, at: usize, slot: Slot) -> io::Result<()> {
        self.slots.set(at, slot.encode())
    }

    /// Notes the place of a document that is not there.
    ///
    /// # Errors
    /// `InvalidData` for a damaged table.
    pub(crate) fn put_new(&mut self, slot: Slot) -> io::Result<()> {
        if (self.used + 1) * 5 > self.slots.len() * 4 {
            self.resize((self.used * 3).max(SLOTS_MIN))?;
        }
        self.place(slot.hash, slot.encode())?;
        self.used += 1;
        Ok(())
    }

    /// Makes room for more documents. A third of the slots stays free.
    ///
    /// # Errors
    /// `InvalidData` for a damaged table; as `mmap`, if there is no memory.
    pub(crate) fn reserve(&mut self, more: usize) -> io::Result<()> {
        let wanted = self.used + more;
        match wanted * 5 > self.slots.len() * 4 {
            true => self.resize((wanted + wanted / 2).max(SLOTS_MIN)),
            false => Ok(()),
        }
    }

    fn place(&mut self, hash: u64, raw: RawSlot) -> io::Result<()> {
        let mut at = self.home(hash);
        for _ in 0..self.slots.len() {
            if self.slots.get(at)? == EMPTY {
                return self.slots.set(at, raw);
            }
            at = self.after(at);
        }
        Err(damaged())
    }

    /// Forgets the document of a slot.
    ///
    /// # Errors
    /// `InvalidData` for a damaged table.
    pub(crate) fn remove(&mut self, at: usize) -> io::Result<()> {
        let count = self.slots.len();
        let distance = |from: usize, to: usize| (to + count - from) % count;
        let (mut hole, mut next) = (at, self.after(at));
        for _ in 0..count {
            let raw = self.slots.get(next)?;
            let Some(slot) = Slot::decode(raw) else {
                break;
            };
            // It moves back into the hole, unless its search begins behind it.
            if distance(self.home(slot.hash), next) >= distance(hole, next) {
                self.slots.set(hole, raw)?;
                hole = next;
            }
            next = self.after(next);
        }
        self.slots.set(hole, EMPTY)?;
        self.used = self.used.checked_sub(1).ok_or_else(damaged)?;
        Ok(())
    }

    /// Makes the table small enough for a file: at least half of its slots are used then.
    ///
    /// # Errors
    /// `InvalidData` for a damaged table.
    pub(crate) fn shrink(&mut self) -> io::Result<()> {
        let wanted = (self.used + self.used / 2).max(SLOTS_MIN);
        if self.slots.len() > SLOTS_MIN.max(self.used * 2) {
            self.resize(wanted)?;
        }
        Ok(())
    }

    fn resize(&mut self, count: usize) -> io::Result<()> {
        let old = std::mem::replace(&mut self.slots, Slots::empty(count)?);
        for at in 0..old.len() {
            let raw = old.get(at)?;
            if let Some(slot) = Slot::decode(raw) {
                self.place(slot.hash, raw)?;
            }
        }
        Ok(())
    }
}
