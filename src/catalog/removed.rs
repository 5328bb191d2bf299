//! Datasets that were removed from the catalogue, and names that versions had before a rename. A
//! row keeps the data for a restore, and binds the version number to its content for ever.

use crate::catalog::Dataset;
use crate::catalog::DatasetSummary;
use crate::catalog::RegisterKey;
use crate::catalog::envelope;
use crate::catalog::name_key;
use crate::catalog::remove;
use crate::clock::Timestamp;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::PublisherKey;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// Maximum length in bytes of the summary in a row.
const SUMMARY_BYTES_MAX: usize = 256 << 10;

/// Fate of a removed dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalFate {
    /// It was removed at this time and can be restored until it is collected.
    Restorable(Timestamp),
    /// It cannot be restored, because it was purged or collected.
    GivenUp,
    /// The dataset is held, or was removed, under another name.
    Renamed,
}

impl RemovalFate {
    const fn encode(self) -> (u8, i64) {
        match self {
            Self::Restorable(since) => (1, since.0),
            Self::GivenUp => (2, 0),
            Self::Renamed => (3, 0),
        }
    }

    const fn decode(number: u8, seconds: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Restorable(Timestamp(seconds))),
            2 => Some(Self::GivenUp),
            3 => Some(Self::Renamed),
            _ => None,
        }
    }
}

/// A dataset that is no longer in the catalogue under this name.
#[derive(Clone, Debug)]
pub struct Removed {
    /// The dataset's fate.
    pub fate: RemovalFate,
    /// Summary of the dataset.
    pub summary: DatasetSummary,
    /// The winning manifest; `None` if only the number is kept.
    pub envelope: Option<Envelope>,
}

impl Removed {
    /// Returns the winning state before the removal, or `None` if only the number is kept.
    ///
    /// # Errors
    /// [`MetaError`] when the manifest is damaged.
    pub fn dataset(&self) -> Result<Option<Dataset>, MetaError> {
        let Some(envelope) = &self.envelope else {
            return Ok(None);
        };
        let manifest = Manifest::decode(&envelope.manifest);
        Ok(Some(Dataset {
            key: self.summary.key,
            envelope_id: self.summary.envelope_id,
            manifest: manifest.map_err(|_| damaged(DecodeError::Invalid("manifest")))?,
            signed: self.summary.signed,
            flags: self.summary.flags,
        }))
    }

    /// Returns true if it is a version of this publisher: indexed here, or signed by the publisher
    /// elsewhere.
    pub fn is_own(&self, signer: Option<PublisherKey>) -> bool {
        !self.summary.flags.foreign || (signer.is_some() && self.summary.signer == signer)
    }

    /// Returns true if the number has to be kept for ever. It may have been published from here, or
    /// by a publisher whose key may be used here.
    fn is_number_kept(&self) -> bool {
        !self.summary.flags.foreign || self.summary.signed
    }

    fn encode(&self) -> Vec<u8> {
        let (number, seconds) = self.fate.encode();
        let mut short = Writer::new();
        short.bytes(self.summary.envelope_id.as_bytes());
        short
            .u8(self.summary.flags.bits())
            .bytes(&self.summary.encode());
        let mut w = Writer::new();
        w.u8(number)
            .u64(seconds.cast_unsigned())
            .counted(short.as_bytes());
        if let Some(envelope) = &self.envelope {
            w.bytes(&envelope.encode());
        }
        w.into_bytes()
    }

    fn decode(key: &[u8], row: &[u8]) -> Result<Self, DecodeError> {
        let register = key.last_chunk::<32>().ok_or(DecodeError::Truncated)?;
        let mut r = Reader::new(row);
        let (number, seconds) = (r.u8()?, r.u64()?.cast_signed());
        let fate = RemovalFate::decode(number, seconds).ok_or(DecodeError::Invalid("fate"))?;
        let short = r.counted("short form", SUMMARY_BYTES_MAX)?;
        let summary = DatasetSummary::decode(RegisterKey(*register), short)?;
        let envelope = match r.remaining() {
            0 => None,
            rest => Some(Envelope::decode(r.bytes(rest)?)?),
        };
        Ok(Self {
            fate,
            summary: summary.ok_or(DecodeError::Invalid("short form"))?,
            envelope,
        })
    }
}

fn damaged(source: DecodeError) -> MetaError {
    MetaError::Row {
        table: Table::Removed.name(),
        source,
    }
}

