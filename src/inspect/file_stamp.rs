//! File stamps: detect if a file changed since an index of it was built, by file system metadata
//! and hashes of both ends. Normative: `spec/line-index.md`.

use std::io;

use thiserror::Error;

use crate::read_at::ReadAt;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// Identity and modification time of a file, as the file system reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Device number.
    pub device: u64,
    /// Inode number on the device.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// `mtime`: seconds since the epoch, and nanoseconds.
    pub modified: (i64, u32),
    /// `ctime`, in the same form. No program can set it back.
    pub changed: (i64, u32),
}

/// Change of a file since its stamp was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// The file grew; its old bytes are the same.
    Appended,
    /// Any other change, as far as the stamp can tell.
    Rewritten,
    /// No change.
    Unchanged,
}

/// Errors of reading the ends of a file.
#[derive(Debug, Error)]
pub(crate) enum EndsError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("it became shorter while it was being read")]
    Shrunk,
}

/// Recorded state of a file whose prefix is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordedFile {
    pub(crate) stamp: FileStamp,
    /// True if the last change was old enough at the time of the stamp: a later change then has
    /// another timestamp.
    pub(crate) is_settled: bool,
    /// Number of indexed bytes, from the first byte on.
    pub(crate) covered: u64,
    /// Hashes of the first and of the last indexed bytes.
    head: [u8; 32],
    tail: [u8; 32],
}

impl RecordedFile {
    /// Creates a record from the stamp taken before the file was read.
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

    /// Compares the record with the present state of the file.
    pub(crate) fn change(
        &self,
        now: &FileStamp,
        source: &dyn ReadAt,
    ) -> Result<FileChange, EndsError> {
        let was = &self.stamp;
        let is_it = (was.device, was.inode) == (now.device, now.inode);
        let verdict = match now == was {
            true if self.is_settled => FileChange::Unchanged,
            false if is_it && now.size > was.size => FileChange::Appended,
            _ => return Ok(FileChange::Rewritten),
        };
        if ends(source, self.covered)? == (self.head, self.tail) {
            Ok(verdict)
        } else {
            Ok(FileChange::Rewritten)
        }
    }

    /// Encodes the record with the caller's flag.
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

    /// Decodes the record and the caller's flag.
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

/// Returns the bytes between the header and the checksum, after verifying magic, version and
/// checksum.
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
    // Magic and version are read; the checksum follows or overlaps them.
    inside.get(HEADER_BYTES..).ok_or(DecodeError::Truncated)
}

/// Starts a writer with magic and version.
pub(crate) fn begun(magic: [u8; 8]) -> Writer {
    let mut w = Writer::new();
    w.bytes(&magic).u32(VERSION);
    w
}

/// Appends the checksum, and returns the bytes.
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

/// Hashes the first and the last bytes of the indexed prefix.
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

/// Version of all stored index formats; they share it until one of them changes.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 12;
/// Bytes hashed at either end of a file.
const END_BYTES: u64 = 4096;
