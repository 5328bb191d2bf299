//! Tree cursor: finds the leaf of a byte or of a newline in a tree of which a part is here. It checks
//! every node against its parent, and asks for nodes by their places.

use std::sync::Arc;

use crate::ident::TreeId;
use crate::manifest::ChildEntry;
use crate::manifest::ChunkEntry;
use crate::manifest::Node;
use crate::manifest::Totals;
use crate::manifest::TreeError;
use crate::protocol::NodePlace;
use crate::registry::error::Error;

/// A node by its place and id.
pub(super) type PlacedNode = (NodePlace, TreeId);

/// Gives nodes that were compared with their ids.
pub(super) trait NodeSource {
    /// Returns a node. `near` are nodes that are needed soon: they may be fetched by the same request.
    ///
    /// # Errors
    /// [`Error`] when nobody has it.
    fn node(&self, wanted: PlacedNode, near: &[PlacedNode]) -> Result<Arc<Node>, Error>;
}

/// The content of the wanted leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeafGoal {
    /// The byte at this offset.
    Byte(u64),
    /// The newline with this number, from 0.
    Newline(u64),
}

impl LeafGoal {
    /// Returns true if data with these totals reaches the goal.
    fn is_in(self, totals: Totals) -> bool {
        match self {
            Self::Byte(offset) => totals.bytes > offset,
            Self::Newline(number) => totals.newlines > number,
        }
    }
}

/// A leaf and the totals before it.
#[derive(Clone, Debug)]
pub(super) struct PlacedLeaf {
    pub(super) before: Totals,
    node: Arc<Node>,
}

impl PlacedLeaf {
    /// Returns its chunks.
    pub(super) fn chunks(&self) -> &[ChunkEntry] {
        match &*self.node {
            Node::Leaf(chunks) => chunks,
            Node::Inner { .. } => &[],
        }
    }

    /// Returns each chunk with the totals before it.
    pub(super) fn placed(&self) -> impl Iterator<Item = (Totals, &ChunkEntry)> {
        self.chunks().iter().scan(self.before, |before, chunk| {
            let at = *before;
            *before = after(at, chunk);
            Some((at, chunk))
        })
    }

    /// Returns the chunk that reaches a goal, with the totals before it.
    pub(super) fn find(&self, goal: LeafGoal) -> Option<(Totals, ChunkEntry)> {
        let mut placed = self.placed();
        let found = placed.find(|(before, chunk)| goal.is_in(after(*before, chunk)));
        found.map(|(before, chunk)| (before, *chunk))
    }
}

/// Returns the totals after a chunk. Those of the whole tree fit, so these do.
fn after(before: Totals, chunk: &ChunkEntry) -> Totals {
    Totals {
        bytes: before.bytes.saturating_add(u64::from(chunk.bytes)),
        chunks: before.chunks.saturating_add(1),
        newlines: before.newlines.saturating_add(u64::from(chunk.newlines)),
    }
}

/// A tree with a verified root.
#[derive(Debug)]
pub(super) struct TreeCursor {
    root: TreeId,
    totals: Totals,
}

impl TreeCursor {
    /// Begins at the root of a tree that holds this number of bytes.
    ///
    /// # Errors
    /// [`TreeError`] when the root holds another number; [`Error`] when nobody has it.
    pub(super) fn new(root: TreeId, size: u64, source: &dyn NodeSource) -> Result<Self, Error> {
        let node = source.node((NodePlace::ROOT, root), &[])?;
        let totals = node
            .totals()
            .filter(|t| t.bytes == size && t.chunks <= size);
        let totals = totals.ok_or(TreeError::Size {
            root,
            expected: size,
        })?;
        Ok(Self { root, totals })
    }

    /// Returns the totals of the tree.
    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Returns the leaf that reaches a goal; `None` behind the end. `ahead` is the number of leaves
    /// after it that may be fetched by the same request.
    ///
    /// # Errors
    /// [`TreeError`] when a node does not fit its parent; [`Error`] when nobody has it.
    pub(super) fn leaf(
        &self,
        goal: LeafGoal,
        ahead: usize,
        source: &dyn NodeSource,
    ) -> Result<Option<PlacedLeaf>, Error> {
        if !goal.is_in(self.totals) {
            return Ok(None);
        }
        let mut before = Totals::default();
        let mut node = source.node((NodePlace::ROOT, self.root), &[])?;
        // Every child is of one level less, so this ends.
        loop {
            let Node::Inner { level, children } = &*node else {
                return Ok(Some(PlacedLeaf { before, node }));
            };
            let below = level.saturating_sub(1);
            let (n, child) = self.child(children, goal, &mut before)?;
            let near = match below {
                0 => siblings(children, (n, before), ahead),
                _ => Vec::new(),
            };
            let place = NodePlace {
                level: below,
                offset: before.bytes,
            };
            let next = source.node((place, child.id), &near)?;
            if next.level() != below || next.totals() != Some(child.totals) {
                return Err(TreeError::Mismatch(child.id).into());
            }
            node = next;
        }
    }

    /// Returns the child that reaches a goal, and adds the totals of those before it.
    fn child(
        &self,
        children: &[ChildEntry],
        goal: LeafGoal,
        before: &mut Totals,
    ) -> Result<(usize, ChildEntry), Error> {
        let mismatch = || Error::from(TreeError::Mismatch(self.root));
        for (n, child) in children.iter().enumerate() {
            let after = before.plus(child.totals).ok_or_else(mismatch)?;
            if goal.is_in(after) {
                return Ok((n, *child));
            }
            *before = after;
        }
        // The totals above said that it is here.
        Err(mismatch())
    }
}

