//! Making connections: to an address that a person typed, or to a node that was found at several
//! addresses, of which some may be out of reach and some not its own.

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

/// How long a handshake may take at one address.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// The same where the peer was connected a moment ago.
pub(crate) const RECONNECT: Duration = Duration::from_secs(5);
/// A host that says for this long that nobody listens there is believed: a node that is being
/// started may take a moment.
const REFUSED: Duration = Duration::from_secs(1);
/// A typed address from which nothing came for this long is given up: somebody waits for it.
const SILENT: Duration = Duration::from_millis(2_700);
/// How long an answer to a probe is waited for.
const PROBE: Duration = Duration::from_millis(500);
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

/// What connections are made from.
#[derive(Clone, Debug)]
pub(crate) struct Dialer {
    pub(crate) handle: Handle,
    pub(crate) endpoint: Endpoint,
    /// Whether nobody waits for the connection any more.
    pub(crate) stop: Stop,
}

impl Dialer {
    /// A connection, and who is at its other end. Who was found has to be there; who is at a typed
    /// address is the caller's to compare. Each address gets `patience`; `is_needless` ends it all.
    pub(crate) fn dial(
        &self,
        at: &Whereabouts,
        patience: Duration,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<(Connection, NodeId), PeerError> {
        let dialing = async {
            match at {
                Whereabouts::Typed(address) => {
                    let found = resolved(address).await?;
                    self.first_of(found, None, patience).await
                }
                Whereabouts::Found(node, addresses) => {
                    self.first_of(addresses.clone(), Some(*node), patience)
                        .await
                }
            }
        };
        let dialed = self.handle.block_on(self.stop.unless(is_needless, dialing));
        dialed.unwrap_or(Err(PeerError::Stopped))
    }

    /// Tries one address after the other, without waiting long for any; the first wins.
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
        // A node that was found is asked in the background, where patience costs nobody anything.
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
