//! What is known of the nodes around, and what is done about it: the one thread that decides.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use tokio::runtime::Handle;

use crate::clock::Timestamp;
use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::net::access::AccessList;
use crate::net::address::PeerAddress;
use crate::net::discovery::Announced;
use crate::net::discovery::Discovery;
use crate::net::discovery::Found;
use crate::net::event::Event;
use crate::net::known_peers::KnownPeers;
use crate::net::neighbours::NeighbourOptions;
use crate::net::neighbours::NeighbourView;
use crate::net::neighbours::Note;
use crate::net::neighbours::View;
use crate::net::neighbours::filters::Filters;
use crate::net::neighbours::follower::Follower;
use crate::net::neighbours::follower::Pulled;
use crate::net::neighbours::follower::retire;
use crate::net::neighbours::lines::Lines;
use crate::net::neighbours::talks::Talked;
use crate::net::neighbours::talks::Talker;
use crate::net::peer::Net;
use crate::net::serve::Server;
use crate::registry::Error;
use crate::registry::Stamp;
use crate::registry::host;
use crate::registry::peers::Followed;
use crate::sync::Access;
use crate::sync::Directory;
use crate::sync::Filter;
use crate::sync::Gossip;
use crate::sync::ItemId;
use crate::sync::Random;
use crate::sync::Rhythm;
use crate::sync::Shown;
use crate::sync::Sighting;

/// How often it is looked whether something has changed here: other processes do not tell.
const LOOK: Duration = Duration::from_millis(400);
/// How often typed addresses and idle connections are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(10);
/// A node that was not seen for this long is forgotten; its announcements live two minutes.
const FORGOTTEN: Duration = Duration::from_secs(3_600);
/// When the clock on the wall went on by so much more than the one that stands still in sleep,
/// the machine slept, or was moved.
const SLEPT: i64 = 20;

/// The nodes around, and this one among them.
pub(super) struct Circle {
    server: Arc<Server>,
    node: NodeId,
    started: Instant,
    lines: Arc<Lines>,
    gossip: Gossip,
    directory: Directory,
    filters: Filters,
    /// Whose filter is to be asked for.
    unfiltered: BTreeSet<NodeId>,
    follower: Follower,
    random: Random,
    typed: BTreeMap<NodeId, PeerAddress>,
    discovery: Option<Discovery>,
    inbox: Option<mpsc::SyncSender<Note>>,
    is_stopping: Arc<AtomicBool>,
    view: View,
    catalogue: Catalogue,
    kept_house: Duration,
    /// Seconds by which the clock on the wall is ahead of the other one.
    ahead: i64,
}

/// What was passed on when it was looked at last.
#[derive(Default)]
struct Catalogue {
    stamp: Option<Stamp>,
    items: Option<BTreeSet<ItemId>>,
    contents: BTreeSet<ContentId>,
    looked: Duration,
    /// How long looking took: a large catalogue is looked at less often.
    cost: Duration,
}

impl Circle {
    pub(super) fn new(
        server: &Arc<Server>,
        handle: &Handle,
        node: NodeId,
        options: &NeighbourOptions,
    ) -> Result<Self, Error> {
        let net = Net::on(&server.registry, handle.clone())?;
        let seed: [u8; 8] = host::random().map_err(|e| Error::file("seed", "gossip", e))?;
        let seed = u64::from_le_bytes(seed);
        Ok(Self {
            server: server.clone(),
            node,
            started: host::instant(),
            lines: Arc::new(Lines::new(net.limited(options.bytes_per_second))),
            gossip: Gossip::new(Rhythm::default(), seed),
            directory: Directory::new(Some(node), Duration::ZERO),
            filters: Filters::default(),
            unfiltered: BTreeSet::new(),
            follower: Follower::new(options.follow.clone(), options.quiet),
            random: Random::new(seed),
            typed: BTreeMap::new(),
            discovery: None,
            inbox: None,
            is_stopping: Arc::default(),
            view: View::default(),
            catalogue: Catalogue::default(),
            kept_house: Duration::ZERO,
            ahead: host::now().0,
        })
    }

    pub(super) fn attach(
        &mut self,
        inbox: mpsc::SyncSender<Note>,
        is_stopping: Arc<AtomicBool>,
        view: View,
    ) {
        (self.inbox, self.is_stopping, self.view) = (Some(inbox), is_stopping, view);
    }

