//! Intake: stores files from elsewhere as a dataset, without a copy beside it. Normative:
//! `spec/taking-in.md`.
//!
//! - `source`, `promise`: files elsewhere, and what their place promises about them;
//!   `remote_source`: those behind a URL
//! - `selection`: the files to take; `reuse`: bytes of them that are here already
//! - `feed`, `item_read`: reading and checking; `journal`: how far it is, for the next run
//! - `describe`: formats and schemas that need bytes at several places

mod describe;
mod fed_file;
mod feed;
mod item_read;
pub(crate) mod journal;
pub(crate) mod options;
pub(crate) mod promise;
pub(crate) mod remote_source;
mod reuse;
mod selection;
pub(crate) mod source;

use std::io::Read as _;

use crate::catalog;
use crate::catalog::Dataset;
use crate::ident::TreeId;
use crate::ident::to_hex;
use crate::inspect::table::SchemaFrom;
use crate::manifest::DatasetKind;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::Provenance;
use crate::manifest::Totals;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::describe::cards;
use crate::registry::describe::schema::SchemaSet;
use crate::registry::error::Error;
use crate::registry::host;
use crate::registry::index;
use crate::registry::index::draft::DraftWords;
use crate::registry::index::draft::StoredFiles;
use crate::registry::index::options::IndexOptions;
use crate::registry::index::options::IndexReport;
use crate::registry::intake::describe::describe_stored;
use crate::registry::intake::error::IntakeError;
use crate::registry::intake::feed::Fed;
use crate::registry::intake::feed::Feed;
use crate::registry::intake::item_read::ItemRead;
use crate::registry::intake::journal::Journal;
use crate::registry::intake::journal::RecordedRun;
use crate::registry::intake::journal::RunHead;
use crate::registry::intake::journal::SourceKey;
use crate::registry::intake::options::IntakeOptions;
use crate::registry::intake::options::IntakeReport;
use crate::registry::intake::promise::PromiseCheck;
use crate::registry::intake::reuse::bases::Base;
use crate::registry::intake::reuse::bases::Bases;
use crate::registry::intake::reuse::known::RecordedFiles;
use crate::registry::intake::selection::Selection;
use crate::registry::intake::selection::select;
use crate::registry::intake::source::FileSource;
use crate::registry::metadata;
use crate::registry::metadata::Naming;
use crate::registry::publishing::ownership::is_own;
use crate::registry::publishing::publish::Draft;
use crate::registry::publishing::publish::publish;
use crate::registry::publishing::publish::same_claims;
use crate::registry::step::Step;
use crate::registry::store_pipeline::pipeline::ingest_with_marks;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::wire::Writer;
use crate::wire::limits::CARD_BYTES_MAX;

/// Path of the file that is the card of a dataset.
const CARD_FILE: &str = "README.md";
/// Key of the hash of a place.
const SOURCE_CONTEXT: &str = "alimentar 2026 place of an intake";
/// Key of the hash of all promises.
const PROMISES_CONTEXT: &str = "alimentar 2026 promises of an intake";

/// An intake under way.
struct Intake<'a> {
    source: &'a dyn FileSource,
    selection: Selection,
    options: &'a IndexOptions,
    include: &'a [String],
    base: Option<&'a Dataset>,
    checkpoint_bytes: u64,
    key: SourceKey,
    /// Digest of all promises, where every file has one.
    promises: Option<[u8; 32]>,
}

