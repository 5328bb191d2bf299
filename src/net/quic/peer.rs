//! Peer connections: the blocking calls of `protocol` over QUIC.

use crate::ident::NodeId;
use crate::keyring;
use crate::locks::lock;
use crate::net::address::PeerAddress;
use crate::net::offline;
use crate::net::quic::dial::CONNECT;
use crate::net::quic::dial::DialTarget;
use crate::net::quic::dial::Dialer;
use crate::net::quic::dial::RECONNECT;
use crate::net::quic::endpoint::asking_endpoint;
use crate::net::quic::probe;
use crate::net::quic::response_frames::STALL;
use crate::net::quic::response_frames::ask;
use crate::net::server::pacer::Throttle;
use crate::net::state::known_peers::KnownPeers;
use crate::net::state::known_peers::Pinned;
use crate::net::stop::Stop;
use crate::protocol::Access;
use crate::protocol::EachResponse;
use crate::protocol::Hello;
use crate::protocol::PeerConnection;
use crate::protocol::PeerError;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::protocol::unexpected;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::step::Step;
use quinn::Connection;
use quinn::Endpoint;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::runtime::Runtime;

/// Interval at which a waiting caller checks if the response is still wanted.
const LOOK_UP: Duration = Duration::from_millis(100);
/// Maximum time of the farewell.
const GOODBYE: Duration = Duration::from_millis(200);
/// Time of silence after which a probe asks the host if the port is closed, and again after the same
/// time. QUIC gives up a silent peer later.
const DOUBT: Duration = Duration::from_secs(2);
/// Maximum wait for the probe's answer.
const PROBE: Duration = Duration::from_millis(200);

/// A client socket, and the threads for it.
#[derive(Debug)]
pub struct Net {
    handle: Handle,
    endpoint: Endpoint,
    registry: LocalRegistry,
    pace: Option<Arc<Throttle>>,
    stop: Stop,
    /// The hello of this node.
    own: Hello,
    /// The own runtime. Last, so that it outlives all that runs on it.
    runtime: Option<Runtime>,
}

impl Net {
    /// Makes a client with a runtime of its own.
    ///
    /// # Errors
    /// `NodeError::Bind` when there is no socket; [`Error::Keyring`].
    pub fn new(registry: &LocalRegistry) -> Result<Self, Error> {
        let runtime = runtime()?;
        let mut net = Self::on(registry, runtime.handle().clone())?;
        net.runtime = Some(runtime);
        Ok(net)
    }

    /// Makes a client on the caller's runtime.
    ///
    /// # Errors
    /// As [`Net::new`].
    pub fn on(registry: &LocalRegistry, handle: Handle) -> Result<Self, Error> {
        offline::check("reach a peer")?;
        let key = keyring::node_key(registry.home())?;
        let guard = handle.enter();
        let endpoint = asking_endpoint(&key)?;
        drop(guard);
        Ok(Self {
            handle,
            endpoint,
            registry: registry.clone(),
            pace: None,
            stop: Stop::default(),
            own: Hello::own(Access::Open),
            runtime: None,
        })
    }

    /// Connects to a peer, exchanges hellos, and compares its key with the pinned one.
    ///
    /// # Errors
    /// [`Error::Peer`]: it does not answer, speaks another protocol, or has another key;
    /// `NodeError::UnknownPeer` for a name that no node has.
    pub fn connect(&self, address: &PeerAddress) -> Result<Peer, Error> {
        let address = &KnownPeers::of(&self.registry).named(address)?;
        let at = DialTarget::Typed(address.clone());
        let (connection, id) = self.connected_to(&at, &|| false)?;
        let pinned = KnownPeers::of(&self.registry).check(address, id);
        // No data was sent to it yet.
        let pinned = pinned.inspect_err(|_| connection.close(0_u32.into(), b"another node"))?;
        self.greeted(at, (connection, id), pinned == Pinned::New)
    }

