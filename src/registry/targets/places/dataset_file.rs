//! Random access to a file of a dataset through the chunk tree.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::inspect::table::StoredText;
use crate::manifest::FileEntry;
use crate::manifest::Manifest;
use crate::read_at::ReadAt;
use crate::registry::error::Error;
use crate::registry::targets::places::file_bytes::FileBytes;
use crate::registry::targets::places::stored_file::StoredFile;
use crate::registry::targets::places::windows::Windows;
use crate::store::disk::BlobReader;

/// A file of a dataset. Its bytes are checked against the chunks' hashes, and the tree's against
/// the manifest. The windows decompressed last are kept.
pub(crate) struct DatasetFile {
    content: Arc<FileBytes>,
    windows: Arc<Windows>,
}

impl DatasetFile {
    pub(crate) fn new(
        reader: Arc<BlobReader>,
        manifest: Arc<Manifest>,
        start: u64,
        entry: FileEntry,
    ) -> Self {
        Self {
            content: Arc::new(FileBytes {
                reader,
                manifest,
                entry,
                start,
            }),
            windows: Arc::default(),
        }
    }

    /// Shares the windows with the other files of its dataset.
    #[must_use]
    pub(crate) fn sharing(mut self, windows: &Arc<Windows>) -> Self {
        self.windows = Arc::clone(windows);
        self
    }

    /// Returns the bytes of a range, as far as the file has them. They are not kept.
    ///
    /// # Errors
    /// [`Error`] when a chunk is missing or damaged, or the index cannot be read.
    pub(crate) fn range(&self, range: Range<u64>) -> Result<Vec<u8>, Error> {
        self.content.range(range)
    }
}

impl StoredFile for DatasetFile {
    fn manifest(&self) -> &Manifest {
        &self.content.manifest
    }

    fn path(&self) -> &str {
        &self.content.entry.path
    }

    fn text(&self) -> StoredText {
        StoredText {
            tree: self.content.manifest.chunk_tree_root,
            start: self.content.start,
            size: self.content.entry.size_bytes,
        }
    }

    fn start_of_line(&self, line: u64) -> Result<Option<u64>, Error> {
        self.content.start_of_line(line)
    }

    fn lines(&self) -> Result<u64, Error> {
        self.content.lines()
    }

    fn claimed_rows(&self) -> Option<u64> {
        None
    }
}

impl ReadAt for DatasetFile {
    fn len(&self) -> u64 {
        self.content.entry.size_bytes
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.content.entry.size_bytes || buf.is_empty() {
            return Ok(0);
        }
        let part = self.windows.part(&self.content, offset)?;
        let n = part.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), part.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
}
