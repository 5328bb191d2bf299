//! `alimentar.idx`: the table as a file. It is written aside and renamed, and mapped when it is read.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::documents::format::BLOCK_CHECK_BYTES;
use crate::documents::format::HEADER_BYTES;
use crate::documents::format::TableHeader;
use crate::documents::format::block_check;
use crate::documents::format::limits::INDEX_BYTES_MAX;
use crate::documents::format::part_check;
use crate::documents::table::LiveIndex;
use crate::documents::table::hash_table::HashTable;
use crate::documents::table::live_index::StoredDead;
use crate::documents::table::slot::SLOT_BYTES;
use crate::documents::table::slots::BLOCK_SLOTS;
use crate::documents::table::slots::MappedSlots;
use crate::documents::table::slots::Slots;
use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::open_plain;
use crate::file_io::put_in_place;
use crate::mapped_file::PrivateMap;

/// Number of slots, and of dead lines, up to which a table is checked when it is opened: half a millisecond.
const CHECKED_AT_ONCE: u64 = 1 << 16;

/// A table file whose header is sound.
#[derive(Debug)]
pub(in crate::documents) struct StoredTable {
    pub(in crate::documents) header: TableHeader,
    file: Arc<File>,
    checks: Vec<u8>,
}

impl StoredTable {
    /// Opens a table; `None` if there is none, or one that is damaged or cut. Reads the header and the checks only.
    ///
    /// # Errors
    /// As the operating system.
    pub(in crate::documents) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match open_plain(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let length = file.metadata()?.len();
        let mut bytes = vec![0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            return Ok(None);
        }
        file.read_exact_at(&mut bytes, 0)?;
        let Ok(header) = TableHeader::decode(&bytes) else {
            return Ok(None);
        };
        let Some((dead_end, checks_length)) = parts(&header, length) else {
            return Ok(None);
        };
        let mut checks = vec![0; checks_length];
        file.read_exact_at(&mut checks, dead_end)?;
        if part_check(&checks) != header.checks_check {
            return Ok(None);
        }
        let file = Arc::new(file);
        Ok(Some(Self {
            header,
            file,
            checks,
        }))
    }

    /// Maps the table. `None` if it is small enough to be checked at once, and is damaged; a large one is checked as
    /// it is used.
    ///
    /// # Errors
    /// As `mmap`.
    pub(in crate::documents) fn map(self) -> io::Result<Option<LiveIndex>> {
        let header = &self.header;
        let to_count = |n: u64| usize::try_from(n).map_err(io::Error::other);
        let (slots, used) = (to_count(header.slots)?, to_count(header.used)?);
        let map = PrivateMap::new(&self.file)?;
        let table = HashTable::of_slots(
            header.key,
            Slots::Mapped(MappedSlots::new(map, slots, self.checks)),
            used,
        );
        let dead = StoredDead {
            offset: HEADER_BYTES as u64 + header.slots * SLOT_BYTES as u64,
            count: to_count(header.dead)?,
            check: header.dead_check,
            file: self.file,
        };
        let index = LiveIndex::of_parts(table, header.live_bytes, Some(dead));
        let is_small = header.slots.max(header.dead) <= CHECKED_AT_ONCE;
        Ok((!is_small || is_sound(&index)?).then_some(index))
    }
}

/// Checks all of a table.
fn is_sound(index: &LiveIndex) -> io::Result<bool> {
    match index.table().check().and_then(|()| index.dead().sorted()) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Ok(false),
        Err(e) => Err(e),
    }
}

/// Reads a table whole. Returns false if it is sound, or not there.
///
/// # Errors
/// As the operating system.
pub(in crate::documents) fn is_damaged_table(path: &Path) -> io::Result<bool> {
    match StoredTable::open(path)? {
        None => path.try_exists(),
        Some(stored) => match stored.map()? {
            None => Ok(true),
            Some(index) => is_sound(&index).map(|is_sound| !is_sound),
        },
    }
}

/// Returns the offset and the length of the checks, if a file of this length has all parts.
fn parts(header: &TableHeader, length: u64) -> Option<(u64, usize)> {
    let slots = header.slots.checked_mul(SLOT_BYTES as u64)?;
    let dead = header.dead.checked_mul(8)?;
    let checks = header.slots.div_ceil(BLOCK_SLOTS as u64) * BLOCK_CHECK_BYTES as u64;
    let dead_end = (HEADER_BYTES as u64)
        .checked_add(slots)?
        .checked_add(dead)?;
    let is_whole = dead_end.checked_add(checks) == Some(length);
    // Searches are short while some slots are empty.
    let is_loose = header.used.checked_mul(5)? <= header.slots * 4;
    let is_readable = length <= INDEX_BYTES_MAX as u64;
    let is_good = is_whole && is_loose && is_readable;
    is_good.then(|| Some((dead_end, usize::try_from(checks).ok()?)))?
}

/// Writes a table durably in place of the one that is there. The counts and checks of the header are filled in.
///
/// # Errors
/// As writing; `InvalidData` for a damaged table.
pub(in crate::documents) fn write_table(
    path: &Path,
    index: &LiveIndex,
    mut header: TableHeader,
) -> io::Result<()> {
    let (temporary, file) = TemporaryPath::file(path, None)?;
    let mut writer = BufWriter::with_capacity(1 << 20, &file);
    // The header comes last, when the checks are known.
    writer.write_all(&[0; HEADER_BYTES])?;
    let slots = index.table().slots();
    let (mut checks, mut block) = (Vec::new(), Vec::with_capacity(BLOCK_SLOTS * SLOT_BYTES));
    for at in 0..slots.len() {
        block.extend_from_slice(&slots.get(at)?);
        if block.len() == BLOCK_SLOTS * SLOT_BYTES || at + 1 == slots.len() {
            checks.extend(block_check(&block));
            writer.write_all(&block)?;
            block.clear();
        }
    }
    let dead = index.dead().sorted()?;
    let bytes: Vec<u8> = dead.iter().flat_map(|n| n.to_le_bytes()).collect();
    writer.write_all(&bytes)?;
    writer.write_all(&checks)?;
    writer.flush()?;
    drop(writer);
    header.slots = slots.len() as u64;
    header.used = index.len() as u64;
    header.dead = dead.len() as u64;
    header.live_bytes = index.live_bytes();
    header.key = index.table().key();
    header.dead_check = part_check(&bytes);
    header.checks_check = part_check(&checks);
    file.write_all_at(&header.encode(), 0)?;
    file.sync_data()?;
    put_in_place(temporary.path(), path, IfExists::Replace)
}