/// Removes a dataset from the catalogue and records it. Its blobs stay.
///
/// # Errors
/// [`MetaError`] when the tables are damaged or cannot be written.
pub fn unindex(
    tables: &mut dyn MetaWrite,
    dataset: &Dataset,
    fate: RemovalFate,
) -> Result<(), MetaError> {
    note_removed(tables, dataset, fate)?;
    remove(tables, dataset)
}

/// Records a dataset of the catalogue that is about to be removed or renamed.
pub(super) fn note_removed(
    tables: &mut dyn MetaWrite,
    dataset: &Dataset,
    fate: RemovalFate,
) -> Result<(), MetaError> {
    let envelope = envelope(tables, &dataset.envelope_id)?;
    put_removed_manifest(tables, dataset, envelope, fate)
}

/// Writes a row, and replaces the one of the same name and register.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn put_removed(tables: &mut dyn MetaWrite, removed: &Removed) -> Result<(), MetaError> {
    let key = name_key(&removed.summary.name, &removed.summary.key);
    tables.put(Table::Removed, &key, &removed.encode())
}

/// Ends the possibility of a restore. Only the number of a remote dataset stays, and nothing of an
/// unsigned remote one.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn give_up(
    tables: &mut dyn MetaWrite,
    removed: Removed,
    fate: RemovalFate,
) -> Result<(), MetaError> {
    if !removed.is_number_kept() {
        return forget_removed(tables, &removed.summary.name, &removed.summary.key);
    }
    // A local dataset continues its clock if its content comes back.
    let envelope = removed.envelope.filter(|_| !removed.summary.flags.foreign);
    put_removed(
        tables,
        &Removed {
            fate,
            summary: removed.summary,
            envelope,
        },
    )
}

/// Removes the row, because the dataset is in the catalogue under this name again.
pub(super) fn forget_removed(
    tables: &mut dyn MetaWrite,
    name: &DatasetName,
    key: &RegisterKey,
) -> Result<(), MetaError> {
    tables.delete(Table::Removed, &name_key(name, key))?;
    Ok(())
}

/// Returns all removed datasets, by name.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn removed(tables: &dyn MetaRead) -> Result<Vec<Removed>, MetaError> {
    rows_behind(tables, &[])
}

/// Returns the removed datasets of a name.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn removed_of(tables: &dyn MetaRead, name: &DatasetName) -> Result<Vec<Removed>, MetaError> {
    rows_behind(tables, &[name.as_str().as_bytes(), &[0]].concat())
}

/// Returns the readable rows of a damaged index.
pub fn readable_removed(tables: &dyn MetaRead) -> Vec<Removed> {
    let mut found = Vec::new();
    // As far as the table can be read.
    let _ = tables.scan(Table::Removed, &[], &mut |key, row| {
        found.extend(Removed::decode(key, row).ok());
        Scan::Continue
    });
    found
}

fn rows_behind(tables: &dyn MetaRead, prefix: &[u8]) -> Result<Vec<Removed>, MetaError> {
    let mut found = Vec::new();
    let mut wrong = None;
    tables.scan(Table::Removed, prefix, &mut |key, row| {
        if !key.starts_with(prefix) {
            return Scan::Stop;
        }
        match Removed::decode(key, row) {
            Ok(removed) => found.push(removed),
            Err(source) => wrong = Some(source),
        }
        Scan::Continue
    })?;
    wrong.map_or(Ok(found), |source| Err(damaged(source)))
}

/// Returns the removed content of a version number, if it differs from the manifest's content. A
/// used number is never assigned again.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn given_before(
    tables: &dyn MetaRead,
    manifest: &Manifest,
    counts: &dyn Fn(&Removed) -> bool,
) -> Result<Option<Removed>, MetaError> {
    let removed = removed_of(tables, &manifest.name)?;
    let version: &DatasetVersion = &manifest.dataset_version;
    Ok(removed.into_iter().find(|r| {
        let is_same = r.summary.content_id == manifest.content_id;
        counts(r) && r.summary.version == *version && !is_same
    }))
}

/// Records a removed dataset by its manifest's envelope.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn put_removed_manifest(
    tables: &mut dyn MetaWrite,
    dataset: &Dataset,
    envelope: Envelope,
    fate: RemovalFate,
) -> Result<(), MetaError> {
    let removed = Removed {
        fate,
        summary: dataset.summary(),
        envelope: Some(envelope),
    };
    match fate {
        RemovalFate::Restorable(_) => put_removed(tables, &removed),
        RemovalFate::GivenUp | RemovalFate::Renamed => give_up(tables, removed, fate),
    }
}
