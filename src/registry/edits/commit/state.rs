//! A commit in progress, and the files of its dataset.

use std::io;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::catalog::Dataset;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::inspect::edits::FileOverlay;
use crate::inspect::edits::Journal;
use crate::inspect::table::TableError;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::LocalRegistry;
use crate::registry::delta::parent::ParentTree;
use crate::registry::edits::commit::columnar::RewrittenFile;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::targets::file::TargetFile;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::store::disk::BlobReader;

/// A commit in progress.
pub(super) struct Committing<'a> {
    pub(super) registry: &'a LocalRegistry,
    pub(super) dataset: &'a Dataset,
    pub(super) manifest: Arc<Manifest>,
    pub(super) reader: Arc<BlobReader>,
    /// The trees of the old data and of its file table.
    pub(super) before: [Option<ParentTree>; 2],
    /// The files of the dataset, with all hashes.
    pub(super) table: FileTable,
    pub(super) journal: &'a Journal,
    pub(super) journal_path: &'a Path,
    pub(super) progress: &'a dyn Progress,
}

/// A file of the dataset, and its new bytes.
pub(super) struct CommitFile {
    /// Offset of the old file in the dataset.
    pub(super) old_at: u64,
    pub(super) old: FileEntry,
    /// Length of the new file.
    pub(super) bytes: u64,
    pub(super) change: FileChange,
}

pub(super) enum FileChange {
    None,
    /// Bytes replace bytes.
    Bytes(TargetFile, Arc<FileOverlay>),
    /// The file was written anew.
    Rewritten(RewrittenFile),
}

impl CommitFile {
    pub(super) fn is_edited(&self) -> bool {
        !matches!(self.change, FileChange::None)
    }

    pub(super) fn is_large(&self) -> bool {
        self.bytes >= CHUNK_BYTES_MAX as u64
    }

    pub(super) fn was_large(&self) -> bool {
        self.old.size_bytes >= CHUNK_BYTES_MAX as u64
    }
}

impl Committing<'_> {
    /// Returns the reader of the bases of deltas.
    pub(super) fn bases(&self) -> &BlobReader {
        let [data, _] = &self.before;
        data.as_ref().map_or(&*self.reader, |tree| &tree.reader)
    }

    /// Returns an old file.
    pub(super) fn dataset_file(&self, old_at: u64, old: &FileEntry) -> DatasetFile {
        let (reader, manifest) = (Arc::clone(&self.reader), Arc::clone(&self.manifest));
        DatasetFile::new(reader, manifest, old_at, old.clone())
    }

    /// Returns the error for a file that cannot be read.
    pub(super) fn unread(&self, file: &CommitFile, source: TableError) -> Error {
        Error::Target(TargetError::Rows {
            target: format!("{}:{}", self.manifest.name, file.old.path),
            source,
        })
    }
}

/// A source that is read from its front.
pub(super) struct Sequential<'a> {
    pub(super) source: &'a dyn ReadAt,
    pub(super) at: u64,
}

impl Read for Sequential<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read_at(buf, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
