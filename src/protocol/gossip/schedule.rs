//! With whom a node talks next, and about what. What is new is told to a few peers at once
//! (rumour mongering), and every so often catalogues are compared with one peer (anti-entropy), so
//! that what a rumour missed arrives all the same: Demers et al., "Epidemic Algorithms for
//! Replicated Database Maintenance", PODC 1987. No sockets and no clock: time comes in, deeds come
//! out. Normative: `spec/gossip.md`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::ident::NodeId;
use crate::protocol::messages::item::ItemId;
use crate::protocol::random::Random;
use crate::wire::limits::GOSSIP_PEERS_MAX;
use crate::wire::limits::GOSSIP_QUEUE_MAX;

/// How a node gossips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GossipConfig {
    /// To how many peers what is new is told at once.
    pub fanout: usize,
    /// How long after a comparison that found nothing the next one begins.
    pub pause: Duration,
    /// The same after one that found something: there may be more. Doubled with each that finds
    /// something with the same peer, as far as the pause: a peer can always have something.
    pub eager: Duration,
    /// How many talks go on at once.
    pub talks: usize,
    /// How long a peer is left alone after it did not answer; doubled each time.
    pub shy: Duration,
    /// The longest that it is.
    pub shy_max: Duration,
    /// With so many of those who appear catalogues are compared at once, and with ever fewer of
    /// the further ones.
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

/// Something to do with a peer. Exactly one [`Gossip::done`] follows each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Compare catalogues.
    Compare(NodeId),
    /// Offer it these.
    Tell(NodeId, Vec<ItemId>),
}

impl Exchange {
    /// With whom.
    pub fn peer(&self) -> NodeId {
        match self {
            Self::Compare(peer) | Self::Tell(peer, _) => *peer,
        }
    }
}

/// How a talk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeOutcome {
    /// Both had the same, or the peer took what it was offered.
    Same,
    /// One of the two lacked something.
    Differed,
    /// The peer did not answer.
    Failed,
}

/// What is kept of a peer.
#[derive(Clone, Debug, Default)]
struct Friend {
    is_talking: bool,
    /// The comparison under way is its turn.
    is_turn: bool,
    /// It appeared, and it is not decided yet whether to greet it.
    is_new: bool,
    /// It has answered since it appeared.
    is_met: bool,
    /// How often in a row it did not answer.
    failures: u32,
    /// How often it showed itself after failures and failed again.
    forgiven: u32,
    /// Comparisons in a row that found something.
    finds: u32,
    /// Not before this.
    shy_until: Duration,
    /// To be told.
    queue: BTreeSet<ItemId>,
    /// Catalogues are to be compared: it did not answer, or more is to be told than the queue holds.
    is_owed: bool,
}

impl Friend {
    /// Whether it was never met, or did not answer when it was asked last.
    fn is_doubtful(&self) -> bool {
        !self.is_met || self.failures > 0
    }
}

/// A node's side of the gossip.
#[derive(Clone, Debug)]
pub struct Gossip {
    rhythm: GossipConfig,
    random: Random,
    friends: BTreeMap<NodeId, Friend>,
    talks: usize,
    /// When catalogues are compared with somebody next.
    round: Duration,
}

impl Gossip {
    /// A node that knows nobody. The seed decides who is chosen when several could be.
    pub fn new(rhythm: GossipConfig, seed: u64) -> Self {
        Self {
            rhythm,
            random: Random::new(seed),
            friends: BTreeMap::new(),
            talks: 0,
            round: Duration::ZERO,
        }
    }

    /// Another rhythm from now on.
    #[cfg(test)]
    pub(in crate::protocol) fn set_rhythm(&mut self, rhythm: GossipConfig) {
        self.rhythm = rhythm;
    }

    /// A peer is there, or is there again. Whether it is taken: there is a limit.
    pub fn appeared(&mut self, peer: NodeId) -> bool {
        let is_full = self.friends.len() >= GOSSIP_PEERS_MAX;
        if is_full && !self.friends.contains_key(&peer) && !self.make_room() {
            return false;
        }
        let friend = self.friends.entry(peer).or_insert_with(|| Friend {
            is_new: true,
            ..Friend::default()
        });
        // Whoever shows itself can be talked to at once; who does so again and again, and never
        // answers, ever more seldom.
        if friend.failures > friend.forgiven {
            friend.forgiven += 1;
            (friend.failures, friend.shy_until) = (0, Duration::ZERO);
        }
        true
    }

    /// Frees the place of who failed most often.
    fn make_room(&mut self) -> bool {
        let failing = self.friends.iter().filter(|(_, f)| f.failures > 0);
        let idle = failing.filter(|(_, f)| !f.is_talking);
        let most = idle.max_by_key(|(_, f)| f.failures).map(|(peer, _)| *peer);
        most.is_some_and(|peer| self.friends.remove(&peer).is_some())
    }

