//! Gossip event loop: the one thread that knows the other nodes and decides.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use tokio::runtime::Handle;

use crate::clock::Timestamp;
use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::net::address::PeerAddress;
use crate::net::discovery::Announcement;
use crate::net::discovery::Discovery;
use crate::net::discovery::DiscoveryEvent;
use crate::net::gossip::connection_pool::ConnectionPool;
use crate::net::gossip::event_limit::EventLimiter;
use crate::net::gossip::event_limit::LimitedKind;
use crate::net::gossip::message::GossipMessage;
use crate::net::gossip::peer_filters::PeerFilters;
use crate::net::gossip::replicator::Replicator;
use crate::net::gossip::snapshot::NodeView;
use crate::net::gossip::snapshot::Snapshot;
use crate::net::quic::peer::Net;
use crate::net::server::event::Event;
use crate::net::server::shared::Server;
use crate::net::state::access_list::AccessList;
use crate::net::state::known_peers::KnownPeers;
use crate::net::stop::Stop;
use crate::protocol::Access;
use crate::protocol::ClaimOutcome;
use crate::protocol::Follow;
use crate::protocol::Gossip;
use crate::protocol::GossipConfig;
use crate::protocol::ItemId;
use crate::protocol::PeerTable;
use crate::protocol::QuietHours;
use crate::protocol::Random;
use crate::protocol::ServiceRecord;
use crate::registry::Error;
use crate::registry::Stamp;
use crate::registry::host;

/// Interval of the check for local changes: other processes do not report theirs.
const POLL: Duration = Duration::from_millis(400);
/// Interval of the check of typed addresses and idle connections.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// Maximum time of an exchange, because a slow one delays others.
const EXCHANGE_MAX: Duration = Duration::from_secs(120);
/// Time after which a node that was not seen is forgotten. A present node is seen every few minutes.
const FORGOTTEN: Duration = Duration::from_secs(900);
/// Lead of the wall clock over the monotonic one, in seconds, that means that the machine slept
/// or was moved.
const SLEPT: i64 = 20;

/// Options of the gossip.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GossipOptions {
    /// Announce this node by mDNS and look for others.
    pub mdns: bool,
    /// The follow rules.
    pub follow: Follow,
    /// Hours in which the node fetches nothing, in local time.
    pub quiet: Option<QuietHours>,
    /// Rate limit of followed pulls, in bytes a second.
    pub bytes_per_second: Option<u64>,
}

/// The items of the catalogue at the last look.
#[derive(Default)]
pub(in crate::net::gossip) struct CatalogWatcher {
    pub(in crate::net::gossip) stamp: Option<Stamp>,
    pub(in crate::net::gossip) items: Option<BTreeSet<ItemId>>,
    pub(in crate::net::gossip) contents: BTreeSet<ContentId>,
    pub(in crate::net::gossip) last_read: Duration,
    /// Duration of the last look: a large catalogue is read less often.
    pub(in crate::net::gossip) cost: Duration,
}

/// The state of the gossip: the other nodes, and this one among them.
pub(in crate::net::gossip) struct GossipNode {
    pub(in crate::net::gossip) server: Arc<Server>,
    pub(in crate::net::gossip) node: NodeId,
    pub(in crate::net::gossip) started: Instant,
    pub(in crate::net::gossip) connections: Arc<ConnectionPool>,
    pub(in crate::net::gossip) gossip: Gossip,
    pub(in crate::net::gossip) peer_table: PeerTable,
    pub(in crate::net::gossip) filters: PeerFilters,
    /// The nodes whose filter is to be requested.
    pub(in crate::net::gossip) unfiltered: BTreeSet<NodeId>,
    pub(in crate::net::gossip) replicator: Replicator,
    pub(in crate::net::gossip) random: Random,
    pub(in crate::net::gossip) typed: BTreeMap<NodeId, PeerAddress>,
    pub(in crate::net::gossip) discovery: Option<Discovery>,
    pub(in crate::net::gossip) inbox: Option<mpsc::SyncSender<GossipMessage>>,
    pub(in crate::net::gossip) is_stopping: Arc<AtomicBool>,
    pub(in crate::net::gossip) view: Snapshot,
    pub(in crate::net::gossip) event_limiter: EventLimiter,
    pub(in crate::net::gossip) catalogue: CatalogWatcher,
    pub(in crate::net::gossip) last_housekeeping: Duration,
    /// Lead of the wall clock over the monotonic one, in seconds.
    pub(in crate::net::gossip) ahead: i64,
}

