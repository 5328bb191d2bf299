//! Gossip schedule: chooses the peer and the topic of each exchange.
//! A node sends news to a few peers at once (rumour mongering). At intervals it compares its catalogue
//! with one peer (anti-entropy), which delivers the news that a rumour missed: Demers et al., "Epidemic
//! Algorithms for Replicated Database Maintenance", PODC 1987.
//! The module has no sockets and no clock: the caller passes times in and performs the exchanges.
//! Normative: `spec/gossip.md`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::ident::NodeId;
use crate::protocol::messages::item::ItemId;
use crate::protocol::random::Random;
use crate::wire::limits::GOSSIP_PEERS_MAX;
use crate::wire::limits::GOSSIP_QUEUE_MAX;

/// Parameters of the gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GossipConfig {
    /// Number of peers that news goes to at once.
    pub fanout: usize,
    /// Time from a comparison without a difference to the next one.
    pub pause: Duration,
    /// Time from a comparison with a difference to the next one. It doubles, up to `pause`, with each
    /// further difference found with the same peer, because a peer can always have one.
    pub eager_pause: Duration,
    /// Number of concurrent exchanges.
    pub exchanges: usize,
    /// Time before the next try with a peer that did not answer; doubled with each failure.
    pub backoff: Duration,
    /// Maximum of that time.
    pub backoff_max: Duration,
    /// Number of appearing peers with which the node compares catalogues at once. Of further peers it
    /// greets ever fewer.
    pub greet_max: usize,
}

impl Default for GossipConfig {
    fn default() -> Self {
        Self {
            fanout: 5,
            pause: Duration::from_secs(30),
            eager_pause: Duration::from_millis(500),
            exchanges: 4,
            backoff: Duration::from_secs(2),
            backoff_max: Duration::from_secs(600),
            greet_max: 8,
        }
    }
}

/// An exchange with a peer. Exactly one [`Gossip::record_outcome`] follows each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Compare catalogues.
    Compare(NodeId),
    /// Offer these items.
    Announce(NodeId, Vec<ItemId>),
}

impl Exchange {
    /// Returns the peer of the exchange.
    pub fn peer(&self) -> NodeId {
        match self {
            Self::Compare(peer) | Self::Announce(peer, _) => *peer,
        }
    }
}

/// The outcome of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// Both catalogues were equal, or the peer took the offered items.
    Same,
    /// One of the two lacked something.
    Differed,
    /// The peer did not answer.
    Failed,
}

/// The state of a peer.
#[derive(Clone, Debug, Default)]
struct PeerState {
    is_busy: bool,
    /// Set if the running comparison is the peer's turn.
    is_turn: bool,
    /// Set if the peer appeared and greeting it is undecided.
    is_new: bool,
    /// Set if the peer answered since it appeared.
    is_met: bool,
    /// Failures in a row.
    failures: u32,
    /// Number of times that the peer appeared again after failures and failed again.
    forgiven: u32,
    /// Comparisons in a row that found a difference.
    finds: u32,
    /// The time before which the node does not contact the peer.
    not_before: Duration,
    /// Items to send.
    queue: BTreeSet<ItemId>,
    /// Set if a comparison is due, because the peer did not answer or its queue overflowed.
    is_owed: bool,
}

impl PeerState {
    /// Returns true if the peer never answered, or did not answer the last time.
    fn is_doubtful(&self) -> bool {
        !self.is_met || self.failures > 0
    }
}

/// A node's gossip state.
#[derive(Clone, Debug)]
pub struct Gossip {
    config: GossipConfig,
    random: Random,
    peers: BTreeMap<NodeId, PeerState>,
    exchanges: usize,
    /// The time of the next comparison.
    round: Duration,
}

impl Gossip {
    /// Makes the state of a node without peers. The seed decides among equal choices.
    pub fn new(config: GossipConfig, seed: u64) -> Self {
        Self {
            config,
            random: Random::new(seed),
            peers: BTreeMap::new(),
            exchanges: 0,
            round: Duration::ZERO,
        }
    }

    /// Replaces the parameters.
    #[cfg(test)]
    pub(in crate::protocol) fn set_config(&mut self, config: GossipConfig) {
        self.config = config;
    }

    /// Adds a peer that appeared, perhaps again. Returns false if the limit of peers refused it.
    pub fn add_peer(&mut self, peer: NodeId) -> bool {
        let is_full = self.peers.len() >= GOSSIP_PEERS_MAX;
        if is_full && !self.peers.contains_key(&peer) && !self.make_room() {
            return false;
        }
        let peer_state = self.peers.entry(peer).or_insert_with(|| PeerState {
            is_new: true,
            ..PeerState::default()
        });
        // A peer that appears is contacted at once. One that repeats it and never answers is contacted
        // ever more rarely.
        if peer_state.failures > peer_state.forgiven {
            peer_state.forgiven += 1;
            (peer_state.failures, peer_state.not_before) = (0, Duration::ZERO);
        }
        true
    }