impl LocalRegistry {
    /// Takes in the files of a place.
    ///
    /// Files with the promise of the run before are not fetched again, nor are bytes that arrived
    /// before an error or a kill. Nothing is visible before everything is stored and checked
    /// against what the place promises.
    ///
    /// # Errors
    /// [`Error`] when a file cannot be fetched or is not the promised one, the name and version belong
    /// to other content, or the store fails.
    pub fn take_in(
        &self,
        source: &dyn FileSource,
        options: &IntakeOptions,
        progress: &dyn Progress,
    ) -> Result<IntakeReport, Error> {
        let place = source.place();
        let _step = Step::begin("take in", &place.url);
        let IntakeOptions {
            index,
            include,
            base,
            checkpoint_bytes,
        } = options;
        let index = &metadata::checked(index)?;
        let intake = Intake {
            source,
            selection: select(source, include, &index.exclude)?,
            options: index,
            include,
            base: base.as_ref(),
            checkpoint_bytes: *checkpoint_bytes,
            key: source_key(&place.shared_url, include, index),
            promises: None,
        };
        let intake = Intake {
            promises: intake.digest(),
            ..intake
        };
        let naming = Naming::of_url(&place.shared_url, &place.name, index.name.as_ref());
        let given_card = index.card.as_deref().map(cards::read).transpose()?;
        let runs = self
            .store
            .read(|t| Ok::<_, Error>(journal::runs_of(t, &intake.key)?))?;
        if let Some(held) = self.find_taken_in(&intake, &runs, &naming)? {
            let totals = self.maintenance().totals(&held)?;
            let report = index::unchanged((held, totals), intake.selection.skipped.clone());
            let report = self.complete_metadata(report, index, given_card)?;
            return Ok(intake.report(report, &Fed::default()));
        }
        let taken = self.take_in_changed(&intake, runs, (naming, given_card), progress);
        if let Err(Error::Intake(IntakeError::BrokenPromise { path, .. })) = &taken {
            self.store
                .write(|t| Ok::<_, Error>(journal::distrust(t, &intake.key, path)?))?;
        }
        taken
    }

    /// Returns the dataset that the last finished run made, if the place promises the same files now.
    fn find_taken_in(
        &self,
        intake: &Intake<'_>,
        runs: &[RecordedRun],
        naming: &Naming,
    ) -> Result<Option<Manifest>, Error> {
        let finished = runs.iter().filter_map(|run| run.head.finished.as_ref());
        let mut same = finished.filter(|(_, promises)| Some(*promises) == intake.promises);
        let content = same.next_back().map(|(content, _)| *content);
        let (options, now) = (intake.options, intake.provenance());
        let is_it = |d: &Dataset| {
            let says_so = d
                .manifest
                .source
                .as_ref()
                .is_some_and(|then| is_same_state(then, &now));
            let content = content.or_else(|| says_so.then_some(d.manifest.content_id));
            content.is_some_and(|content| same_claims(d, &content, options))
        };
        self.store.read(|t| {
            let named = catalog::by_name(t, &naming.name)?;
            let mut own = named.into_iter().filter(|d| is_own(d, options));
            Ok::<_, Error>(own.rfind(is_it).map(|dataset| dataset.manifest))
        })
    }

    fn take_in_changed(
        &self,
        intake: &Intake<'_>,
        runs: Vec<RecordedRun>,
        (naming, given_card): (Naming, Option<Vec<u8>>),
        progress: &dyn Progress,
    ) -> Result<IntakeReport, Error> {
        let options = intake.options;
        let total = intake.size_bytes();
        if let Some(total) = total {
            self.refuse_mixed(&naming, total, options)?;
        }
        progress.phase("taking in", total);
        let session = WriteSession::begin(&self.store)?;
        let before = self.parent_version(&naming.name, options)?;
        let card_before = match &before {
            Some(before) => self.held_card(before)?,
            None => None,
        };
        let versions = [before.as_ref(), intake.base];
        let bases = self.intake_bases(runs, &versions)?;
        let [data_before, table_before] = self.trees_of(before.as_ref())?;
        let near = SimilarityIndex::open(&self.store)?;
        let run = host::random().map_err(Error::Random)?;
        let journal = Journal::new(intake.key, run);
        let on_mark = |root: TreeId, totals: Totals| {
            if !session.wait_for_claims() {
                // The thread that failed returns its error.
                return Ok(());
            }
            let head = RunHead {
                updated_at: host::now(),
                root,
                bytes: totals.bytes,
                finished: None,
            };
            session.checkpoint(|tables| Ok::<_, Error>(journal.save(tables, &head)?))
        };
        let feed = Feed {
            source: intake.source,
            numbers: &intake.selection.numbers,
            bases: &bases,
            journal: &journal,
            card: (CARD_FILE, CARD_BYTES_MAX),
            checkpoint_bytes: intake.checkpoint_bytes,
            progress,
        };
        let before = data_before.as_ref();
        let (mut fed, root, totals) =
            ingest_with_marks(&session, before, &near, &on_mark, |chunker| {
                feed.run(chunker)
            })?;
        progress.phase("describing", None);
        let tree = (root, totals.bytes);
        if describe::is_needed(&fed.files, options.full_schema) {
            session.checkpoint(|_| Ok::<_, Error>(()))?;
            let reader = BlobReader::new(&self.store)?;
            describe_stored(&mut fed.files, tree, reader, options.full_schema, progress)?;
        }
        let card = intake.card(given_card.clone(), &mut fed)?;
        let (files, schema_from) = stored_files(intake, &mut fed, (root, totals))?;
        let words = DraftWords {
            name: naming.name.clone(),
            card: card.as_deref(),
            source: Some(intake.provenance()),
            options,
        };
        let draft = self.draft_manifest(&session, &files, (table_before.as_ref(), &near), words)?;
        let hashed = || Error::Machine {
            task: "hash the files",
            source: std::io::ErrorKind::InvalidData.into(),
        };
        let (manifest, stats) = draft.ok_or_else(hashed)?;
        let draft = Draft {
            manifest,
            naming,
            source: None,
            card_before,
        };
        let published = session.commit(|tables, entries| {
            let published = publish(tables, entries, draft, options)?;
            let head = RunHead {
                updated_at: host::now(),
                root,
                bytes: totals.bytes,
                finished: Some((
                    published.manifest.content_id,
                    intake.promises.unwrap_or_default(),
                )),
            };
            journal.finish(tables, &head)?;
            Ok::<_, Error>(published)
        })?;
        let report = IndexReport {
            manifest: published.manifest,
            chunks: totals.chunks,
            stats,
            unchanged: published.unchanged,
            inherited: published.inherited,
            revision: None,
            skipped: [&intake.selection.skipped[..], &fed.secrets.keys].concat(),
            warnings: std::mem::take(&mut fed.secrets.warnings),
            schema_from: (!published.unchanged).then_some(schema_from),
            schema_kept: published.schema_kept,
        };
        let report = self.complete_metadata(report, options, given_card)?;
        Ok(intake.report(report, &fed))
    }

