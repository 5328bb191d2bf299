//! Catalogue: the winning manifest of each dataset, by register key, name or content id.
//!
//! `merge` writes it, `summary` is for lists, `removed` and `tombstone` record removals, `remote`
//! holds remote manifests, `partial` those of partial holdings, and `statements` those of publishers. It works over any [`MetaRead`];
//! the layer above decides which manifest wins.

mod followed;
mod merge;
mod partial;
mod remote;
mod removed;
mod statements;
pub(crate) mod summary;
mod suppressed;
#[cfg(test)]
mod tests;
mod tombstone;

use std::collections::BTreeSet;

pub use crate::catalog::summary::DatasetSummary;
pub use followed::followed;
pub use followed::forget_followed;
pub use followed::put_followed;
pub use merge::Merged;
pub use merge::by_envelope;
pub use merge::made_here;
pub use merge::merge;
pub use merge::of_register;
pub use merge::put;
pub use merge::set_flags;
pub use partial::PartialHolding;
pub use partial::forget_partial;
pub use partial::note_partial;
pub use partial::partial_holdings;
pub use partial::partial_of;
pub use remote::ReceivedManifest;
pub use remote::RemoteManifest;
pub use remote::add_remote_manifests;
pub use remote::is_newer_than_held;
pub use remote::remote_envelope;
pub use remote::remote_manifests;
pub use remote::remove_remote_manifests;
pub use removed::RemovalFate;
pub use removed::Removed;
pub use removed::give_up;
pub use removed::given_before;
pub use removed::put_removed;
pub use removed::put_removed_manifest;
pub use removed::readable_removed;
pub use removed::removed;
pub use removed::removed_of;
pub use removed::unindex;
pub use statements::put_statement;
pub use statements::statements;
pub use suppressed::TrustDigest;
pub use suppressed::put_suppressed;
pub use suppressed::suppressed;
pub use tombstone::Tombstone;

use crate::ident::BlobId;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::EnvelopeId;
use crate::ident::to_hex;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
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

/// Key of a register: a publisher's series, a version in it, and the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegisterKey([u8; 32]);

/// Replaces the signer in the register of an unsigned remote manifest. It is shorter than a key.
const UNSIGNED_ELSEWHERE: &[u8] = b"elsewhere";

impl RegisterKey {
    /// Returns the register of a manifest. An unsigned manifest has no provable maker, so a remote
    /// one has another register than a local one.
    pub fn of(manifest: &Manifest, origin: Origin) -> Self {
        let mut w = Writer::new();
        w.counted(match (&manifest.signer, origin) {
            (Some(key), _) => key.as_bytes(),
            (None, Origin::Here) => &[],
            (None, Origin::Elsewhere) => UNSIGNED_ELSEWHERE,
        });
        w.bytes(manifest.series.as_bytes())
            .bytes(manifest.content_id.as_bytes());
        w.counted(manifest.dataset_version.to_string().as_bytes());
        Self(*blake3::hash(w.as_bytes()).as_bytes())
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Formats the key as 64 hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }

    /// Parses 64 hex digits.
    pub fn parse_hex(text: &str) -> Option<Self> {
        BlobId::parse_hex(text).map(|id| Self(*id.as_bytes()))
    }
}

/// Local state of a dataset.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The dataset's register.
    pub key: RegisterKey,
    /// Envelope of the winning manifest.
    pub envelope_id: EnvelopeId,
    /// The decoded winning manifest.
    pub manifest: Manifest,
    /// True if it is signed. The signature was verified when it arrived.
    pub signed: bool,
    /// Local flags.
    pub flags: Flags,
}

impl Dataset {
    /// Returns the origin of its manifest.
    pub const fn origin(&self) -> Origin {
        origin_of(self.flags)
    }
}

/// Returns the origin that flags encode.
pub const fn origin_of(flags: Flags) -> Origin {
    if flags.foreign {
        Origin::Elsewhere
    } else {
        Origin::Here
    }
}