    /// Frees the slot of the peer with the most failures.
    fn make_room(&mut self) -> bool {
        let failing = self.peers.iter().filter(|(_, f)| f.failures > 0);
        let idle = failing.filter(|(_, f)| !f.is_busy);
        let most = idle.max_by_key(|(_, f)| f.failures).map(|(peer, _)| *peer);
        most.is_some_and(|peer| self.peers.remove(&peer).is_some())
    }

    /// Forgets all other peers, except those with a running exchange.
    pub fn retain_peers(&mut self, is_there: impl Fn(&NodeId) -> bool) {
        self.peers.retain(|peer, f| f.is_busy || is_there(peer));
    }

    /// Returns true if a peer is present.
    pub fn contains(&self, peer: &NodeId) -> bool {
        self.peers.contains_key(peer)
    }

    /// Removes a peer that left.
    pub fn remove_peer(&mut self, peer: &NodeId) {
        if let Some(peer_state) = self.peers.remove(peer) {
            self.exchanges -= usize::from(peer_state.is_busy);
        }
    }

    /// Marks all knowledge of peers as stale, after sleep or on another network.
    pub fn forget_presence(&mut self) {
        for peer_state in self.peers.values_mut() {
            (peer_state.is_new, peer_state.is_met) = (true, false);
            (peer_state.failures, peer_state.forgiven) = (0, 0);
            peer_state.not_before = Duration::ZERO;
        }
    }

    /// Returns the number of peers.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Returns true if there are no peers.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Returns the number of queued items; an item counts once for each peer.
    pub fn queued_items(&self) -> usize {
        self.peers.values().map(|f| f.queue.len()).sum()
    }

    /// Adds new items of the own catalogue. `from` sent them and need not receive them.
    pub fn queue_items(&mut self, items: &[ItemId], from: Option<&NodeId>) {
        self.spread(items, from, self.config.fanout);
    }

    /// Puts items into the queues of some present peers.
    fn spread(&mut self, items: &[ItemId], from: Option<&NodeId>, fanout: usize) {
        // A peer that appears later has its catalogue compared.
        let is_there = |f: &PeerState| !f.is_doubtful() || (f.is_busy && f.failures == 0);
        let peers = self.peers.iter().filter(|(_, f)| is_there(f));
        let mut peers: Vec<NodeId> = peers.map(|(peer, _)| *peer).collect();
        peers.retain(|peer| Some(peer) != from);
        for _ in 0..fanout.min(peers.len()) {
            let chosen = peers.swap_remove(self.random.index(peers.len()));
            let Some(peer_state) = self.peers.get_mut(&chosen) else {
                continue;
            };
            for item in items {
                if peer_state.queue.len() >= GOSSIP_QUEUE_MAX {
                    peer_state.queue.clear();
                    peer_state.is_owed = true;
                }
                if !peer_state.is_owed {
                    peer_state.queue.insert(*item);
                }
            }
        }
    }

    /// Returns the next exchange, if any. Call it again until it returns `None`.
    pub fn next(&mut self, now: Duration) -> Option<Exchange> {
        if self.exchanges >= self.config.exchanges {
            return None;
        }
        if self.round == Duration::ZERO {
            // Peers that are present at the start are greeted; turns come afterwards.
            self.round = now + self.jittered(self.config.pause);
        }
        let has_room = self.has_room_for_doubt();
        let is_free =
            |f: &PeerState| !f.is_busy && f.not_before <= now && (has_room || !f.is_doubtful());
        let chosen = |gossip: &mut Self, wanted: fn(&PeerState) -> bool| {
            let free = gossip.peers.iter();
            let free = free.filter(|(_, f)| is_free(f) && wanted(f));
            let free: Vec<NodeId> = free.map(|(peer, _)| *peer).collect();
            (!free.is_empty()).then(|| {
                let at = gossip.random.index(free.len());
                free.get(at).copied()
            })?
        };
        // The order: news, new peers, peers with a comparison due, the next turn, then peers
        // that failed before.
        let announce_to = chosen(self, |f| {
            !f.queue.is_empty() && !f.is_doubtful() && !f.is_owed
        });
        let mut compared = announce_to;
        while compared.is_none()
            && let Some(new) = chosen(self, |f| f.is_new && f.failures == 0)
        {
            let is_greeted = self.should_greet();
            compared = is_greeted.then_some(new);
            self.peers.get_mut(&new)?.is_new = false;
        }
        let is_first = compared.is_some();
        let compared = compared.or_else(|| chosen(self, |f| f.is_owed && !f.is_doubtful()));
        let is_due = self.round <= now;
        let compared = compared.or_else(|| {
            // A peer that was not greeted has a turn, too.
            is_due.then(|| chosen(self, |f| f.failures == 0)).flatten()
        });
        let compared = compared.or_else(|| chosen(self, |f| f.failures > 0));
        let peer = compared?;
        let pause = self.jittered(self.config.pause);
        let peer_state = self.peers.get_mut(&peer)?;
        // Neither a greeting nor a retry of a silent peer postpones a turn.
        if !is_first && peer_state.failures == 0 {
            self.round = now + pause;
            peer_state.is_turn = true;
        }
        peer_state.is_busy = true;
        self.exchanges += 1;
        let queue = std::mem::take(&mut peer_state.queue);
        Some(match announce_to {
            Some(peer) => Exchange::Announce(peer, queue.into_iter().collect()),
            None => {
                // Later news may miss this comparison, so it goes to the queue.
                peer_state.is_owed = false;
                Exchange::Compare(peer)
            }
        })
    }

