//! Making connections: to an address that a person typed, or to a node that was found at several
//! addresses, of which some may be out of reach and some not its own.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::time::Duration;

use quinn::Connection;
use quinn::Endpoint;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::ident::NodeId;
use crate::net::address::PeerAddress;
use crate::net::answers::lost;
use crate::net::crypto;
use crate::sync::PeerError;

/// How long a handshake may take at one address.
const CONNECT: Duration = Duration::from_secs(10);
/// The next address is tried when the one before has not answered for this long (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses that are tried of one peer.
const ADDRESSES_MAX: usize = 16;

/// Where a peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Somebody typed it.
    Typed(PeerAddress),
    /// A node, and addresses at which it was seen, best first.
    Found(NodeId, Vec<SocketAddr>),
}

impl Whereabouts {
    /// For messages.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Typed(address) => address.place(),
            Self::Found(_, addresses) => match addresses.first() {
                Some(first) => first.to_string(),
                None => "no address".to_owned(),
            },
        }
    }
}

/// What connections are made from.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    pub(crate) handle: Handle,
    pub(crate) endpoint: Endpoint,
}

impl Dialer {
    /// A connection, and who is at its other end. Who was found has to be there; who is at a typed
    /// address is the caller's to compare.
    pub(crate) fn dial(&self, at: &Whereabouts) -> Result<(Connection, NodeId), PeerError> {
        self.handle.block_on(async {
            match at {
                Whereabouts::Typed(address) => {
                    let found = resolved(address).await?;
                    self.first_of(found, None).await
                }
                Whereabouts::Found(node, addresses) => {
                    self.first_of(addresses.clone(), Some(*node)).await
                }
            }
        })
    }

    /// Tries one address after the other, without waiting long for any; the first wins.
    async fn first_of(
        &self,
        mut addresses: Vec<SocketAddr>,
        expected: Option<NodeId>,
    ) -> Result<(Connection, NodeId), PeerError> {
        addresses.truncate(ADDRESSES_MAX);
        let mut last = PeerError::Lost("it has no address".to_owned());
        let mut tries = JoinSet::new();
        let mut left = addresses.into_iter();
        loop {
            if let Some(at) = left.next() {
                tries.spawn(attempt(self.endpoint.clone(), reachable(at), expected));
            } else if tries.is_empty() {
                return Err(last);
            }
            let patience = match left.len() {
                0 => CONNECT,
                _ => STAGGER,
            };
            match tokio::time::timeout(patience, tries.join_next()).await {
                // What is still being tried is dropped, and closed.
                Ok(Some(Ok(Ok(connected)))) => return Ok(connected),
                Ok(Some(Ok(Err(error)))) => last = worse(last, error),
                Ok(Some(Err(error))) => last = PeerError::Lost(error.to_string()),
                Ok(None) | Err(_) => {}
            }
        }
    }
}

/// That somebody else is there tells more than that nobody answers.
fn worse(before: PeerError, now: PeerError) -> PeerError {
    match before {
        PeerError::OtherNode { .. } => before,
        _ => now,
    }
}

async fn attempt(
    endpoint: Endpoint,
    at: SocketAddr,
    expected: Option<NodeId>,
) -> Result<(Connection, NodeId), PeerError> {
    let connecting = endpoint.connect(at, "node.invalid");
    let connecting = connecting.map_err(|e| PeerError::Lost(e.to_string()))?;
    let connection = match tokio::time::timeout(CONNECT, connecting).await {
        Ok(connected) => connected.map_err(lost)?,
        Err(_) => return Err(PeerError::Lost("it does not answer".to_owned())),
    };
    let found = crypto::peer_key(&connection).map(NodeId::new);
    let found = found.ok_or(PeerError::Misbehaved("no key"))?;
    match expected {
        Some(expected) if expected != found => {
            connection.close(0_u32.into(), b"another node");
            Err(PeerError::OtherNode { expected, found })
        }
        _ => Ok((connection, found)),
    }
}

async fn resolved(address: &PeerAddress) -> Result<Vec<SocketAddr>, PeerError> {
    let place = (address.host.clone(), address.port);
    let found = tokio::task::spawn_blocking(move || {
        place.to_socket_addrs().map(Iterator::collect::<Vec<_>>)
    });
    let found = found.await.map_err(|e| PeerError::Lost(e.to_string()))?;
    found.map_err(|e| PeerError::Lost(format!("its name has no address: {e}")))
}

/// A node that listens everywhere is here.
fn reachable(at: SocketAddr) -> SocketAddr {
    match at {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, at.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, at.port()).into(),
        other => other,
    }
}
