//! The open log, and reads of its bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use crate::documents::format::Content;
use crate::documents::format::Mark;
use crate::read_at::read_range;

/// The log, or nothing where it does not exist yet. Clones share the open file: it stays readable after a
/// compaction replaced it.
#[derive(Clone, Debug)]
pub(crate) struct DataFile(Option<Arc<File>>);

impl DataFile {
    /// Opens the log for reading.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match crate::file_io::open_plain(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            other => other.map(|file| Self(Some(Arc::new(file)))),
        }
    }

    /// Opens the log for reading and writing. Makes it where it is missing.
    pub(crate) fn open_for_writing(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path)?;
        match file.metadata()?.is_file() {
            true => Ok(Self(Some(Arc::new(file)))),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                crate::file_io::NotPlain,
            )),
        }
    }

    /// Returns the length in bytes.
    pub(crate) fn length(&self) -> io::Result<u64> {
        self.0
            .as_ref()
            .map_or(Ok(0), |file| Ok(file.metadata()?.len()))
    }

    /// Returns the number of the file on its device; `None` where there is no file.
    pub(crate) fn inode(&self) -> io::Result<Option<(u64, u64)>> {
        let Some(file) = &self.0 else { return Ok(None) };
        let meta = file.metadata()?;
        Ok(Some((meta.dev(), meta.ino())))
    }

    /// Reads a range that is there.
    pub(crate) fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        match &self.0 {
            Some(file) => read_range(file.as_ref(), &(offset..offset.saturating_add(length))),
            None if length == 0 => Ok(Vec::new()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Reads some bytes; none at the end.
    pub(crate) fn read_some(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(file) = &self.0 else { return Ok(0) };
        loop {
            match file.read_at(to, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Writes bytes and waits until they are on the device.
    pub(crate) fn write_durably(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let file = self.0.as_ref().ok_or(io::ErrorKind::NotFound)?;
        file.write_all_at(bytes, offset)?;
        file.sync_data()
    }

    /// Cuts the log, durably.
    pub(crate) fn truncate(&self, length: u64) -> io::Result<()> {
        let file = self.0.as_ref().ok_or(io::ErrorKind::NotFound)?;
        file.set_len(length)?;
        file.sync_all()
    }

    /// Computes the mark of a length. `None` if the log is shorter.
    pub(crate) fn mark(&self, length: u64, last_line: u64) -> io::Result<Option<Mark>> {
        if length > self.length()? || last_line > length {
            return Ok(None);
        }
        let head = Mark::head(length, last_line);
        let tail = Mark::tail(length);
        let head = self.read(head.start, head.end - head.start)?;
        let tail = self.read(tail.start, tail.end - tail.start)?;
        Ok(Some(Mark::new(length, last_line, &head, &tail)))
    }

    /// Returns true if the log up to a mark is what it was.
    pub(crate) fn has(&self, mark: &Mark) -> io::Result<bool> {
        Ok(self.mark(mark.length, mark.last_line)?.as_ref() == Some(mark))
    }

    /// Hashes the first bytes. `None` if the log is shorter.
    pub(crate) fn content(&self, length: u64) -> io::Result<Option<Content>> {
        if length > self.length()? {
            return Ok(None);
        }
        let (mut hasher, mut at) = (blake3::Hasher::new(), 0);
        let mut buffer = vec![0; 1 << 20];
        while at < length {
            let wanted = usize::try_from(length - at)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let n = self.read_some(buffer.get_mut(..wanted).unwrap_or_default(), at)?;
            if n == 0 {
                return Ok(None);
            }
            hasher.update(buffer.get(..n).unwrap_or_default());
            at += n as u64;
        }
        Ok(Some(Content {
            length,
            hash: *hasher.finalize().as_bytes(),
        }))
    }
}

/// Returns the number of the file at a path on its device; `None` where there is none.
pub(crate) fn inode_at(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match path.metadata() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(|meta| Some((meta.dev(), meta.ino()))),
    }
}