    /// Records the outcome of an exchange.
    pub fn record_outcome(&mut self, now: Duration, exchange: &Exchange, outcome: ExchangeOutcome) {
        let Some(peer_state) = self.peers.get_mut(&exchange.peer()) else {
            return;
        };
        self.exchanges -= usize::from(peer_state.is_busy);
        peer_state.is_busy = false;
        if outcome == ExchangeOutcome::Failed {
            // A comparison delivers the items that the peer did not take.
            peer_state.is_owed = true;
            peer_state.queue.clear();
            peer_state.failures += 1;
            let was_turn = std::mem::take(&mut peer_state.is_turn);
            let doubled = 1_u32 << peer_state.failures.min(16).saturating_sub(1);
            let backoff = self.config.backoff.saturating_mul(doubled);
            peer_state.not_before = now + backoff.min(self.config.backoff_max);
            match exchange {
                // Another peer gets the items instead.
                Exchange::Announce(peer, items) => self.spread(items, Some(peer), 1),
                // The turn passes to another peer.
                Exchange::Compare(_) if was_turn => {
                    self.round = self.round.min(now + self.config.eager_pause);
                }
                Exchange::Compare(_) => {}
            }
            return;
        }
        (peer_state.failures, peer_state.not_before) = (0, Duration::ZERO);
        (peer_state.is_met, peer_state.is_turn, peer_state.forgiven) = (true, false, 0);
        if matches!(exchange, Exchange::Compare(_)) {
            if outcome != ExchangeOutcome::Differed {
                peer_state.finds = 0;
                return;
            }
            let doubled = 1_u32 << peer_state.finds.min(16);
            peer_state.finds = peer_state.finds.saturating_add(1);
            let eager_pause = self.config.eager_pause.saturating_mul(doubled);
            let soon = now + self.jittered(eager_pause.min(self.config.pause));
            self.round = self.round.min(soon);
        }
    }

    /// Returns the time when [`Gossip::next`] may return something again, if nothing happens before.
    pub fn next_wake(&self) -> Option<Duration> {
        if self.peers.is_empty() || self.exchanges >= self.config.exchanges {
            return None;
        }
        let has_room = self.has_room_for_doubt();
        let idle = self.peers.values().filter(|f| !f.is_busy);
        let idle = idle.filter(|f| has_room || !f.is_doubtful());
        let wake = |f: &PeerState| {
            if f.is_owed || f.is_new || !f.queue.is_empty() {
                f.not_before
            } else {
                self.round.max(f.not_before)
            }
        };
        idle.map(wake).min()
    }

    /// Decides if a newcomer is compared with at once.
    /// Each newcomer so meets a few peers, however many there are, and the others receive its items from
    /// these. Only peers that answered count, because anybody can invent others.
    fn should_greet(&mut self) -> bool {
        let met = self.peers.values().filter(|f| f.is_met).count();
        self.random.index(met + 1) < self.config.greet_max
    }

    /// Returns true if there is room for an exchange with a doubtful peer. An attacker can invent any
    /// number of these, and each occupies an exchange. So they get at most half of the exchanges while
    /// others are present.
    fn has_room_for_doubt(&self) -> bool {
        let all = self.peers.values();
        let doubtful = all.clone().filter(|f| f.is_busy && f.is_doubtful());
        let (doubtful, mut all) = (doubtful.count(), all);
        doubtful < self.config.exchanges.div_ceil(2) || all.all(PeerState::is_doubtful)
    }

    /// Varies a pause between three and five quarters, so that nodes do not fall into step.
    fn jittered(&mut self, pause: Duration) -> Duration {
        let quarter = pause / 4;
        let micros = usize::try_from(quarter.as_micros()).unwrap_or(usize::MAX / 4);
        let jitter = self.random.index(2 * micros.max(1));
        pause - quarter + Duration::from_micros(jitter as u64)
    }
}
