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
    pub eager: Duration,
    /// Number of concurrent exchanges.
    pub talks: usize,
    /// Time before the next try with a peer that did not answer; doubled with each failure.
    pub shy: Duration,
    /// Maximum of that time.
    pub shy_max: Duration,
    /// Number of appearing peers with which the node compares catalogues at once. Of further peers it
    /// greets ever fewer.
    pub greeted: usize,
}

impl Default for GossipConfig {
    fn default() -> Self {
        Self {
            fanout: 5,
            pause: Duration::from_secs(30),
            eager: Duration::from_millis(500),
            talks: 4,
            shy: Duration::from_secs(2),
            shy_max: Duration::from_secs(600),
            greeted: 8,
        }
    }
}

/// An exchange with a peer. Exactly one [`Gossip::done`] follows each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Compare catalogues.
    Compare(NodeId),
    /// Offer these items.
    Tell(NodeId, Vec<ItemId>),
}

impl Exchange {
    /// Returns the peer of the exchange.
    pub fn peer(&self) -> NodeId {
        match self {
            Self::Compare(peer) | Self::Tell(peer, _) => *peer,
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
struct Friend {
    is_talking: bool,
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
    shy_until: Duration,
    /// Items to send.
    queue: BTreeSet<ItemId>,
    /// Set if a comparison is due, because the peer did not answer or its queue overflowed.
    is_owed: bool,
}

impl Friend {
    /// Returns true if the peer never answered, or did not answer the last time.
    fn is_doubtful(&self) -> bool {
        !self.is_met || self.failures > 0
    }
}

/// A node's gossip state.
#[derive(Clone, Debug)]
pub struct Gossip {
    rhythm: GossipConfig,
    random: Random,
    friends: BTreeMap<NodeId, Friend>,
    talks: usize,
    /// The time of the next comparison.
    round: Duration,
}

impl Gossip {
    /// Makes the state of a node without peers. The seed decides among equal choices.
    pub fn new(rhythm: GossipConfig, seed: u64) -> Self {
        Self {
            rhythm,
            random: Random::new(seed),
            friends: BTreeMap::new(),
            talks: 0,
            round: Duration::ZERO,
        }
    }

    /// Replaces the parameters.
    #[cfg(test)]
    pub(in crate::protocol) fn set_rhythm(&mut self, rhythm: GossipConfig) {
        self.rhythm = rhythm;
    }

    /// Adds a peer that appeared, perhaps again. Returns false if the limit of peers refused it.
    pub fn appeared(&mut self, peer: NodeId) -> bool {
        let is_full = self.friends.len() >= GOSSIP_PEERS_MAX;
        if is_full && !self.friends.contains_key(&peer) && !self.make_room() {
            return false;
        }
        let friend = self.friends.entry(peer).or_insert_with(|| Friend {
            is_new: true,
            ..Friend::default()
        });
        // A peer that appears is contacted at once. One that repeats it and never answers is contacted
        // ever more rarely.
        if friend.failures > friend.forgiven {
            friend.forgiven += 1;
            (friend.failures, friend.shy_until) = (0, Duration::ZERO);
        }
        true
    }

    /// Frees the slot of the peer with the most failures.
    fn make_room(&mut self) -> bool {
        let failing = self.friends.iter().filter(|(_, f)| f.failures > 0);
        let idle = failing.filter(|(_, f)| !f.is_talking);
        let most = idle.max_by_key(|(_, f)| f.failures).map(|(peer, _)| *peer);
        most.is_some_and(|peer| self.friends.remove(&peer).is_some())
    }

    /// Forgets all other peers, except those with a running exchange.
    pub fn keep(&mut self, is_there: impl Fn(&NodeId) -> bool) {
        self.friends
            .retain(|peer, f| f.is_talking || is_there(peer));
    }

    /// Returns true if a peer is present.
    pub fn knows(&self, peer: &NodeId) -> bool {
        self.friends.contains_key(peer)
    }

    /// Removes a peer that left.
    pub fn left(&mut self, peer: &NodeId) {
        if let Some(friend) = self.friends.remove(peer) {
            self.talks -= usize::from(friend.is_talking);
        }
    }

    /// Marks all knowledge of peers as stale, after sleep or on another network.
    pub fn awoke(&mut self) {
        for friend in self.friends.values_mut() {
            (friend.is_new, friend.is_met) = (true, false);
            (friend.failures, friend.forgiven) = (0, 0);
            friend.shy_until = Duration::ZERO;
        }
    }

    /// Returns the number of peers.
    pub fn len(&self) -> usize {
        self.friends.len()
    }

    /// Returns true if there are no peers.
    pub fn is_empty(&self) -> bool {
        self.friends.is_empty()
    }

    /// Returns the number of queued items; an item counts once for each peer.
    pub fn waiting(&self) -> usize {
        self.friends.values().map(|f| f.queue.len()).sum()
    }

    /// Adds new items of the own catalogue. `from` sent them and need not receive them.
    pub fn news(&mut self, items: &[ItemId], from: Option<&NodeId>) {
        self.spread(items, from, self.rhythm.fanout);
    }

    /// Puts items into the queues of some present peers.
    fn spread(&mut self, items: &[ItemId], from: Option<&NodeId>, fanout: usize) {
        // A peer that appears later has its catalogue compared.
        let is_there = |f: &Friend| !f.is_doubtful() || (f.is_talking && f.failures == 0);
        let peers = self.friends.iter().filter(|(_, f)| is_there(f));
        let mut peers: Vec<NodeId> = peers.map(|(peer, _)| *peer).collect();
        peers.retain(|peer| Some(peer) != from);
        for _ in 0..fanout.min(peers.len()) {
            let chosen = peers.swap_remove(self.random.index(peers.len()));
            let Some(friend) = self.friends.get_mut(&chosen) else {
                continue;
            };
            for item in items {
                if friend.queue.len() >= GOSSIP_QUEUE_MAX {
                    friend.queue.clear();
                    friend.is_owed = true;
                }
                if !friend.is_owed {
                    friend.queue.insert(*item);
                }
            }
        }
    }

    /// Returns the next exchange, if any. Call it again until it returns `None`.
    pub fn next(&mut self, now: Duration) -> Option<Exchange> {
        if self.talks >= self.rhythm.talks {
            return None;
        }
        if self.round == Duration::ZERO {
            // Peers that are present at the start are greeted; turns come afterwards.
            self.round = now + self.jittered(self.rhythm.pause);
        }
        let has_room = self.has_room_for_doubt();
        let is_free =
            |f: &Friend| !f.is_talking && f.shy_until <= now && (has_room || !f.is_doubtful());
        let chosen = |gossip: &mut Self, wanted: fn(&Friend) -> bool| {
            let free = gossip.friends.iter();
            let free = free.filter(|(_, f)| is_free(f) && wanted(f));
            let free: Vec<NodeId> = free.map(|(peer, _)| *peer).collect();
            (!free.is_empty()).then(|| {
                let at = gossip.random.index(free.len());
                free.get(at).copied()
            })?
        };
        // The order: news, new peers, peers with a comparison due, the next turn, then peers
        // that failed before.
        let told = chosen(self, |f| {
            !f.queue.is_empty() && !f.is_doubtful() && !f.is_owed
        });
        let mut compared = told;
        while compared.is_none()
            && let Some(new) = chosen(self, |f| f.is_new && f.failures == 0)
        {
            let is_greeted = self.greets();
            compared = is_greeted.then_some(new);
            self.friends.get_mut(&new)?.is_new = false;
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
        let pause = self.jittered(self.rhythm.pause);
        let friend = self.friends.get_mut(&peer)?;
        // Neither a greeting nor a retry of a silent peer postpones a turn.
        if !is_first && friend.failures == 0 {
            self.round = now + pause;
            friend.is_turn = true;
        }
        friend.is_talking = true;
        self.talks += 1;
        let queue = std::mem::take(&mut friend.queue);
        Some(match told {
            Some(peer) => Exchange::Tell(peer, queue.into_iter().collect()),
            None => {
                // Later news may miss this comparison, so it goes to the queue.
                friend.is_owed = false;
                Exchange::Compare(peer)
            }
        })
    }

    /// Records the outcome of an exchange.
    pub fn done(&mut self, now: Duration, talk: &Exchange, outcome: ExchangeOutcome) {
        let Some(friend) = self.friends.get_mut(&talk.peer()) else {
            return;
        };
        self.talks -= usize::from(friend.is_talking);
        friend.is_talking = false;
        if outcome == ExchangeOutcome::Failed {
            // A comparison delivers the items that the peer did not take.
            friend.is_owed = true;
            friend.queue.clear();
            friend.failures += 1;
            let was_turn = std::mem::take(&mut friend.is_turn);
            let doubled = 1_u32 << friend.failures.min(16).saturating_sub(1);
            let shy = self.rhythm.shy.saturating_mul(doubled);
            friend.shy_until = now + shy.min(self.rhythm.shy_max);
            match talk {
                // Another peer gets the items instead.
                Exchange::Tell(peer, items) => self.spread(items, Some(peer), 1),
                // The turn passes to another peer.
                Exchange::Compare(_) if was_turn => {
                    self.round = self.round.min(now + self.rhythm.eager);
                }
                Exchange::Compare(_) => {}
            }
            return;
        }
        (friend.failures, friend.shy_until) = (0, Duration::ZERO);
        (friend.is_met, friend.is_turn, friend.forgiven) = (true, false, 0);
        if matches!(talk, Exchange::Compare(_)) {
            if outcome != ExchangeOutcome::Differed {
                friend.finds = 0;
                return;
            }
            let doubled = 1_u32 << friend.finds.min(16);
            friend.finds = friend.finds.saturating_add(1);
            let eager = self.rhythm.eager.saturating_mul(doubled);
            let soon = now + self.jittered(eager.min(self.rhythm.pause));
            self.round = self.round.min(soon);
        }
    }

    /// Returns the time when [`Gossip::next`] may return something again, if nothing happens before.
    pub fn wakes_at(&self) -> Option<Duration> {
        if self.friends.is_empty() || self.talks >= self.rhythm.talks {
            return None;
        }
        let has_room = self.has_room_for_doubt();
        let idle = self.friends.values().filter(|f| !f.is_talking);
        let idle = idle.filter(|f| has_room || !f.is_doubtful());
        let wake = |f: &Friend| match f.is_owed || f.is_new || !f.queue.is_empty() {
            true => f.shy_until,
            false => self.round.max(f.shy_until),
        };
        idle.map(wake).min()
    }

    /// Decides if a newcomer is compared with at once.
    /// Each newcomer so meets a few peers, however many there are, and the others receive its items from
    /// these. Only peers that answered count, because anybody can invent others.
    fn greets(&mut self) -> bool {
        let met = self.friends.values().filter(|f| f.is_met).count();
        self.random.index(met + 1) < self.rhythm.greeted
    }

    /// Returns true if there is room for an exchange with a doubtful peer. An attacker can invent any
    /// number of these, and each occupies an exchange. So they get at most half of the exchanges while
    /// others are present.
    fn has_room_for_doubt(&self) -> bool {
        let all = self.friends.values();
        let doubtful = all.clone().filter(|f| f.is_talking && f.is_doubtful());
        let (doubtful, mut all) = (doubtful.count(), all);
        doubtful < self.rhythm.talks.div_ceil(2) || all.all(Friend::is_doubtful)
    }

    /// Varies a pause between three and five quarters, so that nodes do not fall into step.
    fn jittered(&mut self, pause: Duration) -> Duration {
        let quarter = pause / 4;
        let micros = usize::try_from(quarter.as_micros()).unwrap_or(usize::MAX / 4);
        let jitter = self.random.index(2 * micros.max(1));
        pause - quarter + Duration::from_micros(jitter as u64)
    }
}
