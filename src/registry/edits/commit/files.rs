//! The files of a commit, region by region. Regions without edits keep their chunks unread.

use std::collections::HashMap;
use std::io;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow_schema::Schema;

use crate::catalog::Dataset;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::ident::ContentId;
use crate::inspect::Describer;
use crate::inspect::Description;
use crate::inspect::SchemaMessage;
use crate::inspect::edits::EditedPart;
use crate::inspect::edits::FileOverlay;
use crate::inspect::edits::Journal;
use crate::inspect::table::SchemaFrom;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::TreeWalk;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::LocalRegistry;
use crate::registry::describe::schema::SchemaSet;
use crate::registry::edits::attach::overlay_of;
use crate::registry::edits::commit::columnar::RewrittenFile;
use crate::registry::edits::commit::recut::OldChunks;
use crate::registry::edits::commit::recut::Recutter;
use crate::registry::edits::error::EditError;
use crate::registry::error::Error;
use crate::registry::store_pipeline::chunker::Chunker;
use crate::registry::targets::dataset_file::DatasetFile;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::store::disk::BlobReader;
use crate::wire::limits::CARD_BYTES_MAX;

/// Name of the file that is the card of a directory.
const CARD_FILE: &str = "README.md";
/// Kept chunks that go into the pipeline together.
const KNOWN_CHUNKS: usize = 4096;

/// A commit in progress.
pub(super) struct Committing<'a> {
    pub(super) registry: &'a LocalRegistry,
    pub(super) dataset: &'a Dataset,
    pub(super) manifest: Arc<Manifest>,
    pub(super) reader: Arc<BlobReader>,
    /// The files of the dataset, with all hashes.
    pub(super) table: FileTable,
    pub(super) journal: &'a Journal,
    pub(super) journal_path: &'a Path,
    pub(super) progress: &'a dyn Progress,
}

/// The files of the new version.
pub(super) struct CommittedFiles {
    pub(super) table: FileTable,
    pub(super) schemas: SchemaSet,
    pub(super) schema_from: SchemaFrom,
    pub(super) rewritten: Vec<String>,
    /// Bytes of an edited `README.md`.
    pub(super) readme: Option<Vec<u8>>,
}

/// A file of the dataset, and its new bytes.
struct CommitFile {
    /// Offset of the old file in the dataset.
    old_at: u64,
    old: FileEntry,
    /// Length of the new file.
    bytes: u64,
    change: FileChange,
}

enum FileChange {
    None,
    /// Bytes replace bytes.
    Bytes(TargetFile, Arc<FileOverlay>),
    /// The file was written anew.
    Rewritten(RewrittenFile),
}

impl CommitFile {
    fn is_edited(&self) -> bool {
        !matches!(self.change, FileChange::None)
    }

    fn is_large(&self) -> bool {
        self.bytes >= CHUNK_BYTES_MAX as u64
    }

    fn was_large(&self) -> bool {
        self.old.size_bytes >= CHUNK_BYTES_MAX as u64
    }
}

