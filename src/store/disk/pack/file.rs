//! Open packs: a process appends to a pack whose file it has locked, so every writer has a pack of its
//! own. A later writer continues an unfilled pack.

use std::sync::Arc;

use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Record;
use crate::pack::layout::PACK_BYTES_SEALED;
use crate::pack::layout::PACK_HEADER_BYTES;
use crate::pack::layout::encode_pack_header;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::PackRow;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::LockGuard;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::Share;
use crate::store::disk::io::Wait;
use crate::store::disk::layout;
use crate::store::disk::pack::list::all;
use crate::store::disk::pack::list::strange_packs;
use crate::store::disk::rebuild::unreadable;

/// An open pack and the lock on it.
#[derive(Debug)]
pub(crate) struct PackFile {
    number: u32,
    file: Arc<dyn DiskFile>,
    _lock: Box<dyn LockGuard>,
    end: u64,
}

impl PackFile {
    /// Takes an unfilled, unlocked pack, or starts one.
    pub(crate) fn claim(store: &DiskStore) -> Result<Self, StoreError> {
        let open: Vec<u32> = store.read(|t| {
            let packs = all(t)?;
            let kept = unreadable::packs(t)?;
            let takes_more =
                |(number, row): &(u32, PackRow)| takes_more(row) && !kept.contains(number);
            let unfilled = packs.into_iter().filter(takes_more);
            Ok::<_, StoreError>(unfilled.map(|(number, _)| number).collect())
        })?;
        for number in open {
            if let Some(pack) = Self::take(store, number)? {
                return Ok(pack);
            }
        }
        Self::start(store)
    }

    /// Starts a pack.
    pub(crate) fn start(store: &DiskStore) -> Result<Self, StoreError> {
        loop {
            let number = store.write(|t| {
                // Neither overwrite a file that the index does not know, nor treat it as a leftover.
                let strange = strange_packs(&store.disk, t)?;
                unreadable::put_strange(t, &strange)?;
                allocate(t, strange.last().copied().unwrap_or(0))
            })?;
            if let Some(pack) = Self::take(store, number)? {
                return Ok(pack);
            }
        }
    }

    /// Locks a pack and cuts uncommitted bytes; `None` when another process has it.
    fn take(store: &DiskStore, number: u32) -> Result<Option<Self>, StoreError> {
        let path = layout::pack_path(number);
        let lock = match store.disk.lock(&path, Share::Exclusive, Wait::No) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return Ok(None),
            other => other.map_err(|e| StoreError::io("lock", &path, e))?,
        };
        // Only the row under the lock counts: another process may have filled or removed the pack.
        let row = store.read(|t| row(t, number))?;
        let Some(row) = row.filter(takes_more) else {
            return Ok(None);
        };
        let io = |action| {
            let path = path.clone();
            move |e| StoreError::io(action, &path, e)
        };
        let file = store
            .disk
            .open(&path, OpenMode::Create)
            .map_err(io("open"))?;
        let size = file.size().map_err(io("read"))?;
        if size != row.committed_bytes {
            file.set_len(row.committed_bytes).map_err(io("truncate"))?;
        }
        // Durably, before it is overwritten: a power cut must not leave one half of a command's
        // uncommitted write.
        if size > row.committed_bytes {
            file.sync().map_err(io("sync"))?;
        }
        let mut end = row.committed_bytes;
        let mut header = [0; PACK_HEADER_BYTES];
        let is_begun = end >= PACK_HEADER_BYTES as u64;
        if is_begun {
            file.read_exact_at(&mut header, 0).map_err(io("read"))?;
        }
        // A pack of an older version takes records of this version from now on.
        if header.as_slice() != encode_pack_header(number) {
            file.write_all_at(&encode_pack_header(number), 0)
                .map_err(io("write"))?;
        }
        if !is_begun {
            store
                .disk
                .sync_dir(layout::PACKS_DIR)
                .map_err(io("sync the directory of"))?;
            end = PACK_HEADER_BYTES as u64;
        }
        Ok(Some(Self {
            number,
            file: file.into(),
            _lock: lock,
            end,
        }))
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Returns the offset of the next record.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn is_full(&self) -> bool {
        self.end >= PACK_BYTES_SEALED
    }

    /// Appends a record and returns its offset and length. It is not durable yet.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(u32, u32), StoreError> {
        self.append_bytes(&record.encode())
    }

    /// Appends a complete encoded record.
    pub(crate) fn append_bytes(&mut self, bytes: &[u8]) -> Result<(u32, u32), StoreError> {
        let path = layout::pack_path(self.number);
        self.file
            .write_all_at(bytes, self.end)
            .map_err(|e| StoreError::io("write", path, e))?;
        // Packs end soon after PACK_BYTES_SEALED and records have a limit: both fit 32 bits.
        let at = (self.end as u32, bytes.len() as u32);
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// Makes all appended records durable.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.file
            .sync()
            .map_err(|e| StoreError::io("sync", layout::pack_path(self.number), e))
    }

    /// Commits all appended records, as part of a transaction that follows [`PackFile::sync`].
    pub(crate) fn commit(&self, tables: &mut dyn MetaWrite) -> Result<(), StoreError> {
        let row = PackRow {
            committed_bytes: self.end,
            retired: false,
        };
        tables.put(
            Table::Packs,
            &rows::pack_key(self.number),
            &rows::encode_pack(row),
        )?;
        Ok(())
    }
}

fn takes_more(row: &PackRow) -> bool {
    !row.retired && row.committed_bytes < PACK_BYTES_SEALED
}

/// Returns the index row of a pack.
pub(crate) fn row(tables: &dyn MetaRead, number: u32) -> Result<Option<PackRow>, StoreError> {
    let bytes = tables.get(Table::Packs, &rows::pack_key(number))?;
    Ok(bytes.map(|b| rows::decode_pack(&b)).transpose()?)
}

/// Allocates a number that no pack has had.
fn allocate(tables: &mut dyn MetaWrite, last_file: u32) -> Result<u32, StoreError> {
    let counter = tables.get(Table::Meta, rows::LAST_PACK_KEY)?;
    let last = rows::decode_counter(counter, Table::Meta)?;
    let greatest = all(tables)?.last().map_or(0, |(number, _)| *number);
    let next = u32::try_from(last)
        .unwrap_or(u32::MAX)
        .max(greatest)
        .max(last_file)
        .saturating_add(1);
    tables.put(
        Table::Meta,
        rows::LAST_PACK_KEY,
        &u64::from(next).to_le_bytes(),
    )?;
    let row = PackRow {
        committed_bytes: 0,
        retired: false,
    };
    tables.put(Table::Packs, &rows::pack_key(next), &rows::encode_pack(row))?;
    Ok(next)
}
