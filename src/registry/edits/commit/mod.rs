//! Commit: the next version of a dataset from its edits, without writing its data anew.
//!
//! `files.rs` feeds the files into the store pipeline, region by region; `recut.rs` keeps the chunks
//! that no edit is near; `reading.rs` reads the old bytes; `hashed.rs` and `described.rs` make the file
//! table; `columnar.rs` writes edited columnar files anew; `state.rs` has what they share.

mod columnar;
mod described;
mod files;
mod hashed;
mod reading;
mod recut;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::blob_store::BlobKind;
use crate::card::Card;
use crate::catalog::Dataset;
use crate::ident::DatasetVersion;
use crate::ident::SeriesId;
use crate::ident::labels;
use crate::manifest::DatasetKind;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::registry::IndexOptions;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::edits::base::BaseCheck;
use crate::registry::edits::base::EditBase;
use crate::registry::edits::commit::described::CommittedFiles;
use crate::registry::edits::commit::state::Committing;
use crate::registry::edits::error::EditError;
use crate::registry::edits::journal_file::JournalFile;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::host;
use crate::registry::metadata;
use crate::registry::metadata::Naming;
use crate::registry::publishing::publish::Draft;
use crate::registry::publishing::publish::publish;
use crate::registry::step::Step;
use crate::registry::store_pipeline::pipeline::ingest;
use crate::store::disk::WriteSession;
use crate::trust::KeyPair;

/// Options of a commit.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CommitOptions {
    /// Description of the new version. The default is that of the version before.
    pub message: Option<String>,
    /// Version. The default is the one after the greatest of the name.
    pub version: Option<DatasetVersion>,
    /// Sign the new version with this key.
    pub sign_with: Option<KeyPair>,
}

/// Result of a commit.
#[derive(Clone, Debug)]
pub struct CommitReport {
    /// The result as of an index.
    pub index: IndexReport,
    /// Number of edits.
    pub edits: u64,
    /// Paths of columnar files that were written anew.
    pub rewritten: Vec<String>,
}

impl LocalRegistry {
    /// Makes the next version of a dataset from its edits. The content is exactly that of an index of
    /// the edited files. When the version is made, the edits are undone.
    ///
    /// # Errors
    /// [`EditError::TooFew`] without edits, [`EditError::Journal`], and errors of reading and of the
    /// store. Then the edits are kept.
    pub fn commit(
        &self,
        dataset: &Dataset,
        options: &CommitOptions,
        progress: &dyn Progress,
    ) -> Result<CommitReport, Error> {
        let m = &dataset.manifest;
        let _step = Step::begin("commit", &m.name);
        let name = format!("{}@{}", m.name, m.dataset_version);
        let base = EditBase::Dataset {
            content_id: m.content_id,
            name: name.clone(),
        };
        let path = base.journal_path(self.home());
        let mut file = JournalFile::open(&path, progress)?;
        let journal = file
            .journal()
            .filter(|journal| !journal.active().is_empty());
        let journal = journal.cloned().ok_or(EditError::TooFew {
            target: name,
            there: 0,
            action: "commit",
        })?;
        match base.check(journal.base())? {
            BaseCheck::Same | BaseCheck::NewState(_) => {}
        }
        let committing = Committing {
            registry: self,
            dataset,
            manifest: Arc::new(m.clone()),
            reader: Arc::new(self.reader_of(dataset)?),
            before: self.trees_of(Some(dataset))?,
            table: self.files(m)?,
            journal: &journal,
            journal_path: &path,
            progress,
        };
        let (report, rewritten) = self.commit_files(&committing, options)?;
        file.append(
            || base.identify(progress),
            |writer| {
                writer.undo(journal.active().len() as u64);
            },
        )?;
        Ok(CommitReport {
            index: report,
            edits: journal.active().len() as u64,
            rewritten,
        })
    }

    fn commit_files(
        &self,
        committing: &Committing<'_>,
        options: &CommitOptions,
    ) -> Result<(IndexReport, Vec<String>), Error> {
        let (dataset, old) = (committing.dataset, &committing.dataset.manifest);
        let options = &metadata::checked(&IndexOptions {
            name: Some(old.name.clone()),
            version: options.version.clone(),
            description: options.message.clone(),
            private: dataset.flags.private,
            sign_with: options.sign_with.clone(),
            ..IndexOptions::default()
        })?;
        let session = WriteSession::begin(&self.store)?;
        let card_before = self.held_card(dataset)?;
        let [data_before, table_before] = &committing.before;
        let near = SimilarityIndex::open(&self.store)?;
        let (made, root, totals) = ingest(&session, data_before.as_ref(), &near, |chunker| {
            committing.feed(chunker)
        })?;
        let CommittedFiles {
            table,
            schemas,
            schema_from,
            rewritten,
            readme,
        } = made;
        let encoded = table.encode()?;
        let before = table_before.as_ref();
        let ((), table_root, _) = ingest(&session, before, &near, |chunker| {
            chunker.append(&encoded);
            Ok(())
        })?;
        let content_id = table.content_id(old.dataset_kind);
        let content_id = content_id
            .ok_or_else(|| Error::Dataset(DatasetError::NotFound(old.name.to_string())))?;
        let stats = session.stats();
        // A directory's card is its `README.md`.
        let is_directory = old.dataset_kind == DatasetKind::Directory;
        let readme = readme.filter(|_| is_directory && table.files().len() > 1);
        let said = readme.as_deref().map(Card::read);
        let card = match &readme {
            Some(bytes) => Some(session.add(BlobKind::Card, bytes)?.id),
            None => old.card,
        };
        let draft = Manifest {
            name: old.name.clone(),
            dataset_version: options
                .version
                .clone()
                .unwrap_or_else(DatasetVersion::first),
            dataset_kind: old.dataset_kind,
            content_id,
            chunk_tree_root: root,
            file_table_root: table_root,
            file_table_bytes: encoded.len() as u64,
            num_files: table.files().len() as u64,
            schema: schemas.common(),
            num_rows: table.rows(),
            size_bytes: totals.bytes,
            description: match &options.description {
                Some(given) => Some(given.clone()).filter(|d| !d.is_empty()),
                None => old.description.clone(),
            },
            license: said
                .as_ref()
                .and_then(Card::license)
                .map(str::to_owned)
                .or_else(|| old.license.clone()),
            tags: match &said {
                Some(card) => metadata::card_tags(card),
                None => labels(&old.tags),
            },
            card,
            // The edited content is not what the source has.
            source: None,
            series: SeriesId::new(host::random().map_err(Error::Random)?),
            seq: 1,
            prev: Vec::new(),
            clock: BTreeMap::new(),
            created_at: host::now(),
            signer: options.sign_with.as_ref().map(KeyPair::public_key),
        };
        if let Some(pair) = &options.sign_with {
            self.may_sign(&draft, pair)?;
        }
        let draft = Draft {
            manifest: draft,
            naming: Naming::given(&old.name),
            source: None,
            card_before,
        };
        let published =
            session.commit(|tables, entries| publish(tables, entries, draft, options))?;
        let report = IndexReport {
            manifest: published.manifest,
            chunks: totals.chunks,
            stats,
            unchanged: published.unchanged,
            inherited: published.inherited,
            revision: None,
            skipped: Vec::new(),
            warnings: Vec::new(),
            schema_from: (!published.unchanged).then_some(schema_from),
            schema_kept: false,
        };
        Ok((self.sign_if_requested(report, options)?, rewritten))
    }
}
