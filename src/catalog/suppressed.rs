//! Suppressed items: items that a peer offered and this node does not forward, because they are
//! refused, of unknown publishers or superseded.
//!
//! They are kept per peer, so that reconciliation does not fetch them again. They are valid only
//! while the trust settings stay the same. Losing them costs one more transfer.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::ident::NodeId;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::protocol::ItemId;
use crate::wire::limits::ASIDE_MAX;
use crate::wire::limits::ASIDE_PER_PEER_MAX;

/// Digest of everything that decides which items are suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustDigest {
    /// Digest for manifests: the trust settings.
    pub manifests: [u8; 8],
    /// Digest for statements: the trust settings and the signers of held datasets.
    pub statements: [u8; 8],
}

impl TrustDigest {
    fn of(&self, item: &ItemId) -> &[u8; 8] {
        match item {
            ItemId::Manifest(_) => &self.manifests,
            ItemId::Statement(_) => &self.statements,
        }
    }
}

fn key(peer: &NodeId, item: &ItemId) -> Vec<u8> {
    [peer.as_bytes().as_slice(), &item.to_bytes()].concat()
}

/// Returns the suppressed items of a peer, if the digest is unchanged.
///
/// # Errors
/// [`MetaError`] when the tables cannot be read.
pub fn suppressed(
    tables: &dyn MetaRead,
    peer: &NodeId,
    trust: &TrustDigest,
) -> Result<Vec<ItemId>, MetaError> {
    let mut found = Vec::new();
    tables.scan(Table::Suppressed, peer.as_bytes(), &mut |key, row| {
        let Some(rest) = key.strip_prefix(peer.as_bytes().as_slice()) else {
            return Scan::Stop;
        };
        let item = ItemId::from_bytes(rest);
        found.extend(item.filter(|item| row.starts_with(trust.of(item))));
        Scan::Continue
    })?;
    Ok(found)
}

/// Adds suppressed items of a peer. If there are too many, of this peer or in total, the earlier
/// items of the peer with the most are dropped.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn put_suppressed(
    tables: &mut dyn MetaWrite,
    peer: &NodeId,
    items: &[ItemId],
    (trust, now): (&TrustDigest, Timestamp),
) -> Result<(), MetaError> {
    let items = items.get(..ASIDE_PER_PEER_MAX).unwrap_or(items);
    if items.is_empty() {
        return Ok(());
    }
    let mut counts: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    tables.scan(Table::Suppressed, &[], &mut |key, _| {
        if let Some(peer) = key.first_chunk::<32>() {
            *counts.entry(*peer).or_default() += 1;
        }
        Scan::Continue
    })?;
    let own = counts.get(peer.as_bytes()).copied().unwrap_or(0);
    if own + items.len() > ASIDE_PER_PEER_MAX {
        clear(tables, peer.as_bytes())?;
        counts.remove(peer.as_bytes());
    }
    let mut total: usize = counts.values().sum();
    while total + items.len() > ASIDE_MAX {
        let most = counts.iter().max_by_key(|(_, n)| **n);
        let Some((most, n)) = most.map(|(most, n)| (*most, *n)) else {
            break;
        };
        clear(tables, &most)?;
        counts.remove(&most);
        total -= n;
    }
    for item in items {
        let row = [*trust.of(item), now.0.to_le_bytes()].concat();
        tables.put(Table::Suppressed, &key(peer, item), &row)?;
    }
    Ok(())
}

fn clear(tables: &mut dyn MetaWrite, peer: &[u8; 32]) -> Result<(), MetaError> {
    let mut keys = Vec::new();
    tables.scan(Table::Suppressed, peer, &mut |key, _| {
        if !key.starts_with(peer) {
            return Scan::Stop;
        }
        keys.push(key.to_vec());
        Scan::Continue
    })?;
    for key in keys {
        tables.delete(Table::Suppressed, &key)?;
    }
    Ok(())
}
