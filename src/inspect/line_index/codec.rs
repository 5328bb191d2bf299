//! Codec of line indexes, with the stamp of their file.

use crate::inspect::file_stamp::FileChange;
use crate::inspect::file_stamp::FileStamp;
use crate::inspect::file_stamp::RecordedFile;
use crate::inspect::file_stamp::begun;
use crate::inspect::file_stamp::checked;
use crate::inspect::file_stamp::sealed;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::start_in;
use crate::read_at::ReadAt;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::limits::LINE_INDEX_BYTES_MAX;

/// A line index with the state of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredIndex {
    seen: RecordedFile,
    index: LineIndex,
}

impl StoredIndex {
    /// Combines an index with the stamp taken before the file was read. `is_settled` means that the
    /// last change was old enough: a later change then has another timestamp.
    ///
    /// # Errors
    /// I/O errors of reading the ends of the file.
    pub fn new(
        index: LineIndex,
        stamp: FileStamp,
        is_settled: bool,
        source: &dyn ReadAt,
    ) -> Result<Self, LinesError> {
        let seen = RecordedFile::new(stamp, is_settled, index.covered, source)?;
        Ok(Self { seen, index })
    }

    /// Returns the index.
    pub fn into_index(self) -> LineIndex {
        self.index
    }

    /// Compares the stored state with the present file.
    ///
    /// # Errors
    /// I/O errors of reading the ends of the file.
    pub fn change(&self, now: &FileStamp, source: &dyn ReadAt) -> Result<FileChange, LinesError> {
        let verdict = self.seen.change(now, source)?;
        if verdict == FileChange::Appended {
            for block in self.index.samples() {
                match start_in(source, &block) {
                    Err(LinesError::Changed) => return Ok(FileChange::Rewritten),
                    counted => drop(counted?),
                }
            }
        }
        Ok(verdict)
    }

    /// Encodes the index, in at most [`LINE_INDEX_BYTES_MAX`] bytes.
    pub fn encode(&self) -> Vec<u8> {
        let index = &self.index;
        let mut w = begun(MAGIC);
        self.seen.write(index.ends_open, &mut w);
        let same = |a: &u32, b: &u32| *a == 0 && *b == 0;
        for run in index.counts.chunk_by(same) {
            match run {
                [0, more @ ..] => w.varint(0).varint(more.len() as u64),
                all => w.varint(all.iter().copied().map(u64::from).sum()),
            };
        }
        sealed(w)
    }

    /// Decodes an index. The encoding is canonical.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not a stored index.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let inside = checked(bytes, MAGIC, "line index", LINE_INDEX_BYTES_MAX)?;
        let mut r = Reader::new(inside);
        let (seen, ends_open) = RecordedFile::read(&mut r)?;
        let index = LineIndex::new(seen.stamp.size).ok_or(DecodeError::Invalid("size"))?;
        let index = LineIndex {
            covered: seen.covered,
            ends_open,
            ..index
        };
        let index = counts(&mut r, index)?;
        r.end()?;
        Ok(Self { seen, index })
    }
}

/// Decodes the counts into an empty index.
fn counts(r: &mut Reader<'_>, mut index: LineIndex) -> Result<LineIndex, DecodeError> {
    let invalid = DecodeError::Invalid("number of lines");
    // The number of blocks is limited, because `new` accepted the size of the file.
    let blocks = index.covered.div_ceil(1 << index.shift);
    let (mut block, mut was_zero) = (0, false);
    while block < blocks {
        let start = block << index.shift;
        let bytes = (index.covered - start).min(1 << index.shift);
        let newlines = r.varint()?;
        let is_last = block + 1 == blocks;
        // The flag must agree with the last byte covered.
        let fits = match (is_last, index.ends_open) {
            (true, true) => newlines < bytes,
            _ => newlines <= bytes,
        };
        let fits = fits && (newlines > 0 || !was_zero);
        let newlines = u32::try_from(newlines).ok().filter(|_| fits);
        let newlines = newlines.ok_or(invalid)?;
        let more = match newlines {
            0 => r.varint()?,
            _ => 0,
        };
        if more >= blocks - block {
            return Err(invalid);
        }
        for _ in 0..=more {
            index.push(newlines);
        }
        (block, was_zero) = (block + 1 + more, newlines == 0);
    }
    // An empty file has no open line. A file without an open line ends with a newline.
    let fits = if index.ends_open {
        blocks > 0
    } else {
        blocks == 0 || !was_zero
    };
    fits.then_some(index).ok_or(invalid)
}

/// Magic in the style of packs, so that a text-mode transfer breaks it visibly.
const MAGIC: [u8; 8] = *b"\x89ALI\r\n\x1a\n";
