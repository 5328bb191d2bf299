//! Partial holdings: datasets of which only some nodes and chunks are here. Normative:
//! `spec/partial-holdings.md`.

use crate::catalog::RegisterKey;
use crate::clock::Timestamp;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::trust::Origin;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// Flag of a row: a person agreed to the dataset.
const BY_PERSON: u8 = 1;
/// Flag of a row: the dataset came from a node that serves an access list.
const PRIVATE: u8 = 2;

/// A dataset of which some nodes and chunks are here. Its signature was verified when it arrived.
#[derive(Clone, Debug)]
pub struct PartialHolding {
    /// Time of the last use.
    pub used_at: Timestamp,
    /// True if a person agreed to it.
    pub is_by_person: bool,
    /// True if it came from a node that serves an access list.
    pub is_private: bool,
    /// Raw bytes of the chunks that were stored for it.
    pub bytes: u64,
    /// The decoded manifest.
    pub manifest: Manifest,
    /// The manifest's envelope.
    pub envelope: Envelope,
}

impl PartialHolding {
    /// Returns the register of the dataset.
    pub fn key(&self) -> RegisterKey {
        RegisterKey::of(&self.manifest, Origin::Elsewhere)
    }

    fn encode(&self) -> Vec<u8> {
        let flag = |is_set, bit| if is_set { bit } else { 0 };
        let mut w = Writer::new();
        w.u64(self.used_at.0.cast_unsigned());
        w.u8(flag(self.is_by_person, BY_PERSON) | flag(self.is_private, PRIVATE));
        w.u64(self.bytes).bytes(&self.envelope.encode());
        w.into_bytes()
    }

    fn decode(row: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(row);
        let (used_at, flags, bytes) = (r.u64()?.cast_signed(), r.u8()?, r.u64()?);
        let envelope = Envelope::decode(r.bytes(r.remaining())?)?;
        let manifest = Manifest::decode(&envelope.manifest);
        Ok(Self {
            used_at: Timestamp(used_at),
            is_by_person: flags & BY_PERSON != 0,
            is_private: flags & PRIVATE != 0,
            bytes,
            manifest: manifest.map_err(|_| DecodeError::Invalid("manifest"))?,
            envelope,
        })
    }
}

fn damaged(source: DecodeError) -> MetaError {
    MetaError::Row {
        table: Table::Partial.name(),
        source,
    }
}

/// Returns all partial holdings.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn partial_holdings(tables: &dyn MetaRead) -> Result<Vec<PartialHolding>, MetaError> {
    let mut found = Vec::new();
    let mut wrong = None;
    tables.scan(Table::Partial, &[], &mut |_, row| {
        match PartialHolding::decode(row) {
            Ok(partial) => found.push(partial),
            Err(source) => wrong = Some(source),
        }
        Scan::Continue
    })?;
    wrong.map_or(Ok(found), |source| Err(damaged(source)))
}

/// Returns the partial holding of a register.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn partial_of(
    tables: &dyn MetaRead,
    key: RegisterKey,
) -> Result<Option<PartialHolding>, MetaError> {
    let row = tables.get(Table::Partial, key.as_bytes())?;
    let partial = row.map(|row| PartialHolding::decode(&row)).transpose();
    partial.map_err(damaged)
}

/// Adds what a use of a dataset stored. `added.bytes` counts only that use. The flags stay set once they
/// are, and the later use counts.
///
/// The rows together keep at most `limit` bytes: the least recently used ones go, but not this one. A
/// dataset that is in the catalogue gets no row. Returns true if the limit holds.
///
/// # Errors
/// [`MetaError`] when the tables are damaged or cannot be written.
pub fn note_partial(
    tables: &mut dyn MetaWrite,
    added: &PartialHolding,
    limit: u64,
) -> Result<bool, MetaError> {
    let key = added.key();
    if tables.get(Table::Datasets, key.as_bytes())?.is_some() {
        return Ok(true);
    }
    let mut row = added.clone();
    if let Some(held) = partial_of(tables, key)? {
        row.used_at = row.used_at.max(held.used_at);
        row.is_by_person |= held.is_by_person;
        row.is_private |= held.is_private;
        row.bytes = row.bytes.saturating_add(held.bytes);
    }
    let mut others = partial_holdings(tables)?;
    others.retain(|other| other.key() != key);
    // The latest first, so that the oldest is the next to go.
    others.sort_by_key(|other| (std::cmp::Reverse(other.used_at), other.key()));
    let sum = |others: &[PartialHolding]| {
        let bytes = others.iter().map(|other| other.bytes);
        bytes.fold(row.bytes, u64::saturating_add)
    };
    while sum(&others) > limit {
        match others.pop() {
            Some(oldest) => forget_partial(tables, oldest.key())?,
            None => break,
        }
    }
    tables.put(Table::Partial, key.as_bytes(), &row.encode())?;
    Ok(sum(&others) <= limit)
}

/// Removes the partial holding of a register, if there is one. Its blobs stay until the next
/// collection.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn forget_partial(tables: &mut dyn MetaWrite, key: RegisterKey) -> Result<(), MetaError> {
    tables.delete(Table::Partial, key.as_bytes())?;
    Ok(())
}
