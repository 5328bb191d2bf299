//! Assembly: a version of kept files of another version and of files on disk. The chunks of kept files stay
//! unread, as far as an index of the same files would cut them alike.
//!
//! `options` names the files, `parts` puts them in order, `fed` makes their entries.

mod fed;
pub(crate) mod options;
mod parts;

use std::path::PathBuf;
use std::sync::Arc;

use crate::catalog::Dataset;
use crate::manifest::DatasetKind;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::progress::Progress;
use crate::read_at::read_range;
use crate::registry::IndexReport;
use crate::registry::LocalRegistry;
use crate::registry::assembly::fed::Fed;
use crate::registry::assembly::options::AssemblyOptions;
use crate::registry::assembly::parts::KeptFile;
use crate::registry::assembly::parts::Part;
use crate::registry::assembly::parts::parts_of;
use crate::registry::assembly::parts::same_region;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::error::Error;
use crate::registry::error::source::SourceError;
use crate::registry::index::draft::DraftWords;
use crate::registry::index::draft::StoredFiles;
use crate::registry::index::read::read_group;
use crate::registry::index::read::read_large;
use crate::registry::metadata;
use crate::registry::metadata::Naming;
use crate::registry::publishing::publish::Draft;
use crate::registry::publishing::publish::publish;
use crate::registry::step::Step;
use crate::registry::store_pipeline::chunker::Chunker;
use crate::registry::store_pipeline::pipeline::ingest;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::wire::limits::CARD_BYTES_MAX;

/// Path of the file that is the card of a directory.
const CARD_FILE: &str = "README.md";

/// An assembly under way.
struct Assembly<'a> {
    before: Option<Before>,
    parts: Vec<Part>,
    full_schema: bool,
    progress: &'a dyn Progress,
}

/// The version with the kept files.
struct Before {
    manifest: Arc<Manifest>,
    reader: Arc<BlobReader>,
    table: FileTable,
}

impl LocalRegistry {
    /// Makes a version of kept files of another version and of files on disk. The content is exactly that of an
    /// index of the same files.
    ///
    /// Nothing is visible before everything is stored.
    ///
    /// # Errors
    /// [`Error`] without files, for a file that cannot be read, for a version that belongs to other
    /// content, or when the store fails.
    pub fn assemble(
        &self,
        options: &AssemblyOptions,
        progress: &dyn Progress,
    ) -> Result<IndexReport, Error> {
        let index = &metadata::checked(&options.index)?;
        let name = &options.name;
        let _step = Step::begin("assemble", name);
        let before = options.base.as_ref().map(|base| self.before(base));
        let before = before.transpose()?;
        let parts = parts_of(options, before.as_ref().map(|b| &b.table))?;
        let assembly = Assembly {
            before,
            parts,
            full_schema: index.full_schema,
            progress,
        };
        let no_files = |left_out| SourceError::NoFiles {
            path: PathBuf::from(name.as_str()),
            left_out,
        };
        if assembly.parts.is_empty() {
            return Err(no_files(Vec::new()).into());
        }
        let total: u64 = assembly.parts.iter().map(Part::size_bytes).sum();
        progress.phase("storing", Some(total));
        let session = WriteSession::begin(&self.store)?;
        let parent = self.parent_version(name, index)?;
        let card_before = match &parent {
            Some(parent) => self.held_card(parent)?,
            None => None,
        };
        let [data_before, table_before] = self.trees_of(parent.as_ref())?;
        let near = SimilarityIndex::open(&self.store)?;
        let (fed, root, totals) = ingest(&session, data_before.as_ref(), &near, |chunker| {
            assembly.feed(chunker)
        })?;
        if fed.entries.is_empty() {
            return Err(no_files(fed.secrets.keys).into());
        }
        let card = assembly.card()?;
        let files = StoredFiles {
            kind: assembly.kind(),
            table: FileTable::new(fed.entries)?,
            schema: fed.schemas.common(),
            root,
            totals,
        };
        let words = DraftWords {
            name: name.clone(),
            card: card.as_deref(),
            source: None,
            options: index,
        };
        let draft = self.draft_manifest(&session, &files, (table_before.as_ref(), &near), words)?;
        let hashed = || Error::Machine {
            task: "hash the files",
            source: std::io::ErrorKind::InvalidData.into(),
        };
        let (manifest, stats) = draft.ok_or_else(hashed)?;
        let draft = Draft {
            manifest,
            naming: Naming::given(name),
            source: None,
            card_before,
        };
        let published = session.commit(|tables, entries| publish(tables, entries, draft, index))?;
        let report = IndexReport {
            manifest: published.manifest,
            chunks: totals.chunks,
            stats,
            unchanged: published.unchanged,
            inherited: published.inherited,
            revision: None,
            skipped: fed.secrets.keys,
            warnings: fed.secrets.warnings,
            schema_from: (!published.unchanged).then_some(fed.schema_from),
            schema_kept: published.schema_kept,
        };
        self.complete_metadata(report, index, card)
    }

    fn before(&self, base: &Dataset) -> Result<Before, Error> {
        Ok(Before {
            reader: Arc::new(self.reader_of(base)?),
            table: self.files(&base.manifest)?,
            manifest: Arc::new(base.manifest.clone()),
        })
    }
}

