//! Alignment with the parent version: finds the parent's chunks at the position of a new chunk.
//! Chunks that both versions share keep them aligned across insertions and runs of changes.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::ident::BlobId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::TreeWalk;
use crate::store::disk::BlobReader;

/// Number of parent chunks before and after the current position that are searched. Data moved
/// farther is not found.
const BEHIND_CHUNKS: usize = 4096;
const AHEAD_CHUNKS: usize = 32 << 10;
/// Minimum overlap in bytes that makes a parent chunk a base. Neighbours often overlap a little,
/// because cuts move to line ends.
const OVERLAP_BYTES: u64 = 2 << 10;

/// A tree of the parent version.
#[derive(Debug)]
pub(crate) struct ParentTree {
    pub(crate) reader: BlobReader,
    pub(crate) root: TreeId,
    pub(crate) size: u64,
}

/// The part of the parent version at a chunk's position.
#[derive(Clone, Debug, Default)]
pub(crate) struct ParentPlace {
    /// Possible bases of a delta. Empty if the parent has the chunk itself.
    pub(crate) chunks: Vec<BlobId>,
    /// Position of these bases.
    pub(crate) run: Option<ParentRun>,
    /// The leaf of the parent's tree at this position.
    pub(crate) leaf: Option<TreeId>,
}

/// Adjacent chunks of the parent version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParentRun {
    /// Number of the first chunk, from 0.
    pub(crate) first: u64,
    /// Number of chunks.
    pub(crate) count: u64,
    /// Offset of the first chunk.
    pub(crate) from: u64,
    /// Length of the chunks in bytes.
    pub(crate) bytes: u64,
}

/// A chunk of the parent version.
#[derive(Clone, Copy)]
struct ParentChunk {
    id: BlobId,
    number: u64,
    leaf: TreeId,
    start: u64,
    end: u64,
}

/// Walks the parent version in step with the new one.
pub(crate) struct ParentAlignment<'a> {
    /// `None` once the tree has ended or cannot be read.
    walk: Option<TreeWalk<'a>>,
    window: VecDeque<ParentChunk>,
    /// Number of chunks read so far.
    seen: u64,
    /// The last position of every chunk in the window.
    by_id: HashMap<BlobId, ParentChunk>,
    /// Offset of the next new chunk in the parent version.
    at: u64,
}

impl<'a> ParentAlignment<'a> {
    /// Starts at the beginning of both.
    pub(crate) fn new(parent: &'a ParentTree) -> Self {
        // An unreadable parent only means less compression.
        let walk = TreeWalk::new(&parent.reader, parent.root, parent.size, 0);
        Self {
            walk: walk.ok(),
            window: VecDeque::new(),
            seen: 0,
            by_id: HashMap::new(),
            at: 0,
        }
    }

    /// Returns the parent's part at each of the next chunks. Call it in the order of the data.
    pub(crate) fn place(&mut self, chunks: &[ChunkEntry]) -> Vec<ParentPlace> {
        let mut places = Vec::with_capacity(chunks.len());
        let mut rest = chunks;
        while !rest.is_empty() {
            self.look_ahead();
            let shared = rest.iter().position(|c| self.find(c).is_some());
            let (changed, after) = rest.split_at(shared.unwrap_or(rest.len()));
            let next = after.first().and_then(|c| self.find(c));
            self.place_changed(changed, next, &mut places);
            rest = after;
            if let (Some(old), Some((_, later))) = (next, after.split_first()) {
                places.push(ParentPlace {
                    leaf: Some(old.leaf),
                    ..ParentPlace::default()
                });
                self.at = old.end;
                rest = later;
            }
        }
        places
    }

    /// Aligns changed chunks between two shared ones.
    ///
    /// The first half counts from the front and the second half from the back, so that an insertion
    /// in the middle does not shift the chunks after it.
    fn place_changed(
        &mut self,
        changed: &[ChunkEntry],
        next: Option<ParentChunk>,
        to: &mut Vec<ParentPlace>,
    ) {
        let length: u64 = changed.iter().map(|c| u64::from(c.bytes)).sum();
        let mut done = 0;
        for chunk in changed {
            let bytes = u64::from(chunk.bytes);
            let from_front = self.at.saturating_add(done);
            let start = match next {
                Some(old) if done * 2 >= length && old.start >= self.at => {
                    (old.start).saturating_sub(length - done)
                }
                _ => from_front,
            };
            to.push(self.overlapping(start, start.saturating_add(bytes)));
            done += bytes;
        }
        self.at = self.at.saturating_add(done);
    }

    fn overlapping(&self, start: u64, end: u64) -> ParentPlace {
        let first = self.window.partition_point(|old| old.end <= start);
        let hit = self.window.range(first..).take_while(|o| o.start < end);
        let mut place = ParentPlace::default();
        let mut most = 0;
        for old in hit {
            let shared = end.min(old.end) - start.max(old.start);
            if shared > most {
                most = shared;
                place.leaf = Some(old.leaf);
            }
            let is_much = shared >= OVERLAP_BYTES || shared * 2 >= old.end - old.start;
            if !is_much {
                continue;
            }
            let run = place.run.get_or_insert(ParentRun {
                first: old.number,
                count: 0,
                from: old.start,
                bytes: 0,
            });
            run.count = old.number + 1 - run.first;
            run.bytes = old.end - run.from;
            place.chunks.push(old.id);
        }
        place
    }

    fn find(&self, chunk: &ChunkEntry) -> Option<ParentChunk> {
        let id = BlobId::new(*chunk.id.as_bytes());
        let at = self.window.partition_point(|old| old.end <= self.at);
        // A chunk may occur at many positions. The current one has priority.
        let here = self.window.get(at).filter(|old| old.id == id);
        here.or_else(|| self.by_id.get(&id)).copied()
    }

    /// Moves the window to the current position.
    fn look_ahead(&mut self) {
        let reached = self.window.partition_point(|old| old.end <= self.at);
        for _ in BEHIND_CHUNKS..reached {
            if let Some(old) = self.window.pop_front() {
                // It may occur again later in the window.
                if self
                    .by_id
                    .get(&old.id)
                    .is_some_and(|o| o.start == old.start)
                {
                    self.by_id.remove(&old.id);
                }
            }
        }
        // The window moves in larger steps, because a lookup follows every match.
        if self.window.len() > reached.min(BEHIND_CHUNKS) + AHEAD_CHUNKS / 2 {
            return;
        }
        let most = reached.min(BEHIND_CHUNKS) + AHEAD_CHUNKS;
        while self.window.len() < most {
            let Some(walk) = &mut self.walk else { return };
            let Some(Ok((start, chunk))) = walk.next() else {
                self.walk = None;
                return;
            };
            let old = ParentChunk {
                id: BlobId::new(*chunk.id.as_bytes()),
                number: self.seen,
                leaf: walk.leaf(),
                start,
                end: start.saturating_add(u64::from(chunk.bytes)),
            };
            self.seen += 1;
            self.by_id.insert(old.id, old);
            self.window.push_back(old);
        }
    }
}
