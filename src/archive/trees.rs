//! The trees of an archive: written from the root without what the receiver has, and read by
//! always knowing what comes next.

use std::collections::HashSet;
use std::collections::VecDeque;

use crate::archive::entries::EntryReader;
use crate::archive::entries::EntryWriter;
use crate::archive::error::ArchiveError;
use crate::archive::layout::EntryName;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::ident::TreeId;
use crate::manifest::ChildEntry;
use crate::manifest::ChunkEntry;
use crate::manifest::Node;
use crate::manifest::Totals;
use crate::wire::limits::NODE_BYTES_MAX;

/// Blobs that a writer, and a reader, remember.
const REMEMBERED: usize = 1 << 20;

/// The blobs that stood in an archive last.
#[derive(Default)]
pub struct Recent {
    known: HashSet<[u8; 16]>,
    order: VecDeque<[u8; 16]>,
}

impl Recent {
    /// Whether a blob is among them.
    pub fn has(&self, key: &BlobKey) -> bool {
        self.known.contains(&short(key))
    }

    /// Remembers a blob.
    pub fn add(&mut self, key: &BlobKey) {
        if self.known.insert(short(key)) {
            self.order.push_back(short(key));
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
    }
}

/// Nobody finds two blobs with the same 128 bits of BLAKE3, so far.
fn short(key: &BlobKey) -> [u8; 16] {
    let id = key.id.as_bytes();
    id.first_chunk().copied().unwrap_or_default()
}

/// Takes the chunks of a leaf, one by one.
pub type EachChunk<'a, E> = dyn FnMut(&ChunkEntry, &[u8]) -> Result<(), E> + 'a;

/// Where a writer finds blobs, and what it leaves out.
pub trait Source {
    /// Why it could not.
    type Error: From<ArchiveError>;

    /// The bytes of a node.
    ///
    /// # Errors
    /// When it is missing or damaged.
    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, Self::Error>;

    /// Hands over the chunks at these places of a leaf, in order.
    ///
    /// # Errors
    /// When one is missing or damaged, or what `each` returns.
    fn chunks(
        &mut self,
        wanted: &[ChunkEntry],
        each: &mut EachChunk<'_, Self::Error>,
    ) -> Result<(), Self::Error>;

    /// Whether the receiver has a blob; of a node, all below it too.
    fn is_based(&self, key: &BlobKey) -> bool;
}

/// How much of a tree was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Chunks.
    pub chunks: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Writes a tree.
///
/// # Errors
/// What the source or the writer returns.
pub fn put_tree<S: Source>(
    writer: &mut EntryWriter<'_>,
    source: &mut S,
    recent: &mut Recent,
    root: TreeId,
) -> Result<Written, S::Error> {
    let mut written = Written::default();
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        if source.is_based(&key) {
            continue;
        }
        let bytes = source.node(id)?;
        if !recent.has(&key) {
            writer.entry(&EntryName::node(&id), &bytes)?;
            recent.add(&key);
        }
        let node = Node::decode(&bytes).map_err(|_| ArchiveError::Tree(id.to_hex()))?;
        match node {
            Node::Inner { children, .. } => stack.extend(children.iter().rev().map(|c| c.id)),
            Node::Leaf(chunks) => {
                let mut wanted = Vec::new();
                for chunk in chunks {
                    let key = chunk_key(&chunk);
                    if !recent.has(&key) && !source.is_based(&key) {
                        recent.add(&key);
                        wanted.push(chunk);
                    }
                }
                source.chunks(&wanted, &mut |chunk, bytes| {
                    written.chunks += 1;
                    written.bytes += bytes.len() as u64;
                    Ok(writer.entry(&EntryName::chunk(&chunk.id), bytes)?)
                })?;
            }
        }
    }
    Ok(written)
}

/// Where a reader puts blobs, and finds those that are not in the archive.
pub trait Shelf {
    /// Why it could not.
    type Error: From<ArchiveError>;

    /// Which of these are here.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn has(&mut self, keys: &[BlobKey]) -> Result<Vec<bool>, Self::Error>;

    /// A node that is here.
    ///
    /// # Errors
    /// When it is damaged.
    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, Self::Error>;

    /// Takes a node whose hash was compared.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn take_node(&mut self, id: TreeId, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Takes a chunk and compares its hash, now or before anything is visible.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn take_chunk(&mut self, chunk: &ChunkEntry, bytes: Vec<u8>) -> Result<(), Self::Error>;
}