    /// Collects the places with bytes that are here: recorded runs, then versions.
    fn intake_bases(
        &self,
        runs: Vec<RecordedRun>,
        versions: &[Option<&Dataset>],
    ) -> Result<Bases, Error> {
        let (mut of_versions, mut recorded) = (Vec::new(), Vec::new());
        for before in versions.iter().flatten() {
            let m = &before.manifest;
            // A damaged table must not prevent an intake.
            let Ok(table) = self.files(m) else { continue };
            of_versions.push(Base::of_version(m, &table));
            let made = runs.iter().filter(|run| {
                let content = run.head.finished.map(|(content, _)| content);
                content == Some(m.content_id) && run.head.root == m.chunk_tree_root
            });
            recorded.extend(made.map(|run| RecordedFiles::new(m, &table, &run.promises())));
        }
        let mut all: Vec<Base> = runs.into_iter().map(Base::of_run).collect();
        all.append(&mut of_versions);
        Ok(Bases::new(all, recorded, BlobReader::new(&self.store)?))
    }
}

impl Intake<'_> {
    /// Returns the size of all selected files, if the place says it.
    fn size_bytes(&self) -> Option<u64> {
        let mut sizes = self.items().map(|item| item.size_bytes);
        sizes.try_fold(0_u64, |sum, size| Some(sum.saturating_add(size?)))
    }

    fn items(&self) -> impl Iterator<Item = &source::SourceItem> {
        let items = self.source.items();
        let numbers = self.selection.numbers.iter();
        numbers.filter_map(move |number| items.get(*number))
    }

    /// Returns the digest of all paths, sizes and promises. Without a promise of every file there is
    /// none.
    fn digest(&self) -> Option<[u8; 32]> {
        let mut hasher = blake3::Hasher::new_derive_key(PROMISES_CONTEXT);
        for item in self.items() {
            if item.promise.is_empty() {
                return None;
            }
            let mut w = Writer::new();
            w.counted(item.path.as_bytes());
            w.varint(item.size_bytes.map_or(0, |size| size.saturating_add(1)));
            item.promise.encode(&mut w);
            hasher.update(w.as_bytes());
        }
        Some(*hasher.finalize().as_bytes())
    }

    fn provenance(&self) -> Provenance {
        let place = self.source.place();
        let digest = || {
            let text = |hash: &[u8; 32]| format!("blake3:{}", to_hex(hash));
            self.promises.as_ref().map(text)
        };
        let validator = match place.kind {
            DatasetKind::File => self.items().next().and_then(|i| i.promise.text()),
            DatasetKind::Directory => digest(),
        };
        Provenance {
            url: place.url.clone(),
            revision: place.revision.clone(),
            validator,
            include: self.include.to_vec(),
            exclude: self.options.exclude.clone(),
            fetched_at: host::now(),
        }
    }

    fn report(&self, index: IndexReport, fed: &Fed) -> IntakeReport {
        IntakeReport {
            index,
            source: self.provenance(),
            fetched_files: fed.fetched_files,
            fetched_bytes: fed.fetched_bytes,
            kept_bytes: fed.kept_bytes,
        }
    }

    /// Returns the bytes of the card: the given one, or that of the place, which may be none of the
    /// files that are taken.
    fn card(&self, given: Option<Vec<u8>>, fed: &mut Fed) -> Result<Option<Vec<u8>>, Error> {
        let is_directory = self.source.place().kind == DatasetKind::Directory;
        if given.is_some() || !is_directory {
            return Ok(given);
        }
        if let Some(card) = fed.card.take() {
            // A dataset of the single file `README.md` has no card.
            return Ok(Some(card).filter(|_| fed.files.len() > 1));
        }
        let mut items = self.source.items().iter().enumerate();
        let Some((number, item)) = items.find(|(_, item)| item.path == CARD_FILE) else {
            return Ok(None);
        };
        if item
            .size_bytes
            .is_some_and(|size| size > CARD_BYTES_MAX as u64)
            || self.selection.numbers.contains(&number)
        {
            return Ok(None);
        }
        let failed = |e| Error::from(IntakeError::fetch(&item.path, e));
        let mut reading = ItemRead::new(self.source, number, item, None);
        let mut bytes = Vec::new();
        let most = CARD_BYTES_MAX as u64 + 1;
        (&mut reading)
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        fed.fetched_bytes += reading.fetched_bytes();
        fed.fetched_files += u64::from(reading.fetched_bytes() > 0);
        let mut check = PromiseCheck::new(&item.promise, Some(bytes.len() as u64));
        check.push(&bytes);
        let kept = check.finish(self.source.has_md5(number));
        kept.map_err(|hashes| IntakeError::broken_promise(&item.path, hashes))?;
        Ok(Some(bytes).filter(|bytes| bytes.len() <= CARD_BYTES_MAX))
    }
}

