//! What is known of the nodes around, and what is done about it: the one thread that decides.

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
use crate::ident::NodeId;
use crate::net::address::PeerAddress;
use crate::net::discovery::Announced;
use crate::net::discovery::Discovery;
use crate::net::discovery::Found;
use crate::net::gossip::NeighbourOptions;
use crate::net::gossip::NeighbourView;
use crate::net::gossip::Note;
use crate::net::gossip::View;
use crate::net::gossip::catalog_watcher::Catalogue;
use crate::net::gossip::connection_pool::Lines;
use crate::net::gossip::event_limit::Chatter;
use crate::net::gossip::event_limit::Kind;
use crate::net::gossip::peer_filters::Filters;
use crate::net::gossip::replicator::Follower;
use crate::net::quic::peer::Net;
use crate::net::server::accept::Server;
use crate::net::server::event::Event;
use crate::net::state::access_list::AccessList;
use crate::net::state::known_peers::KnownPeers;
use crate::net::stop::Stop;
use crate::protocol::Access;
use crate::protocol::Gossip;
use crate::protocol::GossipConfig;
use crate::protocol::PeerTable;
use crate::protocol::Random;
use crate::protocol::Seen;
use crate::protocol::ServiceRecord;
use crate::registry::Error;
use crate::registry::host;

/// How often it is looked whether something has changed here: other processes do not tell.
const LOOK: Duration = Duration::from_millis(400);
/// How often typed addresses and idle connections are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// How long a talk may take: who drags one out is in the way of the others.
const TALK_MAX: Duration = Duration::from_secs(120);
/// A node that was not seen for this long is forgotten: whoever is there is seen every few minutes.
const FORGOTTEN: Duration = Duration::from_secs(900);
/// When the clock on the wall went on by so much more than the one that stands still in sleep,
/// the machine slept, or was moved.
const SLEPT: i64 = 20;

/// The nodes around, and this one among them.
pub(in crate::net::gossip) struct GossipNode {
    pub(in crate::net::gossip) server: Arc<Server>,
    pub(in crate::net::gossip) node: NodeId,
    pub(in crate::net::gossip) started: Instant,
    pub(in crate::net::gossip) lines: Arc<Lines>,
    pub(in crate::net::gossip) gossip: Gossip,
    pub(in crate::net::gossip) directory: PeerTable,
    pub(in crate::net::gossip) filters: Filters,
    /// Whose filter is to be asked for.
    pub(in crate::net::gossip) unfiltered: BTreeSet<NodeId>,
    pub(in crate::net::gossip) follower: Follower,
    pub(in crate::net::gossip) random: Random,
    pub(in crate::net::gossip) typed: BTreeMap<NodeId, PeerAddress>,
    pub(in crate::net::gossip) discovery: Option<Discovery>,
    pub(in crate::net::gossip) inbox: Option<mpsc::SyncSender<Note>>,
    pub(in crate::net::gossip) is_stopping: Arc<AtomicBool>,
    pub(in crate::net::gossip) view: View,
    pub(in crate::net::gossip) chatter: Chatter,
    pub(in crate::net::gossip) catalogue: Catalogue,
    pub(in crate::net::gossip) kept_house: Duration,
    /// Seconds by which the clock on the wall is ahead of the other one.
    pub(in crate::net::gossip) ahead: i64,
}