/// Reads a tree that holds so many bytes.
///
/// # Errors
/// [`ArchiveError`] when an entry is not what has to come, or what the shelf returns.
pub fn take_tree<S: Shelf>(
    reader: &mut EntryReader<'_>,
    shelf: &mut S,
    recent: &mut Recent,
    root: TreeId,
    bytes: u64,
) -> Result<Totals, S::Error> {
    let wrong = |id: TreeId| ArchiveError::Tree(id.to_hex());
    let node = take_node(reader, shelf, recent, root)?;
    let totals = node.totals().ok_or_else(|| wrong(root))?;
    if totals.bytes != bytes || totals.chunks > bytes {
        return Err(wrong(root).into());
    }
    let mut stack: Vec<(u8, Vec<ChildEntry>)> = Vec::new();
    let mut current = Some(node);
    loop {
        match current.take() {
            Some(Node::Leaf(chunks)) => take_leaf(reader, shelf, recent, &chunks)?,
            Some(Node::Inner {
                level,
                mut children,
            }) => {
                children.reverse();
                stack.push((level, children));
            }
            None => {}
        }
        let Some((level, children)) = stack.last_mut() else {
            return Ok(totals);
        };
        let (level, Some(child)) = (*level, children.pop()) else {
            stack.pop();
            continue;
        };
        let node = take_node(reader, shelf, recent, child.id)?;
        if node.level().checked_add(1) != Some(level) || node.totals() != Some(child.totals) {
            return Err(wrong(child.id).into());
        }
        current = Some(node);
    }
}

fn take_node<S: Shelf>(
    reader: &mut EntryReader<'_>,
    shelf: &mut S,
    recent: &mut Recent,
    id: TreeId,
) -> Result<Node, S::Error> {
    let name = EntryName::node(&id);
    let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
    let bytes = if reader.peek()?.is_some_and(|next| next.name == name) {
        let bytes = reader.read(NODE_BYTES_MAX)?;
        if TreeId::of(&bytes) != id {
            return Err(ArchiveError::Corrupt(name.path()).into());
        }
        shelf.take_node(id, &bytes)?;
        recent.add(&key);
        bytes
    } else if shelf.has(&[key])?.contains(&true) {
        shelf.node(id)?
    } else {
        return Err(absent(reader, &name)?.into());
    };
    Ok(Node::decode(&bytes).map_err(|_| ArchiveError::Tree(id.to_hex()))?)
}

fn take_leaf<S: Shelf>(
    reader: &mut EntryReader<'_>,
    shelf: &mut S,
    recent: &mut Recent,
    chunks: &[ChunkEntry],
) -> Result<(), S::Error> {
    // Asked for all at once, and only when one is left out.
    let mut here: Option<Vec<bool>> = None;
    for (n, chunk) in chunks.iter().enumerate() {
        let name = EntryName::chunk(&chunk.id);
        let next = reader.peek()?.filter(|next| next.name == name);
        if let Some(next) = next {
            if next.bytes != u64::from(chunk.bytes) {
                return Err(ArchiveError::Corrupt(name.path()).into());
            }
            let bytes = reader.read(CHUNK_BYTES_MAX)?;
            shelf.take_chunk(chunk, bytes)?;
            recent.add(&chunk_key(chunk));
            continue;
        }
        if recent.has(&chunk_key(chunk)) {
            continue;
        }
        let here = match &mut here {
            Some(here) => here,
            none => {
                let keys: Vec<BlobKey> = chunks.iter().map(chunk_key).collect();
                none.insert(shelf.has(&keys)?)
            }
        };
        if here.get(n) != Some(&true) {
            return Err(absent(reader, &name)?.into());
        }
    }
    Ok(())
}

/// The error for something that should come next and does not.
fn absent(reader: &mut EntryReader<'_>, name: &EntryName) -> Result<ArchiveError, ArchiveError> {
    let wanted = name.path();
    Ok(match reader.peek()? {
        // The next thing may well be right: this one was left out.
        Some(next) if matches!(next.name, EntryName::Node(_) | EntryName::Chunk(_)) => {
            ArchiveError::Missing(format!("`{wanted}`"))
        }
        Some(next) => ArchiveError::unexpected(Some(&next.name.path()), format!("`{wanted}`")),
        None => ArchiveError::Missing(format!("`{wanted}`")),
    })
}

fn chunk_key(chunk: &ChunkEntry) -> BlobKey {
    BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes())
}
