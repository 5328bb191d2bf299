//! Index: stores a file or directory as a dataset.
//!
//! `walk` and `source_files` find the files, `homes` and `secrets` recognise files that are no
//! data, `read` feeds them to the store pipeline, and `draft` makes the manifest.

pub(crate) mod collection;
pub(crate) mod draft;
pub(crate) mod homes;
pub(crate) mod options;
pub(crate) mod read;
pub(crate) mod secrets;
pub(crate) mod source_file;
pub(crate) mod source_files;
pub(crate) mod walk;

use std::path::Path;

use crate::catalog;
use crate::catalog::Dataset;
use crate::documents::Layout;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::manifest::DatasetKind;
use crate::manifest::Manifest;
use crate::manifest::Totals;
use crate::meta_store::Table;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::delta::parent::ParentTree;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::describe::cards;
use crate::registry::error::Error;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::skipped::Skipped;
use crate::registry::error::source::SourceError;
use crate::registry::host;
use crate::registry::index::collection::Snapshot;
use crate::registry::index::draft::DraftWords;
use crate::registry::index::draft::StoredFiles;
use crate::registry::index::options::IndexOptions;
use crate::registry::index::options::IndexReport;
use crate::registry::index::read::ReadFiles;
use crate::registry::index::read::read_all;
use crate::registry::index::secrets::SecretWarning;
use crate::registry::index::secrets::suspicion;
use crate::registry::index::source_file::SourceFile;
use crate::registry::index::source_files::FindOptions;
use crate::registry::index::source_files::Sources;
use crate::registry::metadata;
use crate::registry::metadata::Naming;
use crate::registry::publishing::ownership::is_own;
use crate::registry::publishing::publish::Draft;
use crate::registry::publishing::publish::publish;
use crate::registry::publishing::publish::same_claims;
use crate::registry::step::Step;
use crate::registry::store_pipeline::chunker::Chunker;
use crate::registry::store_pipeline::pipeline::ingest;
use crate::store::disk::BlobReader;
use crate::store::disk::SessionStats;
use crate::store::disk::WriteSession;
use crate::trust::KeyPair;
use crate::trust::Origin;
use crate::wire::Writer;

/// A source that changed within this time may change again without a new timestamp.
const SETTLED_AFTER_SECONDS: i64 = 2;

impl LocalRegistry {
    /// Indexes a file or a directory. Of a collection of documents, `STORE/collections/NAME`, it takes the live
    /// documents as one file `NAME.jsonl`.
    ///
    /// An indexed source that looks unchanged is not read again. Nothing is visible before
    /// everything is stored. After an error or a kill, a new index finds the chunks that were
    /// stored.
    ///
    /// # Errors
    /// [`Error`] when the path cannot be read completely, the name and version belong to other
    /// content, or the store fails.
    pub fn index(
        &self,
        path: &Path,
        options: &IndexOptions,
        progress: &dyn Progress,
    ) -> Result<IndexReport, Error> {
        let _step = Step::begin("index", path.display());
        homes::refuse_inside(path, self.home())?;
        match Layout::of_directory(path) {
            Some(layout) => {
                let snapshot = Snapshot::take(&layout, self.home())?;
                let mut options = options.clone();
                // The file of a snapshot has another path each time; the collection has one name.
                let own = || layout.name().as_str().parse().ok();
                options.name = options.name.or_else(own);
                self.index_files(&snapshot.path, &options, progress)
            }
            None => self.index_files(path, options, progress),
        }
    }

