//! RequestContext a node: the blocking calls of `sync` over a QUIC connection.

use crate::ident::NodeId;
use crate::keyring;
use crate::net::address::PeerAddress;
use crate::net::quic::dial::CONNECT;
use crate::net::quic::dial::Dialer;
use crate::net::quic::dial::RECONNECT;
use crate::net::quic::dial::Whereabouts;
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
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::runtime::Runtime;

/// How often somebody who waits for an answer looks whether it is still wanted.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_millis(200);
/// After so long a silence the host is asked whether anybody still listens there, and again after
/// as long. QUIC gives a silent peer up later.
const DOUBT: Duration = Duration::from_secs(2);
/// How long an answer to that is waited for.
const PROBE: Duration = Duration::from_millis(200);

/// What asks: a socket, and threads for it.
#[derive(Debug)]
pub struct Net {
    handle: Handle,
    endpoint: Endpoint,
    registry: LocalRegistry,
    pace: Option<Arc<Throttle>>,
    stop: Stop,
    /// What is said of this node.
    own: Hello,
    /// Last, so that it outlives what runs on it.
    runtime: Option<Runtime>,
}

impl Net {
    /// With a runtime of its own.
    ///
    /// # Errors
    /// [`Error::Bind`] when there is no socket to be had; [`Error::Keyring`].
    pub fn new(registry: &LocalRegistry) -> Result<Self, Error> {
        let runtime = runtime()?;
        let mut net = Self::on(registry, runtime.handle().clone())?;
        net.runtime = Some(runtime);
        Ok(net)
    }

