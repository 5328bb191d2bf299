//! The peers of a look: given, or found when the first byte is needed that is not here.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use crate::ident::EnvelopeId;
use crate::ident::HexPrefix;
use crate::locks::lock;
use crate::manifest::Envelope;
use crate::manifest::Manifest;
use crate::protocol::Access;
use crate::protocol::ChunkSource;
use crate::protocol::ListFilter;
use crate::registry::error::Error;
use crate::registry::error::node::NodeError;
use crate::registry::peers::client::peer_state::PullPeer;
use crate::registry::peers::client::peer_state::SourceReport;
use crate::registry::peers::client::peer_state::no_peer_left;
use crate::registry::peers::client::prefetch::Prefetch;
use crate::registry::peers::client::prefetch::PrefetchRequests;

/// Finds peers and connects to them.
pub trait PeerFinder: Send + Sync {
    /// Returns connected peers that may have a dataset.
    ///
    /// # Errors
    /// `NodeError::NoPeer` when there is none, [`Error::Peer`] when none answers.
    fn find(&self, manifest: &Manifest) -> Result<Vec<Arc<dyn ChunkSource>>, Error>;
}

/// The peers of a look.
pub enum LookPeers {
    /// These have the dataset.
    Connected(Vec<Arc<dyn ChunkSource>>),
    /// They are found when something is missing.
    Found(Box<dyn PeerFinder>),
}

/// The peers of a look, met when they are needed.
pub(super) struct PeerPool {
    unmet: Mutex<Option<Box<dyn PeerFinder>>>,
    met: OnceLock<Vec<PullPeer<'static>>>,
    pauses: [std::time::Duration; 4],
}

impl PeerPool {
    /// Makes the pool. The first of the given peers is sent the `first` requests at once.
    pub(super) fn new(
        peers: LookPeers,
        first: &PrefetchRequests,
        pauses: [std::time::Duration; 4],
    ) -> Self {
        let pool = Self {
            unmet: Mutex::default(),
            met: OnceLock::new(),
            pauses,
        };
        match peers {
            LookPeers::Found(finder) => *lock(&pool.unmet) = Some(finder),
            LookPeers::Connected(peers) => {
                pool.meet(peers, first);
            }
        }
        pool
    }

    /// Returns the peers, and finds them first if that was not done.
    ///
    /// # Errors
    /// `NodeError::NoPeer`, `NodeError::NotAtPeers`, or the fault of a peer when none has the dataset.
    pub(super) fn get(
        &self,
        envelope: EnvelopeId,
        manifest: &Manifest,
    ) -> Result<&[PullPeer<'static>], Error> {
        if let Some(met) = self.met.get() {
            return Ok(met);
        }
        let mut unmet = lock(&self.unmet);
        // Another thread may have been faster.
        if let Some(met) = self.met.get() {
            return Ok(met);
        }
        let finder = unmet.as_ref().ok_or(Error::Node(NodeError::NoPeer))?;
        let found = finder.find(manifest)?;
        let having = having(found, envelope, manifest)?;
        *unmet = None;
        Ok(self.meet(having, &PrefetchRequests::default()))
    }

    /// Returns the peers that were met.
    pub(super) fn met(&self) -> &[PullPeer<'static>] {
        self.met.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns a report on each peer.
    pub(super) fn reports(&self) -> Vec<SourceReport> {
        self.met().iter().map(|p| p.report().clone()).collect()
    }

    /// Returns true if one of the peers serves an access list.
    pub(super) fn is_listed(&self) -> bool {
        self.met()
            .iter()
            .any(|p| p.source.access() == Access::Listed)
    }

    fn meet(
        &self,
        peers: Vec<Arc<dyn ChunkSource>>,
        first: &PrefetchRequests,
    ) -> &[PullPeer<'static>] {
        let mut met = Vec::with_capacity(peers.len());
        for source in peers {
            let prefetch = Prefetch::new(source);
            if met.is_empty() {
                prefetch.ask(first, &|| false);
            }
            let source: Arc<dyn ChunkSource> = Arc::new(prefetch);
            met.push(PullPeer::new(source, self.pauses));
        }
        self.met.get_or_init(|| met)
    }
}

/// Returns the peers that show this very manifest.
fn having(
    found: Vec<Arc<dyn ChunkSource>>,
    envelope: EnvelopeId,
    manifest: &Manifest,
) -> Result<Vec<Arc<dyn ChunkSource>>, Error> {
    let digits = HexPrefix::parse(&manifest.content_id.to_hex());
    let filter = digits.map_or(ListFilter::All, ListFilter::Content);
    let (mut having, mut fault) = (Vec::new(), None);
    if found.is_empty() {
        return Err(Error::Node(NodeError::NoPeer));
    }
    let asked: Vec<_> = std::thread::scope(|scope| {
        let ask = |peer: &Arc<dyn ChunkSource>| {
            let (peer, filter) = (Arc::clone(peer), filter.clone());
            scope.spawn(move || {
                let listed = peer.list(&filter);
                (peer, listed)
            })
        };
        let asking: Vec<_> = found.iter().map(ask).collect();
        asking.into_iter().filter_map(|a| a.join().ok()).collect()
    });
    for (peer, listed) in asked {
        match listed {
            Ok(listed) => {
                let is_it = |bytes: &Vec<u8>| {
                    Envelope::decode(bytes).is_ok_and(|listed| listed.id() == envelope)
                };
                if listed.iter().any(is_it) {
                    having.push(peer);
                }
            }
            Err(source) => fault = Some((peer.address(), source)),
        }
    }
    match (having.is_empty(), fault) {
        (false, _) => Ok(having),
        (true, fault @ Some(_)) => Err(no_peer_left(fault)),
        (true, None) => Err(Error::Node(NodeError::NotAtPeers(
            manifest.name.to_string(),
        ))),
    }
}