    /// Connects to a found node at one of these addresses, and exchanges hellos. Its id identifies it,
    /// so no address is pinned. It calls `is_needless` repeatedly while it waits.
    ///
    /// # Errors
    /// [`Error::Peer`]: it is at none of them, or speaks another protocol.
    pub fn connect_found(
        &self,
        node: NodeId,
        addresses: Vec<SocketAddr>,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<Peer, Error> {
        let at = DialTarget::Found(node, addresses);
        let found = self.connected_to(&at, is_needless)?;
        self.greeted(at, found, false)
    }

    fn connected_to(
        &self,
        at: &DialTarget,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<(Connection, NodeId), Error> {
        let _step = Step::begin("connect to", at.place());
        let connected_to = self.dialer().dial(at, CONNECT, is_needless);
        connected_to.map_err(|source| Error::Peer {
            address: at.place(),
            source,
        })
    }

    fn greeted(
        &self,
        at: DialTarget,
        (connection, id): (Connection, NodeId),
        is_new: bool,
    ) -> Result<Peer, Error> {
        let state = ConnectionState {
            connection,
            before: Traffic::default(),
        };
        let mut peer = Peer {
            dialer: self.dialer(),
            state: Mutex::new(state),
            id,
            at,
            hello: self.own.clone(),
            own: self.own.clone(),
            is_new,
            round_trips: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
            pace: self.pace.clone(),
        };
        peer.hello = peer.greet().map_err(|source| Error::Peer {
            address: peer.at.place(),
            source,
        })?;
        Ok(peer)
    }

    fn dialer(&self) -> Dialer {
        Dialer {
            handle: self.handle.clone(),
            endpoint: self.endpoint.clone(),
            stop: self.stop.clone(),
        }
    }

    /// Stops connecting, greeting and every request within a moment of a request by `stop`, with
    /// [`PeerError::Stopped`].
    #[must_use]
    pub fn until(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Sets the access and port that the hello of this node states.
    #[must_use]
    pub fn serving(mut self, access: Access, port: Option<u16>) -> Self {
        self.own = Hello {
            port,
            ..Hello::own(access)
        };
        self
    }

    /// Limits the bytes a second that arrive from all peers together.
    #[must_use]
    pub fn limited(mut self, bytes_per_second: Option<u64>) -> Self {
        self.pace = bytes_per_second.map(|n| Arc::new(Throttle::new(n)));
        self
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.endpoint.close(0_u32.into(), b"done");
        if let Some(runtime) = self.runtime.take() {
            // Long enough to send the farewell.
            let _ = self
                .handle
                .block_on(async { tokio::time::timeout(GOODBYE, self.endpoint.wait_idle()).await });
            // A running name lookup is not waited for.
            runtime.shutdown_background();
        }
    }
}

pub(crate) fn runtime() -> Result<Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(32)
        .build()
        .map_err(|e| Error::machine("start the network's threads", e))
}

/// Traffic of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Received UDP payload, in bytes.
    pub received: u64,
    /// Sent UDP payload, in bytes.
    pub sent: u64,
    /// Requests that began while no other was running: concurrent ones share one round trip.
    pub round_trips: u64,
    /// All requests, the hello among them.
    pub requests: u64,
}

/// A connected peer. Any number of threads may send requests at once.
#[derive(Debug)]
pub struct Peer {
    dialer: Dialer,
    state: Mutex<ConnectionState>,
    id: NodeId,
    at: DialTarget,
    hello: Hello,
    own: Hello,
    is_new: bool,
    round_trips: AtomicU64,
    requests: AtomicU64,
    /// Requests without a complete response.
    under_way: AtomicU64,
    pace: Option<Arc<Throttle>>,
}

/// The present connection, and the traffic of earlier ones.
#[derive(Debug)]
struct ConnectionState {
    connection: Connection,
    before: Traffic,
}

impl ConnectionState {
    fn traffic(&self) -> Traffic {
        let stats = self.connection.stats();
        Traffic {
            received: self.before.received + stats.udp_rx.bytes,
            sent: self.before.sent + stats.udp_tx.bytes,
            round_trips: 0,
            requests: 0,
        }
    }
}

impl Peer {
    /// Returns true if no node was known at its address before.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Returns true if its connection is open.
    pub fn is_open(&self) -> bool {
        self.state().connection.close_reason().is_none()
    }

