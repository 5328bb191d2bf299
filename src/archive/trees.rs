//! Trees in an archive. The writer goes from the root and leaves out the blobs that the receiver has.
//! The reader always knows the next entry.

use std::collections::HashSet;

use crate::archive::deltas::BaseBytes;
use crate::archive::deltas::DIFFERENCE_ENTRY_BYTES_MAX;
use crate::archive::deltas::Delta;
use crate::archive::entries::EntryReader;
use crate::archive::entries::EntryWriter;
use crate::archive::error::ArchiveError;
use crate::archive::layout::EntryName;
use crate::archive::recent::RecentBlobs;
use crate::archive::recent::SubtreeState;
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

/// The blobs of a writer, and the choice of those to leave out.
pub trait BlobSource {
    /// The error of the source.
    type Error: From<ArchiveError>;

    /// Returns the bytes of a node.
    ///
    /// # Errors
    /// The node is missing or damaged.
    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, Self::Error>;

    /// Passes the chunks at these positions of a leaf to `each`, in order.
    ///
    /// # Errors
    /// A chunk is missing or damaged; or the error of `each`.
    fn chunks(
        &mut self,
        wanted: &[ChunkEntry],
        each: &mut EachChunk<'_, Self::Error>,
    ) -> Result<(), Self::Error>;

    /// Returns true if the receiver has a blob; for a node, also everything below it.
    fn receiver_has(&self, key: &BlobKey) -> bool;

    /// Returns the bytes of a base that are similar to a chunk.
    fn similar_bytes(&self, chunk: &ChunkEntry) -> Option<BaseBytes>;

    /// Encodes a delta against bytes of a base; `None` where it is not worth its cost.
    ///
    /// # Errors
    /// The base is missing or damaged.
    fn delta(&mut self, raw: &[u8], base: BaseBytes) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// The written part of a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeStats {
    /// Number of chunks.
    pub chunks: u64,
    /// Bytes of these chunks.
    pub bytes: u64,
}