    /// Forgets everybody else, but for those with whom a talk is under way.
    pub fn keep(&mut self, is_there: impl Fn(&NodeId) -> bool) {
        self.friends
            .retain(|peer, f| f.is_talking || is_there(peer));
    }

    /// Whether a peer is there.
    pub fn knows(&self, peer: &NodeId) -> bool {
        self.friends.contains_key(peer)
    }

    /// A peer has left.
    pub fn left(&mut self, peer: &NodeId) {
        if let Some(friend) = self.friends.remove(peer) {
            self.talks -= usize::from(friend.is_talking);
        }
    }

    /// Nothing is known any more of who is there and has what: after sleep, or on another network.
    pub fn awoke(&mut self) {
        for friend in self.friends.values_mut() {
            (friend.is_new, friend.is_met) = (true, false);
            (friend.failures, friend.forgiven) = (0, 0);
            friend.shy_until = Duration::ZERO;
        }
    }

    /// How many peers there are.
    pub fn len(&self) -> usize {
        self.friends.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.friends.is_empty()
    }

    /// How many items wait to be told, each counted for every peer that is to hear it.
    pub fn waiting(&self) -> usize {
        self.friends.values().map(|f| f.queue.len()).sum()
    }

    /// These are new in the catalogue here; `from` told of them, and need not be told.
    pub fn news(&mut self, items: &[ItemId], from: Option<&NodeId>) {
        self.spread(items, from, self.rhythm.fanout);
    }

    /// Puts items into the queues of some peers that are there.
    fn spread(&mut self, items: &[ItemId], from: Option<&NodeId>, fanout: usize) {
        // With whoever else appears, all is compared when it answers.
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

    /// What to do now, if anything; asked again until there is nothing.
    pub fn next(&mut self, now: Duration) -> Option<Exchange> {
        if self.talks >= self.rhythm.talks {
            return None;
        }
        if self.round == Duration::ZERO {
            // Who is there at the start is greeted; turns come afterwards.
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
        // What is new first; then whoever appeared; then whoever is owed a comparison; then whose
        // turn it is; then whoever did not answer before.
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
            // Whoever was not greeted has a turn, too.
            is_due.then(|| chosen(self, |f| f.failures == 0)).flatten()
        });
        let compared = compared.or_else(|| chosen(self, |f| f.failures > 0));
        let peer = compared?;
        let pause = self.jittered(self.rhythm.pause);
        let friend = self.friends.get_mut(&peer)?;
        // Neither greeting nor trying who was silent puts off anybody's turn.
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
                // What is new from now on may be too late for this one.
                friend.is_owed = false;
                Exchange::Compare(peer)
            }
        })
    }

    /// A talk has ended.
    pub fn done(&mut self, now: Duration, talk: &Exchange, outcome: ExchangeOutcome) {
        let Some(friend) = self.friends.get_mut(&talk.peer()) else {
            return;
        };
        self.talks -= usize::from(friend.is_talking);
        friend.is_talking = false;
        if outcome == ExchangeOutcome::Failed {
            // What it was not told, a comparison finds.
            friend.is_owed = true;
            friend.queue.clear();
            friend.failures += 1;
            let was_turn = std::mem::take(&mut friend.is_turn);
            let doubled = 1_u32 << friend.failures.min(16).saturating_sub(1);
            let shy = self.rhythm.shy.saturating_mul(doubled);
            friend.shy_until = now + shy.min(self.rhythm.shy_max);
            match talk {
                // Somebody else hears it instead.
                Exchange::Tell(peer, items) => self.spread(items, Some(peer), 1),
                // Now it is another's.
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

    /// When [`Gossip::next`] may have something to do again, if nothing happens before.
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

    /// Whether somebody who appeared is compared with at once. Each newcomer meets a few in this way
    /// and is met by a few, however many there are; the others hear of what it brings from these.
    /// Only those who answered count: anybody can make up others.
    fn greets(&mut self) -> bool {
        let met = self.friends.values().filter(|f| f.is_met).count();
        self.random.index(met + 1) < self.rhythm.greeted
    }

    /// Whether somebody may be talked to who may not be there. Any number of those can be made up,
    /// and each keeps a talk waiting: while others are there, they get half of the talks.
    fn has_room_for_doubt(&self) -> bool {
        let all = self.friends.values();
        let doubtful = all.clone().filter(|f| f.is_talking && f.is_doubtful());
        let (doubtful, mut all) = (doubtful.count(), all);
        doubtful < self.rhythm.talks.div_ceil(2) || all.all(Friend::is_doubtful)
    }

    /// Between three and five quarters, so that nodes do not fall into step.
    fn jittered(&mut self, pause: Duration) -> Duration {
        let quarter = pause / 4;
        let micros = usize::try_from(quarter.as_micros()).unwrap_or(usize::MAX / 4);
        let jitter = self.random.index(2 * micros.max(1));
        pause - quarter + Duration::from_micros(jitter as u64)
    }
}
