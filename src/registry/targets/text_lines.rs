//! Lines of files of text on disk by number. Their indexes are kept in the home, so that a file is
//! read whole once at most.

use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::file_io::NotPlain;
use crate::file_io::open_plain;
use crate::inspect::line_index::Background;
use crate::inspect::line_index::FileStamp;
use crate::inspect::line_index::Growing;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::Part;
use crate::inspect::line_index::Place;
use crate::inspect::line_index::StoredIndex;
use crate::inspect::line_index::Verdict;
use crate::inspect::line_index::each_line;
use crate::inspect::line_index::start_in;
use crate::progress::Progress;
use crate::registry::cache::files::CacheFiles;
use crate::registry::cache::files::CacheKind;
use crate::registry::cache::files::stamp_of;
use crate::registry::error::Error;
use crate::wire::limits::LINE_INDEX_BYTES_MAX;
use crate::wire::limits::LINE_INDEX_FILES_MAX;

/// A file of text whose lines are asked for by number. Opening it reads no more than its ends and
/// the index that was kept, whatever its size. What is counted in the background is kept when it is
/// dropped, which waits for the pieces that are being counted.
#[derive(Debug)]
pub struct TextFile {
    path: PathBuf,
    file: File,
    stamp: FileStamp,
    is_settled: bool,
    /// Bytes of a byte order mark, which the first line begins behind.
    mark_bytes: u64,
    index: LineIndex,
    /// What the index covered when the file was opened, in bytes.
    kept_bytes: u64,
    /// Where indexes are kept.
    cache: CacheFiles,
    /// Counting goes on when what was asked for is known.
    goes_on: bool,
    background: Option<Background>,
}

impl TextFile {
    /// Opens a file; its index is looked for in `home`, and will be kept there.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read, is no file, or its first bytes are those of a format
    /// without lines. An index that is missing or damaged is none.
    pub fn open(path: &Path, home: &Path) -> Result<Self, Error> {
        let fail = |e| Error::file("read", path, e);
        let file = match open_plain(path) {
            Err(e) if e.get_ref().is_some_and(|e| e.is::<NotPlain>()) => {
                return Err(Error::NotPlainFile(path.to_owned()));
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
            cache: CacheFiles::new(home, CACHE),
            goes_on: false,
            background: None,
        };
        if let Some(index) = opened.kept()? {
            opened.kept_bytes = index.covered();
            opened.index = index;
        }
        Ok(opened)
    }

    /// The same where counting, once it is needed, goes on in the background when what was asked
    /// for is known, until all lines are counted or this is dropped.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.goes_on = true;
        self
    }

    /// Length in bytes when it was opened. What is appended later is not looked at.
    pub fn size_bytes(&self) -> u64 {
        self.stamp.size
    }

    /// What is known of its lines by the last answer.
    pub fn index(&self) -> &LineIndex {
        &self.index
    }

