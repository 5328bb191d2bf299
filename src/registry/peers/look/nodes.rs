//! Tree nodes of a look: from memory, from the store, or from a peer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use crate::ident::EnvelopeId;
use crate::ident::TreeId;
use crate::locks::lock;
use crate::manifest::Manifest;
use crate::manifest::Node;
use crate::manifest::TreeError;
use crate::protocol::PeerError;
use crate::protocol::PullNodeRequest;
use crate::protocol::TreeKind;
use crate::registry::error::Error;
use crate::registry::peers::client::peer_state::no_peer_left;
use crate::registry::peers::client::peer_state::retry_if_busy;
use crate::registry::peers::look::keep::Keeping;
use crate::registry::peers::look::peers::PeerPool;
use crate::registry::peers::look::tree_cursor::NodeSource;
use crate::registry::peers::look::tree_cursor::PlacedNode;
use crate::registry::peers::tree_nodes::node_key;
use crate::store::disk::BlobReader;

/// Decoded nodes that are kept, in two generations of this many.
const GENERATION_NODES: usize = 512;

/// Decoded nodes, the recently used ones.
#[derive(Default)]
struct NodeCache {
    young: HashMap<TreeId, Arc<Node>>,
    old: HashMap<TreeId, Arc<Node>>,
}

impl NodeCache {
    fn find(&mut self, id: TreeId) -> Option<Arc<Node>> {
        if let Some(node) = self.young.get(&id) {
            return Some(Arc::clone(node));
        }
        let node = self.old.remove(&id)?;
        self.keep(id, &node);
        Some(node)
    }

    fn keep(&mut self, id: TreeId, node: &Arc<Node>) {
        if self.young.len() >= GENERATION_NODES {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, Arc::clone(node));
    }

    fn has(&self, id: TreeId) -> bool {
        self.young.contains_key(&id) || self.old.contains_key(&id)
    }
}

/// The nodes of a tree of a look.
pub(super) struct LookNodes<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) envelope: EnvelopeId,
    pub(super) tree: TreeKind,
    pub(super) keeping: &'a Keeping,
    pub(super) reader: &'a BlobReader,
    pub(super) peers: &'a PeerPool,
    pub(super) cache: &'a CachedNodes,
    pub(super) is_over: &'a (dyn Fn() -> bool + Sync),
}

/// The nodes that a look has in memory.
#[derive(Default)]
pub(super) struct CachedNodes(Mutex<NodeCache>);

impl NodeSource for LookNodes<'_> {
    fn node(&self, wanted: PlacedNode, near: &[PlacedNode]) -> Result<Arc<Node>, Error> {
        if let Some(node) = lock(&self.cache.0).find(wanted.1) {
            return Ok(node);
        }
        if let Some(node) = self.stored(wanted.1)? {
            return Ok(node);
        }
        let mut asked = vec![wanted];
        asked.extend(
            self.absent(near)?
                .into_iter()
                .filter(|(_, id)| *id != wanted.1),
        );
        self.fetch(&asked)?;
        let node = lock(&self.cache.0).find(wanted.1);
        node.ok_or_else(|| TreeError::Mismatch(wanted.1).into())
    }
}

impl LookNodes<'_> {
    /// Returns a node of the store. One that is missing or damaged is fetched.
    fn stored(&self, id: TreeId) -> Result<Option<Arc<Node>>, Error> {
        let key = node_key(id);
        let session = &self.keeping.session;
        if session.locate(&[key])? == [None] {
            return Ok(None);
        }
        let Ok(bytes) = session.get(&key, self.reader) else {
            return Ok(None);
        };
        self.decode(id, &bytes).map(Some)
    }

    fn decode(&self, id: TreeId, bytes: &[u8]) -> Result<Arc<Node>, Error> {
        let node = Arc::new(Node::decode(bytes).map_err(|e| TreeError::Node(id, e))?);
        lock(&self.cache.0).keep(id, &node);
        Ok(node)
    }

    /// Returns those nodes that are not here, each once.
    fn absent(&self, near: &[PlacedNode]) -> Result<Vec<PlacedNode>, Error> {
        let mut unknown: Vec<PlacedNode> = Vec::new();
        let cache = lock(&self.cache.0);
        for (place, id) in near {
            if !cache.has(*id) && !unknown.iter().any(|(_, other)| other == id) {
                unknown.push((*place, *id));
            }
        }
        drop(cache);
        let keys: Vec<_> = unknown.iter().map(|(_, id)| node_key(*id)).collect();
        let here = self.keeping.session.locate(&keys)?;
        let pairs = unknown.into_iter().zip(here);
        Ok(pairs
            .filter(|(_, here)| here.is_none())
            .map(|(n, _)| n)
            .collect())
    }

    /// Fetches nodes from one peer after the other, compares them with their ids, and keeps them.
    fn fetch(&self, asked: &[PlacedNode]) -> Result<(), Error> {
        let request = PullNodeRequest {
            envelope: self.envelope,
            tree: self.tree,
            places: asked.iter().map(|(place, _)| *place).collect(),
        };
        let nodes = self.ask(&request, asked)?;
        for (bytes, (_, id)) in nodes.iter().zip(asked) {
            // A node that is not one is its signer's fault, not the peer's.
            self.decode(*id, bytes)?;
            self.keeping.keep_node(bytes)?;
        }
        Ok(())
    }

    fn ask(&self, request: &PullNodeRequest, asked: &[PlacedNode]) -> Result<Vec<Vec<u8>>, Error> {
        let mut last = None;
        let peers = self.peers.get(self.envelope, self.manifest)?;
        for peer in peers.iter().filter(|p| p.is_usable()) {
            loop {
                if (self.is_over)() {
                    return Err(Error::Interrupted);
                }
                let answered = retry_if_busy(|| peer.source.nodes(request));
                match answered.and_then(|nodes| checked(nodes, asked)) {
                    Ok(nodes) => return Ok(nodes),
                    Err(PeerError::Stopped) => return Err(Error::Interrupted),
                    Err(error) if !error.is_final() && peer.reconnected(&error, self.is_over) => {}
                    Err(error) => {
                        peer.give_up(&error);
                        last = Some((peer.source.address(), error));
                        break;
                    }
                }
            }
        }
        Err(no_peer_left(last))
    }
}

/// Compares nodes with the ids that they were asked for by.
fn checked(nodes: Vec<Vec<u8>>, asked: &[PlacedNode]) -> Result<Vec<Vec<u8>>, PeerError> {
    if nodes.len() != asked.len() {
        return Err(PeerError::Misbehaved("another number of tree nodes"));
    }
    let mut pairs = nodes.iter().zip(asked);
    match pairs.all(|(bytes, (_, id))| TreeId::of(bytes) == *id) {
        true => Ok(nodes),
        false => Err(PeerError::Misbehaved("a tree node that was not asked for")),
    }
}
