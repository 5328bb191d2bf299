//! Edits the description of a dataset: a new manifest for the same content supersedes the earlier
//! one. Also lists the versions of a name.

use crate::blob_store::BlobKind;
use crate::card::Card;
use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::DatasetName;
use crate::manifest::Totals;
use crate::manifest::diff_trees;
use crate::registry::datasets::replace;
use crate::registry::describe::cards;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::metadata;
use crate::registry::metadata::edit::Edit;
use crate::registry::views::Descriptions;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::trust::KeyPair;

/// One version of a name.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// The dataset of this version.
    pub dataset: Dataset,
    /// Chunks that the version before does not have.
    pub added: Totals,
}

impl Descriptions<'_> {
    /// Publishes a revision: the same content and version with another description. An edit without
    /// a change makes no revision. A signed dataset needs its publisher's key.
    ///
    /// # Errors
    /// `MetadataError::License` or `MetadataError::Tag` for an invalid value. `PublisherError::NotItsPublisher`
    /// without the key. `PublisherError::NotTrusted` with a revoked key. `DatasetError::NotFound` when the
    /// dataset is gone. `DatasetError::VersionTaken` when another dataset has its name and version. Any
    /// error of a field beyond its limit.
    pub fn revise(
        &self,
        dataset: &Dataset,
        edit: &Edit,
        signer: Option<&KeyPair>,
    ) -> Result<Dataset, Error> {
        if let Some(pair) = signer {
            self.registry.may_sign(&dataset.manifest, pair)?;
        }
        metadata::check_tags(&edit.add_tags)?;
        let license = edit.license.as_deref().map(metadata::checked_license);
        let edit = &Edit {
            license: license.transpose()?,
            ..edit.clone()
        };
        let given = match &edit.card {
            Some(path) => Some(cards::read(path)?),
            None => edit.card_bytes.clone(),
        };
        let session = WriteSession::begin(&self.registry.store)?;
        let card = match given {
            Some(bytes) => {
                let id = session.add(BlobKind::Card, &bytes)?.id;
                Some((id, Card::read(&bytes)))
            }
            None => None,
        };
        let salt: [u8; 16] = host::random().map_err(Error::Random)?;
        session.commit(|tables, entries| {
            let held = replace::current_state(tables, dataset)?;
            let mut manifest = held.manifest.clone();
            metadata::apply(edit, &mut manifest);
            if let Some((id, said)) = &card {
                manifest.card = Some(*id);
                // A given licence replaces the found one, also if it removes it.
                if edit.license.is_none() {
                    let license = said.license().map(str::to_owned);
                    manifest.license = manifest.license.or(license);
                }
                manifest.tags.extend(metadata::card_tags(said));
                manifest.tags.sort();
                manifest.tags.dedup();
            }
            if manifest == held.manifest {
                return Ok(held);
            }
            replace::refuse_others(&manifest, signer)?;
            replace::refuse_taken(tables, &manifest, &held)?;
            replace::replace(tables, entries, manifest, &held, (signer, salt))
        })
    }

    /// Returns the versions of a name, oldest first, each with the totals that it added.
    ///
    /// # Errors
    /// `DatasetError::NotFound`, or the error of a damaged tree.
    pub fn log(&self, name: &DatasetName) -> Result<Vec<LogEntry>, Error> {
        let versions = self
            .registry
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
        if versions.is_empty() {
            return Err(self.registry.not_found(name.to_string())?);
        }
        let reader = BlobReader::new(&self.registry.store)?;
        let mut log: Vec<LogEntry> = Vec::new();
        for dataset in versions {
            let root = dataset.manifest.chunk_tree_root;
            let added = match log.last() {
                Some(before) => {
                    diff_trees(&reader, before.dataset.manifest.chunk_tree_root, root)?.only_b
                }
                None => crate::manifest::tree_totals(&reader, root)?,
            };
            log.push(LogEntry { dataset, added });
        }
        Ok(log)
    }
}
