//! The side log as a file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::documents::DocumentError;
use crate::documents::disk::data_file::inode_at;
use crate::documents::disk::layout::is_absent;
use crate::documents::format::SIDE_LOG_MAGIC;
use crate::documents::format::SideRecord;
use crate::documents::format::decode_side_log;
use crate::documents::format::decode_side_records;
use crate::documents::format::limits::INDEX_BYTES_MAX;
use crate::documents::format::part_check;
use crate::file_io::IfExists;
use crate::file_io::open_plain;
use crate::file_io::read_own;
use crate::file_io::write_atomically;
use crate::read_at::read_range;

/// A side log as it was read.
#[derive(Debug, Default)]
pub(crate) struct SideLog {
    pub(crate) records: Vec<SideRecord>,
    /// Length of the records in bytes; what follows is cut or damaged.
    pub(crate) valid: u64,
    /// Length of the file.
    length: u64,
    inode: Option<(u64, u64)>,
}

impl SideLog {
    /// Reads the side log; an empty one where there is none.
    pub(crate) fn read(path: &Path) -> Result<Self, DocumentError> {
        let fail = |e| DocumentError::file("read", path, e);
        let inode = inode_at(path).map_err(fail)?;
        let bytes = match read_own(path, INDEX_BYTES_MAX) {
            Err(e) if is_absent(&e) => return Ok(Self::default()),
            other => other.map_err(fail)?,
        };
        let (records, valid) = decode_side_log(&bytes);
        Ok(Self {
            records,
            valid: valid as u64,
            length: bytes.len() as u64,
            inode,
        })
    }

    /// Reads what follows the first `length` bytes. `None` if these are not the ones that a table knows.
    ///
    /// # Errors
    /// As [`SideLog::read`].
    pub(crate) fn read_after(
        path: &Path,
        length: u64,
        check: &[u8; 16],
    ) -> Result<Option<Self>, DocumentError> {
        let fail = |e| DocumentError::file("read", path, e);
        let file = match open_plain(path) {
            Err(e) if is_absent(&e) => return Ok(None),
            other => other.map_err(fail)?,
        };
        let meta = file.metadata().map_err(fail)?;
        let is_readable = meta.len() <= INDEX_BYTES_MAX as u64;
        if meta.len() < length || !is_readable || end_check(&file, length).map_err(fail)? != *check
        {
            return Ok(None);
        }
        let rest = read_range(&file, &(length..meta.len())).map_err(fail)?;
        let (records, valid) = decode_side_records(&rest);
        Ok(Some(Self {
            records,
            valid: length + valid as u64,
            length: meta.len(),
            inode: Some((meta.dev(), meta.ino())),
        }))
    }

    /// Returns true if the file is still the one that was read.
    pub(crate) fn is_current(&self, path: &Path) -> io::Result<bool> {
        let inode = inode_at(path)?;
        let length = match path.metadata() {
            Err(e) if is_absent(&e) => 0,
            other => other?.len(),
        };
        Ok(inode == self.inode && length == self.length)
    }
}

/// Number of bytes before a length that are hashed.
const END_BYTES: u64 = 4096;

fn end_check(file: &File, length: u64) -> io::Result<[u8; 16]> {
    let end = read_range(file, &(length.saturating_sub(END_BYTES)..length))?;
    Ok(part_check(&end))
}

/// The side log that a writer appends to.
#[derive(Debug)]
pub(crate) struct SideWriter {
    path: PathBuf,
    file: Option<File>,
    length: u64,
}

impl SideWriter {
    /// Continues a side log after its valid part, or begins one at the first append.
    pub(crate) fn new(path: PathBuf, log: &SideLog) -> Self {
        Self {
            path,
            file: None,
            length: log.valid,
        }
    }

    /// Returns the length in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Returns the check of the end, by which a table knows the side log.
    ///
    /// # Errors
    /// [`DocumentError::File`].
    pub(crate) fn end_check(&self) -> Result<[u8; 16], DocumentError> {
        let check = File::open(&self.path).and_then(|file| end_check(&file, self.length));
        check.map_err(|e| DocumentError::file("read", &self.path, e))
    }

    /// Appends records, durably.
    pub(crate) fn append(&mut self, records: &[SideRecord]) -> Result<(), DocumentError> {
        if records.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        if self.length == 0 {
            bytes.extend(SIDE_LOG_MAGIC);
        }
        for record in records {
            record.encode_into(&mut bytes);
        }
        let appended = self.append_bytes(&bytes);
        appended.map_err(|e| DocumentError::file("write", &self.path, e))
    }

    fn append_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => {
                let mut options = File::options();
                options.write(true).create(true).truncate(false);
                let file = options.open(&self.path)?;
                // A part that a crash left goes before anything is written behind it.
                file.set_len(self.length)?;
                file.sync_all()?;
                File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
                self.file.insert(file)
            }
        };
        file.write_all_at(bytes, self.length)?;
        file.sync_data()?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Replaces the side log by these records.
    pub(crate) fn replace(&mut self, records: &[SideRecord]) -> Result<(), DocumentError> {
        let mut bytes = SIDE_LOG_MAGIC.to_vec();
        for record in records {
            record.encode_into(&mut bytes);
        }
        write_atomically(&self.path, &bytes, None, IfExists::Replace)
            .map_err(|e| DocumentError::file("write", &self.path, e))?;
        self.file = None;
        self.length = bytes.len() as u64;
        Ok(())
    }
}