/// Returns the state of one register.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn by_key(tables: &dyn MetaRead, key: RegisterKey) -> Result<Option<Dataset>, MetaError> {
    match tables.get(Table::Datasets, &key.0)? {
        Some(_) => load(tables, key).map(Some),
        None => Ok(None),
    }
}

/// Removes a dataset's state. Its blobs stay.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn remove(tables: &mut dyn MetaWrite, dataset: &Dataset) -> Result<(), MetaError> {
    let manifest = &dataset.manifest;
    tables.delete(Table::Envelopes, dataset.envelope_id.as_bytes())?;
    tables.delete(Table::Datasets, &dataset.key.0)?;
    tables.delete(Table::Names, &name_key(&manifest.name, &dataset.key))?;
    tables.delete(
        Table::Contents,
        &content_key(&manifest.content_id, &dataset.key),
    )?;
    Ok(())
}

/// Returns the winning envelope of every register, in order of the registers.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn heads(tables: &dyn MetaRead) -> Result<Vec<(RegisterKey, EnvelopeId)>, MetaError> {
    let mut found = Vec::new();
    tables.scan(Table::Datasets, &[], &mut |key, value| {
        if let (Ok(key), Ok((id, _))) = (key.try_into(), decode_row(value)) {
            found.push((RegisterKey(key), id));
        }
        Scan::Continue
    })?;
    Ok(found)
}

/// Returns the envelope of a manifest that must be held.
///
/// # Errors
/// [`MetaError`] when the tables are damaged, or have no such envelope.
pub fn envelope(tables: &dyn MetaRead, id: &EnvelopeId) -> Result<Envelope, MetaError> {
    envelope_if_held(tables, id)?.ok_or(MetaError::Row {
        table: Table::Envelopes.name(),
        source: DecodeError::Truncated,
    })
}

/// Returns a manifest's envelope, or `None` if it is not held.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn envelope_if_held(
    tables: &dyn MetaRead,
    id: &EnvelopeId,
) -> Result<Option<Envelope>, MetaError> {
    let damaged = |source| MetaError::Row {
        table: Table::Envelopes.name(),
        source,
    };
    let Some(bytes) = tables.get(Table::Envelopes, id.as_bytes())? else {
        return Ok(None);
    };
    if EnvelopeId::of(&bytes) != *id {
        return Err(damaged(DecodeError::Checksum("a manifest")));
    }
    Envelope::decode(&bytes).map(Some).map_err(damaged)
}

/// Returns every dataset, in order of name, then version.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn all(tables: &dyn MetaRead) -> Result<Vec<Dataset>, MetaError> {
    let mut keys = BTreeSet::new();
    tables.scan(Table::Datasets, &[], &mut |key, _| {
        keys.extend(key.try_into().map(RegisterKey));
        Scan::Continue
    })?;
    load_all(tables, keys)
}

/// Returns a summary of every dataset, in order of name, then version.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn summaries(tables: &dyn MetaRead) -> Result<Vec<DatasetSummary>, MetaError> {
    let (mut found, mut without) = (Vec::new(), Vec::new());
    let mut damaged = None;
    tables.scan(Table::Datasets, &[], &mut |key, row| {
        let Ok(key) = key.try_into().map(RegisterKey) else {
            return Scan::Continue;
        };
        match DatasetSummary::decode(key, row) {
            Ok(Some(summary)) => found.push(summary),
            Ok(None) => without.push(key),
            Err(source) => damaged = Some(source),
        }
        Scan::Continue
    })?;
    if let Some(source) = damaged {
        let table = Table::Datasets.name();
        return Err(MetaError::Row { table, source });
    }
    for key in without {
        found.push(load(tables, key)?.summary());
    }
    found.sort_by(|a, b| {
        let names = a.name.cmp(&b.name);
        names
            .then_with(|| a.version.cmp(&b.version))
            .then_with(|| a.key.cmp(&b.key))
    });
    Ok(found)
}

