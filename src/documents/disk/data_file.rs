//! The open log, and reads of its bytes.

use std::cell::OnceCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::documents::table::LineSource;
use crate::documents::table::is_exact;
use crate::mapped_file::MappedFile;

use crate::documents::format::Content;
use crate::documents::format::Mark;
use crate::documents::format::Place;
use crate::documents::format::limits::LINE_BYTES_MAX;
use crate::read_at::read_range;

/// Number of bytes that are mapped beyond what the log has: it grows, and the map costs addresses only.
const MAPPED_BYTES_MIN: u64 = 1 << 36;

/// Number of bytes that are read at once of a line of unknown length.
const PIECE_BYTES: usize = 1 << 20;

/// The log, or nothing where it does not exist yet. Clones share the open file: it stays readable after a
/// compaction replaced it.
#[derive(Clone, Debug)]
pub(crate) struct DataFile(Option<Arc<OpenLog>>);

#[derive(Debug)]
struct OpenLog {
    file: Arc<File>,
    /// The log in memory, from the first random read on; `None` where it cannot be mapped.
    map: OnceLock<Option<MappedFile>>,
}

impl OpenLog {
    fn of(file: File) -> Arc<Self> {
        Arc::new(Self {
            file: Arc::new(file),
            map: OnceLock::new(),
        })
    }

    fn map(&self) -> Option<&MappedFile> {
        let make = || {
            let length = self.file.metadata().ok()?.len();
            let map =
                |n: u64| MappedFile::new(Arc::clone(&self.file), usize::try_from(n).ok()?).ok();
            map(MAPPED_BYTES_MIN.max(length.saturating_mul(4))).or_else(|| map(length))
        };
        self.map.get_or_init(make).as_ref()
    }
}

/// The log at one moment, for reads at random places.
#[derive(Clone, Debug)]
pub(crate) struct DataView<'a> {
    data: &'a DataFile,
    map: Option<&'a MappedFile>,
    /// Length of the file at the first read: many puts read nothing.
    length: OnceCell<u64>,
}

impl DataView<'_> {
    /// Returns a range in memory, if it is there.
    pub(crate) fn bytes(&self, range: std::ops::Range<u64>) -> Option<&[u8]> {
        let map = self.map?;
        let length = match self.length.get() {
            Some(length) => *length,
            None => {
                let length = map.file_length().ok()?;
                *self.length.get_or_init(|| length)
            }
        };
        map.bytes_within(range, length)
    }
}

impl LineSource for DataView<'_> {
    fn with_line<R>(&self, place: Place, read: impl FnOnce(&[u8]) -> R) -> io::Result<R> {
        let end = place.offset.saturating_add(place.length.into());
        if is_exact(place) {
            return match self.bytes(place.offset..end) {
                Some(bytes) => Ok(read(bytes)),
                None => Ok(read(&self.data.read(place.offset, place.length.into())?)),
            };
        }
        // The line feed tells where it ends.
        let mut line = self.data.read(place.offset, place.length.into())?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let n = self
                .data
                .read_some(&mut piece, place.offset + line.len() as u64)?;
            let piece = piece.get(..n).unwrap_or_default();
            match memchr::memchr(b'\n', piece) {
                Some(at) => line.extend_from_slice(piece.get(..=at).unwrap_or_default()),
                None if n > 0 && line.len() <= LINE_BYTES_MAX => {
                    line.extend_from_slice(piece);
                    continue;
                }
                None => {}
            }
            return Ok(read(&line));
        }
    }
}

impl DataFile {
    /// Opens the log for reading.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match crate::file_io::open_plain(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            other => other.map(|file| Self(Some(OpenLog::of(file)))),
        }
    }

    /// Opens the log for reading and writing. Makes it where it is missing.
    pub(crate) fn open_for_writing(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path)?;
        match file.metadata()?.is_file() {
            true => Ok(Self(Some(OpenLog::of(file)))),
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
            .map_or(Ok(0), |log| Ok(log.file.metadata()?.len()))
    }

    /// Returns the log as it is now, for reads at random places.
    pub(crate) fn view(&self) -> DataView<'_> {
        DataView {
            data: self,
            map: self.0.as_ref().and_then(|log| log.map()),
            length: OnceCell::new(),
        }
    }

    /// Returns the number of the file on its device; `None` where there is no file.
    pub(crate) fn inode(&self) -> io::Result<Option<(u64, u64)>> {
        let Some(log) = &self.0 else { return Ok(None) };
        let meta = log.file.metadata()?;
        Ok(Some((meta.dev(), meta.ino())))
    }

    /// Reads a range that is there.
    pub(crate) fn read(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        match &self.0 {
            Some(log) => read_range(log.file.as_ref(), &(offset..offset.saturating_add(length))),
            None if length == 0 => Ok(Vec::new()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Reads some bytes; none at the end.
    pub(crate) fn read_some(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        let Some(log) = &self.0 else { return Ok(0) };
        loop {
            match log.file.read_at(to, offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Writes bytes and waits until they are on the device.
    pub(crate) fn write_durably(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let file = &self.0.as_ref().ok_or(io::ErrorKind::NotFound)?.file;
        file.write_all_at(bytes, offset)?;
        file.sync_data()
    }

    /// Cuts the log, durably.
    pub(crate) fn truncate(&self, length: u64) -> io::Result<()> {
        let file = &self.0.as_ref().ok_or(io::ErrorKind::NotFound)?.file;
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

    /// Returns true if a line ends at an offset: the end of the log, or a line feed. A program that appends without one
    /// makes one line of two.
    pub(crate) fn has_line_end(&self, offset: u64) -> io::Result<bool> {
        let mut next = [0];
        Ok(self.read_some(&mut next, offset)? == 0 || next == *b"\n")
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