impl Committing<'_> {
    /// Feeds the new files.
    pub(super) fn feed(&self, chunker: &mut Chunker<'_>) -> Result<CommittedFiles, Error> {
        let files = self.files()?;
        let edited = files.iter().filter(|file| file.is_edited());
        let total: u64 = edited.map(|file| file.bytes).sum();
        self.progress.phase("committing", Some(total));
        let mut made = Described::new(self);
        let mut first = 0;
        for run in files.chunk_by(|a, b| !a.is_large() && !b.is_large()) {
            let range = first..first + run.len();
            first = range.end;
            chunker.end_region();
            match run {
                [only] if only.is_large() => self.feed_large(only, chunker, &mut made)?,
                _ if is_same_region(&files, &range) => {
                    let end = run.last().map_or(0, |f| f.old_at + f.old.size_bytes);
                    let start = run.first().map_or(0, |f| f.old_at);
                    self.keep(start, end, chunker)?;
                    for file in run {
                        made.keep(file)?;
                    }
                }
                _ => {
                    for file in run {
                        self.feed_bytes(file, chunker, &mut made)?;
                    }
                }
            }
            chunker.end_region();
        }
        made.finish(&files)
    }

    /// Returns the files with their changes.
    fn files(&self) -> Result<Vec<CommitFile>, Error> {
        let edited = self.journal.files();
        if let Some(unknown) = edited.iter().find(|path| self.table.find(path).is_none()) {
            return Err(Error::NoSuchFile {
                path: (*unknown).to_owned(),
                dataset: self.manifest.name.to_string(),
            });
        }
        let mut files = Vec::with_capacity(self.table.files().len());
        for (old_at, old) in self.table.with_offsets() {
            let mut file = CommitFile {
                old_at,
                old: old.clone(),
                bytes: old.size_bytes,
                change: FileChange::None,
            };
            if edited.contains(&old.path.as_str()) {
                let base = self.target_file(old_at, old);
                let overlay = overlay_of(self.journal, &base, self.journal_path)?;
                if overlay.is_of_rows() {
                    let home = self.registry.home();
                    let edited = base.edited(overlay)?;
                    let rewritten = RewrittenFile::write(edited, home, self.progress)?;
                    file.bytes = rewritten.bytes();
                    file.change = FileChange::Rewritten(rewritten);
                } else {
                    file.bytes = overlay.bytes();
                    file.change = FileChange::Bytes(base, Arc::new(overlay));
                }
            }
            files.push(file);
        }
        Ok(files)
    }

    fn dataset_file(&self, old_at: u64, old: &FileEntry) -> DatasetFile {
        let (reader, manifest) = (Arc::clone(&self.reader), Arc::clone(&self.manifest));
        DatasetFile::new(reader, manifest, old_at, old.clone())
    }

    fn target_file(&self, old_at: u64, old: &FileEntry) -> TargetFile {
        let format = crate::inspect::FileFormat::from_number(old.format);
        let is_known = format.format != crate::inspect::Format::Bytes;
        TargetFile {
            path: old.path.clone(),
            size_bytes: old.size_bytes,
            format: Some(format).filter(|_| is_known),
            reading: crate::inspect::ReadOptions::default(),
            place: FileLocation::Store(Arc::new(self.dataset_file(old_at, old))),
        }
    }

    fn walk(&self, from: u64) -> Result<TreeWalk<'_>, Error> {
        let m = &self.manifest;
        let walk = TreeWalk::new(&*self.reader, m.chunk_tree_root, m.size_bytes, from);
        Ok(walk?)
    }

    /// Keeps the chunks between two offsets of the old dataset, which are ends of regions.
    fn keep(&self, start: u64, end: u64, chunker: &mut Chunker<'_>) -> Result<(), Error> {
        if start >= end {
            return Ok(());
        }
        let mut known = Vec::new();
        for placed in self.walk(start)? {
            let (at, chunk) = placed?;
            if at >= end {
                break;
            }
            known.push(chunk);
            if known.len() >= KNOWN_CHUNKS {
                chunker.append_known(std::mem::take(&mut known));
            }
        }
        chunker.append_known(known);
        Ok(())
    }

    fn feed_large(
        &self,
        file: &CommitFile,
        chunker: &mut Chunker<'_>,
        made: &mut Described<'_, '_>,
    ) -> Result<(), Error> {
        match &file.change {
            FileChange::None if file.was_large() => {
                self.keep(file.old_at, file.old_at + file.old.size_bytes, chunker)?;
                made.keep(file)
            }
            FileChange::Bytes(base, overlay) if file.was_large() => {
                self.recut(file, (base, overlay), chunker, made)
            }
            _ => self.feed_bytes(file, chunker, made),
        }
    }

    /// Cuts an edited file around its edits.
    fn recut(
        &self,
        file: &CommitFile,
        (base, overlay): (&TargetFile, &Arc<FileOverlay>),
        chunker: &mut Chunker<'_>,
        made: &mut Described<'_, '_>,
    ) -> Result<(), Error> {
        let old = OldChunks::new(self.walk(file.old_at)?);
        let mut recutter = Recutter::new(old, file.old_at, overlay);
        let mut hashed = Hashed::new(&file.old.path);
        self.each_edited(file, overlay, &mut |bytes| {
            hashed.push(bytes);
            recutter.push(bytes, chunker)?;
            self.advance(bytes)
        })?;
        recutter.finish(chunker)?;
        let edited = base.edited(overlay.as_ref().clone())?;
        let source = edited.source().map_err(|e| self.unread(file, e.into()))?;
        let (hash, found) = hashed.finish(&*source);
        made.add(file, hash, found);
        Ok(())
    }

    fn advance(&self, bytes: &[u8]) -> Result<(), Error> {
        self.progress.advance(bytes.len() as u64);
        match self.progress.cancelled() {
            true => Err(Error::Interrupted),
            false => Ok(()),
        }
    }

    /// Passes the bytes of an edited file to `each`. Those of the base are read on all cores.
    fn each_edited(
        &self,
        file: &CommitFile,
        overlay: &FileOverlay,
        each: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut parts = overlay.parts().peekable();
        let (start, end) = (file.old_at, file.old_at + file.old.size_bytes);
        let files = [(start, &file.old)];
        let (reader, m) = (&*self.reader, &*self.manifest);
        self.registry
            .each_window(reader, m, &files, start, end, &mut |at, window| {
                let from = at - start;
                let to = from + window.len() as u64;
                while let Some(part) = parts.peek_mut() {
                    let (at, bytes) = match part {
                        EditedPart::New(text) => {
                            each(text)?;
                            parts.next();
                            continue;
                        }
                        EditedPart::Base { at, bytes } => (at, bytes),
                    };
                    if *at >= to {
                        break;
                    }
                    // Parts of the base follow each other, so this one begins in the window.
                    let here = (*bytes).min(to - *at);
                    let first = usize::try_from(*at - from).unwrap_or(usize::MAX);
                    let piece = window.get(first..first + here as usize);
                    each(piece.unwrap_or_default())?;
                    (*at, *bytes) = (*at + here, *bytes - here);
                    if *bytes > 0 {
                        break;
                    }
                    parts.next();
                }
                Ok(())
            })?;
        for part in parts {
            if let EditedPart::New(text) = part {
                each(text)?;
            }
        }
        Ok(())
    }

    /// Feeds the whole of a file, to be cut anew.
    fn feed_bytes(
        &self,
        file: &CommitFile,
        chunker: &mut Chunker<'_>,
        made: &mut Described<'_, '_>,
    ) -> Result<(), Error> {
        let source: Arc<dyn ReadAt> = match &file.change {
            FileChange::None => Arc::new(self.dataset_file(file.old_at, &file.old)),
            FileChange::Bytes(base, overlay) => {
                let edited = base.edited(overlay.as_ref().clone())?;
                edited.source().map_err(|e| self.unread(file, e.into()))?
            }
            FileChange::Rewritten(rewritten) => rewritten.source()?,
        };
        let mut hashed = Hashed::new(&file.old.path);
        let mut cancelled = false;
        let reading = Sequential {
            source: &*source,
            at: 0,
        };
        let read = chunker.read_from(reading, |piece| {
            hashed.push(piece);
            self.progress.advance(piece.len() as u64);
            cancelled |= self.progress.cancelled();
        });
        read.map_err(|e| self.unread(file, e.into()))?;
        if cancelled {
            return Err(Error::Interrupted);
        }
        match file.is_edited() {
            true => {
                let (hash, found) = hashed.finish(&*source);
                made.add(file, hash, found);
                Ok(())
            }
            false => made.keep(file),
        }
    }

    fn unread(&self, file: &CommitFile, source: crate::inspect::table::TableError) -> Error {
        Error::Rows {
            target: format!("{}:{}", self.manifest.name, file.old.path),
            source,
        }
    }
}

