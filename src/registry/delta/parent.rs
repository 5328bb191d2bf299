//! The version before, beside the one that is being stored: which of its chunks lie where a chunk
//! that is new would lie in it. Chunks that both have keep the two aligned, through insertions and
//! through runs of changes.

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::ident::BlobId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::TreeWalk;
use crate::store::disk::BlobReader;

/// Chunks of the version before that are looked at before and after the place that was reached:
/// what was moved farther is not found again.
const BEHIND_CHUNKS: usize = 4096;
const AHEAD_CHUNKS: usize = 32 << 10;
/// So much of a chunk must lie in a base to make it one: cuts move to line ends, so that
/// neighbours often overlap a little.
const OVERLAP_BYTES: u64 = 2 << 10;

/// A tree of the version before.
#[derive(Debug)]
pub(crate) struct ParentTree {
    pub(crate) reader: BlobReader,
    pub(crate) root: TreeId,
    pub(crate) size: u64,
}

/// What of the version before lies where a chunk lies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Chunks that it may be a delta against; none where the chunk itself is there.
    pub(crate) chunks: Vec<BlobId>,
    /// Where these are.
    pub(crate) run: Option<ParentRun>,
    /// The leaf of the tree that is there.
    pub(crate) leaf: Option<TreeId>,
}

/// Chunks of the version before that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ParentRun {
    /// The first, counted from the first of all.
    pub(crate) first: u64,
    /// How many.
    pub(crate) count: u64,
    /// Where the first begins.
    pub(crate) from: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// A chunk of the version before.
#[derive(Clone, Copy)]
struct Old {
    id: BlobId,
    number: u64,
    leaf: TreeId,
    start: u64,
    end: u64,
}

/// Goes through the version before as the new one comes.
pub(crate) struct ParentAlignment<'a> {
    /// Gone once the tree has ended, or could not be read on.
    walk: Option<TreeWalk<'a>>,
    window: VecDeque<Old>,
    /// Chunks that were looked at.
    seen: u64,
    /// The latest place in the window of every chunk in it.
    by_id: HashMap<BlobId, Old>,
    /// Where the next new chunk would lie in the version before.
    at: u64,
}

impl<'a> ParentAlignment<'a> {
    /// At the beginning of both.
    pub(crate) fn new(previous: &'a ParentTree) -> Self {
        // One that cannot be read is only no help.
        let walk = TreeWalk::new(&previous.reader, previous.root, previous.size, 0);
        Self {
            walk: walk.ok(),
            window: VecDeque::new(),
            seen: 0,
            by_id: HashMap::new(),
            at: 0,
        }
    }

    /// What lies where the next chunks lie. To be asked in the order of the data.
    pub(crate) fn place(&mut self, chunks: &[ChunkEntry]) -> Vec<Place> {
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
                places.push(Place {
                    leaf: Some(old.leaf),
                    ..Place::default()
                });
                self.at = old.end;
                rest = later;
            }
        }
        places
    }

    /// Places chunks between what both have: the first half counted from the front, the other
    /// from the back, so that an insertion does not move what is behind it.
    fn place_changed(&mut self, changed: &[ChunkEntry], next: Option<Old>, to: &mut Vec<Place>) {
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

    fn overlapping(&self, start: u64, end: u64) -> Place {
        let first = self.window.partition_point(|old| old.end <= start);
        let hit = self.window.range(first..).take_while(|o| o.start < end);
        let mut place = Place::default();
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

    fn find(&self, chunk: &ChunkEntry) -> Option<Old> {
        let id = BlobId::new(*chunk.id.as_bytes());
        let at = self.window.partition_point(|old| old.end <= self.at);
        // The same chunk may be in many places; the one that was reached comes first.
        let here = self.window.get(at).filter(|old| old.id == id);
        here.or_else(|| self.by_id.get(&id)).copied()
    }

    /// Moves the window along with the place that was reached.
    fn look_ahead(&mut self) {
        let reached = self.window.partition_point(|old| old.end <= self.at);
        for _ in BEHIND_CHUNKS..reached {
            if let Some(old) = self.window.pop_front() {
                // It may come again later in the window.
                if self
                    .by_id
                    .get(&old.id)
                    .is_some_and(|o| o.start == old.start)
                {
                    self.by_id.remove(&old.id);
                }
            }
        }
        // Not a chunk at a time: a place is looked for whenever something was found.
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
            let old = Old {
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
