//! Changing what is said about a dataset: a new manifest for the same content, which supersedes the
//! one before. And the versions of a name.

use std::path::PathBuf;

use crate::blob_store::BlobKind;
use crate::card::Card;
use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::DatasetName;
use crate::ident::VersionAlias;
use crate::manifest::Totals;
use crate::manifest::diff_trees;
use crate::registry::LocalRegistry;
use crate::registry::datasets::replace;
use crate::registry::describe::cards;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::metadata;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::trust::KeyPair;

/// What to change; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Labels to add.
    pub add_tags: Vec<String>,
    /// Labels to take away.
    pub remove_tags: Vec<String>,
    /// A new description; an empty one takes it away.
    pub description: Option<String>,
    /// A new licence, an SPDX expression; an empty one takes it away.
    pub license: Option<String>,
    /// A file that is the new card.
    pub card: Option<PathBuf>,
    /// The new card itself, where it is read already.
    pub card_bytes: Option<Vec<u8>>,
    /// An alias that this version gets, with the count that it carries it with.
    pub alias: Option<(VersionAlias, u64)>,
    /// Aliases that this version no longer carries.
    pub drop_aliases: Vec<VersionAlias>,
}

/// One version of a name.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// The version.
    pub dataset: Dataset,
    /// What it holds that the version before does not.
    pub added: Totals,
}

impl LocalRegistry {
    /// Publishes a revision: the same content and version, other words about it. An edit that
    /// changes nothing makes none. A signed dataset needs its publisher's key.
    ///
    /// # Errors
    /// [`Error::License`] or [`Error::Tag`] for what may not be said, [`Error::NotItsPublisher`]
    /// without the key, [`Error::NotTrusted`] with a key that is revoked, [`Error::NotFound`] when the
    /// dataset is gone, [`Error::VersionTaken`] when another has its name and version, or a field
    /// breaks a limit.
    pub fn revise(
        &self,
        dataset: &Dataset,
        edit: &Edit,
        signer: Option<&KeyPair>,
    ) -> Result<Dataset, Error> {
        if let Some(pair) = signer {
            self.may_sign(&dataset.manifest, pair)?;
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
        let session = WriteSession::begin(&self.store)?;
        let card = match given {
            Some(bytes) => {
                let id = session.add(BlobKind::Card, &bytes)?.id;
                Some((id, Card::read(&bytes)))
            }
            None => None,
        };
        let salt: [u8; 16] = host::random().map_err(|e| Error::file("seed", self.home(), e))?;
        session.commit(|tables, entries| {
            let held = replace::current(tables, dataset)?;
            let mut manifest = held.manifest.clone();
            metadata::apply(edit, &mut manifest);
            if let Some((id, said)) = &card {
                manifest.card = Some(*id);
                // A licence that was given is the one, also where it says that there is none.
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

    /// The versions of a name, oldest first, each with what it added to the one before.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a tree that is damaged.
    pub fn log(&self, name: &DatasetName) -> Result<Vec<LogEntry>, Error> {
        let versions = self
            .store
            .read(|t| Ok::<_, Error>(catalog::by_name(t, name)?))?;
        if versions.is_empty() {
            return Err(self.not_found(name.to_string())?);
        }
        let reader = BlobReader::new(&self.store)?;
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