/// Returns the places of the leaves after the `n`th child, which begins at `before`.
fn siblings(
    children: &[ChildEntry],
    (n, before): (usize, Totals),
    ahead: usize,
) -> Vec<PlacedNode> {
    let mut offset = before.bytes;
    let mut near = Vec::new();
    for pair in children.get(n..).unwrap_or_default().windows(2).take(ahead) {
        let [this, next] = pair else { break };
        offset = offset.saturating_add(this.totals.bytes);
        near.push((NodePlace { level: 0, offset }, next.id));
    }
    near
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use super::*;
    use crate::ident::ChunkId;
    use crate::manifest::TreeBuilder;
    use crate::protocol::Random;

    /// Nodes in memory, with the requests for them.
    #[derive(Default)]
    struct Nodes {
        nodes: HashMap<TreeId, Arc<Node>>,
        asked: Mutex<Vec<(NodePlace, usize)>>,
    }

    impl NodeSource for Nodes {
        fn node(&self, wanted: PlacedNode, near: &[PlacedNode]) -> Result<Arc<Node>, Error> {
            self.asked.lock().unwrap().push((wanted.0, near.len()));
            let node = self.nodes.get(&wanted.1);
            node.cloned()
                .ok_or_else(|| TreeError::Mismatch(wanted.1).into())
        }
    }

    /// Builds a tree of random chunks; returns its nodes, root, and chunks.
    fn tree(seed: u64, chunks: usize) -> (Nodes, TreeId, Vec<ChunkEntry>) {
        let mut random = Random::new(seed);
        let (mut nodes, mut builder, mut all) = (Nodes::default(), TreeBuilder::new(), Vec::new());
        let mut emit = |id, bytes: Vec<u8>| {
            nodes
                .nodes
                .insert(id, Arc::new(Node::decode(&bytes).unwrap()));
        };
        for _ in 0..chunks {
            let chunk = ChunkEntry {
                id: ChunkId::of(&random.next_u64().to_le_bytes()),
                bytes: 1 + random.below(65_000) as u32,
                newlines: 0,
            };
            let newlines = random.below(4).min(u64::from(chunk.bytes)) as u32;
            let chunk = ChunkEntry { newlines, ..chunk };
            builder.push(chunk, &mut emit);
            all.push(chunk);
        }
        let (root, _) = builder.finish(&mut emit);
        (nodes, root, all)
    }

    fn size(chunks: &[ChunkEntry]) -> u64 {
        chunks.iter().map(|c| u64::from(c.bytes)).sum()
    }

    #[test]
    fn cursor_every_byte_and_newline_is_in_the_leaf_that_it_finds() {
        for (seed, count) in [(1, 1), (2, 40), (3, 3_000), (4, 30_000)] {
            let (nodes, root, chunks) = tree(seed, count);
            let cursor = TreeCursor::new(root, size(&chunks), &nodes).unwrap();
            let mut before = Totals::default();
            for (n, chunk) in chunks.iter().enumerate() {
                let end = after(before, chunk);
                if n % 37 == 0 || n + 1 == chunks.len() {
                    let goals = [
                        LeafGoal::Byte(before.bytes),
                        LeafGoal::Byte(end.bytes - 1),
                        LeafGoal::Newline(end.newlines.max(1) - 1),
                    ];
                    let has_newline = end.newlines > before.newlines;
                    for goal in goals.iter().take(2 + usize::from(has_newline)) {
                        let leaf = cursor.leaf(*goal, 0, &nodes).unwrap().unwrap();
                        assert_eq!(leaf.find(*goal), Some((before, *chunk)), "{goal:?}");
                    }
                }
                before = end;
            }
            let behind = [
                LeafGoal::Byte(before.bytes),
                LeafGoal::Newline(before.newlines),
            ];
            for goal in behind {
                assert!(cursor.leaf(goal, 0, &nodes).unwrap().is_none(), "{goal:?}");
            }
        }
    }

    #[test]
    fn cursor_asks_for_one_node_a_level_and_for_leaves_ahead() {
        let (nodes, root, chunks) = tree(5, 30_000);
        let cursor = TreeCursor::new(root, size(&chunks), &nodes).unwrap();
        nodes.asked.lock().unwrap().clear();
        cursor.leaf(LeafGoal::Byte(0), 7, &nodes).unwrap();
        let asked = nodes.asked.lock().unwrap().clone();
        let levels: Vec<u8> = asked.iter().map(|(place, _)| place.level).collect();
        assert_eq!(levels, [NodePlace::ROOT.level, 1, 0]);
        assert!(asked.iter().all(|(_, near)| [0, 7].contains(near)));
        assert_eq!(asked.last().unwrap().1, 7);
    }

    #[test]
    fn cursor_node_that_does_not_fit_its_parent_is_refused() {
        let (mut nodes, root, chunks) = tree(6, 30_000);
        let cursor = TreeCursor::new(root, size(&chunks), &nodes).unwrap();
        let other = tree(7, 100).0;
        let other = other.nodes.values().find(|n| n.level() == 0).unwrap();
        for node in nodes.nodes.values_mut().filter(|n| n.level() == 0) {
            *node = Arc::clone(other);
        }
        let refused = cursor.leaf(LeafGoal::Byte(9), 0, &nodes).unwrap_err();
        assert!(refused.to_string().contains("tree node"), "{refused}");
    }

    #[test]
    fn cursor_root_with_another_length_is_refused() {
        let (nodes, root, chunks) = tree(8, 50);
        for wrong in [0, size(&chunks) - 1, size(&chunks) + 1, u64::MAX] {
            assert!(TreeCursor::new(root, wrong, &nodes).is_err(), "{wrong}");
        }
    }
}