    /// On a runtime that somebody else keeps.
    ///
    /// # Errors
    /// As [`Net::new`].
    pub fn on(registry: &LocalRegistry, handle: Handle) -> Result<Self, Error> {
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

    /// Connects to a peer and greets it. Who it is, is compared with who was there before.
    ///
    /// # Errors
    /// [`Error::Peer`]: it does not answer, speaks otherwise, or is somebody else;
    /// [`Error::UnknownPeer`] for a name that no node has.
    pub fn connect(&self, address: &PeerAddress) -> Result<Peer, Error> {
        let address = &KnownPeers::of(&self.registry).named(address)?;
        let at = Whereabouts::Typed(address.clone());
        let (connection, id) = self.dialed(&at, &|| false)?;
        let pinned = KnownPeers::of(&self.registry).check(address, id);
        // Nothing was said to it yet.
        let pinned = pinned.inspect_err(|_| connection.close(0_u32.into(), b"another node"))?;
        self.greeted(at, (connection, id), pinned == Pinned::New)
    }

    /// Connects to a node that was found at one of these addresses, and greets it. It is known by
    /// its id: nothing is remembered of where it was. `is_needless` is asked again and again
    /// while nobody answers.
    ///
    /// # Errors
    /// [`Error::Peer`]: it is at none of them, or speaks otherwise.
    pub fn connect_found(
        &self,
        node: NodeId,
        addresses: Vec<SocketAddr>,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<Peer, Error> {
        let at = Whereabouts::Found(node, addresses);
        let found = self.dialed(&at, is_needless)?;
        self.greeted(at, found, false)
    }

    fn dialed(
        &self,
        at: &Whereabouts,
        is_needless: &dyn Fn() -> bool,
    ) -> Result<(Connection, NodeId), Error> {
        let _step = Step::begin("connect to", at.place());
        let dialed = self.dialer().dial(at, CONNECT, is_needless);
        dialed.map_err(|source| Error::Peer {
            address: at.place(),
            source,
        })
    }

    fn greeted(
        &self,
        at: Whereabouts,
        (connection, id): (Connection, NodeId),
        is_new: bool,
    ) -> Result<Peer, Error> {
        let line = Call {
            connection,
            before: Traffic::default(),
        };
        let mut peer = Peer {
            dialer: self.dialer(),
            line: Mutex::new(line),
            id,
            at,
            hello: self.own.clone(),
            own: self.own.clone(),
            is_new,
            round_trips: AtomicU64::new(0),
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

    /// Ends what waits for peers within a moment of `stop` saying so, with
    /// [`PeerError::Stopped`]: connecting, greeting, and every question.
    #[must_use]
    pub fn until(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Says of this node that it serves these, at this port.
    #[must_use]
    pub fn serving(mut self, access: Access, port: Option<u16>) -> Self {
        self.own = Hello {
            port,
            ..Hello::own(access)
        };
        self
    }

    /// Lets so many bytes a second come from all peers together.
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
            // So that the goodbye is sent, and no more than that.
            let _ = self
                .handle
                .block_on(async { tokio::time::timeout(GOODBYE, self.endpoint.wait_idle()).await });
            // A name that is being looked up is not waited for.
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

/// What went over a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// UDP payload that came.
    pub received: u64,
    /// UDP payload that went.
    pub sent: u64,
    /// Requests that were sent while no other was under way: those beside each other take one round
    /// trip together.
    pub round_trips: u64,
}

/// A node at the other end of a connection. Any number of threads may ask at once.
#[derive(Debug)]
pub struct Peer {
    dialer: Dialer,
    line: Mutex<Call>,
    id: NodeId,
    at: Whereabouts,
    hello: Hello,
    own: Hello,
    is_new: bool,
    round_trips: AtomicU64,
    /// Requests whose answers have not ended.
    under_way: AtomicU64,
    pace: Option<Arc<Throttle>>,
}

/// The connection there is, and what went over those before.
#[derive(Debug)]
struct Call {
    connection: Connection,
    before: Traffic,
}

impl Call {
    fn traffic(&self) -> Traffic {
        let stats = self.connection.stats();
        Traffic {
            received: self.before.received + stats.udp_rx.bytes,
            sent: self.before.sent + stats.udp_tx.bytes,
            round_trips: 0,
        }
    }
}

impl Peer {
    /// Whether nobody was known at its address before.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether its connection is there.
    pub fn is_open(&self) -> bool {
        self.line().connection.close_reason().is_none()
    }

    /// Ends its connection, whoever waits for an answer.
    pub fn hang_up(&self) {
        self.line().connection.close(0_u32.into(), b"done");
    }

    /// Where it was reached.
    pub fn remote(&self) -> SocketAddr {
        let at = self.line().connection.remote_address();
        match at.ip().to_canonical() {
            // A link-local address is nothing without its scope, so IPv6 stays as it is.
            IpAddr::V6(_) => at,
            v4 => SocketAddr::new(v4, at.port()),
        }
    }

    /// What it said of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// What went over the connection so far.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = self.line().traffic();
        traffic.round_trips = self.round_trips.load(Ordering::Relaxed);
        traffic
    }

    fn line(&self) -> MutexGuard<'_, Call> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn greet(&self) -> Result<Hello, PeerError> {
        let mut hello = None;
        let asked = host::instant();
        let is_late = || asked.elapsed() > STALL;
        let request = Request::Hello(self.own.clone());
        // Byte by byte it never stalls.
        let greeted = self.ask(&request, &is_late, &mut |answer| {
            match (answer, &hello) {
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

    /// Asks; the connection stays as it is whatever comes of it.
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
        let mut answers = sent.unwrap_or(Err(PeerError::Stopped))?;
        let mut doubted = host::instant();
        loop {
            // The timer is made inside of the runtime.
            let next = async { tokio::time::timeout(LOOK_UP, answers.next()).await };
            let next = handle.block_on(next);
            if stop.is_asked_for() {
                return Err(PeerError::Stopped);
            }
            match next {
                Ok(Ok(Some(answer))) => {
                    let pace = self.pace.as_ref();
                    if let (Some(pace), Response::Chunks(record)) = (pace, &answer) {
                        pace.keep(record.len(), stop);
                    }
                    each(answer)?;
                }
                Ok(ended) => return ended.map(drop),
                Err(_) if is_needless() => return Err(PeerError::Stopped),
                Err(_) if answers.heard.max(doubted).elapsed() > DOUBT => {
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
    fn who(&self) -> NodeId {
        self.id
    }

    fn place(&self) -> String {
        self.at.place()
    }

    fn serves(&self) -> Access {
        self.hello.access
    }

    fn ask(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            self.round_trips.fetch_add(1, Ordering::Relaxed);
        }
        let connection = self.line().connection.clone();
        let answered = self.ask_over(&connection, request, is_needless, each);
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        if matches!(answered, Err(PeerError::Stalled(_))) {
            // Who asks again gets a new one.
            connection.close(0_u32.into(), b"stalled");
        }
        answered
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        let mut line = self.line();
        if line.connection.close_reason().is_none() {
            return Ok(());
        }
        let (connection, found) = self.dialer.dial(&self.at, RECONNECT, is_needless)?;
        if found != self.id {
            connection.close(0_u32.into(), b"another node");
            let expected = self.id;
            return Err(PeerError::OtherNode { expected, found });
        }
        let before = line.traffic();
        *line = Call { connection, before };
        drop(line);
        self.greet().map(drop)
    }
}