    /// Announces this node, and looks for others.
    pub(super) fn look_around(&mut self, addresses: &[SocketAddr]) {
        let Some(inbox) = self.inbox.clone() else {
            return;
        };
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
    pub(super) fn run(mut self, notes: &mpsc::Receiver<Note>) {
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
            self.look();
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
                self.directory.gone(&node);
                self.server.tell(&Event::Left { peer: node });
            }
            Note::Found(Found::Trouble { reason }) => {
                self.server.tell(&Event::Trouble { what: reason });
            }
            Note::Told => self.catalogue.stamp = None,
            Note::Talked(talked) => self.talked(talked),
            Note::Pulled(pulled) => self.pulled(pulled),
            Note::Stop => {}
        }
    }

    fn seen(&mut self, sighting: Sighting, addresses: &[SocketAddr]) {
        let node = sighting.node;
        let now = self.started.elapsed();
        let seen = self.directory.saw(now, sighting.clone(), addresses);
        if matches!(seen, crate::sync::Seen::Refused) {
            return;
        }
        if self.filters.saw(&sighting) {
            self.unfiltered.insert(node);
        }
        if matches!(seen, crate::sync::Seen::New) {
            self.server.tell(&Event::Found {
                peer: node,
                addresses: self.directory.candidates(&node),
            });
        }
        if !matches!(seen, crate::sync::Seen::Same) && self.may_talk_to(&node) {
            self.gossip.appeared(node);
            self.follower.newcomer();
        }
    }

    /// A node that serves a list talks only to who is on it: to compare catalogues is to show them.
    fn may_talk_to(&self, node: &NodeId) -> bool {
        let listed = || AccessList::of(&self.server.registry).all();
        *node != self.node
            && (self.server.access == Access::Open || listed().is_ok_and(|ids| ids.contains(node)))
    }

    fn talked(&mut self, talked: Talked) {
        let now = self.started.elapsed();
        let node = talked.talk.peer();
        self.gossip.done(now, &talked.talk, talked.end);
        if let Some(at) = talked.proven {
            self.directory.proven(now, node, at);
        }
        if let Some(filter) = talked.filter {
            self.filters.put(node, Some(filter));
            self.unfiltered.remove(&node);
        }
        match talked.error {
            Some(error) => {
                if let Some(at) = self.directory.candidates(&node).first() {
                    self.directory.failed(now, &node, at);
                }
                self.server.tell(&Event::Unreachable {
                    peer: node,
                    error: error.to_string(),
                });
            }
            None => self.server.tell(&Event::Compared {
                peer: node,
                received: talked.compared.received,
                sent: talked.compared.sent,
            }),
        }
        // What came may be news for others.
        if talked.compared.received > 0 {
            self.catalogue.stamp = None;
        }
    }

    fn pulled(&mut self, pulled: Pulled) {
        self.follower.done(self.started.elapsed(), &pulled);
        let (content, label) = (pulled.wanted.content, pulled.wanted.label);
        match pulled.ended {
            Ok(report) => self.server.tell(&Event::Followed {
                content,
                label,
                sources: report.sources.iter().map(|s| s.node_id).collect(),
                chunks: report.chunks_fetched,
                seconds: report.seconds,
            }),
            Err(Error::Interrupted) => {}
            Err(error) => self.server.tell(&Event::NotFollowed {
                content,
                label,
                error: error.to_string(),
            }),
        }
        self.catalogue.stamp = None;
    }

    /// Whether something is new here, by whichever process.
    fn look(&mut self) {
        let now = self.started.elapsed();
        let last = &self.catalogue;
        let is_early = last.items.is_some() && now < last.looked + last.cost * 10;
        let stamp = self.server.registry.stamp();
        if is_early || last.stamp == Some(stamp) {
            return;
        }
        let began = host::instant();
        if let Err(error) = self.look_closer() {
            self.server.tell(&Event::Trouble {
                what: format!("the catalogue cannot be read: {error}"),
            });
        }
        // A change within the same tick of the file's clock would not be seen.
        let is_settled = stamp.is_older_than(Duration::from_millis(50));
        self.catalogue.stamp = is_settled.then_some(stamp);
        (self.catalogue.looked, self.catalogue.cost) = (now, began.elapsed());
    }

    fn look_closer(&mut self) -> Result<(), Error> {
        let registry = &self.server.registry;
        let items: BTreeSet<ItemId> = registry.passing(self.server.showing)?.into_iter().collect();
        let before = self
            .catalogue
            .items
            .replace(items.clone())
            .unwrap_or_default();
        let new: BTreeSet<ItemId> = items.difference(&before).copied().collect();
        if new.is_empty() && items.len() == before.len() {
            // Nothing that is passed on; what strangers show may still be followed.
            self.follower.news();
            return Ok(());
        }
        let mut by_teller: BTreeMap<Option<NodeId>, Vec<ItemId>> = BTreeMap::new();
        let heard = registry.heard()?;
        let told: BTreeMap<ItemId, NodeId> = heard
            .iter()
            .map(|l| {
                (
                    ItemId::Manifest(l.dataset.brief.envelope_id),
                    l.dataset.from,
                )
            })
            .collect();
        for item in new {
            by_teller
                .entry(told.get(&item).copied())
                .or_default()
                .push(item);
        }
        for (teller, items) in by_teller {
            self.gossip.news(&items, teller.as_ref());
        }
        self.follower.news();
        let shown = registry.shown(self.server.showing)?;
        let contents: BTreeSet<ContentId> = shown.iter().map(|b| b.content_id).collect();
        if contents != self.catalogue.contents {
            self.catalogue.contents = contents;
            if let Some(discovery) = &self.discovery {
                // It is announced at the next refresh else.
                let _ = discovery.update(&self.sighting());
            }
        }
        Ok(())
    }

    /// What this node says of itself.
    fn sighting(&self) -> Sighting {
        let contents: Vec<ContentId> = self.catalogue.contents.iter().copied().collect();
        let filter = Filter::build(&contents);
        let bytes = filter.encode();
        let shown = Shown {
            datasets: contents.len() as u64,
            filter_digest: *filter.digest().as_bytes(),
            filter_bytes: bytes.len() as u64,
            filter: Some(bytes),
        };
        Sighting {
            node: self.node,
            version: crate::sync::PROTOCOL_VERSION,
            shown: (self.server.access == Access::Open).then_some(shown),
        }
    }

    fn talk(&mut self) {
        while let Some(talk) = self.gossip.next(self.started.elapsed()) {
            let node = talk.peer();
            if !self.may_talk_to(&node) {
                self.gossip.left(&node);
                continue;
            }
            let talker = Talker {
                registry: self.server.registry.clone(),
                lines: self.lines.clone(),
                showing: self.server.showing,
            };
            let at = self.whereabouts(&node);
            let wants_filter = self.unfiltered.contains(&node);
            let Some(inbox) = self.inbox.clone() else {
                return;
            };
            std::thread::spawn(move || talker.talk(talk, at, (wants_filter, &inbox)));
        }
    }

    /// Where a node may be: where it was seen, and where somebody typed that it is.
    fn whereabouts(&self, node: &NodeId) -> Vec<SocketAddr> {
        let mut at = self.directory.candidates(node);
        if let Some(typed) = self.typed.get(node)
            && let Ok(found) = (typed.host.as_str(), typed.port).to_socket_addrs()
        {
            at.extend(found);
        }
        at
    }

    fn fetch(&mut self) {
        let now = self.started.elapsed();
        if !self.follower.is_due(now) {
            return;
        }
        let registry = self.server.registry.clone();
        let followed = match registry.follow(&self.follower.follow) {
            Ok(followed) => followed,
            Err(error) => {
                let what = format!("what is followed cannot be looked at: {error}");
                return self.server.tell(&Event::Trouble { what });
            }
        };
        let Followed { wanted, retire } = followed;
        self.retire(retire);
        for wanted in self.follower.next(now, wanted) {
            let peers = self.havers(&wanted.content, &wanted.from);
            let puller = self
                .follower
                .puller(&registry, &self.lines, &self.is_stopping);
            let Some(inbox) = self.inbox.clone() else {
                return;
            };
            std::thread::spawn(move || puller.pull(wanted, peers, &inbox));
        }
    }

    fn retire(&self, datasets: Vec<crate::catalog::Brief>) {
        if datasets.is_empty() {
            return;
        }
        match retire(&self.server.registry, &datasets) {
            Ok(labels) => self.server.tell(&Event::Retired { labels }),
            Err(error) => self.server.tell(&Event::Trouble {
                what: format!("old versions cannot be given up: {error}"),
            }),
        }
    }

    /// Who may have some content: who told of it first, then the others in any order, as far as
    /// their filters do not say no.
    fn havers(&mut self, content: &ContentId, first: &NodeId) -> Vec<(NodeId, Vec<SocketAddr>)> {
        let mut nodes: Vec<NodeId> = self.directory.list().iter().map(|n| n.node).collect();
        nodes.extend(self.typed.keys());
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|n| self.may_talk_to(n) && self.filters.may_have(n, content));
        for n in (1..nodes.len()).rev() {
            nodes.swap(n, self.random.below(n + 1));
        }
        nodes.sort_by_key(|n| n != first);
        let at = |n: NodeId| (n, self.whereabouts(&n));
        nodes.into_iter().map(at).collect()
    }

    fn keep_house(&mut self) {
        let now = self.started.elapsed();
        self.kept_house = now;
        self.lines.sweep();
        for node in self.directory.expire(now, FORGOTTEN) {
            self.filters.forget(&node);
            self.unfiltered.remove(&node);
        }
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
                self.follower.newcomer();
            }
        }
    }

    fn show(&self) {
        let now = (self.started.elapsed(), host::now().0);
        let ago = |seen: Duration| i64::try_from(now.0.saturating_sub(seen).as_secs());
        let all = self.directory.list().into_iter().filter(|n| !n.has_left);
        let seen = all.map(|n| {
            let shown = n.sighting.as_ref().and_then(|s| s.shown.as_ref());
            let filter = self.filters.of(&n.node).map(Filter::encode);
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