impl GossipNode {
    pub(in crate::net::gossip) fn new(
        server: &Arc<Server>,
        handle: &Handle,
        (node, addresses): (NodeId, &[SocketAddr]),
        options: &NeighbourOptions,
    ) -> Result<Self, Error> {
        let is_stopping = Arc::<AtomicBool>::default();
        let asked = is_stopping.clone();
        let stop = Stop::new(move || asked.load(Ordering::Relaxed));
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
            lines: Arc::new(Lines::new(net.limited(options.bytes_per_second))),
            gossip: Gossip::new(GossipConfig::default(), seed),
            directory: PeerTable::new(Some(node), Duration::ZERO),
            filters: Filters::default(),
            unfiltered: BTreeSet::new(),
            follower: Follower::new(options.follow.clone(), options.quiet),
            random: Random::new(seed),
            typed: BTreeMap::new(),
            discovery: None,
            inbox: None,
            is_stopping,
            view: View::default(),
            chatter: Chatter::default(),
            catalogue: Catalogue::default(),
            kept_house: Duration::ZERO,
            ahead: host::now().0,
        })
    }

    /// What tells everything that is under way to stop.
    pub(in crate::net::gossip) fn attach(
        &mut self,
        inbox: mpsc::SyncSender<Note>,
        view: View,
    ) -> Arc<AtomicBool> {
        (self.inbox, self.view) = (Some(inbox), view);
        self.is_stopping.clone()
    }

    /// Announces this node, and looks for others.
    pub(in crate::net::gossip) fn look_around(&mut self, addresses: &[SocketAddr]) {
        let Some(inbox) = self.inbox.clone() else {
            return;
        };
        // What is said first is remembered by whoever hears it.
        self.look();
        let port = addresses.first().map_or(0, SocketAddr::port);
        let unspecified = addresses.iter().any(|a| a.ip().is_unspecified());
        let bound = match unspecified {
            true => Vec::new(),
            false => addresses.iter().map(SocketAddr::ip).collect(),
        };
        let announced = Announced {
            port,
            addresses: bound,
            sighting: self.sighting(),
        };
        let tell = move |found: Found| drop(inbox.try_send(Note::Found(found)));
        match Discovery::start(Some(announced), Arc::new(tell)) {
            Ok(discovery) => self.discovery = Some(discovery),
            Err(error) => self.server.tell(&Event::Trouble {
                what: format!("nodes around are not looked for: {error}"),
            }),
        }
    }

    /// Until it is told to stop.
    pub(in crate::net::gossip) fn run(mut self, notes: &mpsc::Receiver<Note>) {
        self.keep_house();
        loop {
            let now = self.started.elapsed();
            let wake = self
                .gossip
                .wakes_at()
                .map_or(LOOK, |at| at.saturating_sub(now));
            let mut note = notes.recv_timeout(wake.min(LOOK));
            let mut is_news = false;
            while let Ok(noted) = note {
                if matches!(noted, Note::Stop) {
                    return self.end();
                }
                is_news = true;
                self.take(noted);
                note = notes
                    .try_recv()
                    .map_err(|_| mpsc::RecvTimeoutError::Timeout);
            }
            self.sum_up();
            self.look();
            self.miss();
            self.lines.cut_off(TALK_MAX);
            if self.started.elapsed() >= self.kept_house + HOUSEKEEPING {
                self.keep_house();
                is_news = true;
            }
            self.talk();
            self.fetch();
            if is_news {
                self.show();
            }
        }
    }

    fn end(mut self) {
        if let Some(discovery) = self.discovery.take() {
            discovery.stop();
        }
        self.lines.end_all();
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Found(Found::Seen {
                sighting,
                addresses,
            }) => self.seen(sighting, &addresses),
            Note::Found(Found::Gone { node }) => {
                self.directory.gone(self.started.elapsed(), &node);
                self.tell(Kind::Left, &Event::Left { peer: node });
            }
            Note::Found(Found::Trouble { reason: what }) => {
                self.tell(Kind::Trouble, &Event::Trouble { what });
            }
            Note::Told => self.catalogue.stamp = None,
            Note::Called(node, at) => self.called(node, at),
            Note::Talked(talked) => self.talked(talked),
            Note::Pulled(pulled) => self.pulled(pulled),
            Note::Retired(ended) => self.retired(ended),
            Note::Stop => {}
        }
    }

    fn seen(&mut self, sighting: ServiceRecord, addresses: &[SocketAddr]) {
        let node = sighting.node;
        let now = self.started.elapsed();
        let seen = self.directory.saw(now, sighting.clone(), addresses);
        if matches!(seen, Seen::Refused) {
            return;
        }
        if self.filters.saw(&sighting) {
            self.unfiltered.insert(node);
        }
        if matches!(seen, Seen::New) {
            let addresses = self.directory.candidates(&node);
            let peer = node;
            self.tell(Kind::Found, &Event::Found { peer, addresses });
        }
        if !matches!(seen, Seen::Same) && self.may_talk_to(&node) {
            self.gossip.appeared(node);
            self.follower.newcomer(now);
        }
    }

    fn called(&mut self, node: NodeId, at: SocketAddr) {
        let now = self.started.elapsed();
        let is_new = self.directory.called(now, node, at);
        if is_new && self.may_talk_to(&node) {
            let (peer, addresses) = (node, vec![at]);
            self.tell(Kind::Found, &Event::Found { peer, addresses });
            self.gossip.appeared(node);
            self.follower.newcomer(now);
        }
    }

    /// Whoever ended the connection, and was never seen to announce itself, may be gone: it is,
    /// until it calls again.
    fn miss(&mut self) {
        for node in self.lines.sweep() {
            let mut known = self.directory.list().into_iter();
            if known.any(|n| n.node == node && n.sighting.is_none()) {
                self.directory.gone(self.started.elapsed(), &node);
                self.show();
            }
        }
    }

    /// A node that serves a list talks only to who is on it: to compare catalogues is to show them.
    pub(in crate::net::gossip) fn may_talk_to(&self, node: &NodeId) -> bool {
        let listed = || AccessList::of(&self.server.registry).all();
        *node != self.node
            && (self.server.access == Access::Open || listed().is_ok_and(|ids| ids.contains(node)))
    }

    fn keep_house(&mut self) {
        let now = self.started.elapsed();
        self.kept_house = now;
        self.directory.expire(now, FORGOTTEN);
        let passed = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let ahead = host::now().0.saturating_sub(passed);
        if (ahead - self.ahead).abs() > SLEPT {
            self.gossip.awoke();
            self.lines.end_all();
            if let Some(discovery) = &self.discovery {
                discovery.refresh();
            }
        }
        self.ahead = ahead;
        // A list that cannot be read is told by who uses it.
        let pins = KnownPeers::of(&self.server.registry)
            .all()
            .unwrap_or_default();
        for (at, node) in pins {
            let is_new = !self.typed.contains_key(&node);
            if let (true, Ok(at)) = (is_new && self.may_talk_to(&node), at.parse()) {
                self.typed.insert(node, at);
                self.gossip.appeared(node);
                self.follower.newcomer(now);
            }
        }
        self.keep_company();
    }

    fn show(&self) {
        let now = (self.started.elapsed(), host::now().0);
        let ago = |seen: Duration| i64::try_from(now.0.saturating_sub(seen).as_secs());
        let all = self.directory.list().into_iter().filter(|n| !n.has_left);
        let seen = all.map(|n| {
            let shown = n.sighting.as_ref().and_then(|s| s.shown.as_ref());
            let filter = self.filters.of(&n.node);
            NeighbourView {
                node: n.node,
                addresses: n.addresses,
                datasets: shown.map(|s| s.datasets),
                filter_bytes: shown.map(|s| s.filter_bytes),
                filter,
                last_seen: ago(n.last_seen).ok().map(|ago| Timestamp(now.1 - ago)),
                is_proven: n.is_proven,
            }
        });
        self.view.set(seen.collect());
    }
}