impl GossipNode {
    pub(in crate::net::gossip) fn new(
        server: &Arc<Server>,
        handle: &Handle,
        (node, addresses): (NodeId, &[SocketAddr]),
        options: &GossipOptions,
    ) -> Result<Self, Error> {
        let is_stopping = Arc::<AtomicBool>::default();
        let stop_flag = is_stopping.clone();
        let stop = Stop::new(move || stop_flag.load(Ordering::Relaxed));
        let net = Net::on(&server.registry, handle.clone())?.until(stop);
        let port = addresses.first().map(SocketAddr::port);
        let net = net.serving(server.access, port);
        let seed: [u8; 8] =
            host::random().map_err(|e| Error::machine("seed the random numbers of gossip", e))?;
        let seed = u64::from_le_bytes(seed);
        Ok(Self {
            server: server.clone(),
            node,
            started: host::instant(),
            connections: Arc::new(ConnectionPool::new(net.limited(options.bytes_per_second))),
            gossip: Gossip::new(GossipConfig::default(), seed),
            peer_table: PeerTable::new(Some(node), Duration::ZERO),
            filters: PeerFilters::default(),
            unfiltered: BTreeSet::new(),
            replicator: Replicator::new(options.follow.clone(), options.quiet),
            random: Random::new(seed),
            typed: BTreeMap::new(),
            discovery: None,
            inbox: None,
            is_stopping,
            view: Snapshot::default(),
            event_limiter: EventLimiter::default(),
            catalogue: CatalogWatcher::default(),
            last_housekeeping: Duration::ZERO,
            ahead: host::now().0,
        })
    }

    /// Connects the state with the parts that stop running work.
    pub(in crate::net::gossip) fn attach(
        &mut self,
        inbox: mpsc::SyncSender<GossipMessage>,
        view: Snapshot,
    ) -> Arc<AtomicBool> {
        (self.inbox, self.view) = (Some(inbox), view);
        self.is_stopping.clone()
    }

    /// Announces this node, and watches for others.
    pub(in crate::net::gossip) fn start_discovery(&mut self, addresses: &[SocketAddr]) {
        let Some(inbox) = self.inbox.clone() else {
            return;
        };
        // Receivers remember the first announcement.
        self.check_catalog();
        let port = addresses.first().map_or(0, SocketAddr::port);
        let unspecified = addresses.iter().any(|a| a.ip().is_unspecified());
        let bound = if unspecified {
            Vec::new()
        } else {
            addresses.iter().map(SocketAddr::ip).collect()
        };
        let announced = Announcement {
            port,
            addresses: bound,
            record: self.service_record(),
        };
        let tell = move |found: DiscoveryEvent| drop(inbox.try_send(GossipMessage::Found(found)));
        match Discovery::start(Some(announced), Arc::new(tell)) {
            Ok(discovery) => self.discovery = Some(discovery),
            Err(error) => self.server.report(&Event::Trouble {
                what: format!("cannot look for nodes on this network: {error}"),
            }),
        }
    }

    /// Runs until a note asks for the end.
    pub(in crate::net::gossip) fn run(mut self, messages: &mpsc::Receiver<GossipMessage>) {
        self.run_housekeeping();
        loop {
            let now = self.started.elapsed();
            let wake = self
                .gossip
                .next_wake()
                .map_or(POLL, |at| at.saturating_sub(now));
            let mut message = messages.recv_timeout(wake.min(POLL));
            let mut is_news = false;
            while let Ok(noted) = message {
                if matches!(noted, GossipMessage::Stop) {
                    return self.end();
                }
                is_news = true;
                self.handle_message(noted);
                message = messages
                    .try_recv()
                    .map_err(|_| mpsc::RecvTimeoutError::Timeout);
            }
            self.report_suppressed();
            self.check_catalog();
            self.mark_closed_peers();
            self.connections.close_slow_exchanges(EXCHANGE_MAX);
            if self.started.elapsed() >= self.last_housekeeping + HOUSEKEEPING {
                self.run_housekeeping();
                is_news = true;
            }
            self.start_exchanges();
            self.start_pulls();
            if is_news {
                self.publish_snapshot();
            }
        }
    }

    fn end(mut self) {
        if let Some(discovery) = self.discovery.take() {
            discovery.stop();
        }
        self.connections.close_all();
    }

