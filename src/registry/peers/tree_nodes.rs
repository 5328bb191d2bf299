//! Tree nodes: found by place for peers, and fetched from peers ahead of the chunks.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::archive_check::Expansion;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::ident::EnvelopeId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
use crate::manifest::DistinctBytes;
use crate::manifest::Manifest;
use crate::manifest::Node;
use crate::manifest::Totals;
use crate::manifest::TreeError;
use crate::protocol::NodePlace;
use crate::protocol::PeerError;
use crate::protocol::PullNodeRequest;
use crate::protocol::Response;
use crate::protocol::TreeKind;
use crate::registry::delta::parent::ParentAlignment;
use crate::registry::delta::parent::ParentTree;
use crate::registry::delta::writer::DeltaWriter;
use crate::registry::error::Error;
use crate::registry::integrity::claims;
use crate::registry::integrity::expansion::FREE_TABLE_BYTES;
use crate::registry::integrity::expansion::distinct_needed;
use crate::registry::peers::server::response_end::ResponseEnd;
use crate::registry::peers::server::response_end::bad_offset;
use crate::registry::store_pipeline::tree_writer::add_node;
use crate::store::disk::BlobReader;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;
use crate::wire::limits::NODES_ASKED_MAX;

/// Target size in bytes of the nodes in one frame.
const FRAME_BYTES: usize = 1 << 20;

/// Returns the root of a manifest's tree and the length of its data in bytes.
pub(crate) fn tree_of(manifest: &Manifest, tree: TreeKind) -> (TreeId, u64) {
    match tree {
        TreeKind::Data => (manifest.chunk_tree_root, manifest.size_bytes),
        TreeKind::Table => (manifest.file_table_root, manifest.file_table_bytes),
    }
}

pub(super) fn node_key(id: TreeId) -> BlobKey {
    BlobKey::new(BlobKind::Node, *id.as_bytes())
}

/// Response with nodes, a frame at a time.
#[derive(Debug)]
pub(crate) struct NodeResponse {
    reader: BlobReader,
    root: TreeId,
    places: std::vec::IntoIter<NodePlace>,
}

impl NodeResponse {
    /// Creates the response to a request about a manifest that the peer may see.
    pub(crate) fn new(reader: BlobReader, manifest: &Manifest, request: &PullNodeRequest) -> Self {
        let (root, _) = tree_of(manifest, request.tree);
        Self {
            reader,
            root,
            places: request.places.clone().into_iter(),
        }
    }

    /// Returns the next frame.
    pub(crate) fn step(&mut self) -> Result<Option<Response>, ResponseEnd> {
        let (mut nodes, mut bytes) = (Vec::new(), 0);
        while bytes < FRAME_BYTES
            && let Some(place) = self.places.next()
        {
            let node = find(&self.reader, self.root, place)?;
            let node = node.ok_or_else(bad_offset)?;
            bytes += node.len();
            nodes.push(node);
        }
        Ok((!nodes.is_empty()).then_some(Response::Nodes(nodes)))
    }
}

/// Returns the bytes of the node at a place.
pub(super) fn find(
    blobs: &dyn BlobStore,
    root: TreeId,
    place: NodePlace,
) -> Result<Option<Vec<u8>>, ResponseEnd> {
    let mut bytes = blobs.get(&node_key(root))?;
    let mut start = 0_u64;
    let mut id = root;
    loop {
        let node = Node::decode(&bytes).map_err(|e| TreeError::Node(id, e))?;
        let is_it = node.level() == place.level && start == place.offset;
        if is_it || place == NodePlace::ROOT {
            return Ok(Some(bytes));
        }
        let Node::Inner { level, children } = node else {
            return Ok(None);
        };
        if level <= place.level {
            return Ok(None);
        }
        let mut below = None;
        for child in children {
            let end = start.saturating_add(child.totals.bytes);
            if place.offset < end {
                below = Some(child.id);
                break;
            }
            start = end;
        }
        let Some(next) = below else {
            return Ok(None);
        };
        id = next;
        bytes = blobs.get(&node_key(id))?;
    }
}

/// Requests nodes from any usable peer.
pub(crate) type SendNodeRequest<'a> =
    dyn FnMut(&PullNodeRequest, &mut CheckNodes<'_>) -> Result<(), Error> + 'a;

/// Checks a peer's response. An error is the peer's fault.
pub(crate) type CheckNodes<'a> = dyn FnMut(Vec<Vec<u8>>) -> Result<(), PeerError> + 'a;

/// Stores the fetched leaves, as deltas if a parent version is held.
pub(crate) struct LeafStore<'a> {
    session: &'a WriteSession,
    /// Alignment with the parent version, and the encoder of deltas against it.
    alignment: Option<(ParentAlignment<'a>, DeltaWriter<'a>)>,
    /// Leaves that the walk has not reached. The base of a leaf is known only in the order of the
    /// data. All are below one node, so a single response bounds their number.
    fetched: HashMap<TreeId, Vec<u8>>,
}

