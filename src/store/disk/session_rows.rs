//! Rows that a write session commits: places of blobs, and blobs with sequence numbers.

use std::collections::BTreeMap;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::BlobId;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::pack::file::PackFile;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::reader::locate;
use crate::store::disk::pack::records::locations;
use crate::store::disk::pack::records::record_of_one;

/// A blob with a sequence number that the transaction itself writes.
#[derive(Clone, Debug)]
pub struct Entry {
    /// An envelope, a tombstone or a statement.
    pub kind: BlobKind,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// On an envelope: the local flags of its dataset.
    pub flags: Flags,
}

/// Returns true if a blob counts as held for an operation that began at `epoch`.
pub(in crate::store::disk) fn is_held(
    tables: &dyn MetaRead,
    key: &BlobKey,
    epoch: u64,
) -> Result<bool, StoreError> {
    let row_key = rows::blob_key(key);
    if tables.get(Table::Blobs, &row_key)?.is_none() {
        return Ok(false);
    }
    // Blobs condemned before this operation began may be swept at any time.
    let condemned = tables.get(Table::Condemned, &row_key)?;
    let by = condemned
        .map(|row| rows::decode_counter(Some(row), Table::Condemned))
        .transpose()?;
    Ok(by.is_none_or(|collection| collection > epoch))
}

pub(in crate::store::disk) fn put_rows(
    tables: &mut dyn MetaWrite,
    pending: &BTreeMap<BlobKey, Option<Location>>,
) -> Result<(), StoreError> {
    for (key, location) in pending {
        if let Some(location) = location {
            put_row(tables, key, location)?;
        }
    }
    Ok(())
}

/// Writes the row of a blob, unless another session was first. It revives a condemned blob at
/// its new location.
/// A plain blob takes the row of a delta, in either order. A delta may depend on the blob, here or in
/// the index, and a base stays plain as long as it has a row.
pub(in crate::store::disk) fn put_row(
    tables: &mut dyn MetaWrite,
    key: &BlobKey,
    location: &Location,
) -> Result<(), StoreError> {
    let row_key = rows::blob_key(key);
    let condemned = tables.delete(Table::Condemned, &row_key)?;
    let now = locate(tables, key)?;
    let stays = now.is_some_and(|old| match (old.is_delta, location.is_delta) {
        (true, false) => false,
        (false, true) => true,
        _ => !condemned,
    });
    if !stays {
        tables.put(Table::Blobs, &row_key, &rows::encode_location(location))?;
    }
    Ok(())
}

/// Appends entries with the next sequence numbers and makes them durable, inside a transaction.
/// Tombstones come last, when the rest is durable: after a power cut, the pack must not hold one without
/// the manifest that replaces the removed one.
pub(in crate::store::disk) fn write_entries(
    tables: &mut dyn MetaWrite,
    pack: &mut PackFile,
    entries: &[Entry],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let counter = tables.get(Table::Meta, rows::SEQUENCE_KEY)?;
    let mut sequence = rows::decode_counter(counter, Table::Meta)?;
    let is_tombstone = |entry: &&Entry| entry.kind == BlobKind::Tombstone;
    let others = entries.iter().filter(|e| !is_tombstone(e));
    let mut unsynced = false;
    for entry in others.chain(entries.iter().filter(is_tombstone)) {
        if unsynced && is_tombstone(&entry) {
            pack.sync()?;
        }
        unsynced = !is_tombstone(&entry);
        sequence += 1;
        let key = BlobKey {
            kind: entry.kind,
            id: BlobId::of(&entry.bytes),
        };
        let record = record_of_one(key, &entry.bytes, sequence, entry.flags)?;
        let extent = pack.append(&record)?;
        for (item, location) in locations(pack.number(), extent, &record.items, false) {
            let key = rows::blob_key(&BlobKey {
                kind: entry.kind,
                id: item.id,
            });
            tables.put(Table::Blobs, &key, &rows::encode_location(&location))?;
            tables.delete(Table::Condemned, &key)?;
        }
    }
    tables.put(Table::Meta, rows::SEQUENCE_KEY, &sequence.to_le_bytes())?;
    pack.sync()
}