/// Writes a tree.
///
/// # Errors
/// The error of the source or the writer.
pub fn put_tree<S: BlobSource>(
    writer: &mut EntryWriter<'_>,
    source: &mut S,
    recent: &mut RecentBlobs,
    root: TreeId,
) -> Result<TreeStats, S::Error> {
    let mut written = TreeStats::default();
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        if source.receiver_has(&key) {
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
                let mut groups: Vec<LeafGroup> = Vec::new();
                for (n, chunk) in chunks.into_iter().enumerate() {
                    let key = chunk_key(&chunk);
                    if !recent.has(&key) && !source.receiver_has(&key) {
                        recent.add(&key);
                        let base = source.similar_bytes(&chunk);
                        add_to_group(&mut groups, n, chunk, base);
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

/// Chunks of a leaf that go into the stream plain or as one delta.
struct LeafGroup {
    numbers: Vec<usize>,
    chunks: Vec<ChunkEntry>,
    bytes: usize,
    base: Option<BaseBytes>,
}

/// Adds a chunk to the last group, or begins a group.
fn add_to_group(
    groups: &mut Vec<LeafGroup>,
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
        None => groups.push(LeafGroup {
            numbers: vec![number],
            chunks: vec![chunk],
            bytes,
            base,
        }),
    }
}

fn put_group<S: BlobSource>(
    writer: &mut EntryWriter<'_>,
    source: &mut S,
    group: &LeafGroup,
    written: &mut TreeStats,
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

/// Chunks that came as a delta, decoded with the bytes of its base.
pub struct SimilarChunks<'a> {
    /// The expected chunks.
    pub chunks: &'a [&'a ChunkEntry],
    /// Their bytes, one chunk after the other.
    pub raw: Vec<u8>,
    /// The delta's frame.
    pub frame: Vec<u8>,
}

/// The destination of a reader's blobs, and the blobs that the archive leaves out.
pub trait BlobSink {
    /// The error of the sink.
    type Error: From<ArchiveError>;

    /// Returns, for each key, true if its blob is present.
    ///
    /// # Errors
    /// The lookup failed.
    fn has(&mut self, keys: &[BlobKey]) -> Result<Vec<bool>, Self::Error>;

    /// Returns a present node.
    ///
    /// # Errors
    /// The node is damaged.
    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, Self::Error>;

    /// Stores a node with a verified hash.
    ///
    /// # Errors
    /// The store failed.
    fn take_node(&mut self, id: TreeId, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Stores a chunk and compares its hash, at once or before anything becomes visible.
    ///
    /// # Errors
    /// The store failed.
    fn take_chunk(&mut self, chunk: &ChunkEntry, bytes: Vec<u8>) -> Result<(), Self::Error>;

    /// Takes the chunks of a delta without decoding it, and returns true if it did. Only a sink that
    /// stores nothing does so.
    ///
    /// # Errors
    /// The lookup failed.
    fn take_unread(&mut self, _: &[&ChunkEntry], _: BaseBytes) -> Result<bool, Self::Error> {
        Ok(false)
    }

    /// Returns bytes of a base, for the next delta.
    ///
    /// # Errors
    /// The archive names no such base, or it is damaged.
    fn base(&mut self, base: BaseBytes) -> Result<Vec<u8>, Self::Error>;

    /// Stores chunks that came as a delta, and compares their hashes, at once or before
    /// anything becomes visible.
    ///
    /// # Errors
    /// The store failed.
    fn take_similar(&mut self, chunks: SimilarChunks<'_>) -> Result<(), Self::Error>;
}

/// A node whose children are being read.
struct OpenNode {
    id: TreeId,
    level: u8,
    totals: Totals,
    /// The remaining children, the next one last.
    children: Vec<ChildEntry>,
}

/// Reads a tree of this number of bytes. It reads repeated subtrees once, so the archive and the present
/// blobs bound the work, and not the tree's claims.
///
/// # Errors
/// [`ArchiveError`] when an entry is not the expected one, or the error of the sink.
pub fn take_tree<S: BlobSink>(
    reader: &mut EntryReader<'_>,
    sink: &mut S,
    recent: &mut RecentBlobs,
    root: TreeId,
    bytes: u64,
) -> Result<Totals, S::Error> {
    recent.begin_tree();
    let mut stack: Vec<OpenNode> = Vec::new();
    let mut state = (reader, sink, recent);
    let fits = |_, t: Totals| t.bytes == bytes && t.chunks <= bytes;
    let totals = visit(&mut state, root, &fits, &mut stack)?;
    while let Some(open) = stack.last_mut() {
        let level = open.level;
        if let Some(child) = open.children.pop() {
            let fits = |l: u8, t| l.checked_add(1) == Some(level) && t == child.totals;
            visit(&mut state, child.id, &fits, &mut stack)?;
        } else if let Some(done) = stack.pop() {
            state.2.add_whole(done.id, done.level, done.totals);
        }
    }
    Ok(totals)
}

/// The source and destination of nodes and chunks, and the memory of the archive.
type ReadState<'a, 'r, S> = (&'a mut EntryReader<'r>, &'a mut S, &'a mut RecentBlobs);

/// Reads a node. It reads a leaf's chunks, and pushes an inner node's children on the stack.
fn visit<S: BlobSink>(
    (reader, sink, recent): &mut ReadState<'_, '_, S>,
    id: TreeId,
    fits: &dyn Fn(u8, Totals) -> bool,
    stack: &mut Vec<OpenNode>,
) -> Result<Totals, S::Error> {
    let wrong = || ArchiveError::Tree(id.to_hex());
    match recent.subtree(&id) {
        SubtreeState::Exhausted => return Err(ArchiveError::Repeats(id.to_hex()).into()),
        SubtreeState::Whole(level, totals) if fits(level, totals) => return Ok(totals),
        SubtreeState::Whole(..) => return Err(wrong().into()),
        SubtreeState::Unread => {}
    }
    let node = take_node(reader, *sink, recent, id)?;
    let totals = node.totals().ok_or_else(wrong)?;
    if !fits(node.level(), totals) {
        return Err(wrong().into());
    }
    match node {
        Node::Leaf(chunks) => {
            take_leaf(reader, *sink, recent, &chunks)?;
            recent.add_whole(id, 0, totals);
        }
        Node::Inner {
            level,
            mut children,
        } => {
            children.reverse();
            stack.push(OpenNode {
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
    sink: &mut S,
    recent: &mut RecentBlobs,
    id: TreeId,
) -> Result<Node, S::Error> {
    let name = EntryName::node(&id);
    let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
    let bytes = if reader.peek()?.is_some_and(|next| next.name == name) {
        let bytes = reader.read(NODE_BYTES_MAX)?;
        if TreeId::of(&bytes) != id {
            return Err(ArchiveError::Corrupt(name.path()).into());
        }
        sink.take_node(id, &bytes)?;
        recent.add(&key);
        bytes
    } else if sink.has(&[key])?.contains(&true) {
        sink.node(id)?
    } else {
        return Err(absent(reader, &name)?.into());
    };
    Ok(Node::decode(&bytes).map_err(|_| ArchiveError::Tree(id.to_hex()))?)
}

fn take_leaf<S: BlobSink>(
    reader: &mut EntryReader<'_>,
    sink: &mut S,
    recent: &mut RecentBlobs,
    chunks: &[ChunkEntry],
) -> Result<(), S::Error> {
    // One lookup for all chunks, and only when one is left out.
    let mut here: Option<Vec<bool>> = None;
    let mut came: HashSet<usize> = HashSet::new();
    for (n, chunk) in chunks.iter().enumerate() {
        let delta = EntryName::delta(&chunk.id);
        if reader.peek()?.is_some_and(|next| next.name == delta) {
            let numbers = take_delta(reader, sink, chunks, n)?;
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
            sink.take_chunk(chunk, bytes)?;
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
                none.insert(sink.has(&keys)?)
            }
        };
        if here.get(n) != Some(&true) {
            return Err(absent(reader, &name)?.into());
        }
    }
    Ok(())
}

/// Reads the next delta, and returns the chunks of the leaf, from `first` on, that it holds.
fn take_delta<S: BlobSink>(
    reader: &mut EntryReader<'_>,
    sink: &mut S,
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
    if sink.take_unread(&chunks, delta.base)? {
        return Ok(delta.chunks);
    }
    let base = sink.base(delta.base)?;
    let raw = apply(&delta.frame, base, bytes).map_err(|_| corrupt())?;
    sink.take_similar(SimilarChunks {
        chunks: &chunks,
        raw,
        frame: delta.frame,
    })?;
    Ok(delta.chunks)
}

/// Returns the error for a missing entry.
fn absent(reader: &mut EntryReader<'_>, name: &EntryName) -> Result<ArchiveError, ArchiveError> {
    let wanted = name.path();
    Ok(match reader.peek()? {
        // The next entry may be correct, and this one left out.
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
