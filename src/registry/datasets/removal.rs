//! Taking datasets out of the index: one, several, or all versions of a name.

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::Fate;
use crate::catalog::Tombstone;
use crate::ident::ContentId;
use crate::ident::PublisherKey;
use crate::ident::Reference;
use crate::pack::Flags;
use crate::registry::LocalRegistry;
use crate::registry::datasets::lookup::label;
use crate::registry::datasets::lookup::picked;
use crate::registry::error::Error;
use crate::registry::host;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;

/// Who makes the versions of a name: this registry, or somebody elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maker {
    /// This registry, signed or not.
    Here,
    /// A publisher elsewhere; `None` for what came unsigned.
    Elsewhere(Option<PublisherKey>),
}

impl Maker {
    /// Who made a dataset.
    pub fn of(dataset: &Dataset) -> Self {
        match dataset.flags.foreign {
            false => Self::Here,
            true => Self::Elsewhere(dataset.manifest.signer),
        }
    }
}

impl LocalRegistry {
    /// Takes what a reference means out of the index. Until it is collected it can be restored.
    ///
    /// # Errors
    /// As [`LocalRegistry::resolve`]; ambiguous also where several names stand for the content.
    pub fn unindex_reference(&self, reference: &Reference) -> Result<Dataset, Error> {
        let only = self.only(reference)?;
        self.remove_one(&only)?;
        Ok(only)
    }

    /// The one dataset that a reference means, where it is about to be changed or removed.
    ///
    /// # Errors
    /// As [`LocalRegistry::resolve`]; ambiguous also where several names stand for the content.
    pub fn only(&self, reference: &Reference) -> Result<Dataset, Error> {
        let found = self.candidates(reference)?;
        match found.as_slice() {
            [] => Err(self.not_found(reference.to_string())?),
            [only] => Ok(only.clone()),
            several => Err(ambiguous(reference, several)),
        }
    }

    /// All versions of the name in a reference, by the maker of the one that it resolves to; oldest
    /// first. A reference that means content by its digits means one dataset.
    ///
    /// # Errors
    /// As [`LocalRegistry::only`]; ambiguous also where several publishers have the name.
    pub fn versions_meant(&self, reference: &Reference) -> Result<Vec<Dataset>, Error> {
        let Reference::Name {
            name,
            version,
            publisher,
            ..
        } = reference
        else {
            return self.only(reference).map(|only| vec![only]);
        };
        let found = self.candidates(reference)?;
        let Some(first) = found.first() else {
            return Err(self.not_found(reference.to_string())?);
        };
        let maker = Maker::of(first);
        let is_of_series = |d: &Dataset| d.manifest.name == *name && Maker::of(d) == maker;
        if !found.iter().all(is_of_series) {
            return match found.len() {
                1 => Ok(found),
                _ => Err(ambiguous(reference, &found)),
            };
        }
        let trust = self.trust()?;
        let named = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
        let mut versions = picked(named, version, publisher.as_ref(), &trust);
        versions.retain(is_of_series);
        Ok(versions)
    }

    /// Takes one dataset out of the index, and none of the others with its content. Until it is
    /// collected it can be restored.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn remove_one(&self, dataset: &Dataset) -> Result<(), Error> {
        self.remove_all(std::slice::from_ref(dataset))
    }

    /// Takes datasets out of the index, all or none. Until they are collected they can be restored.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn remove_all(&self, datasets: &[Dataset]) -> Result<(), Error> {
        let fate = Fate::Restorable(host::now());
        self.store.with_reserve(|| self.remove(datasets, fate))
    }

    /// Takes a dataset out of the index for good: the next collection takes its bytes.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn purge(&self, dataset: &Dataset) -> Result<(), Error> {
        let datasets = std::slice::from_ref(dataset);
        self.store
            .with_reserve(|| self.remove(datasets, Fate::GivenUp))
    }

    /// Takes every dataset with this content out of the index.
    ///
    /// # Errors
    /// [`Error::NotFound`], or the store's.
    pub fn unindex(&self, id: &ContentId) -> Result<(), Error> {
        let found = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_content(t, id, |c| c == id)?))?;
        if found.is_empty() {
            Err(Error::NotFound(id.to_string()))
        } else {
            self.remove_all(&found)
        }
    }

    /// Removes datasets, with a tombstone so that they stay gone when the index is rebuilt. One
    /// that another process removed or revised meanwhile is removed as it is now.
    fn remove(&self, datasets: &[Dataset], fate: Fate) -> Result<(), Error> {
        let session = WriteSession::begin(&self.store)?;
        let salt: [u8; 16] = host::random().map_err(|e| Error::file("seed", self.home(), e))?;
        session.commit(|tables, entries| {
            let mut envelopes = Vec::new();
            for dataset in datasets {
                if let Some(held) = catalog::by_key(tables, dataset.key)? {
                    catalog::unindex(tables, &held, fate)?;
                    envelopes.push(held.envelope_id);
                }
            }
            if envelopes.is_empty() {
                return Ok(());
            }
            let tombstone = Tombstone { salt, envelopes };
            let (kind, bytes) = (BlobKind::Tombstone, tombstone.encode());
            entries.push(Entry {
                kind,
                bytes,
                flags: Flags::default(),
            });
            Ok(())
        })
    }
}

fn ambiguous(reference: &Reference, candidates: &[Dataset]) -> Error {
    Error::Ambiguous {
        reference: reference.to_string(),
        candidates: candidates.iter().map(label).collect(),
    }
}
