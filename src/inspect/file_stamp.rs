//! Which file it is that something was learnt of, and whether it is still the same: what the file
//! system says of it, and hashes of both ends. Normative: `spec/line-index.md`.

use std::io;

use thiserror::Error;

use crate::read_at::ReadAt;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

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

/// What became of a file since something was learnt of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is longer, and was the same.
    Appended,
    /// Anything else, as far as can be told.
    Rewritten,
    /// Nothing.
    Unchanged,
}

/// Why the ends of a file could not be read.
#[derive(Debug, Error)]
pub(crate) enum EndsError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("it became shorter while it was being read")]
    Shrunk,
}

/// A file as it was when something was learnt of some of it, from its first byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenFile {
    pub(crate) stamp: FileStamp,
    /// Its last change was long enough before it was looked at for another to have another time.
    pub(crate) is_settled: bool,
    /// How many of its bytes are covered by what was learnt.
    pub(crate) covered: u64,
    /// Hashes of the first and of the last bytes of these.
    head: [u8; 32],
    tail: [u8; 32],
}

impl SeenFile {
    /// The file that looked so before it was read.
    pub(crate) fn new(
        stamp: FileStamp,
        is_settled: bool,
        covered: u64,
        source: &dyn ReadAt,
    ) -> Result<Self, EndsError> {
        let (head, tail) = ends(source, covered)?;
        Ok(Self {
            stamp,
            is_settled,
            covered,
            head,
            tail,
        })
    }

    /// What became of the file, which now looks so.
    pub(crate) fn verdict(
        &self,
        now: &FileStamp,
        source: &dyn ReadAt,
    ) -> Result<Verdict, EndsError> {
        let was = &self.stamp;
        let is_it = (was.device, was.inode) == (now.device, now.inode);
        let verdict = match now == was {
            true if self.is_settled => Verdict::Unchanged,
            false if is_it && now.size > was.size => Verdict::Appended,
            _ => return Ok(Verdict::Rewritten),
        };
        match ends(source, self.covered)? == (self.head, self.tail) {
            true => Ok(verdict),
            false => Ok(Verdict::Rewritten),
        }
    }

    /// Writes it, with whether its user's own flag is set.
    pub(crate) fn write(&self, flag: bool, w: &mut Writer) {
        let stamp = &self.stamp;
        w.varint(stamp.device).varint(stamp.inode);
        w.varint(stamp.size);
        for (seconds, nanos) in [stamp.modified, stamp.changed] {
            w.bytes(&seconds.to_le_bytes()).u32(nanos);
        }
        w.u8(u8::from(flag) | u8::from(self.is_settled) << 1);
        w.varint(self.covered).bytes(&self.head).bytes(&self.tail);
    }

    /// Reads it, and the flag.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<(Self, bool), DecodeError> {
        let stamp = FileStamp {
            device: r.varint()?,
            inode: r.varint()?,
            size: r.varint()?,
            modified: time(r)?,
            changed: time(r)?,
        };
        let flags = r.u8()?;
        if flags > 3 {
            return Err(DecodeError::Invalid("flags"));
        }
        let covered = r.varint()?;
        if covered > stamp.size {
            return Err(DecodeError::Invalid("covered"));
        }
        let seen = Self {
            stamp,
            is_settled: flags & 2 == 2,
            covered,
            head: r.array()?,
            tail: r.array()?,
        };
        Ok((seen, flags & 1 == 1))
    }
}

/// What is between magic and version at the front and the check at the end, when all of them are
/// right.
pub(crate) fn checked<'a>(
    bytes: &'a [u8],
    magic: [u8; 8],
    name: &'static str,
    limit: usize,
) -> Result<&'a [u8], DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::Limit {
            field: "length",
            value: bytes.len() as u64,
            limit: limit as u64,
        });
    }
    let mut r = Reader::new(bytes);
    if r.array()? != magic {
        return Err(DecodeError::Magic(name));
    }
    let version = r.u32()?;
    if version != VERSION {
        return Err(DecodeError::Version(version));
    }
    let Some((inside, check)) = bytes.split_last_chunk::<32>() else {
        return Err(DecodeError::Truncated);
    };
    if blake3::hash(inside) != *check {
        return Err(DecodeError::Checksum(name));
    }
    // Magic and version were read, and the check is behind them or overlaps them.
    inside.get(HEADER_BYTES..).ok_or(DecodeError::Truncated)
}

/// A writer that begins with magic and version.
pub(crate) fn begun(magic: [u8; 8]) -> Writer {
    let mut w = Writer::new();
    w.bytes(&magic).u32(VERSION);
    w
}

/// What was written, with the check behind it.
pub(crate) fn sealed(mut w: Writer) -> Vec<u8> {
    let check = *blake3::hash(w.as_bytes()).as_bytes();
    w.bytes(&check);
    w.into_bytes()
}

fn time(r: &mut Reader<'_>) -> Result<(i64, u32), DecodeError> {
    let (seconds, nanos) = (i64::from_le_bytes(r.array()?), r.u32()?);
    match nanos {
        ..1_000_000_000 => Ok((seconds, nanos)),
        _ => Err(DecodeError::Invalid("nanoseconds")),
    }
}

/// Hashes of the first and the last bytes of what is covered.
fn ends(source: &dyn ReadAt, covered: u64) -> Result<([u8; 32], [u8; 32]), EndsError> {
    let hash = |from: u64, to: u64| {
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), [0; 4096]);
        let mut at = from;
        while at < to {
            let room = usize::try_from(to - at).unwrap_or(usize::MAX);
            let room = room.min(buffer.len());
            match source.read_at(buffer.get_mut(..room).unwrap_or_default(), at) {
                Ok(0) => return Err(EndsError::Shrunk),
                Ok(n) => {
                    hasher.update(buffer.get(..n).unwrap_or_default());
                    at += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(*hasher.finalize().as_bytes())
    };
    let head = hash(0, covered.min(END_BYTES))?;
    Ok((head, hash(covered.saturating_sub(END_BYTES), covered)?))
}

/// Of what is kept of files: the same for all kinds as long as none has a second one.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 12;
/// Bytes at either end of a file that are hashed.
const END_BYTES: u64 = 4096;
