//! The catalogue from what a rebuilt index finds in the packs, and repairs.

use std::collections::BTreeMap;
use std::path::Path;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Tombstone;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::EnvelopeId;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::meta_store::MetaWrite;
use crate::pack::Flags;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::fsck::FsckReport;
use crate::store::disk::DiskStore;
use crate::store::disk::Entry;
use crate::store::disk::Recovered;
use crate::store::disk::Session;
use crate::store::disk::StoreError;
use crate::trust::Statement;

/// What a repair did.
#[derive(Clone, Debug)]
pub struct RepairReport {
    /// How things are now.
    pub now: FsckReport,
    /// Blobs that could not be read before and can be now.
    pub healed: u64,
    /// Whether the index was made anew from the packs.
    pub index_rebuilt: bool,
}

impl LocalRegistry {
    /// Checks the registry at a path and, where something is wrong, makes its index anew from
    /// whatever is whole in the packs. What is lost is then missing instead of damaged: indexing
    /// or importing it again heals the datasets that need it.
    ///
    /// # Errors
    /// [`Error`] when the disk fails or the registry was written by a newer version.
    pub fn repair(home: &Path, progress: &dyn Progress) -> Result<RepairReport, Error> {
        let rebuild = || Ok(DiskStore::rebuild(home, &refill)?);
        Self::repair_with(&|| Self::open(home), &rebuild, progress)
    }

    /// The same for a registry on any disk.
    ///
    /// # Errors
    /// As [`LocalRegistry::repair`].
    pub fn repair_on(
        disk: &std::sync::Arc<dyn crate::store::disk::io::Disk>,
        progress: &dyn Progress,
    ) -> Result<RepairReport, Error> {
        let rebuild = || Ok(DiskStore::rebuild_on(disk.clone(), &refill)?);
        Self::repair_with(&|| Self::on(disk.clone()), &rebuild, progress)
    }

    fn repair_with(
        open: &dyn Fn() -> Result<Self, Error>,
        rebuild: &dyn Fn() -> Result<(), Error>,
        progress: &dyn Progress,
    ) -> Result<RepairReport, Error> {
        let before = open().and_then(|r| Ok((r.fsck(progress)?, r.envelopes()?)));
        let (found, envelopes) = match before {
            Ok((found, _)) if found.is_clean() => {
                return Ok(RepairReport {
                    now: found,
                    healed: 0,
                    index_rebuilt: false,
                });
            }
            Ok((found, envelopes)) => (found, envelopes),
            Err(e) if e.kind() == ErrorKind::Integrity => Default::default(),
            Err(other) => return Err(other),
        };
        rebuild()?;
        let registry = open()?;
        registry.put_back(envelopes)?;
        let now = registry.fsck(progress)?;
        let lost = found.corrupt.len() + found.missing.len();
        let healed = lost.saturating_sub(now.corrupt.len() + now.missing.len());
        Ok(RepairReport {
            now,
            healed: healed as u64,
            index_rebuilt: true,
        })
    }

    fn envelopes(&self) -> Result<Vec<(Dataset, Envelope)>, Error> {
        self.store.read(|t| {
            let datasets = catalog::all(t)?.into_iter();
            let both = datasets.map(|d| Ok((catalog::envelope(t, &d.envelope_id)?, d)));
            both.map(|r| r.map(|(e, d)| (d, e))).collect()
        })
    }

    /// Puts datasets back whose manifest the packs have lost and the index had kept.
    fn put_back(&self, envelopes: Vec<(Dataset, Envelope)>) -> Result<(), Error> {
        let held = self.list()?;
        for (dataset, envelope) in envelopes {
            if held.iter().any(|d| d.envelope_id == dataset.envelope_id) {
                continue;
            }
            let flags = dataset.flags;
            Session::begin(&self.store)?.commit(|tables, entries| {
                catalog::put(tables, &dataset.manifest, &envelope, flags)?;
                entries.push(Entry {
                    kind: BlobKind::Envelope,
                    bytes: envelope.encode(),
                    flags,
                });
                Ok::<_, Error>(())
            })?;
        }
        Ok(())
    }
}

/// Fills the catalogue of a rebuilt index: every manifest in the packs that no later tombstone
/// removes. A pack holds a manifest only after everything that it needs.
pub(crate) fn refill(
    tables: &mut dyn MetaWrite,
    recovered: &[Recovered],
) -> Result<(), StoreError> {
    let mut live: BTreeMap<EnvelopeId, (usize, Flags)> = BTreeMap::new();
    for (order, entry) in recovered.iter().enumerate() {
        if entry.kind == BlobKind::Envelope {
            live.insert(EnvelopeId::of(&entry.bytes), (order, entry.flags));
        } else if entry.kind == BlobKind::Statement {
            // One that does not verify was not written by this program.
            if let Ok(statement) = Statement::decode(&entry.bytes) {
                catalog::put_statement(tables, &statement)?;
            }
        } else if let Ok(tombstone) = Tombstone::decode(&entry.bytes) {
            tombstone.envelopes.iter().for_each(|id| {
                live.remove(id);
            });
        }
    }
    let mut in_order: Vec<(usize, Flags)> = live.into_values().collect();
    in_order.sort_unstable();
    for (order, flags) in in_order {
        let envelope = recovered.get(order).map(|r| Envelope::decode(&r.bytes));
        if let Some(Ok(envelope)) = envelope
            && let Ok(manifest) = Manifest::decode(&envelope.manifest)
        {
            catalog::merge(tables, &manifest, &envelope, flags)?;
        }
    }
    Ok(())
}
