//! What deltas need besides themselves.

use std::collections::HashMap;

use crate::blob_store::BlobKey;
use crate::meta_store::Table;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::Location;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::sweep::each_row;
use crate::store::disk::index::rows;

/// Looked up at a time.
const BATCH_KEYS: usize = 20_000;

/// Which deltas keep their bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetainedBases {
    /// Those that are needed: nothing is condemned yet.
    Needed,
    /// Those and all that are not condemned: whoever finds one counts it as held, and may be
    /// about to need it.
    NotCondemned,
}

/// The bases of the deltas that keep theirs; `is_needed` says which are needed.
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
            match is_needed(&key) {
                true => keeps.push((key, at)),
                false => others.push((key, at)),
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
        // One that cannot be read ends the collection: what it needs is not known.
        let header = reader.header(key, at)?;
        found.extend(header.bases.iter().map(|id| BlobKey {
            kind: key.kind,
            id: *id,
        }));
    }
    Ok(found)
}
