//! LAN discovery by DNS-SD over multicast DNS: the driver around the crate `mdns-sd`, which has a thread
//! and sockets of its own. Its findings are claims; see
//! `protocol::PeerTable`. Normative: `spec/discovery.md`.
//!
//! - `worker`: the thread and its bounds; `shared`: what it shares with its handle
//! - `event`: findings; `records`: DNS-SD records

mod event;
mod records;
mod shared;
mod worker;

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use mdns_sd::MDNS_PORT;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

use crate::locks::lock;
pub use crate::net::discovery::event::Announcement;
pub use crate::net::discovery::event::DiscoveryEvent;
pub use crate::net::discovery::event::EventSink;
use crate::net::discovery::shared::Shared;
use crate::net::discovery::shared::State;
use crate::net::discovery::worker::Worker;
use crate::net::offline;
use crate::net::stop::Stop;
use crate::protocol::PeerTable;
use crate::protocol::ServiceRecord;
use crate::registry::Error;
use crate::registry::NodeError;

/// Maximum wait of a stop for the farewell.
const FAREWELL: Duration = Duration::from_millis(1_500);

/// Announces a node and watches for others until it is stopped or dropped.
pub struct Discovery {
    shared: Arc<Shared>,
    ended: mpsc::Receiver<()>,
}

impl Discovery {
    /// Begins to watch, and to announce `own` where it is given.
    ///
    /// # Errors
    /// [`NodeError::Bind`] when the port of multicast DNS cannot be shared, [`NodeError::Transport`] when there
    /// is no thread or poll.
    pub fn start(own: Option<Announcement>, sink: EventSink) -> Result<Self, Error> {
        offline::check("look for nodes around")?;
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
        let worker = Worker::new(shared.clone(), sink, end);
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

    /// Announces a changed record of the same node: version and summary are taken over. Of several
    /// within a second, the last one counts.
    ///
    /// # Errors
    /// [`NodeError::Transport`] when the record could not be passed on; the next refresh announces it.
    pub fn update(&self, record: &ServiceRecord) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let State { own, daemon, .. } = &mut *state;
        let Some(own) = own else { return Ok(()) };
        own.record = ServiceRecord {
            node: own.record.node,
            ..record.clone()
        };
        let Some(daemon) = daemon else { return Ok(()) };
        let service = records::service(own).map_err(Error::transport)?;
        daemon.register(service).map_err(Error::transport)
    }

    /// Drops all findings and asks and announces again: after a sleep, when the clock has jumped.
    pub fn refresh(&self) {
        self.shared.lock().refresh = true;
        self.shared.wake();
    }

    /// Announces the node's end and stops. Returns true if that finished within 1.5 seconds; else it
    /// finishes later.
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

/// Watches the LAN for this time, blocking, without announcing anything. Returns the nodes found.
///
/// # Errors
/// As [`Discovery::start`]; [`Error::Interrupted`] when `stop` asks for it.
pub fn look(wait: Duration, stop: &Stop) -> Result<Vec<(ServiceRecord, Vec<SocketAddr>)>, Error> {
    let began = Instant::now();
    let table = Arc::new(Mutex::new(PeerTable::new(None, Duration::ZERO)));
    let sink = {
        let table = table.clone();
        move |found: DiscoveryEvent| {
            let mut table = lock(&table);
            match found {
                DiscoveryEvent::Seen { record, addresses } => {
                    let _ = table.record_claim(began.elapsed(), record, &addresses);
                }
                DiscoveryEvent::Gone { node } => table.record_farewell(began.elapsed(), &node),
                DiscoveryEvent::Trouble { .. } => {}
            }
        }
    };
    let discovery = Discovery::start(None, Arc::new(sink))?;
    let is_whole = stop.sleep(wait);
    discovery.stop();
    if !is_whole {
        return Err(Error::Interrupted);
    }
    let table = lock(&table);
    let found = table.list().into_iter();
    Ok(found
        .filter_map(|n| Some((n.record?, n.addresses)))
        .collect())
}

/// Tries to open the port, because the crate's thread reports no failure to open its sockets.
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
        .map_err(|source| {
            Error::Node(NodeError::Bind {
                address: four.to_string(),
                source,
            })
        })
}