impl<'a> LeafStore<'a> {
    pub(crate) fn new(session: &'a WriteSession, parent: Option<&'a ParentTree>) -> Self {
        let alignment = |p: &'a ParentTree| {
            (
                ParentAlignment::new(p),
                DeltaWriter::new(session, &p.reader),
            )
        };
        Self {
            session,
            alignment: parent.map(alignment),
            fetched: HashMap::new(),
        }
    }

    /// Stores a leaf with these chunks when the walk reaches it.
    fn store_leaf(&mut self, id: TreeId, chunks: &[ChunkEntry]) -> Result<(), StoreError> {
        let (places, deltas) = match &mut self.alignment {
            Some((alignment, deltas)) => (alignment.place(chunks), Some(deltas)),
            None => (Vec::new(), None),
        };
        let Some(bytes) = self.fetched.remove(&id) else {
            return Ok(());
        };
        let near = places.iter().filter_map(|place| place.leaf).collect();
        add_node(self.session, deltas, near, &bytes)
    }
}

/// Walks a partly held tree leaf by leaf, and stores the nodes that it fetches.
pub(crate) struct TreeFetch<'a> {
    /// Session that holds and stores nodes.
    pub(crate) session: &'a WriteSession,
    /// Reader for nodes that were held before.
    pub(crate) reader: &'a BlobReader,
    /// The manifest's envelope id.
    pub(crate) envelope: EnvelopeId,
    /// The tree of the manifest that is walked.
    pub(crate) tree: TreeKind,
    /// Bytes of data that may repeat without regard to the bytes that are sent.
    pub(crate) free_data_bytes: u64,
    /// Requests missing nodes.
    pub(crate) ask: &'a mut SendNodeRequest<'a>,
    /// Destination of leaves.
    pub(crate) leaves: LeafStore<'a>,
}

/// A node that its parent names: its place, its id, and the totals of its subtree.
#[derive(Clone, Copy)]
struct ExpectedNode {
    place: NodePlace,
    id: TreeId,
    totals: Totals,
}

/// Receives the chunks of leaves, in order.
pub(crate) type EachLeaf<'a> = dyn FnMut(Vec<ChunkEntry>) -> Result<(), Error> + 'a;

