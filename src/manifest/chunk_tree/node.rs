//! Chunk tree nodes: the encoding of one node. `spec/chunk-tree.md` describes the fields.

use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::NODE_ENTRIES_MAX;
use crate::wire::limits::TREE_LEVELS_MAX;

/// The first bytes of a node.
const NODE_MAGIC: [u8; 4] = *b"ALT\x01";

/// A chunk in a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkEntry {
    /// BLAKE3 of the chunk's bytes.
    pub id: ChunkId,
    /// The chunk's length.
    pub bytes: u32,
    /// Number of newline bytes in the chunk.
    pub newlines: u32,
}

/// A subtree in an inner node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildEntry {
    /// BLAKE3 of the child node.
    pub id: TreeId,
    /// The totals below the child.
    pub totals: Totals,
}

/// The totals below a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of data.
    pub bytes: u64,
    /// Chunks; each occurrence counts.
    pub chunks: u64,
    /// Newline bytes.
    pub newlines: u64,
}

impl Totals {
    /// Returns the sum; `None` beyond 64 bits.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.checked_add(other.bytes)?,
            chunks: self.chunks.checked_add(other.chunks)?,
            newlines: self.newlines.checked_add(other.newlines)?,
        })
    }
}

/// A decoded node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A list of chunks, in the order of the data. Only the root of an empty tree lists none.
    Leaf(Vec<ChunkEntry>),
    /// A list of at least two subtrees of one level less.
    Inner {
        /// Levels above the leaves, at least 1.
        level: u8,
        /// The subtrees, in the order of the data.
        children: Vec<ChildEntry>,
    },
}

impl Node {
    /// Returns the level; 0 for a leaf.
    pub fn level(&self) -> u8 {
        match self {
            Self::Leaf(_) => 0,
            Self::Inner { level, .. } => *level,
        }
    }

    /// Returns the totals below the node; `None` when a sum exceeds 64 bits.
    pub fn totals(&self) -> Option<Totals> {
        match self {
            Self::Leaf(chunks) => chunks.iter().try_fold(Totals::default(), |sum, c| {
                let one = Totals {
                    bytes: u64::from(c.bytes),
                    chunks: 1,
                    newlines: u64::from(c.newlines),
                };
                sum.plus(one)
            }),
            Self::Inner { children, .. } => children
                .iter()
                .try_fold(Totals::default(), |sum, c| sum.plus(c.totals)),
        }
    }

    /// Encodes the node.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&NODE_MAGIC).u8(self.level());
        match self {
            Self::Leaf(chunks) => {
                w.varint(chunks.len() as u64);
                for c in chunks {
                    w.bytes(c.id.as_bytes());
                    w.varint(u64::from(c.bytes)).varint(u64::from(c.newlines));
                }
            }
            Self::Inner { children, .. } => {
                w.varint(children.len() as u64);
                for c in children {
                    w.bytes(c.id.as_bytes()).varint(c.totals.bytes);
                    w.varint(c.totals.chunks).varint(c.totals.newlines);
                }
            }
        }
        w.into_bytes()
    }

    /// Decodes a node.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a canonical node within the limits.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.array::<4>()? != NODE_MAGIC {
            return Err(DecodeError::Magic("tree node"));
        }
        let level = r.u8()?;
        let count = r.count("node entries", NODE_ENTRIES_MAX)?;
        let node = match level {
            0 => Self::Leaf(
                (0..count)
                    .map(|_| chunk_entry(&mut r))
                    .collect::<Result<_, _>>()?,
            ),
            1..=TREE_LEVELS_MAX if count >= 2 => Self::Inner {
                level,
                children: (0..count)
                    .map(|_| child_entry(&mut r))
                    .collect::<Result<_, _>>()?,
            },
            _ => return Err(DecodeError::Invalid("node level")),
        };
        r.end()?;
        Ok(node)
    }
}

fn chunk_entry(r: &mut Reader<'_>) -> Result<ChunkEntry, DecodeError> {
    let id = ChunkId::new(r.array()?);
    let bytes = r.count("chunk bytes", CHUNK_BYTES_MAX)?;
    let newlines = r.count("chunk newlines", bytes)?;
    if bytes == 0 {
        return Err(DecodeError::Invalid("empty chunk"));
    }
    // Both are at most CHUNK_BYTES_MAX.
    Ok(ChunkEntry {
        id,
        bytes: bytes as u32,
        newlines: newlines as u32,
    })
}

fn child_entry(r: &mut Reader<'_>) -> Result<ChildEntry, DecodeError> {
    let id = TreeId::new(r.array()?);
    let totals = Totals {
        bytes: r.varint()?,
        chunks: r.varint()?,
        newlines: r.varint()?,
    };
    let plausible =
        totals.chunks > 0 && totals.chunks <= totals.bytes && totals.newlines <= totals.bytes;
    if plausible {
        Ok(ChildEntry { id, totals })
    } else {
        Err(DecodeError::Invalid("subtree totals"))
    }
}
