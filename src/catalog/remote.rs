//! Remote manifests: manifests that peers offered, without their data.
//!
//! They are kept within quotas, and losing them costs another request. Of each register only the
//! winning state is kept, and none if a later one is held.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog;
use crate::catalog::DatasetSummary;
use crate::catalog::RegisterKey;
use crate::clock::Timestamp;
use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::manifest::Rank;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::trust::Origin;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::KNOWN_MAX;
use crate::wire::limits::KNOWN_PER_PEER_MAX;
use crate::wire::limits::KNOWN_PER_STRANGER_MAX;

/// Maximum length in bytes of the summary in a row.
const SUMMARY_BYTES_MAX: usize = 256 << 10;

/// Summary of a remote manifest. Its signature was verified when it arrived. The flag `private`
/// means that it came from a node that serves an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteManifest {
    /// Time of arrival.
    pub received_at: Timestamp,
    /// The node that sent it first.
    pub from: NodeId,
    /// Summary of the dataset.
    pub summary: DatasetSummary,
}

/// A received manifest before it is stored. Its signature is verified.
#[derive(Clone, Debug)]
pub struct ReceivedManifest {
    /// Time of arrival.
    pub received_at: Timestamp,
    /// The node that sent it.
    pub from: NodeId,
    /// True if it must not be forwarded.
    pub is_private: bool,
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest's envelope.
    pub envelope: Envelope,
}

impl ReceivedManifest {
    fn summary(&self) -> DatasetSummary {
        let flags = Flags {
            private: self.is_private,
            foreign: true,
            shared: false,
        };
        let is_signed = self.envelope.signature.is_some();
        let key = RegisterKey::of(&self.manifest, Origin::Elsewhere);
        DatasetSummary::of(key, &self.manifest, is_signed, (self.envelope.id(), flags))
    }

    fn rank(&self) -> Rank {
        Rank::of(&self.manifest, self.envelope.id())
    }

    fn encode(&self) -> Vec<u8> {
        let summary = self.summary();
        let mut short = Writer::new();
        short.bytes(summary.envelope_id.as_bytes());
        short.u8(summary.flags.bits()).bytes(&summary.encode());
        let mut w = Writer::new();
        w.u64(self.received_at.0.cast_unsigned())
            .bytes(self.from.as_bytes())
            .bytes(summary.key.as_bytes())
            .counted(short.as_bytes())
            .bytes(&self.envelope.encode());
        w.into_bytes()
    }
}

/// Decodes a row into its summary and its encoded envelope.
fn decode(row: &[u8]) -> Result<(RemoteManifest, &[u8]), DecodeError> {
    let mut r = Reader::new(row);
    let received_at = Timestamp(r.u64()?.cast_signed());
    let from = NodeId::new(r.array()?);
    let key = RegisterKey(r.array()?);
    let summary = DatasetSummary::decode(key, r.counted("short form", SUMMARY_BYTES_MAX)?)?;
    let remote = RemoteManifest {
        received_at,
        from,
        summary: summary.ok_or(DecodeError::Invalid("short form"))?,
    };
    Ok((remote, r.bytes(r.remaining())?))
}

fn damaged(source: DecodeError) -> MetaError {
    MetaError::Row {
        table: Table::Known.name(),
        source,
    }
}

/// Returns the summaries of all remote manifests.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn remote_manifests(tables: &dyn MetaRead) -> Result<Vec<RemoteManifest>, MetaError> {
    let mut found = Vec::new();
    let mut wrong = None;
    tables.scan(Table::Known, &[], &mut |_, row| {
        match decode(row) {
            Ok((remote, _)) => found.push(remote),
            Err(source) => wrong = Some(source),
        }
        Scan::Continue
    })?;
    wrong.map_or(Ok(found), |source| Err(damaged(source)))
}

/// Returns the envelope of a remote manifest.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn remote_envelope(
    tables: &dyn MetaRead,
    id: &EnvelopeId,
) -> Result<Option<Envelope>, MetaError> {
    let Some(row) = tables.get(Table::Known, id.as_bytes())? else {
        return Ok(None);
    };
    let (_, envelope) = decode(&row).map_err(damaged)?;
    Envelope::decode(envelope).map(Some).map_err(damaged)
}

/// Returns the rank of a remote manifest, or `None` if it is gone.
fn known_rank(tables: &dyn MetaRead, id: &EnvelopeId) -> Result<Option<Rank>, MetaError> {
    let Some(envelope) = remote_envelope(tables, id)? else {
        return Ok(None);
    };
    let manifest = Manifest::decode(&envelope.manifest);
    let manifest = manifest.map_err(|_| damaged(DecodeError::Invalid("manifest")))?;
    Ok(Some(Rank::of(&manifest, *id)))
}

