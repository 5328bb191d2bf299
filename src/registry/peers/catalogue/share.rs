//! Sharing a dataset with peers by hand, and ending that.

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::pack::Flags;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::peers::Peers;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;
use crate::trust::Origin;

impl Peers<'_> {
    /// Shares a dataset with peers, regardless of its publisher.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`] when it was unindexed meanwhile, or the store's.
    pub fn share(&self, dataset: &Dataset) -> Result<(), Error> {
        self.set_flags(dataset, |flags| Flags {
            private: false,
            shared: true,
            ..flags
        })
    }

    /// Stops sharing a dataset with peers. Copies that peers already have stay there.
    ///
    /// # Errors
    /// As [`Peers::share`].
    pub fn unshare(&self, dataset: &Dataset) -> Result<(), Error> {
        self.set_flags(dataset, |flags| Flags {
            private: true,
            shared: false,
            ..flags
        })
    }

    /// Returns the envelope of the winning manifest of a held dataset.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`] when it is not, or the store's.
    pub fn envelope_of(&self, manifest: &Manifest) -> Result<Envelope, Error> {
        self.registry.store.read(|t| {
            let mut held = catalog::of_register(t, manifest, Origin::Here)?;
            if held.is_none() {
                held = catalog::of_register(t, manifest, Origin::Elsewhere)?;
            }
            let held = held
                .ok_or_else(|| Error::Dataset(DatasetError::NotFound(manifest.name.to_string())))?;
            Ok(catalog::envelope(t, &held.envelope_id)?)
        })
    }

    fn set_flags(&self, dataset: &Dataset, change: impl Fn(Flags) -> Flags) -> Result<(), Error> {
        WriteSession::begin(&self.registry.store)?.commit(|tables, entries| {
            let held = catalog::by_key(tables, dataset.key)?;
            let name = || dataset.manifest.name.to_string();
            let held = held.ok_or_else(|| Error::Dataset(DatasetError::NotFound(name())))?;
            let flags = change(held.flags);
            if flags == held.flags {
                return Ok(());
            }
            let envelope = catalog::envelope(tables, &held.envelope_id)?;
            catalog::set_flags(tables, &held, flags)?;
            // The packs record the flag with a later sequence number, so that a rebuilt index has
            // it.
            entries.push(Entry {
                kind: BlobKind::Envelope,
                bytes: envelope.encode(),
                flags,
            });
            Ok(())
        })
    }
}
