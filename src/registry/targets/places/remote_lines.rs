//! Lines of text files that are elsewhere, by number. A file is read from its front up to the line that is
//! looked for, once: the counts are kept in the home, by the state of the file.

use std::io;
use std::path::Path;

use crate::inspect::line_index::FileChange;
use crate::inspect::line_index::FileStamp;
use crate::inspect::line_index::GrowingLineIndex;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinePosition;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::StoredIndex;
use crate::inspect::line_index::start_in;
use crate::inspect::table::TableError;
use crate::locks::threads;
use crate::progress::NoProgress;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::cache::files::CacheFiles;
use crate::registry::step::Step;
use crate::registry::targets::places::remote_place::RemotePlace;
use crate::registry::targets::text_lines::LINES_CACHE;
use crate::remote::RemoteFile;

/// Returns the offset of a line, counted from 0, or `None` if there is no such line.
///
/// # Errors
/// Errors of reading.
pub(in crate::registry) fn start_of_line(
    place: &RemotePlace,
    line: u64,
    home: &Path,
) -> Result<Option<u64>, TableError> {
    let file = file_of(place)?;
    let start = || {
        let mut counted = CountedLines::open(file, home)?;
        if counted.index.locate(line) == LinePosition::NotYet {
            counted.extend(Some(line), &NoProgress)?;
        }
        match counted.index.locate(line) {
            LinePosition::In(block) => start_in(file, &block).map(Some),
            LinePosition::Past | LinePosition::NotYet => Ok(None),
        }
    };
    start().map_err(table_error)
}

/// Returns the number of lines.
///
/// # Errors
/// Errors of reading.
pub(in crate::registry) fn count(
    place: &RemotePlace,
    home: &Path,
    progress: &dyn Progress,
) -> Result<u64, TableError> {
    let file = file_of(place)?;
    let lines = || {
        let mut counted = CountedLines::open(file, home)?;
        if !counted.index.is_complete() {
            counted.extend(None, progress)?;
        }
        Ok(counted.index.lines())
    };
    lines().map_err(table_error)
}

fn file_of(place: &RemotePlace) -> Result<&RemoteFile, TableError> {
    place.file().map_err(|e| TableError::Read(e.into_io()))
}

fn table_error(error: LinesError) -> TableError {
    match error {
        LinesError::Interrupted => TableError::Interrupted,
        LinesError::Read(e) => TableError::Read(e),
        other => TableError::Read(io::Error::other(other)),
    }
}

/// The lines of a file as far as they are counted.
struct CountedLines<'a> {
    file: &'a RemoteFile,
    cache: CacheFiles,
    /// Stands for the state of the file; without it nothing is kept.
    state: Option<[u8; 32]>,
    index: LineIndex,
}

impl<'a> CountedLines<'a> {
    fn open(file: &'a RemoteFile, home: &Path) -> Result<Self, LinesError> {
        let cache = CacheFiles::new(home, LINES_CACHE);
        let state = file.state_id();
        let kept = state.and_then(|state| kept(&cache, &state, ReadAt::len(file)));
        let fresh = || LineIndex::new(ReadAt::len(file)).ok_or(LinesError::TooLarge);
        Ok(Self {
            index: kept.map_or_else(fresh, Ok)?,
            file,
            cache,
            state,
        })
    }

    /// Counts up to a line, or to the end. Counts survive an error.
    fn extend(&mut self, until: Option<u64>, progress: &dyn Progress) -> Result<(), LinesError> {
        let _step = Step::begin("count the lines of", self.file.url());
        progress.phase("counting lines", Some(self.index.size()));
        let growing = GrowingLineIndex::new(self.index.clone());
        let done = growing.run(self.file, until, threads(), progress);
        self.index = growing.into_index();
        if let Some(state) = &self.state {
            keep(&self.cache, state, &self.index);
        }
        done
    }
}

/// Returns the stored counts of a state.
fn kept(cache: &CacheFiles, state: &[u8; 32], size: u64) -> Option<LineIndex> {
    let stored = StoredIndex::decode(&cache.read(state)?).ok()?;
    let change = stored.change(&stamp_of(state, size), &NoBytes(size)).ok()?;
    let is_same = change == FileChange::Unchanged;
    Some(stored.into_index()).filter(|index| is_same && index.size() == size)
}

/// Stores the counts. A home that cannot be written only makes the next look slower.
fn keep(cache: &CacheFiles, state: &[u8; 32], index: &LineIndex) {
    let size = index.size();
    let stored = StoredIndex::new(index.clone(), stamp_of(state, size), true, &NoBytes(size));
    if let Ok(stored) = stored {
        cache.write(state, &stored.encode());
    }
}

/// Returns a stamp that no other state has: a file elsewhere has no inode.
fn stamp_of(state: &[u8; 32], size: u64) -> FileStamp {
    let mut words = state.chunks_exact(8).map(|word| {
        let word = word.first_chunk().copied().unwrap_or_default();
        u64::from_le_bytes(word)
    });
    let mut word = || words.next().unwrap_or_default();
    FileStamp {
        device: word(),
        inode: word(),
        size,
        modified: (0, 0),
        changed: (0, 0),
    }
}

/// Bytes in place of those of the file: its state says already that it is the same one.
struct NoBytes(u64);

impl ReadAt for NoBytes {
    fn len(&self) -> u64 {
        self.0
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.0.saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = left.min(buf.len());
        buf.get_mut(..n).unwrap_or_default().fill(0);
        Ok(n)
    }
}
