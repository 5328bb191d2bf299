//! Partial holdings as the registry shows them.

use std::collections::HashSet;

use crate::blob_store::BlobKind;
use crate::catalog;
use crate::catalog::PartialHolding;
use crate::ident::Reference;
use crate::manifest::Manifest;
use crate::manifest::each_held_node;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::peers::Peers;
use crate::registry::peers::client::offers::Offer;
use crate::store::disk::BlobReader;

impl Peers<'_> {
    /// Returns all partial holdings: datasets of which only some nodes and chunks are here.
    ///
    /// # Errors
    /// [`Error`] when the index cannot be read.
    pub fn partial_holdings(&self) -> Result<Vec<PartialHolding>, Error> {
        self.registry
            .store
            .read(|t| Ok(catalog::partial_holdings(t)?))
    }

    /// Forgets the partial holding of a reference. The next collection frees its bytes. Returns it, or
    /// `None` if there is none.
    ///
    /// # Errors
    /// As [`Peers::resolve_partial`], or when the index cannot be written.
    pub fn forget_partial(&self, reference: &Reference) -> Result<Option<PartialHolding>, Error> {
        let Some((offer, _)) = self.resolve_partial(reference)? else {
            return Ok(None);
        };
        let key = offer.listed.dataset.key;
        self.registry.store.write(|tables| {
            let partial = catalog::partial_of(tables, key)?;
            catalog::forget_partial(tables, key)?;
            Ok(partial)
        })
    }

    /// Returns the bytes that the chunks of a partial holding take in the packs, as far as they are
    /// here.
    ///
    /// # Errors
    /// [`Error`] when the index or a pack cannot be read.
    pub fn partial_stored_bytes(&self, manifest: &Manifest) -> Result<u64, Error> {
        let reader = BlobReader::new(&self.registry.store)?;
        let (mut keys, mut nodes) = (Vec::new(), HashSet::new());
        each_held_node(&reader, manifest.chunk_tree_root, &mut |key| {
            let first = key.kind != BlobKind::Node || nodes.insert(key);
            keys.extend(first.then_some(key));
            first
        })?;
        keys.sort_unstable();
        keys.dedup();
        Ok(reader.stored_bytes(&keys)?)
    }

    /// Makes a partial holding of a dataset that is about to be pulled, so that it can be looked into
    /// meanwhile, and outlives an interruption. Returns its row; `None` for a small dataset.
    pub(in crate::registry::peers) fn note_pull(
        &self,
        offer: &Offer,
        is_private: bool,
    ) -> Result<Option<PartialHolding>, Error> {
        if offer.manifest().size_bytes < self.registry.sizes.pull_noted_bytes {
            return Ok(None);
        }
        let row = PartialHolding {
            used_at: host::now(),
            is_by_person: false,
            is_private,
            bytes: 0,
            manifest: offer.manifest().clone(),
            envelope: offer.verified().envelope().clone(),
        };
        self.registry
            .store
            .write(|tables| Ok::<_, Error>(catalog::note_partial(tables, &row, u64::MAX)?))?;
        Ok(Some(row))
    }
}
