//! Removal of datasets from the index: one, several, or all versions of a name.

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::RemovalFate;
use crate::catalog::Tombstone;
use crate::ident::ContentId;
use crate::ident::PublisherKey;
use crate::ident::Reference;
use crate::pack::Flags;
use crate::registry::LocalRegistry;
use crate::registry::datasets::lookup::label;
use crate::registry::datasets::lookup::of_publisher;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::host;
use crate::registry::views::Removal;
use crate::store::disk::Entry;
use crate::store::disk::WriteSession;

/// Maker of the versions of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maker {
    /// This registry, signed or not.
    Here,
    /// A publisher elsewhere; `None` for unsigned datasets.
    Elsewhere(Option<PublisherKey>),
}

impl Maker {
    /// Returns the maker of a dataset.
    pub fn of(dataset: &Dataset) -> Self {
        match dataset.flags.foreign {
            false => Self::Here,
            true => Self::Elsewhere(dataset.manifest.signer),
        }
    }
}

impl Removal<'_> {
    /// Unindexes the dataset that a reference means. It can be restored until it is collected.
    ///
    /// # Errors
    /// As [`LocalRegistry::resolve`]. The reference is also ambiguous if several names have the
    /// content.
    pub fn unindex_reference(&self, reference: &Reference) -> Result<Dataset, Error> {
        let only = self.resolve_one(reference)?;
        self.remove_one(&only)?;
        Ok(only)
    }

    /// Resolves a reference to the one dataset to change or remove.
    ///
    /// # Errors
    /// As [`LocalRegistry::resolve`]. The reference is also ambiguous if several names have the
    /// content.
    pub fn resolve_one(&self, reference: &Reference) -> Result<Dataset, Error> {
        let found = self.registry.candidates(reference)?;
        match found.as_slice() {
            [] => Err(self.registry.not_found(reference.to_string())?),
            [only] => Ok(only.clone()),
            several => Err(ambiguous(reference, several)),
        }
    }

    /// Returns all versions of the name in a reference, by the maker of the dataset that it
    /// resolves to, oldest first. A reference by digits of a content id means one dataset.
    ///
    /// # Errors
    /// As [`Removal::resolve_one`]. The reference is also ambiguous if several publishers have the
    /// name.
    pub fn versions_of_reference(&self, reference: &Reference) -> Result<Vec<Dataset>, Error> {
        let Reference::Name {
            name,
            version,
            publisher,
            ..
        } = reference
        else {
            return self.resolve_one(reference).map(|only| vec![only]);
        };
        let found = self.registry.candidates(reference)?;
        let Some(first) = found.first() else {
            return Err(self.registry.not_found(reference.to_string())?);
        };
        let maker = Maker::of(first);
        let is_of_series = |d: &Dataset| d.manifest.name == *name && Maker::of(d) == maker;
        if !found.iter().all(is_of_series) {
            return match found.len() {
                1 => Ok(found),
                _ => Err(ambiguous(reference, &found)),
            };
        }
        let trust = self.registry.trust().store()?;
        let named = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
        let mut versions = of_publisher(named, version, publisher.as_ref(), &trust);
        versions.retain(is_of_series);
        Ok(versions)
    }

    /// Unindexes one dataset, and no other with the same content. It can be restored until it is
    /// collected.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn remove_one(&self, dataset: &Dataset) -> Result<(), Error> {
        self.remove_all(std::slice::from_ref(dataset))
    }

    /// Unindexes all of these datasets or none. They can be restored until they are collected.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn remove_all(&self, datasets: &[Dataset]) -> Result<(), Error> {
        let fate = RemovalFate::Restorable(host::now());
        self.registry
            .store
            .with_reserve(|| self.registry.remove(datasets, fate))
    }

    /// Unindexes a dataset for good: the next collection deletes its bytes.
    ///
    /// # Errors
    /// [`Error`] when the store fails.
    pub fn purge(&self, dataset: &Dataset) -> Result<(), Error> {
        let datasets = std::slice::from_ref(dataset);
        self.registry
            .store
            .with_reserve(|| self.registry.remove(datasets, RemovalFate::GivenUp))
    }

    /// Unindexes every dataset with this content.
    ///
    /// # Errors
    /// [`DatasetError::NotFound`], or an error of the store.
    pub fn unindex(&self, id: &ContentId) -> Result<(), Error> {
        let found = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::by_content(t, id, |c| c == id)?))?;
        if found.is_empty() {
            Err(Error::Dataset(DatasetError::NotFound(id.to_string())))
        } else {
            self.remove_all(&found)
        }
    }
}

impl LocalRegistry {
    /// Removes datasets, with a tombstone so that a rebuild does not bring them back. A dataset
    /// that another process removed or revised meanwhile is removed in its current state.
    fn remove(&self, datasets: &[Dataset], fate: RemovalFate) -> Result<(), Error> {
        let session = WriteSession::begin(&self.store)?;
        let salt: [u8; 16] = host::random().map_err(Error::Random)?;
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
    Error::Dataset(DatasetError::Ambiguous {
        reference: reference.to_string(),
        candidates: candidates.iter().map(label).collect(),
    })
}