    /// Shows the text of at most `count` lines to `sink`, piece by piece, beginning with the line
    /// of this number and offset.
    ///
    /// # Errors
    /// What `sink` says; [`Error::Lines`] when the file changes meanwhile or cannot be read.
    pub fn lines(
        &self,
        first: (u64, u64),
        count: u64,
        sink: &mut dyn FnMut(Part<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // An error of the file gets its name, one of the sink has its own.
        let sink = &mut |part: Part<'_>| sink(part).map_err(Ended::Sink);
        let end = each_line(&self.file, self.stamp.size, first, count, sink);
        end.map_err(|e| match e {
            Ended::Sink(e) => e,
            Ended::Lines(e) => lines_error(&self.path, e),
        })
    }

    /// How many lines there are; the whole file is indexed before.
    ///
    /// # Errors
    /// As [`TextFile::start_of`].
    pub fn count(&mut self, progress: &dyn Progress) -> Result<u64, Error> {
        self.extend(None, progress)?;
        Ok(self.index.lines())
    }

    /// The offset at which a line begins, counted from 0; none where there is no such line. As much of the
    /// file is indexed as is needed to know, and the index is kept, also where this is interrupted.
    ///
    /// # Errors
    /// [`Error::Lines`] when the file changes meanwhile, [`Error::Interrupted`], or what reading
    /// meets.
    pub fn start_of(&mut self, line: u64, progress: &dyn Progress) -> Result<Option<u64>, Error> {
        loop {
            let started_with = self.kept_bytes;
            let block = match self.index.locate(line) {
                Place::In(block) => block,
                Place::Past => return Ok(None),
                Place::NotYet => {
                    self.extend(Some(line), progress)?;
                    continue;
                }
            };
            match start_in(&self.file, &block) {
                Ok(start) => return Ok(Some(start.max(self.mark_bytes))),
                // The index that was kept was another file's after all.
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

    /// Indexes the file until a line, or all of it, and keeps what came of it.
    fn extend(&mut self, until: Option<u64>, progress: &dyn Progress) -> Result<(), Error> {
        if self.index.is_complete() {
            return Ok(());
        }
        let left = self.stamp.size - self.index.covered();
        progress.phase("indexing lines", Some(left));
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
        if self.goes_on {
            let known = self.extend_in_background(until, threads, progress);
            self.index = known.map_err(|e| lines_error(&self.path, e))?;
            return Ok(());
        }
        let growing = Growing::new(self.index.clone());
        let done = growing.run(&self.file, until, threads, progress);
        self.index = growing.into_index();
        if !matches!(done, Err(LinesError::Shrunk)) {
            self.keep();
        }
        done.map_err(|e| lines_error(&self.path, e))
    }

    /// The same while counting goes on. What is counted is kept later.
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
                Background::start(self.index.clone(), source, threads)?
            }
        };
        self.background.insert(background).wait(until, progress)
    }

    /// The index that was kept, as far as it still holds.
    fn kept(&self) -> Result<Option<LineIndex>, Error> {
        let Some(stored) = self.stored() else {
            return Ok(None);
        };
        let fail = |e| lines_error(&self.path, e);
        let verdict = stored.verdict(&self.stamp, &self.file).map_err(fail)?;
        let mut index = stored.into_index();
        match verdict {
            Verdict::Rewritten => return Ok(None),
            Verdict::Appended => index.grow(self.stamp.size).map_err(fail)?,
            Verdict::Unchanged => {}
        }
        Ok(Some(index))
    }

    fn stored(&self) -> Option<StoredIndex> {
        let bytes = self.cache.read(id_of(&self.stamp).as_flattened())?;
        StoredIndex::decode(&bytes).ok()
    }

    /// Keeps the index. A home that cannot be written makes the next opening slower, nothing else.
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

/// How showing lines ended, if not well.
enum Ended {
    Sink(Error),
    Lines(LinesError),
}

impl From<LinesError> for Ended {
    fn from(error: LinesError) -> Self {
        Self::Lines(error)
    }
}

fn lines_error(path: &Path, source: LinesError) -> Error {
    match source {
        LinesError::Interrupted => Error::Interrupted,
        LinesError::Read(e) => Error::file("read", path, e),
        source => Error::Lines {
            path: path.to_owned(),
            source,
        },
    }
}

/// What an index is kept under.
fn id_of(stamp: &FileStamp) -> [[u8; 8]; 2] {
    [stamp.device, stamp.inode].map(u64::to_le_bytes)
}

/// Refuses formats that have rows and no lines, by their first bytes; of others, the bytes of a byte
/// order mark.
fn look_at_front(path: &Path, file: &File) -> Result<u64, Error> {
    let mut head = [0; 6];
    let n = std::os::unix::fs::FileExt::read_at(file, &mut head, 0);
    let n = n.map_err(|e| Error::file("read", path, e))?;
    let head = head.get(..n).unwrap_or_default();
    let found = BINARY.iter().find(|(magic, _)| head.starts_with(magic));
    match found {
        Some((_, format)) => Err(Error::NotText {
            path: path.to_owned(),
            format,
        }),
        None if head.starts_with(MARK) => Ok(MARK.len() as u64),
        None => Ok(0),
    }
}

/// A byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Line indexes in a home.
const CACHE: CacheKind = CacheKind {
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
