//! Mark phase: finds the blobs that roots need.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::TreeId;
use crate::manifest::each_held_node;
use crate::manifest::each_node;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::EpochGuard;
use crate::store::disk::LockGuard;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::bases::RetainedBases;
use crate::store::disk::gc::bases::bases;
use crate::store::disk::gc::report::Restorable;
use crate::store::disk::gc::report::RestorableData;
use crate::store::disk::gc::report::Roots;
use crate::store::disk::pack::location::Location;

/// Number of keys in one lookup.
const BATCH_KEYS: usize = 20_000;

/// The blobs that roots need, 33 bytes each: about 2 GB of memory for a terabyte of unique data.
#[derive(Debug)]
pub(crate) struct Live {
    keys: Vec<BlobKey>,
    /// The blobs that are live only because removed datasets can be restored.
    pub(crate) kept_back: RestorableData,
}

impl Live {
    pub(crate) fn holds(&self, key: &BlobKey) -> bool {
        // Without tombstones, a rebuilt index would bring back removed datasets.
        key.kind == BlobKind::Tombstone || self.keys.binary_search(key).is_ok()
    }
}

/// Walks every root's tree, and finds the bases of deltas.
pub(crate) fn mark(
    store: &DiskStore,
    roots: &Roots<'_>,
    keeping: RetainedBases,
    turn: &Arc<dyn LockGuard>,
) -> Result<Live, StoreError> {
    // The reader's operation comes first, so that the blobs of roots stay until the walk ends.
    let reader = BlobReader::under(store, EpochGuard::within_collection(store, turn)?);
    let rooted = store.read(|t| roots(t))?;
    let mut nodes = HashSet::new();
    let mut keys = below(&reader, rooted.needed, &HashSet::new(), &mut nodes)?;
    keys.extend(partial(&reader, rooted.partial, &mut nodes)?);
    let (kept_back, more) = restorable(&reader, rooted.restorable, &keys, nodes)?;
    keys.extend(more);
    let mut live = Live {
        keys: sorted(keys),
        kept_back,
    };
    let of_deltas = bases(store, &reader, keeping, &|key| live.holds(key))?;
    if !of_deltas.is_empty() {
        live.keys.extend(of_deltas);
        live.keys = sorted(live.keys);
    }
    Ok(live)
}

fn sorted(mut keys: Vec<BlobKey>) -> Vec<BlobKey> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Returns roots and the blobs below them, without trees below `known` nodes. It adds the visited nodes
/// to `walked`.
fn below(
    reader: &BlobReader,
    roots: Vec<BlobKey>,
    known: &HashSet<BlobKey>,
    walked: &mut HashSet<BlobKey>,
) -> Result<Vec<BlobKey>, StoreError> {
    let mut found = Vec::new();
    for root in roots {
        if root.kind == BlobKind::Node {
            each_node(reader, TreeId::new(*root.id.as_bytes()), &mut |key| {
                let is_node = key.kind == BlobKind::Node;
                let first = !is_node || (!known.contains(&key) && walked.insert(key));
                if first {
                    found.push(key);
                }
                first
            })?;
        } else {
            found.push(root);
        }
    }
    Ok(found)
}

/// Returns the blobs of partial holdings that are here. A node that is missing or unreadable ends the
/// walk below it.
fn partial(
    reader: &BlobReader,
    roots: Vec<BlobKey>,
    walked: &mut HashSet<BlobKey>,
) -> Result<Vec<BlobKey>, StoreError> {
    let mut found = Vec::new();
    for root in roots {
        if root.kind == BlobKind::Node {
            let root = TreeId::new(*root.id.as_bytes());
            each_held_node(reader, root, &mut |key| {
                let first = key.kind != BlobKind::Node || walked.insert(key);
                if first {
                    found.push(key);
                }
                first
            })?;
        } else {
            found.push(root);
        }
    }
    Ok(found)
}

/// Returns the further blobs of removed datasets that are complete. An incomplete one cannot be
/// restored, so it must neither keep its remains nor end the collection.
fn restorable(
    reader: &BlobReader,
    removed: Vec<Restorable>,
    needed: &[BlobKey],
    mut nodes: HashSet<BlobKey>,
) -> Result<(RestorableData, Vec<BlobKey>), StoreError> {
    let mut kept_back = RestorableData::default();
    let mut more = Vec::new();
    if removed.is_empty() {
        return Ok((kept_back, more));
    }
    for dataset in removed {
        let mut walked = HashSet::new();
        let found = below(reader, dataset.roots, &nodes, &mut walked);
        let found = found.and_then(|keys| Ok(is_whole(reader, &keys)?.then_some(keys)));
        match found {
            Ok(Some(keys)) => {
                more.extend(keys);
                nodes.extend(walked);
                kept_back.datasets += 1;
                kept_back.until = kept_back.until.max(Some(dataset.until));
            }
            Ok(None) => {}
            Err(e) if matches!(e.kind(), ErrorKind::Integrity | ErrorKind::NotFound) => {}
            Err(other) => return Err(other),
        }
    }
    let needed: HashSet<&BlobKey> = needed.iter().collect();
    let mut only: Vec<BlobKey> = more.clone();
    only.retain(|key| !needed.contains(key));
    kept_back.bytes = stored_bytes(reader, &sorted(only))?;
    Ok((kept_back, more))
}

/// Returns true if all blobs have a location, and the header of each delta is readable.
fn is_whole(reader: &BlobReader, keys: &[BlobKey]) -> Result<bool, StoreError> {
    for batch in keys.chunks(BATCH_KEYS) {
        for (key, at) in batch.iter().zip(reader.locate(batch)?) {
            let Some(at) = at else { return Ok(false) };
            if at.is_delta {
                reader.header(key, &at)?;
            }
        }
    }
    Ok(true)
}

/// Returns these blobs' share of the bytes of their records. An unreadable record counts 0.
fn stored_bytes(reader: &BlobReader, keys: &[BlobKey]) -> Result<u64, StoreError> {
    let mut records: HashMap<(u32, u32), (BlobKey, Location, u64)> = HashMap::new();
    for batch in keys.chunks(BATCH_KEYS) {
        for (key, at) in batch.iter().zip(reader.locate(batch)?) {
            if let Some(at) = at {
                let entry = records.entry((at.pack, at.offset)).or_insert((*key, at, 0));
                entry.2 += u64::from(at.raw_bytes);
            }
        }
    }
    let mut stored = 0;
    for (key, at, used) in records.values() {
        if let Ok(header) = reader.header(key, at) {
            let raw = (header.raw_bytes as u64).max(1);
            stored += u64::from(at.record_bytes) * *used / raw;
        }
    }
    Ok(stored)
}
