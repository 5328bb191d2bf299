//! Bases of deltas: the blobs that live deltas need.

use std::collections::HashMap;

use crate::blob_store::BlobKey;
use crate::meta_store::Table;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::scan::each_row;
use crate::store::disk::index::rows;
use crate::store::disk::pack::location::Location;

/// Number of keys in one lookup.
const BATCH_KEYS: usize = 20_000;

/// The choice of deltas whose bases stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetainedBases {
    /// Needed deltas, when nothing is condemned yet.
    Needed,
    /// Deltas that are needed or not condemned. An operation that finds one counts it as held, and may
    /// be about to need it.
    NotCondemned,
}

/// Returns the bases that stay. `is_needed` returns true for a needed delta.
pub(crate) fn bases(
    store: &DiskStore,
    reader: &BlobReader,
    keeping: RetainedBases,
    is_needed: &dyn Fn(&BlobKey) -> bool,
) -> Result<Vec<BlobKey>, StoreError> {
    let mut keeps: Vec<(BlobKey, Location)> = Vec::new();
    let mut others: Vec<(BlobKey, Location)> = Vec::new();
    each_row(store, Table::Blobs, &mut |key, value| {
        let (key, at) = (rows::decode_blob_key(key)?, rows::decode_location(value)?);
        if at.is_delta {
            if is_needed(&key) {
                keeps.push((key, at))
            } else {
                others.push((key, at))
            }
        }
        Ok(())
    })?;
    if keeping == RetainedBases::NotCondemned {
        for batch in others.chunks(BATCH_KEYS) {
            store.read(|t| {
                for (key, at) in batch {
                    if t.get(Table::Condemned, &rows::blob_key(key))?.is_none() {
                        keeps.push((*key, *at));
                    }
                }
                Ok::<_, StoreError>(())
            })?;
        }
    }
    let mut records: HashMap<(u32, u32), (BlobKey, Location)> = HashMap::new();
    for (key, at) in keeps {
        records.entry((at.pack, at.offset)).or_insert((key, at));
    }
    let mut found = Vec::new();
    for (key, at) in records.values() {
        // An unreadable delta ends the collection, because its bases are unknown.
        let header = reader.header(key, at)?;
        found.extend(header.bases.iter().map(|id| BlobKey {
            kind: key.kind,
            id: *id,
        }));
    }
    Ok(found)
}