/// Returns true if both say the same files of the same place.
fn is_same_state(then: &Provenance, now: &Provenance) -> bool {
    let validators = (&then.validator, &now.validator);
    let is_same = matches!(validators, (Some(then), Some(now)) if then == now);
    is_same && (&then.url, &then.include, &then.exclude) == (&now.url, &now.include, &now.exclude)
}

/// Makes the file table and the common schema of all files.
fn stored_files(
    intake: &Intake<'_>,
    fed: &mut Fed,
    (root, totals): (TreeId, Totals),
) -> Result<(StoredFiles, SchemaFrom), Error> {
    let mut schemas = SchemaSet::default();
    let mut schema_from = SchemaFrom::Metadata;
    let mut entries = Vec::with_capacity(fed.files.len());
    for file in fed.files.drain(..) {
        let mut entry = file.entry;
        schema_from = schema_from.max(file.schema_from);
        entry.schema = file.schema.and_then(|schema| schemas.add(schema));
        entries.push(entry);
    }
    let kind = intake.source.place().kind;
    if entries.is_empty() {
        let url = intake.source.place().url.clone();
        return Err(IntakeError::NoFiles {
            url,
            is_filtered: true,
        }
        .into());
    }
    let files = StoredFiles {
        kind,
        table: FileTable::new(entries)?,
        schema: schemas.common(),
        root,
        totals,
    };
    Ok((files, schema_from))
}

/// Returns the hash of a place and of everything that decides which of its bytes are taken.
fn source_key(url: &str, include: &[String], options: &IndexOptions) -> SourceKey {
    let mut hasher = blake3::Hasher::new_derive_key(SOURCE_CONTEXT);
    let mut w = Writer::new();
    w.counted(url.as_bytes());
    for patterns in [include, &options.exclude] {
        w.varint(patterns.len() as u64);
        for pattern in patterns {
            w.counted(pattern.as_bytes());
        }
    }
    w.u8(u8::from(options.full_schema));
    hasher.update(w.as_bytes());
    *hasher.finalize().as_bytes()
}

pub(crate) mod error;
#[cfg(test)]
mod tests;
