//! Remote manifests: manifests that peers offered, without their data.
//!
//! They are kept within quotas, and losing them costs another request. Of each register only the
//! winning state is kept, and none if a later one is held.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::catalog;
use crate::catalog::Brief;
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
const BRIEF_BYTES_MAX: usize = 256 << 10;

/// Summary of a remote manifest. Its signature was verified when it arrived. The flag `private`
/// means that it came from a node that serves an access list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Time of arrival.
    pub heard_at: Timestamp,
    /// The node that sent it first.
    pub from: NodeId,
    /// Summary of the dataset.
    pub brief: Brief,
}

/// A received manifest before it is stored. Its signature is verified.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Time of arrival.
    pub heard_at: Timestamp,
    /// The node that sent it.
    pub from: NodeId,
    /// True if it must not be forwarded.
    pub is_private: bool,
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest's envelope.
    pub envelope: Envelope,
}

impl Heard {
    fn brief(&self) -> Brief {
        let flags = Flags {
            private: self.is_private,
            foreign: true,
            shared: false,
        };
        let is_signed = self.envelope.signature.is_some();
        let key = RegisterKey::of(&self.manifest, Origin::Elsewhere);
        Brief::of(key, &self.manifest, is_signed, (self.envelope.id(), flags))
    }

    fn rank(&self) -> Rank {
        Rank::of(&self.manifest, self.envelope.id())
    }

    fn encode(&self) -> Vec<u8> {
        let brief = self.brief();
        let mut short = Writer::new();
        short.bytes(brief.envelope_id.as_bytes());
        short.u8(brief.flags.bits()).bytes(&brief.encode());
        let mut w = Writer::new();
        w.u64(self.heard_at.0.cast_unsigned())
            .bytes(self.from.as_bytes())
            .bytes(brief.key.as_bytes())
            .counted(short.as_bytes())
            .bytes(&self.envelope.encode());
        w.into_bytes()
    }
}

/// Decodes a row into its summary and its encoded envelope.
fn decode(row: &[u8]) -> Result<(Known, &[u8]), DecodeError> {
    let mut r = Reader::new(row);
    let heard_at = Timestamp(r.u64()?.cast_signed());
    let from = NodeId::new(r.array()?);
    let key = RegisterKey(r.array()?);
    let brief = Brief::decode(key, r.counted("short form", BRIEF_BYTES_MAX)?)?;
    let known = Known {
        heard_at,
        from,
        brief: brief.ok_or(DecodeError::Invalid("short form"))?,
    };
    Ok((known, r.bytes(r.remaining())?))
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
pub fn known(tables: &dyn MetaRead) -> Result<Vec<Known>, MetaError> {
    let mut found = Vec::new();
    let mut wrong = None;
    tables.scan(Table::Known, &[], &mut |_, row| {
        match decode(row) {
            Ok((known, _)) => found.push(known),
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
pub fn known_envelope(
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
    let Some(envelope) = known_envelope(tables, id)? else {
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
pub fn is_news(tables: &dyn MetaRead, known: &Brief) -> Result<bool, MetaError> {
    let Some(held) = catalog::by_key(tables, known.key)? else {
        return Ok(true);
    };
    let held = Rank::of(&held.manifest, held.envelope_id);
    Ok(known_rank(tables, &known.envelope_id)?.is_some_and(|rank| rank > held))
}

/// Adds manifests of a peer, and drops the oldest over the quotas: per peer, per publisher that
/// `is_trusted` does not accept, and in total. Returns the new ones that stayed.
///
/// # Errors
/// [`MetaError`] when the tables are damaged or cannot be written.
pub fn note_known(
    tables: &mut dyn MetaWrite,
    heard: &[Heard],
    is_trusted: &dyn Fn(&Brief) -> bool,
) -> Result<Vec<EnvelopeId>, MetaError> {
    let mut all = known(tables)?;
    let mut of_register: BTreeMap<RegisterKey, EnvelopeId> = BTreeMap::new();
    of_register.extend(all.iter().map(|k| (k.brief.key, k.brief.envelope_id)));
    let mut new = Vec::new();
    for heard in heard {
        let brief = heard.brief();
        let id = brief.envelope_id;
        let held = catalog::by_key(tables, brief.key)?;
        let held = held.map(|d| Rank::of(&d.manifest, d.envelope_id));
        let before = of_register.get(&brief.key).copied();
        let known = match before {
            Some(before) => known_rank(tables, &before)?,
            None => None,
        };
        if held.max(known).is_some_and(|rank| rank >= heard.rank()) {
            continue;
        }
        if let Some(before) = before {
            tables.delete(Table::Known, before.as_bytes())?;
            all.retain(|k| k.brief.envelope_id != before);
        }
        tables.put(Table::Known, id.as_bytes(), &heard.encode())?;
        of_register.insert(brief.key, id);
        all.push(Known {
            heard_at: heard.heard_at,
            from: heard.from,
            brief,
        });
        new.push(id);
    }
    if !new.is_empty() {
        let now = heard.iter().map(|h| h.heard_at).max();
        let gone = too_many(all, now, is_trusted);
        forget_known(tables, &gone)?;
        let gone: BTreeSet<EnvelopeId> = gone.into_iter().collect();
        new.retain(|id| !gone.contains(id));
    }
    Ok(new)
}

/// Returns the manifests over a quota. Trusted ones come first, then the newest. A time in the
/// future comes from a wrong clock and counts as the oldest.
fn too_many(
    mut all: Vec<Known>,
    now: Option<Timestamp>,
    is_trusted: &dyn Fn(&Brief) -> bool,
) -> Vec<EnvelopeId> {
    all.sort_by_cached_key(|k| {
        let is_strange = !is_trusted(&k.brief);
        let heard_at = Some(k.heard_at).filter(|at| now.is_none_or(|now| *at <= now));
        (is_strange, std::cmp::Reverse(heard_at), k.brief.envelope_id)
    });
    let mut total = 0;
    let mut of_peer: BTreeMap<NodeId, usize> = BTreeMap::new();
    let mut of_stranger: BTreeMap<Option<[u8; 32]>, usize> = BTreeMap::new();
    let mut gone = Vec::new();
    for known in all {
        let signer = known.brief.signer.map(|key| *key.as_bytes());
        let peers = of_peer.entry(known.from).or_default();
        let strangers = of_stranger.entry(signer).or_default();
        let is_strange = !is_trusted(&known.brief);
        let exceeds = total >= KNOWN_MAX
            || *peers >= KNOWN_PER_PEER_MAX
            || (is_strange && *strangers >= KNOWN_PER_STRANGER_MAX);
        if exceeds {
            gone.push(known.brief.envelope_id);
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
pub fn forget_known(tables: &mut dyn MetaWrite, ids: &[EnvelopeId]) -> Result<(), MetaError> {
    for id in ids {
        tables.delete(Table::Known, id.as_bytes())?;
    }
    Ok(())
}
