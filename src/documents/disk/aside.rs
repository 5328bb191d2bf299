//! Files for bytes of the log that are no documents: they leave the log and are kept.

use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write as _;

use crate::documents::DocumentError;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::layout::Layout;
use crate::documents::disk::layout::sync_directory;
use crate::file_io::IfExists;
use crate::file_io::TemporaryPath;
use crate::file_io::put_in_place;

/// Bytes that are copied at once: a line that is no document has any length.
const PIECE_BYTES: u64 = 1 << 20;

/// A file `meta/PREFIX-HASH` in the making. The hash of its content is in its name, so that no such file replaces
/// another one.
pub(crate) struct Aside<'a> {
    layout: &'a Layout,
    prefix: String,
    temporary: TemporaryPath,
    writer: BufWriter<File>,
    hasher: blake3::Hasher,
}

impl<'a> Aside<'a> {
    /// Begins a file whose name begins with the prefix.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub(crate) fn begin(layout: &'a Layout, prefix: String) -> Result<Self, DocumentError> {
        let place = layout.meta_dir().join(&prefix);
        let (temporary, file) = TemporaryPath::file(&place, None)
            .map_err(|e| DocumentError::file("write", &place, e))?;
        Ok(Self {
            layout,
            prefix,
            temporary,
            writer: BufWriter::new(file),
            hasher: blake3::Hasher::new(),
        })
    }

    /// Appends a range of the log.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub(crate) fn copy(
        &mut self,
        data: &DataFile,
        offset: u64,
        length: u64,
    ) -> Result<(), DocumentError> {
        let mut copied = 0;
        while copied < length {
            let piece = PIECE_BYTES.min(length - copied);
            let bytes = data.read(offset + copied, piece);
            let path = self.layout.data_file();
            self.append(&bytes.map_err(|e| DocumentError::file("read", &path, e))?)?;
            copied += piece;
        }
        Ok(())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), DocumentError> {
        self.hasher.update(bytes);
        self.writer.write_all(bytes).map_err(|e| self.fault(e))
    }

    /// Puts the file in its place, durably.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub(crate) fn finish(mut self) -> Result<(), DocumentError> {
        let synced = self.writer.flush();
        let synced = synced.and_then(|()| self.writer.get_ref().sync_all());
        synced.map_err(|e| self.fault(e))?;
        let hash = self.hasher.finalize().to_hex();
        let hash = hash.get(..32).unwrap_or_default();
        let path = self
            .layout
            .meta_dir()
            .join(format!("{}-{hash}", self.prefix));
        // A file of this name has the same bytes.
        put_in_place(self.temporary.path(), &path, IfExists::Replace)
            .map_err(|e| DocumentError::file("write", &path, e))?;
        sync_directory(&self.layout.meta_dir())
    }

    fn fault(&self, error: io::Error) -> DocumentError {
        DocumentError::file("write", self.temporary.path(), error)
    }
}
