//! The nodes around a serving node: finding them, gossiping with them, and fetching what is
//! followed. One thread keeps everything that is known and decides (by `sync::Gossip`,
//! `sync::PeerTable` and `sync::Follow`); threads that live for one talk or one pull do it.

pub(crate) mod catalog_watcher;
pub(crate) mod connection_pool;
pub(crate) mod dispatch;
pub(crate) mod event_limit;
pub(crate) mod event_loop;
pub(crate) mod exchange;
pub(crate) mod outcomes;
pub(crate) mod peer_filters;
pub(crate) mod replicator;
pub(crate) mod snapshot;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::ident::NodeId;
use crate::net::discovery::Found;
use crate::net::gossip::event_loop::GossipNode;
use crate::net::gossip::exchange::Talked;
use crate::net::gossip::replicator::Pulled;
use crate::net::server::accept::Server;
use crate::net::server::event::Event;
use crate::panics::caught;
use crate::protocol::Follow;
use crate::protocol::QuietHours;
use crate::registry::Error;

pub use crate::net::gossip::snapshot::NeighbourView;
pub(crate) use crate::net::gossip::snapshot::View;

/// Notes that wait. What was found when there are more is found again.
const NOTES_MAX: usize = 4096;
/// How long the thread may take to end: its farewell to the network, and a moment.
const FAREWELL: Duration = Duration::from_millis(1_600);

/// How a node deals with those around it.
#[derive(Clone, Debug, Default)]
pub struct NeighbourOptions {
    /// Announce this node by mDNS and look for others.
    pub mdns: bool,
    /// What to keep up to date.
    pub follow: Follow,
    /// When to fetch nothing, by the machine's own time.
    pub quiet: Option<QuietHours>,
    /// What is followed comes no faster than this.
    pub bytes_per_second: Option<u64>,
}

/// Something that the deciding thread has to know.
pub(crate) enum Note {
    Found(Found),
    /// A peer announced something.
    Told,
    /// A peer called that says where it serves.
    Called(NodeId, SocketAddr),
    Talked(Talked),
    Pulled(Pulled),
    /// The names of what was given up.
    Retired(Result<Vec<String>, Error>),
    Stop,
}

/// The thread that deals with those around.
pub(crate) struct Neighbours {
    begin: mpsc::Sender<()>,
    inbox: mpsc::SyncSender<Note>,
    thread: Option<JoinHandle<()>>,
    is_stopping: Arc<AtomicBool>,
    view: View,
}

impl Neighbours {
    /// A thread that waits for [`Neighbours::begin`] and ends without it.
    ///
    /// # Errors
    /// [`Error`] when there is no socket, no thread, or no key to be had. Where mDNS cannot be
    /// used, that is told as an event, and typed peers are dealt with all the same.
    pub(crate) fn start(
        server: &Arc<Server>,
        handle: &Handle,
        (node, addresses): (NodeId, &[SocketAddr]),
        options: &NeighbourOptions,
    ) -> Result<Self, Error> {
        let (inbox, notes) = mpsc::sync_channel(NOTES_MAX);
        let view = View::default();
        let mut circle = GossipNode::new(server, handle, (node, addresses), options)?;
        let is_stopping = circle.attach(inbox.clone(), view.clone());
        let (begin, begun) = mpsc::channel();
        let (mdns, addresses) = (options.mdns, addresses.to_vec());
        let thread = std::thread::Builder::new().name("neighbours".to_owned());
        let thread = thread.spawn(move || {
            if begun.recv().is_err() {
                return;
            }
            if mdns {
                circle.look_around(&addresses);
            }
            let told = circle.server.clone();
            if caught(|| circle.run(&notes)).is_err() {
                let what = "a fault: those around are not dealt with any more".to_owned();
                told.tell(&Event::Trouble { what });
            }
        });
        let thread = thread.map_err(|e| Error::machine("start a thread", e))?;
        Ok(Self {
            begin,
            inbox,
            thread: Some(thread),
            is_stopping,
            view,
        })
    }

    /// Begins to look around. Until then it tells nothing: a node's first word is that it is ready.
    pub(crate) fn begin(&self) {
        // It waits, or could not be started.
        let _ = self.begin.send(());
    }

    /// What a session tells it by.
    pub(crate) fn inbox(&self) -> mpsc::SyncSender<Note> {
        self.inbox.clone()
    }

    /// What it knows, for who asks.
    pub(crate) fn view(&self) -> View {
        self.view.clone()
    }

    /// Says farewell, and lets what is under way come to an end for a moment.
    pub(crate) fn stop(mut self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        // A thread that is gone has no need to be told.
        let _ = self.inbox.send(Note::Stop);
        let Some(thread) = self.thread.take() else {
            return;
        };
        let (ended, waited) = mpsc::channel();
        let joiner = std::thread::spawn(move || {
            let _ = thread.join();
            let _ = ended.send(());
        });
        if waited.recv_timeout(FAREWELL).is_ok() {
            let _ = joiner.join();
        }
    }
}

/// Work on a thread of its own: a fault in it is an error that whoever waits for its end is told
/// of, and nobody waits for ever.
fn sound<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let fault = || std::io::Error::other("a fault here");
    caught(work).unwrap_or_else(|_| Err(Error::machine("run a worker thread", fault())))
}