/// Returns true if a remote manifest ranks higher than the held one of its register.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn is_newer_than_held(
    tables: &dyn MetaRead,
    remote: &DatasetSummary,
) -> Result<bool, MetaError> {
    let Some(held) = catalog::by_key(tables, remote.key)? else {
        return Ok(true);
    };
    let held = Rank::of(&held.manifest, held.envelope_id);
    Ok(known_rank(tables, &remote.envelope_id)?.is_some_and(|rank| rank > held))
}

/// Adds manifests of a peer, and drops the oldest over the quotas: per peer, per publisher that
/// `is_trusted` does not accept, and in total. Returns the new ones that stayed.
///
/// # Errors
/// [`MetaError`] when the tables are damaged or cannot be written.
pub fn add_remote_manifests(
    tables: &mut dyn MetaWrite,
    received: &[ReceivedManifest],
    is_trusted: &dyn Fn(&DatasetSummary) -> bool,
) -> Result<Vec<EnvelopeId>, MetaError> {
    let mut all = remote_manifests(tables)?;
    let mut of_register: BTreeMap<RegisterKey, EnvelopeId> = BTreeMap::new();
    of_register.extend(all.iter().map(|k| (k.summary.key, k.summary.envelope_id)));
    let mut new = Vec::new();
    for received in received {
        let summary = received.summary();
        let id = summary.envelope_id;
        let held = catalog::by_key(tables, summary.key)?;
        let held = held.map(|d| Rank::of(&d.manifest, d.envelope_id));
        let before = of_register.get(&summary.key).copied();
        let remote = match before {
            Some(before) => known_rank(tables, &before)?,
            None => None,
        };
        if held.max(remote).is_some_and(|rank| rank >= received.rank()) {
            continue;
        }
        if let Some(before) = before {
            tables.delete(Table::Known, before.as_bytes())?;
            all.retain(|k| k.summary.envelope_id != before);
        }
        tables.put(Table::Known, id.as_bytes(), &received.encode())?;
        of_register.insert(summary.key, id);
        all.push(RemoteManifest {
            received_at: received.received_at,
            from: received.from,
            summary,
        });
        new.push(id);
    }
    if !new.is_empty() {
        let now = received.iter().map(|h| h.received_at).max();
        let gone = too_many(all, now, is_trusted);
        remove_remote_manifests(tables, &gone)?;
        let gone: BTreeSet<EnvelopeId> = gone.into_iter().collect();
        new.retain(|id| !gone.contains(id));
    }
    Ok(new)
}

/// Returns the manifests over a quota. Trusted ones come first, then the newest. A time in the
/// future comes from a wrong clock and counts as the oldest.
fn too_many(
    mut all: Vec<RemoteManifest>,
    now: Option<Timestamp>,
    is_trusted: &dyn Fn(&DatasetSummary) -> bool,
) -> Vec<EnvelopeId> {
    all.sort_by_cached_key(|k| {
        let is_strange = !is_trusted(&k.summary);
        let received_at = Some(k.received_at).filter(|at| now.is_none_or(|now| *at <= now));
        (
            is_strange,
            std::cmp::Reverse(received_at),
            k.summary.envelope_id,
        )
    });
    let mut total = 0;
    let mut of_peer: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut of_stranger: BTreeMap<Option<[u8; 32]>, usize> = BTreeMap::new();
    let mut gone = Vec::new();
    for remote in all {
        let signer = remote.summary.signer.map(|key| *key.as_bytes());
        let peers = of_peer.entry(remote.from).or_default();
        let strangers = of_stranger.entry(signer).or_default();
        let is_strange = !is_trusted(&remote.summary);
        let exceeds = total >= KNOWN_MAX
            || *peers >= KNOWN_PER_PEER_MAX
            || (is_strange && *strangers >= KNOWN_PER_STRANGER_MAX);
        if exceeds {
            gone.push(remote.summary.envelope_id);
        } else {
            total += 1;
            *peers += 1;
            *strangers += usize::from(is_strange);
        }
    }
    gone
}

/// Removes remote manifests, because their data is now held or is not wanted.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn remove_remote_manifests(
    tables: &mut dyn MetaWrite,
    ids: &[EnvelopeId],
) -> Result<(), MetaError> {
    for id in ids {
        tables.delete(Table::Known, id.as_bytes())?;
    }
    Ok(())
}