    /// Closes its connection, even while requests run.
    pub fn hang_up(&self) {
        self.state().connection.close(0_u32.into(), b"done");
    }

    /// Returns the remote address.
    pub fn remote(&self) -> SocketAddr {
        let at = self.state().connection.remote_address();
        match at.ip().to_canonical() {
            // A link-local address needs its scope, so IPv6 stays as it is.
            IpAddr::V6(_) => at,
            v4 => SocketAddr::new(v4, at.port()),
        }
    }

    /// Returns its hello.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Returns the traffic so far.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = self.state().traffic();
        traffic.round_trips = self.round_trips.load(Ordering::Relaxed);
        traffic.requests = self.requests.load(Ordering::Relaxed);
        traffic
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        lock(&self.state)
    }

    fn greet(&self) -> Result<Hello, PeerError> {
        let mut hello = None;
        let begun = host::instant();
        let is_late = || begun.elapsed() > STALL;
        let request = Request::Hello(self.own.clone());
        // A hello that comes byte by byte never stalls.
        let greeted = self.call(&request, &is_late, &mut |response| {
            match (response, &hello) {
                (Response::Hello(said), None) => hello = Some(said),
                _ => return Err(unexpected()),
            }
            Ok(())
        });
        match greeted {
            Err(PeerError::Stopped) if !self.dialer.stop.is_asked_for() => {
                Err(PeerError::Stalled(STALL))
            }
            other => other.and(hello.ok_or(PeerError::Misbehaved("no hello"))),
        }
    }

    /// Sends a request. The connection stays open whatever the result.
    fn ask_over(
        &self,
        connection: &Connection,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        let (handle, stop) = (&self.dialer.handle, &self.dialer.stop);
        let sending = ask(connection, request.encode());
        let sent = handle.block_on(stop.unless(is_needless, sending));
        let mut responses = sent.unwrap_or(Err(PeerError::Stopped))?;
        let mut doubted = host::instant();
        loop {
            // The timer must be made inside the runtime.
            let next = async { tokio::time::timeout(LOOK_UP, responses.next()).await };
            let next = handle.block_on(next);
            if stop.is_asked_for() {
                return Err(PeerError::Stopped);
            }
            match next {
                Ok(Ok(Some(response))) => {
                    let pace = self.pace.as_ref();
                    if let (Some(pace), Response::Chunks(record)) = (pace, &response) {
                        pace.keep(record.len(), stop);
                    }
                    each(response)?;
                }
                Ok(ended) => return ended.map(drop),
                Err(_) if is_needless() => return Err(PeerError::Stopped),
                Err(_) if responses.last_data.max(doubted).elapsed() > DOUBT => {
                    let at = connection.remote_address();
                    if handle.block_on(async { probe::is_refused(at, PROBE).await }) {
                        connection.close(0_u32.into(), b"nobody listens");
                        return Err(PeerError::Lost("nobody listens there any more".to_owned()));
                    }
                    doubted = host::instant();
                }
                Err(_) => {}
            }
        }
    }
}

impl PeerConnection for Peer {
    fn node_id(&self) -> NodeId {
        self.id
    }

    fn address(&self) -> String {
        self.at.place()
    }

    fn access(&self) -> Access {
        self.hello.access
    }

    fn call(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            self.round_trips.fetch_add(1, Ordering::Relaxed);
        }
        let connection = self.state().connection.clone();
        let answered = self.ask_over(&connection, request, is_needless, each);
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        if matches!(answered, Err(PeerError::Stalled(_))) {
            // The next request gets a new connection.
            connection.close(0_u32.into(), b"stalled");
        }
        answered
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        let mut state = self.state();
        if state.connection.close_reason().is_none() {
            return Ok(());
        }
        let (connection, found) = self.dialer.dial(&self.at, RECONNECT, is_needless)?;
        if found != self.id {
            connection.close(0_u32.into(), b"another node");
            let expected = self.id;
            return Err(PeerError::OtherNode { expected, found });
        }
        let before = state.traffic();
        *state = ConnectionState { connection, before };
        drop(state);
        self.greet().map(drop)
    }
}
