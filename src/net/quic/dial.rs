//! Dialling: connects to a typed address, or to a node with several known addresses, some of which may
//! be unreachable or not its own.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs;
use std::pin::pin;
use std::time::Duration;

use quinn::Connection;
use quinn::Endpoint;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::ident::NodeId;
use crate::net::address::PeerAddress;
use crate::net::crypto;
use crate::net::quic::probe;
use crate::net::quic::response_frames::lost;
use crate::net::stop::Stop;
use crate::protocol::PeerError;

/// Maximum time of a handshake at one address.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// The same where the peer was connected a moment ago.
pub(crate) const RECONNECT: Duration = Duration::from_secs(5);
/// Time for which a host must refuse the port before the dialler gives up: a starting node may
/// take a moment.
const REFUSED: Duration = Duration::from_secs(1);
/// Time without any answer after which a typed address is given up, because a person waits.
const SILENT: Duration = Duration::from_millis(2_700);
/// Maximum wait for the answer to a probe.
const PROBE: Duration = Duration::from_millis(500);
/// Time after which the next address is tried in parallel (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);
/// Maximum number of addresses tried for one peer.
const ADDRESSES_MAX: usize = 16;

/// The target of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialTarget {
    /// A typed address.
    Typed(PeerAddress),
    /// A node, and addresses where it was seen, the best first.
    Found(NodeId, Vec<SocketAddr>),
}

impl DialTarget {
    /// Returns the target for messages.
    pub fn place(&self) -> String {
        match self {
            Self::Typed(address) => address.place(),
            Self::Found(_, addresses) => match addresses.first() {
                Some(first) => first.to_string(),
                None => "no address".to_owned(),
            },
        }
    }
}

/// The inputs of a dial.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    pub(crate) handle: Handle,
    pub(crate) endpoint: Endpoint,
    /// Set when no caller waits for the connection any more.
    pub(crate) stop: Stop,
}

impl Dialer {
    /// Connects, and returns the connection with the peer's key. A found node must have its key; at a
    /// typed address the caller compares it. Each address gets `patience`; `is_needless` ends the dial.
    pub(crate) fn dial(
        &self,
        at: &DialTarget,
        patience: Duration,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<(Connection, NodeId), PeerError> {
        let dialing = async {
            match at {
                DialTarget::Typed(address) => {
                    let found = resolved(address).await?;
                    self.first_of(found, None, patience).await
                }
                DialTarget::Found(node, addresses) => {
                    self.first_of(addresses.clone(), Some(*node), patience)
                        .await
                }
            }
        };
        let connected_to = self.handle.block_on(self.stop.unless(is_needless, dialing));
        connected_to.unwrap_or(Err(PeerError::Stopped))
    }

    /// Tries one address after the other with a short delay; the first success wins.
    async fn first_of(
        &self,
        mut addresses: Vec<SocketAddr>,
        expected: Option<NodeId>,
        longest: Duration,
    ) -> Result<(Connection, NodeId), PeerError> {
        addresses.truncate(ADDRESSES_MAX);
        let mut last = PeerError::Lost("it has no address".to_owned());
        let mut tries = JoinSet::new();
        let mut left = addresses.into_iter();
        loop {
            if let Some(at) = left.next() {
                tries.spawn(attempt(
                    self.endpoint.clone(),
                    reachable(at),
                    expected,
                    longest,
                ));
            } else if tries.is_empty() {
                return Err(last);
            }
            let patience = match left.len() {
                0 => longest,
                _ => STAGGER,
            };
            match tokio::time::timeout(patience, tries.join_next()).await {
                // Other attempts are dropped, and so closed.
                Ok(Some(Ok(Ok(connected)))) => return Ok(connected),
                Ok(Some(Ok(Err(error)))) => last = more_informative(last, error),
                Ok(Some(Err(error))) => last = PeerError::Lost(error.to_string()),
                Ok(None) | Err(_) => {}
            }
        }
    }
}

/// Returns the more informative error: another node's answer says more than silence.
fn more_informative(before: PeerError, now: PeerError) -> PeerError {
    match before {
        PeerError::OtherNode { .. } => before,
        _ => now,
    }
}

async fn attempt(
    endpoint: Endpoint,
    at: SocketAddr,
    expected: Option<NodeId>,
    longest: Duration,
) -> Result<(Connection, NodeId), PeerError> {
    let connecting = endpoint.connect(at, "node.invalid");
    let connecting = connecting.map_err(|e| PeerError::Lost(e.to_string()))?;
    let begun = tokio::time::Instant::now();
    let mut connecting = pin!(connecting);
    let early = longest.min(REFUSED);
    let mut connected = tokio::time::timeout(early, connecting.as_mut()).await;
    if connected.is_err() {
        if probe::is_refused(at, PROBE).await {
            return Err(PeerError::Lost("nobody listens there".to_owned()));
        }
        // A found node is dialled in the background, where patience costs nothing.
        if expected.is_none() {
            let rest = SILENT.saturating_sub(begun.elapsed());
            let first_words = connecting.as_mut().get_mut().handshake_data();
            if tokio::time::timeout(rest, first_words).await.is_err() {
                return Err(PeerError::Lost("it does not answer".to_owned()));
            }
        }
        let rest = longest.saturating_sub(begun.elapsed());
        connected = tokio::time::timeout(rest, connecting).await;
    }
    let connection = match connected {
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
    found.map_err(|e| PeerError::UnknownHost(e.to_string()))
}

/// Replaces an unspecified address by loopback.
fn reachable(at: SocketAddr) -> SocketAddr {
    match at {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, at.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, at.port()).into(),
        other => other,
    }
}