/// Returns true if a run of small files was a region with the same bytes before.
fn is_same_region(files: &[CommitFile], range: &Range<usize>) -> bool {
    let run = files.get(range.clone()).unwrap_or_default();
    let is_border = |n: Option<usize>| match n.and_then(|n| files.get(n)) {
        Some(other) => other.was_large(),
        None => true,
    };
    run.iter().all(|file| !file.is_edited())
        && is_border(range.start.checked_sub(1))
        && is_border(Some(range.end))
}

/// Hash and description of a file whose bytes pass.
struct Hashed {
    hasher: blake3::Hasher,
    describer: Describer,
}

impl Hashed {
    fn new(path: &str) -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            describer: Describer::new(path),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.describer.push(bytes);
    }

    fn finish(self, source: &dyn ReadAt) -> (ContentId, Description) {
        let hash = ContentId::new(*self.hasher.finalize().as_bytes());
        (hash, self.describer.finish(source))
    }
}

/// Entries of the new file table so far.
struct Described<'a, 'b> {
    committing: &'a Committing<'b>,
    entries: Vec<FileEntry>,
    schemas: SchemaSet,
    schema_from: SchemaFrom,
    /// Schemas by the hashes of their messages.
    known: HashMap<[u8; 32], Schema>,
}

impl<'a, 'b> Described<'a, 'b> {
    fn new(committing: &'a Committing<'b>) -> Self {
        let mut known = HashMap::new();
        if let Some(schema) = SchemaMessage::read(&committing.manifest.schema) {
            known.extend(SchemaMessage::of(&schema).map(|message| (message.hash(), schema)));
        }
        Self {
            committing,
            entries: Vec::new(),
            schemas: SchemaSet::default(),
            schema_from: SchemaFrom::Metadata,
            known,
        }
    }