    fn index_files(
        &self,
        path: &Path,
        options: &IndexOptions,
        progress: &dyn Progress,
    ) -> Result<IndexReport, Error> {
        let began = host::now();
        let options = &metadata::checked(options)?;
        let naming = Naming::of(path, options.name.as_ref())?;
        let given_card = options.card.as_deref().map(cards::read).transpose()?;
        let how = FindOptions {
            exclude: &options.exclude,
            follow_links: options.follow_links,
        };
        let sources = source_files::find(path, &how, self.home())?;
        if sources.files.is_empty() {
            let (path, left_out) = (path.to_owned(), sources.skipped);
            return Err(SourceError::NoFiles { path, left_out }.into());
        }
        let name = naming.name.clone();
        let source_key = source_key(path, options)?;
        let looks = fingerprint(&sources);
        if let Some(held) = self.find_unchanged(&source_key, &looks, &name, options)? {
            self.note_source((path, began), &sources, &held.0, (None, &how));
            return self.complete_metadata(unchanged(held, sources.skipped), options, given_card);
        }
        let total: u64 = sources.files.iter().map(|f| f.seen.size_bytes).sum();
        self.refuse_mixed(&naming, total, options)?;
        progress.phase("indexing", Some(total));
        let card = cards::choose_card(given_card.clone(), &sources)?;
        let session = WriteSession::begin(&self.store)?;
        let before = self.parent_version(&name, options)?;
        let card_before = match &before {
            Some(before) => self.held_card(before)?,
            None => None,
        };
        let [data_before, table_before] = self.trees_of(before.as_ref())?;
        let near = SimilarityIndex::open(&self.store)?;
        let before = data_before.as_ref();
        let reading = |chunker: &mut Chunker<'_>| {
            read_all(chunker, &sources.files, options.full_schema, progress)
        };
        let (read, root, totals) = ingest(&session, before, &near, reading)
            .map_err(|error| source_files::all_denied(error, &sources))?;
        let ReadFiles {
            table,
            schemas,
            schema_from,
            mut secrets,
        } = read;
        if sources.kind == DatasetKind::File && !secrets.keys.is_empty() {
            return Err(Error::Source(SourceError::KeyFile(path.to_owned())));
        }
        if table.files().is_empty() {
            let left_out = [sources.skipped, secrets.keys].concat();
            let path = path.to_owned();
            return Err(SourceError::NoFiles { path, left_out }.into());
        }
        // Sources with warnings are read again next time, so that the warnings are repeated.
        let settled = is_settled(&sources.files) && secrets.is_empty();
        if let (Some(path), Some(bytes)) = (&options.card, &card)
            && let Some(reason) = suspicion(&path.to_string_lossy(), bytes)
        {
            let path = path.clone();
            secrets.warnings.push(SecretWarning { path, reason });
        }
        let files = StoredFiles {
            kind: sources.kind,
            table,
            schema: schemas.common(),
            root,
            totals,
        };
        let words = DraftWords {
            name,
            card: card.as_deref(),
            source: None,
            options,
        };
        let draft = self.draft_manifest(&session, &files, (table_before.as_ref(), &near), words)?;
        // Every file was just hashed.
        let (draft, stats) =
            draft.ok_or_else(|| Error::Source(SourceError::Changed(path.to_owned())))?;
        let draft = Draft {
            manifest: draft,
            naming,
            source: settled.then_some((source_key, looks)),
            card_before,
        };
        let published =
            session.commit(|tables, entries| publish(tables, entries, draft, options))?;
        self.note_source(
            (path, began),
            &sources,
            &published.manifest,
            (Some(&files.table), &how),
        );
        let report = IndexReport {
            manifest: published.manifest,
            chunks: totals.chunks,
            stats,
            unchanged: published.unchanged,
            inherited: published.inherited,
            revision: None,
            skipped: [sources.skipped, secrets.keys].concat(),
            warnings: secrets.warnings,
            // Held content keeps the types that were inferred for it.
            schema_from: (!published.unchanged).then_some(schema_from),
            schema_kept: published.schema_kept,
        };
        self.complete_metadata(report, options, given_card)
    }

    /// Returns the newest version of a name.
    pub(super) fn parent_version(
        &self,
        name: &DatasetName,
        options: &IndexOptions,
    ) -> Result<Option<Dataset>, Error> {
        let named = self
            .store
            .read(|t| catalog::by_name(t, name).map_err(Error::from))?;
        let own = named.into_iter().filter(|d| is_own(d, options));
        Ok(own.max_by_key(|d| d.manifest.dataset_version.clone()))
    }

    /// Returns the trees of the parent version, because new data probably resembles them.
    pub(in crate::registry) fn trees_of(
        &self,
        before: Option<&Dataset>,
    ) -> Result<[Option<ParentTree>; 2], Error> {
        let Some(Dataset { manifest: m, .. }) = before else {
            return Ok([None, None]);
        };
        let tree = |root, size| {
            let reader = BlobReader::new(&self.store)?;
            Ok::<_, Error>(Some(ParentTree { reader, root, size }))
        };
        Ok([
            tree(m.chunk_tree_root, m.size_bytes)?,
            tree(m.file_table_root, m.file_table_bytes)?,
        ])
    }

    /// Signs a held unsigned dataset if a signature was requested.
    pub(super) fn sign_if_requested(
        &self,
        mut report: IndexReport,
        options: &IndexOptions,
    ) -> Result<IndexReport, Error> {
        let signer = options.sign_with.as_ref().map(KeyPair::public_key);
        if let Some(pair) = &options.sign_with
            && report.manifest.signer != signer
        {
            let held = self.store.read(|t| {
                let held = catalog::of_register(t, &report.manifest, Origin::Here)?;
                Ok::<_, Error>(held)
            })?;
            let held = held.ok_or_else(|| {
                Error::Dataset(DatasetError::NotFound(report.manifest.name.to_string()))
            })?;
            report.manifest = self.publishing().sign(&held, pair)?.manifest;
        }
        Ok(report)
    }

    /// Returns the dataset of this source, if the source looks as it did then.
    fn find_unchanged(
        &self,
        source_key: &[u8; 32],
        looks: &[u8; 32],
        name: &DatasetName,
        options: &IndexOptions,
    ) -> Result<Option<(Manifest, Totals)>, Error> {
        let held = self.store.read(|t| {
            let Some(row) = t.get(Table::Sources, source_key)? else {
                return Ok(None);
            };
            let Some((seen, id)) = row.split_first_chunk::<32>() else {
                return Ok(None);
            };
            let Ok(id) = <[u8; 32]>::try_from(id) else {
                return Ok(None);
            };
            if seen != looks {
                return Ok(None);
            }
            let id = ContentId::new(id);
            let named = catalog::by_name(t, name)?;
            let mut own = named.into_iter().filter(|d| is_own(d, options));
            Ok::<_, Error>(own.rfind(|d| same_claims(d, &id, options)))
        })?;
        let Some(dataset) = held else { return Ok(None) };
        let totals = self.maintenance().totals(&dataset.manifest)?;
        Ok(Some((dataset.manifest, totals)))
    }
}

