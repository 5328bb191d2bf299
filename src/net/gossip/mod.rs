//! Gossip of a serving node: it finds other nodes, exchanges catalogues with them, and
//! pulls followed datasets.
//! One thread owns the state and decides (by `protocol::Gossip`, `protocol::PeerTable` and
//! `protocol::Follow`); short-lived threads perform one exchange or pull each.
//!
//! - `event_loop`, `message`: the deciding thread; `dispatch`, `outcomes`: the start and end of work
//! - `exchange`, `replicator`: one exchange, one pull; `source_search`: the peers that have a dataset
//! - `connection_pool`: connections
//! - `catalog_watcher`, `peer_filters`, `snapshot`, `event_limit`: state and reports

pub(crate) mod catalog_watcher;
pub(crate) mod connection_pool;
pub(crate) mod dispatch;
pub(crate) mod event_limit;
pub(crate) mod event_loop;
pub(crate) mod exchange;
pub(crate) mod message;
pub(crate) mod outcomes;
pub(crate) mod peer_filters;
pub(crate) mod replicator;
pub(crate) mod snapshot;
pub(crate) mod source_search;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::ident::NodeId;
use crate::net::gossip::event_loop::GossipNode;
use crate::net::gossip::message::GossipMessage;
use crate::net::server::event::Event;
use crate::net::server::shared::Server;
use crate::panics::caught;
use crate::registry::Error;

pub use crate::net::gossip::event_loop::GossipOptions;
pub use crate::net::gossip::snapshot::NodeView;
pub(crate) use crate::net::gossip::snapshot::Snapshot;

/// Maximum number of waiting notes. A finding beyond it comes again.
const MESSAGES_MAX: usize = 4096;
/// Maximum time for the thread to end: its farewell to the network, and a moment.
const FAREWELL: Duration = Duration::from_millis(1_600);

/// The deciding thread.
pub(crate) struct GossipHandle {
    begin: mpsc::Sender<()>,
    inbox: mpsc::SyncSender<GossipMessage>,
    thread: Option<JoinHandle<()>>,
    is_stopping: Arc<AtomicBool>,
    view: Snapshot,
}

impl GossipHandle {
    /// Starts a thread that waits for [`GossipHandle::begin`] and ends without it.
    ///
    /// # Errors
    /// [`Error`] when there is no socket, thread or key. Where mDNS does not work, an event reports it,
    /// and typed peers still work.
    pub(crate) fn start(
        server: &Arc<Server>,
        handle: &Handle,
        (node, addresses): (NodeId, &[SocketAddr]),
        options: &GossipOptions,
    ) -> Result<Self, Error> {
        let (inbox, messages) = mpsc::sync_channel(MESSAGES_MAX);
        let view = Snapshot::default();
        let mut gossip_node = GossipNode::new(server, handle, (node, addresses), options)?;
        let is_stopping = gossip_node.attach(inbox.clone(), view.clone());
        let (begin, begun) = mpsc::channel();
        let (mdns, addresses) = (options.mdns, addresses.to_vec());
        let thread = std::thread::Builder::new().name("neighbours".to_owned());
        let thread = thread.spawn(move || {
            if begun.recv().is_err() {
                return;
            }
            if mdns {
                gossip_node.start_discovery(&addresses);
            }
            let server = gossip_node.server.clone();
            if caught(|| gossip_node.run(&messages)).is_err() {
                let what =
                    "the gossip thread panicked: this node exchanges with no other node any more"
                        .to_owned();
                server.report(&Event::Trouble { what });
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

    /// Begins to look for nodes. It reports nothing before, because a node first reports that
    /// it is ready.
    pub(crate) fn begin(&self) {
        // It waits, or could not be started.
        let _ = self.begin.send(());
    }

    /// Returns the channel for messages of sessions.
    pub(crate) fn inbox(&self) -> mpsc::SyncSender<GossipMessage> {
        self.inbox.clone()
    }

    /// Returns the present state, for other threads.
    pub(crate) fn view(&self) -> Snapshot {
        self.view.clone()
    }

    /// Sends the farewell, and gives running work a moment to end.
    pub(crate) fn stop(mut self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        // A thread that is gone needs no message.
        let _ = self.inbox.send(GossipMessage::Stop);
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
