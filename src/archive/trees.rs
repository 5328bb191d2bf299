//! The trees of an archive: written from the root without what the receiver has, and read by
//! always knowing what comes next.

use std::collections::HashSet;

use crate::archive::deltas::BaseBytes;
use crate::archive::deltas::DIFFERENCE_ENTRY_BYTES_MAX;
use crate::archive::deltas::Delta;
use crate::archive::entries::EntryReader;
use crate::archive::entries::EntryWriter;
use crate::archive::error::ArchiveError;
use crate::archive::layout::EntryName;
use crate::archive::recent::Recent;
use crate::archive::recent::Subtree;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::apply;
use crate::chunk::params::CHUNK_BYTES_MAX;
use crate::chunk::params::DIFFERENCE_BYTES;
use crate::ident::TreeId;
use crate::manifest::ChildEntry;
use crate::manifest::ChunkEntry;
use crate::manifest::Node;
use crate::manifest::Totals;
use crate::wire::limits::NODE_BYTES_MAX;

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

    /// Which bytes of a base a chunk resembles.
    fn resembled(&self, chunk: &ChunkEntry) -> Option<BaseBytes>;

    /// The frame of a delta against bytes of a base, where it pays.
    ///
    /// # Errors
    /// When the base is missing or damaged.
    fn delta(&mut self, raw: &[u8], base: BaseBytes) -> Result<Option<Vec<u8>>, Self::Error>;
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
                let mut groups: Vec<Together> = Vec::new();
                for (n, chunk) in chunks.into_iter().enumerate() {
                    let key = chunk_key(&chunk);
                    if !recent.has(&key) && !source.is_based(&key) {
                        recent.add(&key);
                        let base = source.resembled(&chunk);
                        put_together(&mut groups, n, chunk, base);
                    }
                }
                for group in groups {
                    put_group(writer, source, &group, &mut written)?;
                }
            }
        }
    }
    Ok(written)
}

/// Chunks of a leaf that are written as they are, or as one delta.
struct Together {
    numbers: Vec<usize>,
    chunks: Vec<ChunkEntry>,
    bytes: usize,
    base: Option<BaseBytes>,
}

/// Adds a chunk to the last group, or begins one.
fn put_together(
    groups: &mut Vec<Together>,
    number: usize,
    chunk: ChunkEntry,
    base: Option<BaseBytes>,
) {
    let bytes = chunk.bytes as usize;
    let last = groups.last_mut();
    let joined = last.and_then(|last| match (last.base, base) {
        (None, None) => Some((last, None)),
        (Some(a), Some(b)) if last.bytes + bytes <= DIFFERENCE_BYTES => {
            a.joined(b).map(|joined| (last, Some(joined)))
        }
        _ => None,
    });
    match joined {
        Some((last, base)) => {
            last.numbers.push(number);
            last.chunks.push(chunk);
            last.bytes += bytes;
            last.base = base;
        }
        None => groups.push(Together {
            numbers: vec![number],
            chunks: vec![chunk],
            bytes,
            base,
        }),
    }
}

fn put_group<S: Source>(
    writer: &mut EntryWriter<'_>,
    source: &mut S,
    group: &Together,
    written: &mut Written,
) -> Result<(), S::Error> {
    written.chunks += group.chunks.len() as u64;
    written.bytes += group.bytes as u64;
    if let (Some(base), Some(first)) = (group.base, group.chunks.first()) {
        let mut raw = Vec::with_capacity(group.bytes);
        source.chunks(&group.chunks, &mut |_, bytes| {
            raw.extend_from_slice(bytes);
            Ok(())
        })?;
        if let Some(frame) = source.delta(&raw, base)? {
            let delta = Delta {
                chunks: group.numbers.clone(),
                base,
                frame,
            };
            let name = EntryName::delta(&first.id);
            return Ok(writer.entry(&name, &delta.encode())?);
        }
    }
    source.chunks(&group.chunks, &mut |chunk, bytes| {
        Ok(writer.entry(&EntryName::chunk(&chunk.id), bytes)?)
    })
}

/// Chunks that came as a delta, put to the bytes of its base.
pub struct SimilarChunks<'a> {
    /// What they have to be.
    pub chunks: &'a [&'a ChunkEntry],
    /// Their bytes, one chunk after the other.
    pub raw: Vec<u8>,
    /// The frame that they came as.
    pub frame: Vec<u8>,
}

/// Where a reader puts blobs, and finds those that are not in the archive.
pub trait BlobSink {
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

    /// Takes chunks that came as a delta without reading it; true where that is done. Only a reader
    /// that keeps nothing does so.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn take_unread(&mut self, _: &[&ChunkEntry], _: BaseBytes) -> Result<bool, Self::Error> {
        Ok(false)
    }

    /// Bytes of a base, for a delta that comes next.
    ///
    /// # Errors
    /// When the archive names no such base, or it is damaged.
    fn base(&mut self, base: BaseBytes) -> Result<Vec<u8>, Self::Error>;

    /// Takes chunks that came as a delta, and compares their hashes, now or before anything is
    /// visible.
    ///
    /// # Errors
    /// When they cannot be kept.
    fn take_resembling(&mut self, chunks: SimilarChunks<'_>) -> Result<(), Self::Error>;
}

/// A node whose children are being read.
struct Open {
    id: TreeId,
    level: u8,
    totals: Totals,
    /// Those that are still to come, the next one last.
    children: Vec<ChildEntry>,
}

