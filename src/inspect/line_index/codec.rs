//! An index as bytes, with what tells whether it is still the file's.

use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::read::read_some;
use crate::inspect::line_index::start_in;
use crate::read_at::ReadAt;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::LINE_INDEX_BYTES_MAX;

/// Which file it is, and when it was written, as the file system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// The device's number.
    pub device: u64,
    /// The file's number on it.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// `mtime`: seconds since the epoch, and nanoseconds.
    pub modified: (i64, u32),
    /// `ctime`, likewise. Nobody can set it back.
    pub changed: (i64, u32),
}

/// An index, and the file that it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredIndex {
    stamp: FileStamp,
    is_settled: bool,
    head: [u8; 32],
    tail: [u8; 32],
    index: LineIndex,
}

/// What became of a file since its index was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is longer, and was the same.
    Appended,
    /// Anything else, as far as can be told.
    Rewritten,
    /// Nothing.
    Unchanged,
}

impl StoredIndex {
    /// With an index of a file that looked so before it was read. `is_settled` is whether its last
    /// change was long enough before that for another to have another time.
    ///
    /// # Errors
    /// As reading its ends.
    pub fn new(
        index: LineIndex,
        stamp: FileStamp,
        is_settled: bool,
        source: &dyn ReadAt,
    ) -> Result<Self, LinesError> {
        let (head, tail) = hashes(source, index.covered)?;
        Ok(Self {
            stamp,
            is_settled,
            head,
            tail,
            index,
        })
    }

    /// The index.
    pub fn into_index(self) -> LineIndex {
        self.index
    }

    /// What became of the file, which now looks so.
    ///
    /// # Errors
    /// As reading its ends.
    pub fn verdict(&self, now: &FileStamp, source: &dyn ReadAt) -> Result<Verdict, LinesError> {
        let was = &self.stamp;
        let is_it = (was.device, was.inode) == (now.device, now.inode);
        let verdict = match now == was {
            true if self.is_settled => Verdict::Unchanged,
            false if is_it && now.size > was.size => Verdict::Appended,
            _ => return Ok(Verdict::Rewritten),
        };
        if hashes(source, self.index.covered)? != (self.head, self.tail) {
            return Ok(Verdict::Rewritten);
        }
        if verdict == Verdict::Appended {
            for block in self.index.samples() {
                match start_in(source, &block) {
                    Err(LinesError::Changed) => return Ok(Verdict::Rewritten),
                    counted => drop(counted?),
                }
            }
        }
        Ok(verdict)
    }

    /// Its bytes; at most [`LINE_INDEX_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let (stamp, index) = (&self.stamp, &self.index);
        let mut w = Writer::new();
        w.bytes(&MAGIC).u32(VERSION);
        w.varint(stamp.device).varint(stamp.inode);
        w.varint(stamp.size);
        for (seconds, nanos) in [stamp.modified, stamp.changed] {
            w.bytes(&seconds.to_le_bytes()).u32(nanos);
        }
        w.u8(u8::from(index.ends_open) | u8::from(self.is_settled) << 1);
        w.varint(index.covered).bytes(&self.head).bytes(&self.tail);
        let same = |a: &u32, b: &u32| *a == 0 && *b == 0;
        for run in index.counts.chunk_by(same) {
            match run {
                [0, more @ ..] => w.varint(0).varint(more.len() as u64),
                all => w.varint(all.iter().copied().map(u64::from).sum()),
            };
        }
        let check = *blake3::hash(w.as_bytes()).as_bytes();
        w.bytes(&check);
        w.into_bytes()
    }

    /// Reads an index; written again, it is the same bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a stored index.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(checked(bytes)?);
        let stamp = FileStamp {
            device: r.varint()?,
            inode: r.varint()?,
            size: r.varint()?,
            modified: time(&mut r)?,
            changed: time(&mut r)?,
        };
        let flags = r.u8()?;
        if flags > 3 {
            return Err(DecodeError::Invalid("flags"));
        }
        let covered = r.varint()?;
        if covered > stamp.size {
            return Err(DecodeError::Invalid("covered"));
        }
        let (head, tail) = (r.array()?, r.array()?);
        let index = LineIndex::new(stamp.size).ok_or(DecodeError::Invalid("size"))?;
        let index = LineIndex {
            covered,
            ends_open: flags & 1 == 1,
            ..index
        };
        let index = counts(&mut r, index)?;
        r.end()?;
        Ok(Self {
            stamp,
            is_settled: flags & 2 == 2,
            head,
            tail,
            index,
        })
    }
}

/// What is between the version and the check, when both are right.
fn checked(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    if bytes.len() > LINE_INDEX_BYTES_MAX {
        return Err(DecodeError::Limit {
            field: "length",
            value: bytes.len() as u64,
            limit: LINE_INDEX_BYTES_MAX as u64,
        });
    }
    let mut r = Reader::new(bytes);
    if r.array()? != MAGIC {
        return Err(DecodeError::Magic("line index"));
    }
    let version = r.u32()?;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let Some((inside, check)) = bytes.split_last_chunk::<32>() else {
        return Err(DecodeError::Truncated);
    };
    if blake3::hash(inside) != *check {
        return Err(DecodeError::Checksum("line index"));
    }
    // Magic and version were read, and the check is behind them or overlaps them.
    inside.get(HEADER_BYTES..).ok_or(DecodeError::Truncated)
}

fn time(r: &mut Reader<'_>) -> Result<(i64, u32), DecodeError> {
    let (seconds, nanos) = (i64::from_le_bytes(r.array()?), r.u32()?);
    match nanos {
        ..1_000_000_000 => Ok((seconds, nanos)),
        _ => Err(DecodeError::Invalid("nanoseconds")),
    }
}

/// Reads the counts of an index that has none yet.
fn counts(r: &mut Reader<'_>, mut index: LineIndex) -> Result<LineIndex, DecodeError> {
    let invalid = DecodeError::Invalid("number of lines");
    // At most as many as there may be blocks, since a file of that size has an index.
    let blocks = index.covered.div_ceil(1 << index.shift);
    let (mut block, mut was_zero) = (0, false);
    while block < blocks {
        let start = block << index.shift;
        let bytes = (index.covered - start).min(1 << index.shift);
        let newlines = r.varint()?;
        let is_last = block + 1 == blocks;
        // The last byte covered is a newline or is not.
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
    // Nothing is not open; what is not open ends with a newline.
    let fits = match index.ends_open {
        true => blocks > 0,
        false => blocks == 0 || !was_zero,
    };
    fits.then_some(index).ok_or(invalid)
}

/// Hashes of the first and the last bytes of what is covered.
fn hashes(source: &dyn ReadAt, covered: u64) -> Result<([u8; 32], [u8; 32]), LinesError> {
    let hash = |from: u64, to: u64| {
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), [0; 4096]);
        let mut at = from;
        while at < to {
            let piece = read_some(source, &mut buffer, at, to)?;
            hasher.update(piece);
            at += piece.len() as u64;
        }
        Ok::<_, LinesError>(*hasher.finalize().as_bytes())
    };
    let head = hash(0, covered.min(END_BYTES))?;
    Ok((head, hash(covered.saturating_sub(END_BYTES), covered)?))
}

/// As a pack's, so that a transfer in text mode is noticed.
const MAGIC: [u8; 8] = *b"\x89ALI\r\n\x1a\n";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 12;
/// Bytes at either end of a file that are hashed.
const END_BYTES: u64 = 4096;