    /// Adds an edited file.
    fn add(&mut self, file: &CommitFile, hash: ContentId, found: Description) {
        self.schema_from = self.schema_from.max(found.schema_from);
        let schema = found.schema.and_then(|schema| {
            let hash = self.schemas.add(schema.clone())?;
            self.known.insert(hash, schema);
            Some(hash)
        });
        self.entries.push(FileEntry {
            path: file.old.path.clone(),
            size_bytes: file.bytes,
            content_id: Some(hash),
            format: found.format.number(),
            rows: found.rows,
            schema,
        });
    }

    /// Adds a file without edits. Its schema is that of another file, or it is described again.
    fn keep(&mut self, file: &CommitFile) -> Result<(), Error> {
        if let Some(hash) = file.old.schema {
            let schema = match self.known.get(&hash) {
                Some(schema) => Some(schema.clone()),
                None => self.describe(file)?,
            };
            if let Some(schema) = schema {
                self.known.insert(hash, schema.clone());
                self.schemas.add(schema);
            }
        }
        self.entries.push(file.old.clone());
        Ok(())
    }

    fn describe(&self, file: &CommitFile) -> Result<Option<Schema>, Error> {
        let source = self.committing.dataset_file(file.old_at, &file.old);
        let mut describer = Describer::new(&file.old.path);
        let mut piece = vec![0; 1 << 20];
        let mut reading = Sequential {
            source: &source,
            at: 0,
        };
        loop {
            let n = reading.read(&mut piece);
            let n = n.map_err(|e| self.committing.unread(file, e.into()))?;
            if n == 0 {
                break;
            }
            describer.push(piece.get(..n).unwrap_or_default());
        }
        Ok(describer.finish(&source).schema)
    }

    fn finish(self, files: &[CommitFile]) -> Result<CommittedFiles, Error> {
        let rewritten = files.iter().filter_map(|file| match file.change {
            FileChange::Rewritten(_) => Some(file.old.path.clone()),
            _ => None,
        });
        Ok(CommittedFiles {
            table: FileTable::new(self.entries)?,
            schemas: self.schemas,
            schema_from: self.schema_from,
            rewritten: rewritten.collect(),
            readme: readme(files)?,
        })
    }
}

/// Returns the bytes of an edited card file.
fn readme(files: &[CommitFile]) -> Result<Option<Vec<u8>>, Error> {
    let edited = files.iter().find(|file| file.old.path == CARD_FILE);
    let Some(CommitFile {
        change: FileChange::Bytes(base, overlay),
        bytes,
        ..
    }) = edited.filter(|file| file.bytes <= CARD_BYTES_MAX as u64)
    else {
        return Ok(None);
    };
    let fail = |why: String| -> Error {
        let target = CARD_FILE.to_owned();
        EditError::NotEditable { target, why }.into()
    };
    let edited = base.edited(overlay.as_ref().clone())?;
    let source = edited.source().map_err(|e| fail(e.to_string()))?;
    let mut card = Vec::new();
    let reading = Sequential {
        source: &*source,
        at: 0,
    };
    let read = reading.take(*bytes).read_to_end(&mut card);
    read.map_err(|e| fail(e.to_string()))?;
    Ok(Some(card))
}

/// A source that is read from its front.
struct Sequential<'a> {
    source: &'a dyn ReadAt,
    at: u64,
}

impl Read for Sequential<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
