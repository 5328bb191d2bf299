//! What a peer showed and nobody here passes on: refused, by strangers, superseded. Remembered a
//! peer, so that comparing catalogues with it does not bring the same things again and again.
//! Counts only for as long as trust is what it was; losing it costs hearing them once more.

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

/// Stands for all that what was put aside depends on, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustDigest {
    /// Of manifests: what people wrote about whom they trust.
    pub manifests: [u8; 8],
    /// Of statements: that, and whose datasets are here.
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

/// What was put aside that this peer showed, while trust was the same.
///
/// # Errors
/// [`MetaError`] when the tables cannot be read.
pub fn aside(
    tables: &dyn MetaRead,
    peer: &NodeId,
    trust: &TrustDigest,
) -> Result<Vec<ItemId>, MetaError> {
    let mut found = Vec::new();
    tables.scan(Table::Aside, peer.as_bytes(), &mut |key, row| {
        let Some(rest) = key.strip_prefix(peer.as_bytes().as_slice()) else {
            return Scan::Stop;
        };
        let item = ItemId::from_bytes(rest);
        found.extend(item.filter(|item| row.starts_with(trust.of(item))));
        Scan::Continue
    })?;
    Ok(found)
}

/// Puts things aside that a peer showed. When they are too many, of this peer or in all, what lay
/// there before of the peer, or of whoever has most, goes.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn put_aside(
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
    tables.scan(Table::Aside, &[], &mut |key, _| {
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
        tables.put(Table::Aside, &key(peer, item), &row)?;
    }
    Ok(())
}

fn clear(tables: &mut dyn MetaWrite, peer: &[u8; 32]) -> Result<(), MetaError> {
    let mut keys = Vec::new();
    tables.scan(Table::Aside, peer, &mut |key, _| {
        if !key.starts_with(peer) {
            return Scan::Stop;
        }
        keys.push(key.to_vec());
        Scan::Continue
    })?;
    for key in keys {
        tables.delete(Table::Aside, &key)?;
    }
    Ok(())
}
