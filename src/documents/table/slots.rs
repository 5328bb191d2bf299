//! The slots of a table in memory, or those of a file, each block of which is checked when it is first used.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::documents::format::BLOCK_CHECK_BYTES;
use crate::documents::format::HEADER_BYTES;
use crate::documents::format::block_check;
use crate::documents::table::slot::RawSlot;
use crate::documents::table::slot::SLOT_BYTES;
use crate::mapped_file::PrivateMap;

/// Number of slots of a block.
pub(crate) const BLOCK_SLOTS: usize = 4096;

/// Bytes of slots that are worth large pages.
const LARGE_BYTES: usize = 4 << 20;

/// The slots of a table.
#[derive(Debug)]
pub(crate) enum Slots {
    /// Slots in memory.
    Owned(Vec<RawSlot>),
    /// Many slots in memory.
    Large(PrivateMap),
    /// Slots of a file. Changes stay in memory.
    Mapped(MappedSlots),
}

/// Slots of a file.
#[derive(Debug)]
pub(crate) struct MappedSlots {
    map: PrivateMap,
    /// Number of slots.
    count: usize,
    /// The checks of all blocks.
    checks: Vec<u8>,
    /// A bit for each block that is checked.
    checked: Vec<AtomicU64>,
}

impl MappedSlots {
    /// Takes the slots of a file whose header and checks are sound.
    pub(crate) fn new(map: PrivateMap, count: usize, checks: Vec<u8>) -> Self {
        let words = count.div_ceil(BLOCK_SLOTS).div_ceil(64);
        Self {
            map,
            count,
            checks,
            checked: (0..words).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn check(&self, block: usize) -> io::Result<()> {
        let word = self.checked.get(block / 64);
        let bit = 1_u64 << (block % 64);
        if word.is_some_and(|w| w.load(Ordering::Relaxed) & bit != 0) {
            return Ok(());
        }
        let start = HEADER_BYTES + block * BLOCK_SLOTS * SLOT_BYTES;
        let slots = self.count.saturating_sub(block * BLOCK_SLOTS);
        let length = slots.min(BLOCK_SLOTS) * SLOT_BYTES;
        let bytes = self.map.bytes().get(start..start + length);
        let (checks, _) = self.checks.as_chunks::<BLOCK_CHECK_BYTES>();
        match (bytes, checks.get(block)) {
            (Some(bytes), Some(known)) if block_check(bytes) == *known => {
                if let Some(word) = word {
                    word.fetch_or(bit, Ordering::Relaxed);
                }
                Ok(())
            }
            _ => Err(damaged()),
        }
    }
}

/// Returns the error of a table that is not what was written.
pub(crate) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the table is damaged")
}

impl Slots {
    /// Makes empty slots.
    ///
    /// # Errors
    /// As `mmap`, if there is no memory.
    pub(crate) fn empty(count: usize) -> io::Result<Self> {
        match count * SLOT_BYTES >= LARGE_BYTES {
            true => PrivateMap::zeros(count * SLOT_BYTES).map(Self::Large),
            false => Ok(Self::Owned(vec![[0; SLOT_BYTES]; count])),
        }
    }

    /// Returns the number of slots.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Owned(slots) => slots.len(),
            Self::Large(map) => map.bytes().len() / SLOT_BYTES,
            Self::Mapped(slots) => slots.count,
        }
    }

    /// Returns a slot.
    ///
    /// # Errors
    /// `InvalidData` if its block is damaged.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> io::Result<RawSlot> {
        match self {
            Self::Owned(slots) => slots.get(at).copied().ok_or_else(damaged),
            Self::Large(map) => {
                let (slots, _) = map.bytes().as_chunks();
                slots.get(at).copied().ok_or_else(damaged)
            }
            Self::Mapped(mapped) => {
                mapped.check(at / BLOCK_SLOTS)?;
                let start = HEADER_BYTES + at * SLOT_BYTES;
                let bytes = mapped.map.bytes().get(start..start + SLOT_BYTES);
                let slot = bytes.and_then(|b| b.first_chunk());
                slot.copied().ok_or_else(damaged)
            }
        }
    }

    /// Changes a slot in memory.
    ///
    /// # Errors
    /// As [`Slots::get`].
    #[inline]
    pub(crate) fn set(&mut self, at: usize, slot: RawSlot) -> io::Result<()> {
        let place = match self {
            Self::Owned(slots) => slots.get_mut(at),
            Self::Large(map) => map.bytes_mut().as_chunks_mut().0.get_mut(at),
            Self::Mapped(mapped) => {
                // A block is checked before it differs from the file.
                mapped.check(at / BLOCK_SLOTS)?;
                let start = HEADER_BYTES + at * SLOT_BYTES;
                let bytes = mapped.map.bytes_mut().get_mut(start..start + SLOT_BYTES);
                bytes.and_then(|b| b.first_chunk_mut())
            }
        };
        *place.ok_or_else(damaged)? = slot;
        Ok(())
    }
}