impl TreeFetch<'_> {
    /// Refuses a tree that is far larger than the distinct chunks that it names.
    ///
    /// Each distinct node is fetched and read once, until the sum is large enough. Leaves are not
    /// stored here: the later walk stores them as deltas against the parent version.
    pub(crate) fn check_expansion(&mut self, manifest: &Manifest) -> Result<(), Error> {
        let (root, claimed_bytes) = tree_of(manifest, self.tree);
        let free_bytes = match self.tree {
            TreeKind::Data => self.free_data_bytes,
            TreeKind::Table => FREE_TABLE_BYTES,
        };
        if claimed_bytes <= free_bytes {
            return Ok(());
        }
        let needed = distinct_needed(claimed_bytes);
        let mut counted = DistinctBytes::default();
        let mut seen: HashSet<TreeId> = HashSet::from([root]);
        let mut stack: Vec<ExpectedNode> = Vec::new();
        let mut node = self.root(root)?;
        let mut start = 0;
        loop {
            counted.add(&node);
            let below = self.children(node, start)?;
            stack.extend(below.into_iter().rev());
            let next = loop {
                match stack.pop() {
                    Some(next) if seen.contains(&next.id) => {
                        self.leaves.fetched.remove(&next.id);
                    }
                    next => break next,
                }
            };
            if counted.bytes() >= needed {
                self.leaves.fetched.clear();
                return Ok(());
            }
            let Some(next) = next else {
                let expansion = Expansion {
                    claimed_bytes,
                    distinct_bytes: counted.bytes(),
                };
                return Err(expansion.refused(manifest));
            };
            seen.insert(next.id);
            node = self.load(next.id)?;
            if node.level() == 0 {
                self.leaves.fetched.remove(&next.id);
            }
            if node.level() != next.place.level || node.totals() != Some(next.totals) {
                return Err(TreeError::Mismatch(next.id).into());
            }
            start = next.place.offset;
        }
    }

    /// Passes all leaves to `each`. Every node is compared with its hash and its parent, so a tree
    /// cannot hold more than the manifest claims.
    pub(crate) fn run(
        &mut self,
        manifest: &Manifest,
        each: &mut EachLeaf<'_>,
    ) -> Result<(), Error> {
        let (root, size) = tree_of(manifest, self.tree);
        let wrong = || TreeError::Size {
            root,
            expected: size,
        };
        let node = self.root(root)?;
        let totals = node.totals().ok_or_else(wrong)?;
        if totals.bytes != size || totals.chunks > size {
            return Err(wrong().into());
        }
        claims::check_totals(manifest, totals)?;
        // Children that are still to come, the next one last.
        let mut stack: Vec<ExpectedNode> = Vec::new();
        self.enter(root, node, 0, &mut stack, each)?;
        while let Some(next) = stack.pop() {
            let node = self.load(next.id)?;
            if node.level() != next.place.level || node.totals() != Some(next.totals) {
                return Err(TreeError::Mismatch(next.id).into());
            }
            self.enter(next.id, node, next.place.offset, &mut stack, each)?;
        }
        Ok(())
    }

    fn enter(
        &mut self,
        id: TreeId,
        node: Node,
        start: u64,
        stack: &mut Vec<ExpectedNode>,
        each: &mut EachLeaf<'_>,
    ) -> Result<(), Error> {
        if let Node::Leaf(chunks) = node {
            self.leaves.store_leaf(id, &chunks)?;
            return each(chunks);
        }
        let below = self.children(node, start)?;
        stack.extend(below.into_iter().rev());
        Ok(())
    }

    /// Returns the expected children of a node, and fetches those that are not held.
    fn children(&mut self, node: Node, start: u64) -> Result<Vec<ExpectedNode>, Error> {
        let Node::Inner { level, children } = node else {
            return Ok(Vec::new());
        };
        let mut offset = start;
        let mut expected = Vec::with_capacity(children.len());
        for child in children {
            let place = NodePlace {
                level: level.saturating_sub(1),
                offset,
            };
            // Below the size that the root was compared with.
            offset = offset.saturating_add(child.totals.bytes);
            expected.push(ExpectedNode {
                place,
                id: child.id,
                totals: child.totals,
            });
        }
        self.fetch_absent(&expected)?;
        Ok(expected)
    }

    fn root(&mut self, id: TreeId) -> Result<Node, Error> {
        if self.session.has(&[node_key(id)])? != [true] {
            self.fetch(&[(NodePlace::ROOT, id)])?;
        }
        self.load(id)
    }

    fn load(&self, id: TreeId) -> Result<Node, Error> {
        let decoded = match self.leaves.fetched.get(&id) {
            Some(bytes) => Node::decode(bytes),
            None => Node::decode(&self.session.get(&node_key(id), self.reader)?),
        };
        Ok(decoded.map_err(|e| TreeError::Node(id, e))?)
    }

    fn fetch_absent(&mut self, expected: &[ExpectedNode]) -> Result<(), Error> {
        let keys: Vec<BlobKey> = expected.iter().map(|e| node_key(e.id)).collect();
        let here = self.session.has(&keys)?;
        // A repeated subtree is fetched once.
        let mut asked: HashSet<TreeId> = HashSet::new();
        let absent = expected.iter().zip(here).filter(|(_, here)| !here);
        let places: Vec<(NodePlace, TreeId)> = absent
            .filter(|(e, _)| asked.insert(e.id))
            .map(|(e, _)| (e.place, e.id))
            .collect();
        for some in places.chunks(NODES_ASKED_MAX) {
            self.fetch(some)?;
        }
        Ok(())
    }

    /// Fetches nodes and stores them. A node that does not fit its parent is the signer's fault,
    /// not the peer's.
    fn fetch(&mut self, wanted: &[(NodePlace, TreeId)]) -> Result<(), Error> {
        let request = PullNodeRequest {
            envelope: self.envelope,
            tree: self.tree,
            places: wanted.iter().map(|(place, _)| *place).collect(),
        };
        let mut kept: Vec<Vec<u8>> = Vec::new();
        (self.ask)(&request, &mut |nodes| {
            if nodes.len() != wanted.len() {
                return Err(PeerError::Misbehaved("another number of tree nodes"));
            }
            let mut pairs = nodes.iter().zip(wanted);
            if !pairs.all(|(bytes, (_, id))| TreeId::of(bytes) == *id) {
                return Err(PeerError::Misbehaved("a tree node that was not asked for"));
            }
            kept = nodes;
            Ok(())
        })?;
        for (bytes, (_, id)) in kept.into_iter().zip(wanted) {
            match Node::decode(&bytes).map_err(|e| TreeError::Node(*id, e))? {
                Node::Leaf(_) => {
                    self.leaves.fetched.insert(*id, bytes);
                }
                Node::Inner { .. } => {
                    self.session.add(BlobKind::Node, &bytes)?;
                }
            }
        }
        Ok(())
    }
}
