//! Storing the nodes of a tree: leaves as deltas against those of the version before that most
//! of their chunks are in, where that pays.

use std::collections::BTreeMap;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::ident::BlobId;
use crate::ident::TreeId;
use crate::pack::Item;
use crate::registry::delta::writer::DeltaWriter;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

/// Leaves of the version before that a leaf is a delta against, at most.
const LEAF_BASES_MAX: usize = 2;

/// Stores a node, as a delta against the leaves that most of its chunks are in: `near` has a
/// leaf for each of these.
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