pub(super) fn unchanged(
    (manifest, totals): (Manifest, Totals),
    skipped: Vec<Skipped>,
) -> IndexReport {
    let stats = SessionStats::default();
    IndexReport {
        manifest,
        chunks: totals.chunks,
        stats,
        unchanged: true,
        inherited: None,
        revision: None,
        skipped,
        warnings: Vec::new(),
        schema_from: None,
        schema_kept: false,
    }
}

/// Returns the key of a source: its absolute path, the exclude patterns, and the `full_schema`
/// option.
fn source_key(path: &Path, options: &IndexOptions) -> Result<[u8; 32], Error> {
    let full = path
        .canonicalize()
        .map_err(|e| Error::file("find", path, e))?;
    let mut w = Writer::new();
    w.counted(full.as_os_str().as_encoded_bytes());
    options.exclude.iter().for_each(|pattern| {
        w.counted(pattern.as_bytes());
    });
    if options.full_schema {
        // No pattern contains this byte.
        w.u8(u8::MAX);
    }
    Ok(*blake3::hash(w.as_bytes()).as_bytes())
}

/// Returns a digest of all file metadata that changes with the files.
fn fingerprint(sources: &Sources) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for f in &sources.files {
        let mut w = Writer::new();
        w.counted(f.path.as_bytes()).u64(f.seen.size_bytes);
        let times = [
            f.seen.modified.0,
            f.seen.modified.1,
            f.seen.changed.0,
            f.seen.changed.1,
        ];
        times.iter().for_each(|t| {
            w.u64(t.cast_unsigned());
        });
        w.u64(f.seen.inode.0).u64(f.seen.inode.1);
        hasher.update(w.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn is_settled(files: &[SourceFile]) -> bool {
    let newest = files.iter().map(|f| f.seen.changed.0).max().unwrap_or(0);
    host::now().0 - newest > SETTLED_AFTER_SECONDS
}
