//! Giving a dataset to peers, or keeping it from them, by hand.

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::pack::Flags;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;
use crate::trust::Origin;

impl LocalRegistry {
    /// Lets peers see a dataset, whoever made it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it was unindexed meanwhile, or the store's.
    pub fn share(&self, dataset: &Dataset) -> Result<(), Error> {
        self.set_flags(dataset, |flags| Flags {
            private: false,
            shared: true,
            ..flags
        })
    }

    /// Keeps a dataset from peers. What they have, they have.
    ///
    /// # Errors
    /// As [`LocalRegistry::share`].
    pub fn unshare(&self, dataset: &Dataset) -> Result<(), Error> {
        self.set_flags(dataset, |flags| Flags {
            private: true,
            shared: false,
            ..flags
        })
    }

    /// The envelope of the manifest that counts for a dataset that is here.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not, or the store's.
    pub fn envelope_of(&self, manifest: &Manifest) -> Result<Envelope, Error> {
        self.store.read(|t| {
            let mut held = catalog::of_register(t, manifest, Origin::Here)?;
            if held.is_none() {
                held = catalog::of_register(t, manifest, Origin::Elsewhere)?;
            }
            let held = held.ok_or_else(|| Error::NotFound(manifest.name.to_string()))?;
            Ok(catalog::envelope(t, &held.envelope_id)?)
        })
    }

    fn set_flags(&self, dataset: &Dataset, change: impl Fn(Flags) -> Flags) -> Result<(), Error> {
        WriteSession::begin(&self.store)?.commit(|tables, entries| {
            let held = catalog::by_key(tables, dataset.key)?;
            let name = || dataset.manifest.name.to_string();
            let held = held.ok_or_else(|| Error::NotFound(name()))?;
            let flags = change(held.flags);
            if flags == held.flags {
                return Ok(());
            }
            let envelope = catalog::envelope(tables, &held.envelope_id)?;
            catalog::set_flags(tables, &held, flags)?;
            // The packs tell it again, with a later number, to who makes the index anew.
            entries.push(Entry {
                kind: BlobKind::Envelope,
                bytes: envelope.encode(),
                flags,
            });
            Ok(())
        })
    }
}
