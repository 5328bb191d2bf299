//! Rows that a write session commits: the places of blobs.

use std::collections::BTreeMap;

use crate::blob_store::BlobKey;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::locate;
use crate::store::disk::pack::location::Location;

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

/// Returns the blobs that are claimed and have no bytes yet.
#[cfg(feature = "registry")]
pub(in crate::store::disk) fn claimed_only(
    pending: &BTreeMap<BlobKey, Option<Location>>,
) -> Vec<BlobKey> {
    let without = pending.iter().filter(|(_, at)| at.is_none());
    without.map(|(key, _)| *key).collect()
}
