//! Lines of text files on disk by number. The home caches their indexes, so that a file is read
//! completely once at most.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::file_io::NotPlain;
use crate::file_io::open_plain;
use crate::inspect::line_index::BackgroundIndex;
use crate::inspect::line_index::FileChange;
use crate::inspect::line_index::FileStamp;
use crate::inspect::line_index::GrowingLineIndex;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinePart;
use crate::inspect::line_index::LinePosition;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::StoredIndex;
use crate::inspect::line_index::each_line;
use crate::inspect::line_index::start_in;
use crate::locks::threads;
use crate::progress::Progress;
use crate::registry::cache::files::CacheFiles;
use crate::registry::cache::files::CacheKind;
use crate::registry::cache::files::stamp_of;
use crate::registry::error::Error;
use crate::registry::error::source::SourceError;
use crate::registry::error::target::TargetError;
use crate::wire::limits::LINE_INDEX_BYTES_MAX;
use crate::wire::limits::LINE_INDEX_FILES_MAX;

/// A text file with access to lines by number.
///
/// Opening it reads only its ends and the cached index, regardless of its size. Dropping it waits
/// for pieces that are being counted, and stores the index.
#[derive(Debug)]
pub struct TextFile {
    path: PathBuf,
    file: File,
    stamp: FileStamp,
    is_settled: bool,
    /// Length in bytes of a byte order mark. The first line begins after it.
    mark_bytes: u64,
    index: LineIndex,
    /// Number of bytes that the index covered when the file was opened.
    kept_bytes: u64,
    /// The cache for indexes.
    cache: CacheFiles,
    /// True if counting continues after the requested line is known.
    goes_on: bool,
    background: Option<BackgroundIndex>,
}

impl TextFile {
    /// Opens a file. `home` caches its index.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read, is no file, or has the first bytes of a format without
    /// lines. A missing or damaged index is ignored.
    pub fn open(path: &Path, home: &Path) -> Result<Self, Error> {
        let fail = |e| Error::file("read", path, e);
        let file = match open_plain(path) {
            Err(e) if e.get_ref().is_some_and(|e| e.is::<NotPlain>()) => {
                return Err(Error::Source(SourceError::NotPlainFile(path.to_owned())));
            }
            opened => opened.map_err(fail)?,
        };
        let (stamp, is_settled) = stamp_of(&file).map_err(fail)?;
        let mark_bytes = look_at_front(path, &file)?;
        let too_large = || lines_error(path, LinesError::TooLarge);
        let mut opened = Self {
            path: path.to_owned(),
            is_settled,
            index: LineIndex::new(stamp.size).ok_or_else(too_large)?,
            file,
            stamp,
            mark_bytes,
            kept_bytes: 0,
            cache: CacheFiles::new(home, LINES_CACHE),
            goes_on: false,
            background: None,
        };
        if let Some(index) = opened.kept()? {
            opened.kept_bytes = index.covered();
            opened.index = index;
        }
        Ok(opened)
    }