/// Reads a tree that holds so many bytes. Subtrees that repeat are read once, so the work is
/// bounded by what the archive holds, and by what is here, whatever the tree says.
///
/// # Errors
/// [`ArchiveError`] when an entry is not what has to come, or what the shelf returns.
pub fn take_tree<S: BlobSink>(
    reader: &mut EntryReader<'_>,
    shelf: &mut S,
    recent: &mut Recent,
    root: TreeId,
    bytes: u64,
) -> Result<Totals, S::Error> {
    recent.begin_tree();
    let mut stack: Vec<Open> = Vec::new();
    let mut places = (reader, shelf, recent);
    let fits = |_, t: Totals| t.bytes == bytes && t.chunks <= bytes;
    let totals = visit(&mut places, root, &fits, &mut stack)?;
    while let Some(open) = stack.last_mut() {
        let level = open.level;
        if let Some(child) = open.children.pop() {
            let fits = |l: u8, t| l.checked_add(1) == Some(level) && t == child.totals;
            visit(&mut places, child.id, &fits, &mut stack)?;
        } else if let Some(done) = stack.pop() {
            places.2.add_whole(done.id, done.level, done.totals);
        }
    }
    Ok(totals)
}

/// Where nodes and chunks come from, where they go, and what is known of them.
type Places<'a, 'r, S> = (&'a mut EntryReader<'r>, &'a mut S, &'a mut Recent);

/// Reads a node, and of a leaf its chunks; the children of an inner node go to the stack.
fn visit<S: BlobSink>(
    (reader, shelf, recent): &mut Places<'_, '_, S>,
    id: TreeId,
    fits: &dyn Fn(u8, Totals) -> bool,
    stack: &mut Vec<Open>,
) -> Result<Totals, S::Error> {
    let wrong = || ArchiveError::Tree(id.to_hex());
    match recent.subtree(&id) {
        Subtree::Exhausted => return Err(ArchiveError::Repeats(id.to_hex()).into()),
        Subtree::Whole(level, totals) if fits(level, totals) => return Ok(totals),
        Subtree::Whole(..) => return Err(wrong().into()),
        Subtree::Unread => {}
    }
    let node = take_node(reader, *shelf, recent, id)?;
    let totals = node.totals().ok_or_else(wrong)?;
    if !fits(node.level(), totals) {
        return Err(wrong().into());
    }
    match node {
        Node::Leaf(chunks) => {
            take_leaf(reader, *shelf, recent, &chunks)?;
            recent.add_whole(id, 0, totals);
        }
        Node::Inner {
            level,
            mut children,
        } => {
            children.reverse();
            stack.push(Open {
                id,
                level,
                totals,
                children,
            });
        }
    }
    Ok(totals)
}

fn take_node<S: BlobSink>(
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

fn take_leaf<S: BlobSink>(
    reader: &mut EntryReader<'_>,
    shelf: &mut S,
    recent: &mut Recent,
    chunks: &[ChunkEntry],
) -> Result<(), S::Error> {
    // Asked for all at once, and only when one is left out.
    let mut here: Option<Vec<bool>> = None;
    let mut came: HashSet<usize> = HashSet::new();
    for (n, chunk) in chunks.iter().enumerate() {
        let delta = EntryName::delta(&chunk.id);
        if reader.peek()?.is_some_and(|next| next.name == delta) {
            let numbers = take_delta(reader, shelf, chunks, n)?;
            for key in numbers.iter().filter_map(|n| chunks.get(*n)).map(chunk_key) {
                recent.add(&key);
            }
            came.extend(numbers);
        }
        if came.contains(&n) {
            continue;
        }
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

/// Takes the delta that comes next; which chunks of the leaf, from `first` on, were in it.
fn take_delta<S: BlobSink>(
    reader: &mut EntryReader<'_>,
    shelf: &mut S,
    leaf: &[ChunkEntry],
    first: usize,
) -> Result<Vec<usize>, S::Error> {
    let path = reader.peek()?.map(|next| next.name.path());
    let corrupt = || ArchiveError::Corrupt(path.clone().unwrap_or_default());
    let entry = reader.read(DIFFERENCE_ENTRY_BYTES_MAX)?;
    let delta = Delta::decode(&entry).map_err(|_| corrupt())?;
    let (chunks, bytes) = delta.of_leaf(leaf).ok_or_else(corrupt)?;
    if delta.chunks.first() != Some(&first) {
        return Err(corrupt().into());
    }
    if shelf.take_unread(&chunks, delta.base)? {
        return Ok(delta.chunks);
    }
    let base = shelf.base(delta.base)?;
    let raw = apply(&delta.frame, base, bytes).map_err(|_| corrupt())?;
    shelf.take_resembling(SimilarChunks {
        chunks: &chunks,
        raw,
        frame: delta.frame,
    })?;
    Ok(delta.chunks)
}

/// The error for something that should come next and does not.
fn absent(reader: &mut EntryReader<'_>, name: &EntryName) -> Result<ArchiveError, ArchiveError> {
    let wanted = name.path();
    Ok(match reader.peek()? {
        // The next thing may well be right: this one was left out.
        Some(next) if is_blob(&next.name) => ArchiveError::Missing(format!("`{wanted}`")),
        Some(next) => ArchiveError::unexpected(Some(&next.name.path()), format!("`{wanted}`")),
        None => ArchiveError::Missing(format!("`{wanted}`")),
    })
}

fn chunk_key(chunk: &ChunkEntry) -> BlobKey {
    BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes())
}

fn is_blob(name: &EntryName) -> bool {
    matches!(
        name,
        EntryName::Node(_) | EntryName::Chunk(_) | EntryName::Delta(_)
    )
}