    fn handle_message(&mut self, message: GossipMessage) {
        match message {
            GossipMessage::Found(DiscoveryEvent::Seen { record, addresses }) => {
                self.handle_announcement(record, &addresses)
            }
            GossipMessage::Found(DiscoveryEvent::Gone { node }) => {
                self.peer_table
                    .record_farewell(self.started.elapsed(), &node);
                self.report(LimitedKind::Left, &Event::Left { peer: node });
            }
            GossipMessage::Found(DiscoveryEvent::Trouble { reason: what }) => {
                self.report(LimitedKind::Trouble, &Event::Trouble { what });
            }
            GossipMessage::PeerAnnounced => self.catalogue.stamp = None,
            GossipMessage::Called(node, at) => self.handle_call(node, at),
            GossipMessage::ExchangeResult(result) => self.result(result),
            GossipMessage::PullResult(pulled) => self.finish_pull(pulled),
            GossipMessage::Retired(ended) => self.finish_removal(ended),
            GossipMessage::Stop => {}
        }
    }

    fn handle_announcement(&mut self, record: ServiceRecord, addresses: &[SocketAddr]) {
        let node = record.node;
        let now = self.started.elapsed();
        let seen = self.peer_table.record_claim(now, record.clone(), addresses);
        if matches!(seen, ClaimOutcome::Refused) {
            return;
        }
        if self.filters.record_claim(&record) {
            self.unfiltered.insert(node);
        }
        if matches!(seen, ClaimOutcome::New) {
            let addresses = self.peer_table.candidates(&node);
            let peer = node;
            self.report(LimitedKind::Found, &Event::Found { peer, addresses });
        }
        if !matches!(seen, ClaimOutcome::Same) && self.may_exchange_with(&node) {
            self.gossip.add_peer(node);
            self.replicator.retry_with_new_peer(now);
        }
    }

    fn handle_call(&mut self, node: NodeId, at: SocketAddr) {
        let now = self.started.elapsed();
        let is_new = self.peer_table.record_call(now, node, at);
        if is_new && self.may_exchange_with(&node) {
            let (peer, addresses) = (node, vec![at]);
            self.report(LimitedKind::Found, &Event::Found { peer, addresses });
            self.gossip.add_peer(node);
            self.replicator.retry_with_new_peer(now);
        }
    }

    /// Marks nodes as gone that closed the connection and never announced themselves. Another call
    /// brings them back.
    fn mark_closed_peers(&mut self) {
        for node in self.connections.close_idle() {
            let mut known = self.peer_table.list().into_iter();
            if known.any(|n| n.node == node && n.record.is_none()) {
                self.peer_table
                    .record_farewell(self.started.elapsed(), &node);
                self.publish_snapshot();
            }
        }
    }

    /// Returns true if this node may exchange catalogues with a node. A node that serves a list only
    /// does so with listed ones, because a comparison reveals the catalogue.
    pub(in crate::net::gossip) fn may_exchange_with(&self, node: &NodeId) -> bool {
        let listed = || AccessList::of(&self.server.registry).all();
        *node != self.node
            && (self.server.access == Access::Open || listed().is_ok_and(|ids| ids.contains(node)))
    }

    fn run_housekeeping(&mut self) {
        let now = self.started.elapsed();
        self.last_housekeeping = now;
        self.peer_table.expire(now, FORGOTTEN);
        let passed = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let ahead = host::now().0.saturating_sub(passed);
        if (ahead - self.ahead).abs() > SLEPT {
            self.gossip.forget_presence();
            self.connections.close_all();
            if let Some(discovery) = &self.discovery {
                discovery.refresh();
            }
        }
        self.ahead = ahead;
        // The code that uses an unreadable list reports it.
        let pins = KnownPeers::of(&self.server.registry)
            .all()
            .unwrap_or_default();
        for (at, node) in pins {
            let is_new = !self.typed.contains_key(&node);
            if let (true, Ok(at)) = (is_new && self.may_exchange_with(&node), at.parse()) {
                self.typed.insert(node, at);
                self.gossip.add_peer(node);
                self.replicator.retry_with_new_peer(now);
            }
        }
        self.sync_membership();
    }

    fn publish_snapshot(&self) {
        let now = (self.started.elapsed(), host::now().0);
        let ago = |seen: Duration| i64::try_from(now.0.saturating_sub(seen).as_secs());
        let all = self.peer_table.list().into_iter().filter(|n| !n.has_left);
        let seen = all.map(|n| {
            let summary = n.record.as_ref().and_then(|s| s.summary.as_ref());
            let filter = self.filters.of(&n.node);
            NodeView {
                node: n.node,
                addresses: n.addresses,
                datasets: summary.map(|s| s.datasets),
                filter_bytes: summary.map(|s| s.filter_bytes),
                filter,
                last_seen: ago(n.last_seen).ok().map(|ago| Timestamp(now.1 - ago)),
                is_proven: n.is_proven,
            }
        });
        self.view.set(seen.collect());
    }
}
