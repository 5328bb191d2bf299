//! Datasets that are elsewhere: manifests that peers showed, without their data. A memory of what
//! was heard, within quotas; losing it costs asking again.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::manifest::Envelope;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::KNOWN_MAX;
use crate::wire::limits::KNOWN_PER_PEER_MAX;
use crate::wire::limits::KNOWN_PER_STRANGER_MAX;

/// A manifest that a peer showed. Its signature was verified when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// When.
    pub heard_at: Timestamp,
    /// From whom.
    pub from: NodeId,
    /// What.
    pub envelope: Envelope,
}

impl Known {
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u64(self.heard_at.0.cast_unsigned())
            .bytes(self.from.as_bytes())
            .bytes(&self.envelope.encode());
        w.into_bytes()
    }

    fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(row);
        Ok(Self {
            heard_at: Timestamp(r.u64()?.cast_signed()),
            from: NodeId::new(r.array()?),
            envelope: Envelope::decode(r.bytes(r.remaining())?)?,
        })
    }
}

/// Everything that is known to be elsewhere.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn known(tables: &dyn MetaRead) -> Result<Vec<(EnvelopeId, Known)>, MetaError> {
    let mut found = Vec::new();
    let mut damaged = None;
    tables.scan(Table::Known, &[], &mut |key, row| {
        match (key.try_into(), Known::decode(row)) {
            (Ok(key), Ok(known)) => found.push((EnvelopeId::new(key), known)),
            (_, decoded) => damaged = Some(decoded.err().unwrap_or(DecodeError::Truncated)),
        }
        Scan::Continue
    })?;
    match damaged {
        None => Ok(found),
        Some(source) => Err(MetaError::Row {
            table: Table::Known.name(),
            source,
        }),
    }
}

/// The ids of everything that is known to be elsewhere.
///
/// # Errors
/// [`MetaError`] when the tables cannot be read.
pub fn known_ids(tables: &dyn MetaRead) -> Result<Vec<EnvelopeId>, MetaError> {
    let mut found = Vec::new();
    tables.scan(Table::Known, &[], &mut |key, _| {
        found.extend(key.try_into().map(EnvelopeId::new));
        Scan::Continue
    })?;
    Ok(found)
}

/// Notes manifests that a peer showed, and forgets the oldest of those that are too many: of a
/// peer, of a publisher whom `is_trusted` does not name, and in all. How many are new.
///
/// # Errors
/// [`MetaError`] when the tables are damaged or cannot be written.
pub fn note_known(
    tables: &mut dyn MetaWrite,
    heard: &[Known],
    is_trusted: &dyn Fn(&Known) -> bool,
) -> Result<u64, MetaError> {
    let mut new = 0;
    for known in heard {
        let id = known.envelope.id();
        if tables.get(Table::Known, id.as_bytes())?.is_none() {
            tables.put(Table::Known, id.as_bytes(), &known.encode())?;
            new += 1;
        }
    }
    if new > 0 {
        for id in too_many(known(tables)?, is_trusted) {
            tables.delete(Table::Known, id.as_bytes())?;
        }
    }
    Ok(new)
}

/// Newest first, each counts against its quotas; what exceeds one goes.
fn too_many(
    mut held: Vec<(EnvelopeId, Known)>,
    is_trusted: &dyn Fn(&Known) -> bool,
) -> Vec<EnvelopeId> {
    held.sort_by_key(|(id, k)| (!is_trusted(k), std::cmp::Reverse(k.heard_at.0), *id));
    let mut total = 0;
    let mut of_peer: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut of_stranger: BTreeMap<Option<[u8; 32]>, usize> = BTreeMap::new();
    let mut gone = Vec::new();
    for (id, known) in held {
        let signer = known.envelope.signature.map(|s| *s.key.as_bytes());
        let peers = of_peer.entry(known.from).or_default();
        let strangers = of_stranger.entry(signer).or_default();
        let is_strange = !is_trusted(&known);
        let exceeds = total >= KNOWN_MAX
            || *peers >= KNOWN_PER_PEER_MAX
            || (is_strange && *strangers >= KNOWN_PER_STRANGER_MAX);
        if exceeds {
            gone.push(id);
        } else {
            total += 1;
            *peers += 1;
            *strangers += usize::from(is_strange);
        }
    }
    gone
}

/// Forgets manifests: their data is here now, or nobody wants them.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn forget_known(tables: &mut dyn MetaWrite, ids: &[EnvelopeId]) -> Result<(), MetaError> {
    for id in ids {
        tables.delete(Table::Known, id.as_bytes())?;
    }
    Ok(())
}
