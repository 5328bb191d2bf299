//! Peers of a look that are found when something is missing: the named ones, or those that a request
//! without names would ask.

use std::sync::Arc;

use crate::ident::HexPrefix;
use crate::ident::NodeId;
use crate::ident::Reference;
use crate::manifest::Manifest;
use crate::net::address::PeerAddress;
use crate::net::peer_selection::select_peers;
use crate::net::quic::dial::DialTarget;
use crate::net::quic::peer::Net;
use crate::net::quic::peer::Peer;
use crate::net::stop::Stop;
use crate::protocol::Access;
use crate::protocol::ChunkSource;
use crate::protocol::EachResponse;
use crate::protocol::PeerConnection;
use crate::protocol::PeerError;
use crate::protocol::Request;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::peers::PeerFinder;

/// Called with each peer that a finder connected to.
pub type Met = dyn Fn(&Arc<Peer>) + Send + Sync;

/// Finds peers when a look needs them.
pub struct LookPeerFinder {
    registry: LocalRegistry,
    named: Vec<PeerAddress>,
    stop: Stop,
    met: Box<Met>,
}

impl LookPeerFinder {
    /// Makes a finder. Without `named` peers it looks around.
    pub fn new(registry: &LocalRegistry, named: &[PeerAddress], stop: Stop, met: Box<Met>) -> Self {
        Self {
            registry: registry.clone(),
            named: named.to_vec(),
            stop,
            met,
        }
    }
}

/// A connected peer with the socket that it needs, for threads that outlive the caller.
pub struct OwnedPeer {
    // First, so that it is dropped before its socket.
    peer: Arc<Peer>,
    _net: Arc<Net>,
}

impl OwnedPeer {
    /// Makes a shared peer.
    pub fn shared(peer: Arc<Peer>, net: Arc<Net>) -> Arc<dyn ChunkSource> {
        Arc::new(Self { peer, _net: net })
    }
}

impl PeerConnection for OwnedPeer {
    fn node_id(&self) -> NodeId {
        PeerConnection::node_id(&*self.peer)
    }

    fn address(&self) -> String {
        PeerConnection::address(&*self.peer)
    }

    fn access(&self) -> Access {
        PeerConnection::access(&*self.peer)
    }

    fn call(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        self.peer.call(request, is_needless, each)
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        PeerConnection::reconnect(&*self.peer, is_needless)
    }
}

impl PeerFinder for LookPeerFinder {
    fn find(&self, manifest: &Manifest) -> Result<Vec<Arc<dyn ChunkSource>>, Error> {
        let net = Arc::new(Net::new(&self.registry)?.until(self.stop.clone()));
        let places = if self.named.is_empty() {
            let digits = HexPrefix::parse(&manifest.content_id.to_hex());
            let wanted = digits.map(Reference::Content);
            select_peers(&self.registry, wanted.as_ref(), &self.stop)?
        } else {
            self.named.iter().cloned().map(DialTarget::Typed).collect()
        };
        let connected: Vec<Result<Peer, Error>> = std::thread::scope(|scope| {
            let connect = |place: &DialTarget| {
                let (net, place) = (&net, place.clone());
                scope.spawn(move || match place {
                    DialTarget::Typed(address) => net.connect(&address),
                    DialTarget::Found(node, at) => net.connect_found(node, at, &|| false),
                })
            };
            let started: Vec<_> = places.iter().map(connect).collect();
            let joined = started.into_iter().map(|s| s.join());
            joined
                .map(|peer| peer.unwrap_or(Err(Error::Node(NodeError::NoPeer))))
                .collect()
        });
        let (mut peers, mut fault) = (Vec::new(), Error::Node(NodeError::NoPeer));
        for peer in connected {
            match peer {
                Ok(peer) => {
                    let peer = Arc::new(peer);
                    (self.met)(&peer);
                    peers.push(peer);
                }
                Err(error) => fault = error,
            }
        }
        if peers.is_empty() {
            return Err(fault);
        }
        let owned = peers.into_iter();
        Ok(owned
            .map(|p| OwnedPeer::shared(p, Arc::clone(&net)))
            .collect())
    }
}
