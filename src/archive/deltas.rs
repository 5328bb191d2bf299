//! Chunks of a leaf as one delta against bytes of a base: an entry that `zstd -D` opens.

use crate::archive::error::ArchiveError;
use crate::archive::frames::skippable;
use crate::chunk::DeltaEncoder;
use crate::chunk::params::DIFFERENCE_BYTES;
use crate::manifest::ChunkEntry;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::NODE_BYTES_MAX;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;
use crate::wire::limits::RECORD_STORED_BYTES_MAX;

/// Bytes of an entry at most: what it says of itself, and a frame.
pub(super) const DIFFERENCE_ENTRY_BYTES_MAX: usize = RECORD_STORED_BYTES_MAX + (64 << 10);
/// Entries of a leaf; each takes more bytes than this allows.
const LEAF_ENTRIES_MAX: usize = NODE_BYTES_MAX / 32;
/// A delta pays that is shorter than one part in this many of what it stands for.
const PAYS: usize = 8;

/// Bytes of a base that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseBytes {
    /// Which of the bases that the archive names.
    pub base: usize,
    /// Where in its data they begin.
    pub from: u64,
    /// How many.
    pub bytes: u64,
}

impl BaseBytes {
    /// These and others as one, if they touch and are not too many.
    pub(super) fn joined(self, other: Self) -> Option<Self> {
        let end = (self.from.checked_add(self.bytes)?).max(other.from.checked_add(other.bytes)?);
        let touch = other.from >= self.from && other.from <= self.from + self.bytes;
        let bytes = end - self.from;
        let fits = bytes <= 4 * DIFFERENCE_BYTES as u64;
        (self.base == other.base && touch && fits).then_some(Self { bytes, ..self })
    }
}

/// What an entry says of itself.
pub(super) struct Delta {
    /// Which chunks of the leaf it holds, ascending.
    pub(super) chunks: Vec<usize>,
    /// What it is against.
    pub(super) base: BaseBytes,
    /// The frame.
    pub(super) frame: Vec<u8>,
}

impl Delta {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.varint(self.base.base as u64)
            .varint(self.base.from)
            .varint(self.base.bytes);
        w.varint(self.chunks.len() as u64);
        let mut next = 0;
        for chunk in &self.chunks {
            w.varint(chunk.saturating_sub(next) as u64);
            next = chunk + 1;
        }
        let mut entry = skippable(w.as_bytes());
        entry.extend_from_slice(&self.frame);
        entry
    }

    pub(super) fn decode(entry: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(entry);
        let head: [u8; 4] = r.array()?;
        if head != skippable(&[])[..4] {
            return Err(DecodeError::Magic("difference"));
        }
        let length = usize::try_from(r.u32()?).unwrap_or(usize::MAX);
        let mut said = Reader::new(r.bytes(length)?);
        let base = BaseBytes {
            base: said.count("base", 1 << 16)?,
            from: said.varint()?,
            bytes: said.count("bytes of a base", RECORD_BASE_BYTES_MAX)? as u64,
        };
        let count = said.count("chunks of a delta", LEAF_ENTRIES_MAX)?;
        let (mut chunks, mut next) = (Vec::new(), 0);
        for _ in 0..count {
            let chunk = next + said.count("chunk of a leaf", LEAF_ENTRIES_MAX)?;
            chunks.push(chunk);
            next = chunk + 1;
        }
        said.end()?;
        Ok(Self {
            chunks,
            base,
            frame: r.bytes(r.remaining())?.to_vec(),
        })
    }

    /// The chunks of a leaf that it holds, and how many bytes they have together.
    pub(super) fn of_leaf<'l>(
        &self,
        leaf: &'l [ChunkEntry],
    ) -> Option<(Vec<&'l ChunkEntry>, usize)> {
        let chunks: Option<Vec<&ChunkEntry>> = self.chunks.iter().map(|n| leaf.get(*n)).collect();
        let chunks = chunks.filter(|c| !c.is_empty())?;
        let bytes: u64 = chunks.iter().map(|c| u64::from(c.bytes)).sum();
        let bytes = usize::try_from(bytes).ok()?;
        (bytes <= RECORD_RAW_BYTES_MAX).then_some((chunks, bytes))
    }
}

/// The frame of a delta, where it pays. It depends on the bytes alone.
///
/// # Errors
/// [`ArchiveError`] when the other frame to compare with cannot be made.
pub fn delta(raw: &[u8], base: Vec<u8>) -> Result<Option<Vec<u8>>, ArchiveError> {
    let Some(frame) = DeltaEncoder::new().encode(raw, base) else {
        return Ok(None);
    };
    let pays = frame.len() * PAYS < raw.len()
        || frame.len() * 4 < crate::archive::compress_frame(raw)?.len() * 3;
    Ok(pays.then_some(frame))
}