impl Before {
    fn file(&self, kept: &KeptFile) -> DatasetFile {
        let (reader, manifest) = (Arc::clone(&self.reader), Arc::clone(&self.manifest));
        DatasetFile::new(reader, manifest, kept.at, kept.entry.clone())
    }

    /// Keeps the chunks between two offsets, which are ends of regions.
    fn keep(&self, start: u64, end: u64, chunker: &mut Chunker<'_>) -> Result<(), Error> {
        if start >= end {
            return Ok(());
        }
        let m = &self.manifest;
        for placed in TreeWalk::new(&*self.reader, m.chunk_tree_root, m.size_bytes, start)? {
            let (at, chunk) = placed?;
            if at >= end {
                break;
            }
            chunker.append_known(&[chunk]);
        }
        Ok(())
    }
}

/// Returns the error for a kept file that cannot be read.
fn unread(kept: &KeptFile, e: std::io::Error) -> Error {
    Error::file("read", &kept.entry.path, e)
}

impl Assembly<'_> {
    /// Feeds the files region by region, as an index does.
    fn feed(&self, chunker: &mut Chunker<'_>) -> Result<Fed, Error> {
        let manifest = self.before.as_ref().map(|b| &*b.manifest);
        let mut fed = Fed::new(manifest);
        for run in self.parts.chunk_by(|a, b| !a.is_large() && !b.is_large()) {
            chunker.end_region();
            self.feed_run(run, chunker, &mut fed)?;
            chunker.end_region();
            if self.progress.cancelled() {
                return Err(Error::Interrupted);
            }
        }
        Ok(fed)
    }

    /// Feeds one large file, or small ones.
    fn feed_run(
        &self,
        run: &[Part],
        chunker: &mut Chunker<'_>,
        fed: &mut Fed,
    ) -> Result<(), Error> {
        if let [Part::New(source)] = run
            && run.iter().all(Part::is_large)
        {
            let how = (self.full_schema, &mut fed.secrets);
            let read = read_large(chunker, source, how, self.progress)?;
            fed.add(read);
            return Ok(());
        }
        let before = self.before.as_ref();
        let region = before.and_then(|b| match run {
            [Part::Kept(kept)] if run.iter().all(Part::is_large) => Some((b, kept.at..kept.end())),
            _ => same_region(run, &b.table).map(|region| (b, region)),
        });
        if let Some((before, region)) = region {
            before.keep(region.start, region.end, chunker)?;
            self.progress.advance(region.end - region.start);
            for kept in run.iter().filter_map(Part::kept) {
                let file = before.file(kept);
                let done = fed.keep(&kept.entry, &file);
                done.map_err(|e| unread(kept, e))?;
            }
            return Ok(());
        }
        for part in run {
            match (part, before) {
                (Part::New(source), _) => {
                    let files = std::slice::from_ref(source);
                    let group = read_group(files, self.full_schema, self.progress)?;
                    chunker.append(&fed.add_small(group));
                }
                (Part::Kept(kept), Some(before)) => {
                    let file = before.file(kept);
                    let bytes = read_range(&file, &(0..kept.entry.size_bytes));
                    let bytes = bytes.map_err(|e| unread(kept, e))?;
                    chunker.append(&bytes);
                    self.progress.advance(bytes.len() as u64);
                    let done = fed.keep(&kept.entry, &file);
                    done.map_err(|e| unread(kept, e))?;
                }
                // Kept files are those of a version before.
                (Part::Kept(_), None) => {}
            }
        }
        Ok(())
    }

    /// A single file under its name stays a file.
    fn kind(&self) -> DatasetKind {
        let was_file = self.before.as_ref().is_some_and(|b| {
            let path = self.parts.first().map(Part::path);
            let [only] = b.table.files() else {
                return false;
            };
            b.manifest.dataset_kind == DatasetKind::File && path == Some(only.path.as_str())
        });
        match was_file && self.parts.len() == 1 {
            true => DatasetKind::File,
            false => DatasetKind::Directory,
        }
    }

    /// Returns the bytes of the card of a directory.
    fn card(&self) -> Result<Option<Vec<u8>>, Error> {
        // A dataset of the single file `README.md` has no card.
        let readme = self.parts.iter().find(|part| part.path() == CARD_FILE);
        let readme = readme
            .filter(|part| self.parts.len() > 1 && part.size_bytes() <= CARD_BYTES_MAX as u64);
        match (readme, &self.before) {
            (Some(Part::New(source)), _) => {
                let bytes = std::fs::read(&source.at);
                Ok(Some(bytes.map_err(|e| Error::file("read", &source.at, e))?))
            }
            (Some(Part::Kept(kept)), Some(before)) => {
                let bytes = read_range(&before.file(kept), &(0..kept.entry.size_bytes));
                Ok(Some(bytes.map_err(|e| unread(kept, e))?))
            }
            _ => Ok(None),
        }
    }
}

impl Part {
    fn kept(&self) -> Option<&KeptFile> {
        match self {
            Self::Kept(kept) => Some(kept),
            Self::New(_) => None,
        }
    }
}