    /// Continues counting in the background once it has started, until all lines are counted or
    /// this is dropped.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.goes_on = true;
        self
    }

    /// Returns the length in bytes when it was opened. Bytes appended later are ignored.
    pub fn size_bytes(&self) -> u64 {
        self.stamp.size
    }

    /// Returns the line index after the last call.
    pub fn index(&self) -> &LineIndex {
        &self.index
    }

    /// Passes the text of at most `count` lines to `sink`, piece by piece, from the line with this
    /// number and offset.
    ///
    /// # Errors
    /// The error of `sink`; [`TargetError::Lines`] when the file changes meanwhile or cannot be read.
    pub fn lines(
        &self,
        first: (u64, u64),
        count: u64,
        sink: &mut dyn FnMut(LinePart<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // An error of the file gets its name, and one of the sink has its own.
        let sink = &mut |part: LinePart<'_>| sink(part).map_err(StopReason::Sink);
        let end = each_line(&self.file, self.stamp.size, first, count, sink);
        end.map_err(|e| match e {
            StopReason::Sink(e) => e,
            StopReason::Lines(e) => lines_error(&self.path, e),
        })
    }

    /// Returns the number of lines, after indexing the whole file.
    ///
    /// # Errors
    /// As [`TextFile::start_of`].
    pub fn count(&mut self, progress: &dyn Progress) -> Result<u64, Error> {
        self.extend(None, progress)?;
        Ok(self.index.lines())
    }

    /// Returns the offset of a line, counted from 0, or `None` if there is no such line. It indexes
    /// only as much of the file as needed, and stores the index even if it is interrupted.
    ///
    /// # Errors
    /// [`TargetError::Lines`] when the file changes meanwhile, [`Error::Interrupted`], or an error of
    /// reading.
    pub fn start_of(&mut self, line: u64, progress: &dyn Progress) -> Result<Option<u64>, Error> {
        loop {
            let started_with = self.kept_bytes;
            let block = match self.index.locate(line) {
                LinePosition::In(block) => block,
                LinePosition::Past => return Ok(None),
                LinePosition::NotYet => {
                    self.extend(Some(line), progress)?;
                    continue;
                }
            };
            match start_in(&self.file, &block) {
                Ok(start) => return Ok(Some(start.max(self.mark_bytes))),
                // The cached index belonged to another file.
                Err(LinesError::Changed) if started_with > 0 => {
                    self.background = None;
                    let fresh = LineIndex::new(self.stamp.size);
                    self.index =
                        fresh.ok_or_else(|| lines_error(&self.path, LinesError::Changed))?;
                    self.kept_bytes = 0;
                }
                Err(e) => return Err(lines_error(&self.path, e)),
            }
        }
    }

    /// Indexes the file up to a line, or all of it, and stores the index.
    fn extend(&mut self, until: Option<u64>, progress: &dyn Progress) -> Result<(), Error> {
        if self.index.is_complete() {
            return Ok(());
        }
        let left = self.stamp.size - self.index.covered();
        progress.phase("indexing lines", Some(left));
        let threads = threads();
        if self.goes_on {
            let known = self.extend_in_background(until, threads, progress);
            self.index = known.map_err(|e| lines_error(&self.path, e))?;
            return Ok(());
        }
        let growing = GrowingLineIndex::new(self.index.clone());
        let done = growing.run(&self.file, until, threads, progress);
        self.index = growing.into_index();
        if !matches!(done, Err(LinesError::Shrunk)) {
            self.keep();
        }
        done.map_err(|e| lines_error(&self.path, e))
    }

    /// Indexes in the background. The index is stored later.
    fn extend_in_background(
        &mut self,
        until: Option<u64>,
        threads: usize,
        progress: &dyn Progress,
    ) -> Result<LineIndex, LinesError> {
        let background = match self.background.take() {
            Some(background) => background,
            None => {
                let source = Arc::new(self.file.try_clone()?);
                BackgroundIndex::start(self.index.clone(), source, threads)?
            }
        };
        self.background.insert(background).wait(until, progress)
    }

    /// Returns the cached index, if it is still valid.
    fn kept(&self) -> Result<Option<LineIndex>, Error> {
        let Some(stored) = self.stored() else {
            return Ok(None);
        };
        let fail = |e| lines_error(&self.path, e);
        let verdict = stored.change(&self.stamp, &self.file).map_err(fail)?;
        let mut index = stored.into_index();
        match verdict {
            FileChange::Rewritten => return Ok(None),
            FileChange::Appended => index.grow(self.stamp.size).map_err(fail)?,
            FileChange::Unchanged => {}
        }
        Ok(Some(index))
    }

    fn stored(&self) -> Option<StoredIndex> {
        let bytes = self.cache.read(id_of(&self.stamp).as_flattened())?;
        StoredIndex::decode(&bytes).ok()
    }

    /// Stores the index. A home that cannot be written only makes the next opening slower.
    fn keep(&mut self) {
        let (index, stamp) = (self.index.clone(), self.stamp);
        let Ok(stored) = StoredIndex::new(index, stamp, self.is_settled, &self.file) else {
            return;
        };
        self.cache
            .write(id_of(&self.stamp).as_flattened(), &stored.encode());
    }
}

impl Drop for TextFile {
    fn drop(&mut self) {
        let Some(background) = self.background.take() else {
            return;
        };
        let (index, ended) = background.stop();
        if index.covered() > self.kept_bytes && !matches!(ended, Err(LinesError::Shrunk)) {
            self.index = index;
            self.keep();
        }
    }
}

/// Reason that passing lines ended early.
enum StopReason {
    Sink(Error),
    Lines(LinesError),
}

impl From<LinesError> for StopReason {
    fn from(error: LinesError) -> Self {
        Self::Lines(error)
    }
}

fn lines_error(path: &Path, source: LinesError) -> Error {
    match source {
        LinesError::Interrupted => Error::Interrupted,
        LinesError::Read(e) => Error::file("read", path, e),
        source => Error::Target(TargetError::Lines {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Returns the cache key of an index.
fn id_of(stamp: &FileStamp) -> [[u8; 8]; 2] {
    [stamp.device, stamp.inode].map(u64::to_le_bytes)
}

/// Refuses formats that have rows and no lines, by their first bytes. Returns the length of a byte
/// order mark.
fn look_at_front(path: &Path, file: &File) -> Result<u64, Error> {
    let mut head = [0; 6];
    let n = std::os::unix::fs::FileExt::read_at(file, &mut head, 0);
    let n = n.map_err(|e| Error::file("read", path, e))?;
    let head = head.get(..n).unwrap_or_default();
    let found = BINARY.iter().find(|(magic, _)| head.starts_with(magic));
    match found {
        Some((_, format)) => Err(Error::Target(TargetError::NotText {
            path: path.to_owned(),
            format,
        })),
        None if head.starts_with(MARK) => Ok(MARK.len() as u64),
        None => Ok(0),
    }
}

/// A byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Line indexes in a home.
pub(in crate::registry::targets) const LINES_CACHE: CacheKind = CacheKind {
    name: "lines",
    files_max: LINE_INDEX_FILES_MAX,
    bytes_max: LINE_INDEX_FILES_MAX as u64 * LINE_INDEX_BYTES_MAX as u64,
    file_bytes_max: LINE_INDEX_BYTES_MAX,
};

const BINARY: [(&[u8], &str); 4] = [
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
];
