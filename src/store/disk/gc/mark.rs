//! Which blobs are needed.

use std::collections::HashSet;
use std::sync::Arc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::TreeId;
use crate::manifest::each_node;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::LockGuard;
use crate::store::disk::Operation;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::Roots;
use crate::store::disk::gc::bases::Keeping;
use crate::store::disk::gc::bases::bases;

/// The blobs that roots need. 33 bytes each: about 2 GB of memory for a terabyte of unique data.
#[derive(Debug)]
pub(crate) struct Live(Vec<BlobKey>);

impl Live {
    pub(crate) fn holds(&self, key: &BlobKey) -> bool {
        // Without tombstones, rebuilding the index would bring back what was removed.
        key.kind == BlobKind::Tombstone || self.0.binary_search(key).is_ok()
    }
}

/// Walks every root's tree, and finds the bases of differences.
pub(crate) fn mark(
    store: &DiskStore,
    roots: &Roots<'_>,
    keeping: Keeping,
    turn: &Arc<dyn LockGuard>,
) -> Result<Live, StoreError> {
    // The reader's operation comes first: what the roots name stays until the walk ends.
    let reader = BlobReader::under(store, Operation::within_collection(store, turn)?);
    let roots = store.read(|t| roots(t))?;
    let mut nodes = HashSet::new();
    let mut live = Vec::new();
    for root in roots {
        if root.kind == BlobKind::Node {
            each_node(&reader, TreeId::new(*root.id.as_bytes()), &mut |key| {
                let first = key.kind != BlobKind::Node || nodes.insert(key);
                if first {
                    live.push(key);
                }
                first
            })?;
        } else {
            live.push(root);
        }
    }
    let sorted = |mut keys: Vec<BlobKey>| {
        keys.sort_unstable();
        keys.dedup();
        Live(keys)
    };
    let mut live = sorted(live);
    let of_differences = bases(store, &reader, keeping, &|key| live.holds(key))?;
    if of_differences.is_empty() {
        return Ok(live);
    }
    live.0.extend(of_differences);
    Ok(sorted(live.0))
}