/// Returns every dataset name once.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn names(tables: &dyn MetaRead) -> Result<BTreeSet<DatasetName>, MetaError> {
    let mut names = BTreeSet::new();
    tables.scan(Table::Names, &[], &mut |key, _| {
        let name = key.split(|b| *b == 0).next().unwrap_or_default();
        let name = std::str::from_utf8(name).ok().and_then(|n| n.parse().ok());
        names.extend(name);
        Scan::Continue
    })?;
    Ok(names)
}

/// Returns the datasets of a name.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn by_name(tables: &dyn MetaRead, name: &DatasetName) -> Result<Vec<Dataset>, MetaError> {
    let prefix = [name.as_str().as_bytes(), &[0]].concat();
    let keys = keys_behind(tables, Table::Names, &prefix, |key| {
        key.starts_with(&prefix)
    })?;
    load_all(tables, keys)
}

/// Returns the datasets whose content id satisfies `fits`, from the least id `from` on.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn by_content(
    tables: &dyn MetaRead,
    from: &ContentId,
    fits: impl Fn(&ContentId) -> bool,
) -> Result<Vec<Dataset>, MetaError> {
    let fits_key = |key: &[u8]| {
        key.first_chunk::<32>()
            .is_some_and(|id| fits(&ContentId::new(*id)))
    };
    let keys = keys_behind(tables, Table::Contents, from.as_bytes(), fits_key)?;
    load_all(tables, keys)
}

fn keys_behind(
    tables: &dyn MetaRead,
    table: Table,
    from: &[u8],
    fits: impl Fn(&[u8]) -> bool,
) -> Result<BTreeSet<RegisterKey>, MetaError> {
    let mut keys = BTreeSet::new();
    tables.scan(table, from, &mut |key, _| {
        if !fits(key) {
            return Scan::Stop;
        }
        keys.extend(key.last_chunk::<32>().map(|k| RegisterKey(*k)));
        Scan::Continue
    })?;
    Ok(keys)
}

fn load_all(tables: &dyn MetaRead, keys: BTreeSet<RegisterKey>) -> Result<Vec<Dataset>, MetaError> {
    let mut found = keys
        .into_iter()
        .map(|key| load(tables, key))
        .collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| {
        let (x, y) = (&a.manifest, &b.manifest);
        let names = x.name.cmp(&y.name);
        names
            .then_with(|| x.dataset_version.cmp(&y.dataset_version))
            .then_with(|| a.key.cmp(&b.key))
    });
    Ok(found)
}

fn load(tables: &dyn MetaRead, key: RegisterKey) -> Result<Dataset, MetaError> {
    let damaged = |table: Table, source| MetaError::Row {
        table: table.name(),
        source,
    };
    let missing = DecodeError::Truncated;
    let row = tables.get(Table::Datasets, &key.0)?;
    let row = row.ok_or(damaged(Table::Datasets, missing))?;
    let (envelope_id, flags) = decode_row(&row).map_err(|e| damaged(Table::Datasets, e))?;
    let envelope = envelope(tables, &envelope_id)?;
    let manifest = Manifest::decode(&envelope.manifest)
        .map_err(|_| damaged(Table::Envelopes, DecodeError::Invalid("manifest")))?;
    let signed = envelope.signature.is_some();
    Ok(Dataset {
        key,
        envelope_id,
        manifest,
        signed,
        flags,
    })
}

fn decode_row(bytes: &[u8]) -> Result<(EnvelopeId, Flags), DecodeError> {
    let mut r = Reader::new(bytes);
    let id = EnvelopeId::new(r.array()?);
    let flags = Flags::from_bits(r.u8()?).ok_or(DecodeError::Invalid("flags"))?;
    // The summary follows.
    Ok((id, flags))
}

fn name_key(name: &DatasetName, key: &RegisterKey) -> Vec<u8> {
    [name.as_str().as_bytes(), &[0], key.0.as_slice()].concat()
}

fn content_key(id: &ContentId, key: &RegisterKey) -> Vec<u8> {
    [id.as_bytes().as_slice(), key.0.as_slice()].concat()
}
