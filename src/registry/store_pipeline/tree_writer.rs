//! Stores tree nodes: leaves as deltas against the parent's leaves that contain most of their
//! chunks, if that saves space.

use std::collections::BTreeMap;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::BlobId;
use crate::ident::TreeId;
use crate::pack::Item;
use crate::registry::delta::writer::DeltaWriter;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

/// Maximum number of base leaves of a leaf's delta.
const LEAF_BASES_MAX: usize = 2;

/// Stores a node as a delta against the leaves that contain most of its chunks. `near` has a leaf
/// for each chunk.
pub(crate) fn add_node(
    session: &WriteSession,
    deltas: Option<&mut DeltaWriter<'_>>,
    near: Vec<TreeId>,
    bytes: &[u8],
) -> Result<(), StoreError> {
    let key = BlobKey {
        kind: BlobKind::Node,
        id: BlobId::of(bytes),
    };
    let Some(deltas) = deltas else {
        return session.add(BlobKind::Node, bytes).map(drop);
    };
    if !session.claim(&[key])?.contains(&true) {
        return Ok(());
    }
    let wanted = most_frequent(near);
    let found = deltas.plain_bases(BlobKind::Node, &wanted)?;
    let mut bases: Vec<BlobId> = Vec::new();
    for base in wanted.iter().filter_map(|id| found.get(id)).flatten() {
        if !bases.contains(base) {
            bases.push(*base);
        }
    }
    // Nodes have a limit far below 4 GiB.
    let item = Item {
        id: key.id,
        raw_bytes: bytes.len() as u32,
    };
    match deltas.record(BlobKind::Node, &[item], bytes, &bases) {
        Some(record) => session.append(&record),
        None => session.append_one(key, bytes),
    }
}

fn most_frequent(near: Vec<TreeId>) -> Vec<BlobId> {
    let mut counts: BTreeMap<TreeId, usize> = BTreeMap::new();
    for leaf in near {
        *counts.entry(leaf).or_default() += 1;
    }
    let mut leaves: Vec<(usize, TreeId)> = counts.into_iter().map(|(l, n)| (n, l)).collect();
    leaves.sort_unstable_by(|a, b| b.cmp(a));
    leaves.truncate(LEAF_BASES_MAX);
    let ids = leaves.iter();
    ids.map(|(_, leaf)| BlobId::new(*leaf.as_bytes())).collect()
}
