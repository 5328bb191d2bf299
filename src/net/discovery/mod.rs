//! Nodes of this LAN, by DNS-SD over multicast DNS: the driver around the crate `mdns-sd`, which
//! has a thread and sockets of its own. What it finds is a claim; see `sync::PeerTable`.
//! Normative: `spec/discovery.md`.

mod records;
mod worker;

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use mdns_sd::MDNS_PORT;
use mdns_sd::ServiceDaemon;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::ident::NodeId;
use crate::net::discovery::worker::Worker;
use crate::net::stop::Stop;
use crate::protocol::PeerTable;
use crate::protocol::SERVICE;
use crate::protocol::ServiceRecord;
use crate::registry::Error;

/// How long whoever stops waits until the farewell is said.
const FAREWELL: Duration = Duration::from_millis(1_500);

/// What this node says of itself, and where it is.
#[derive(Clone, Debug)]
pub struct Announced {
    /// The UDP port that it serves on.
    pub port: u16,
    /// The addresses that it is bound to. An unspecified one, or none, stands for those of every
    /// interface.
    pub addresses: Vec<IpAddr>,
    /// What it says.
    pub sighting: ServiceRecord,
}

/// What was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A node said something, or is still there: this comes again every few minutes.
    Seen {
        /// What it said.
        sighting: ServiceRecord,
        /// Where it says that it is; never empty, at most 32.
        addresses: Vec<SocketAddr>,
    },
    /// A node said that it leaves, or what it said is too old.
    Gone {
        /// Which.
        node: NodeId,
    },
    /// Discovery stands still for a while, for up to a minute, and then begins anew.
    Trouble {
        /// Why, for people.
        reason: String,
    },
}

/// Who is told. Called from one thread, which does nothing else meanwhile.
pub type Tell = Arc<dyn Fn(Found) + Send + Sync>;

/// Announces a node and watches for others until it is stopped or dropped.
pub struct Discovery {
    shared: Arc<Shared>,
    ended: mpsc::Receiver<()>,
}

/// What the thread of [`Discovery`] shares with whoever holds it.
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

struct State {
    own: Option<Announced>,
    /// `None` while discovery stands still.
    daemon: Option<ServiceDaemon>,
    refresh: bool,
    stop: bool,
}

impl Discovery {
    /// Begins to watch, and to announce where there is something to announce.
    ///
    /// # Errors
    /// [`Error::Bind`] when the port of multicast DNS cannot be shared, [`Error::Transport`] when
    /// a thread or a poll cannot be had.
    pub fn start(own: Option<Announced>, tell: Tell) -> Result<Self, Error> {
        check_port()?;
        let daemon = worker::open().map_err(Error::transport)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                own,
                daemon: Some(daemon.clone()),
                refresh: false,
                stop: false,
            }),
            woken: Condvar::new(),
        });
        let (end, ended) = mpsc::channel();
        let worker = Worker::new(shared.clone(), tell, end);
        let thread = std::thread::Builder::new().name("discovery".to_owned());
        let spawned = thread.spawn({
            let daemon = daemon.clone();
            move || worker.run(daemon)
        });
        if let Err(e) = spawned {
            worker::end(&daemon);
            return Err(Error::transport(e));
        }
        Ok(Self { shared, ended })
    }

    /// Announces something else about the same node: version and what is shown are taken over.
    /// More often than once a second, the last one counts.
    ///
    /// # Errors
    /// [`Error::Transport`] when it could not be handed on; it is announced at the next refresh.
    pub fn update(&self, sighting: &ServiceRecord) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let State { own, daemon, .. } = &mut *state;
        let Some(own) = own else { return Ok(()) };
        own.sighting = ServiceRecord {
            node: own.sighting.node,
            ..sighting.clone()
        };
        let Some(daemon) = daemon else { return Ok(()) };
        let service = records::service(own).map_err(Error::transport)?;
        daemon.register(service).map_err(Error::transport)
    }

    /// Asks and announces anew, forgetting what was heard: after a sleep, when the clock has jumped.
    pub fn refresh(&self) {
        self.shared.lock().refresh = true;
        self.shared.wake();
    }

    /// Says farewell and ends. Whether that was done within 1.5 seconds; if not it is done later.
    pub fn stop(self) -> bool {
        self.end()
    }

    fn end(&self) -> bool {
        self.shared.lock().stop = true;
        self.shared.wake();
        // Nothing is ever sent: the other end goes with its thread.
        let waited = self.ended.recv_timeout(FAREWELL);
        waited == Err(mpsc::RecvTimeoutError::Disconnected)
    }
}

impl Drop for Discovery {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the thread look at what is wished now rather than at its next look.
    fn wake(&self) {
        if let Some(daemon) = &self.lock().daemon {
            // Ends its subscription, which it begins again.
            let _ = daemon.stop_browse(SERVICE);
        }
        self.woken.notify_all();
    }

    /// Waits, unless it is to stop. Whether it is.
    fn pause(&self, for_long: Duration) -> bool {
        let waiting = |state: &mut State| !state.stop;
        let waited = self
            .woken
            .wait_timeout_while(self.lock(), for_long, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.stop
    }
}

/// Who is on this LAN: watches for so long, blocking, and announces nothing.
///
/// # Errors
/// As [`Discovery::start`]; [`Error::Interrupted`] where `stop` says so.
pub fn look(wait: Duration, stop: &Stop) -> Result<Vec<(ServiceRecord, Vec<SocketAddr>)>, Error> {
    let began = Instant::now();
    let directory = Arc::new(Mutex::new(PeerTable::new(None, Duration::ZERO)));
    let tell = {
        let directory = directory.clone();
        move |found: Found| {
            let mut directory = directory.lock().unwrap_or_else(PoisonError::into_inner);
            match found {
                Found::Seen {
                    sighting,
                    addresses,
                } => drop(directory.saw(began.elapsed(), sighting, &addresses)),
                Found::Gone { node } => directory.gone(began.elapsed(), &node),
                Found::Trouble { .. } => {}
            }
        }
    };
    let discovery = Discovery::start(None, Arc::new(tell))?;
    let is_whole = stop.sleep(wait);
    discovery.stop();
    if !is_whole {
        return Err(Error::Interrupted);
    }
    let directory = directory.lock().unwrap_or_else(PoisonError::into_inner);
    let found = directory.list().into_iter();
    Ok(found
        .filter_map(|n| Some((n.sighting?, n.addresses)))
        .collect())
}

/// The crate's thread opens its sockets without a word when it cannot: so they are tried here.
fn check_port() -> Result<(), Error> {
    let try_at = |at: SocketAddr| {
        let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
        if at.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        // Systems without it share the port by the first.
        let _ = socket.set_reuse_port(true);
        socket.bind(&at.into())
    };
    let any = |ip: IpAddr| SocketAddr::new(ip, MDNS_PORT);
    let (four, six) = (
        any(Ipv4Addr::UNSPECIFIED.into()),
        any(Ipv6Addr::UNSPECIFIED.into()),
    );
    try_at(four)
        .or_else(|first| try_at(six).map_err(|_| first))
        .map_err(|source| Error::Bind {
            address: four.to_string(),
            source,
        })
}
