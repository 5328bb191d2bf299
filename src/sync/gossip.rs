//! With whom a node talks next, and about what. What is new is told to a few peers at once
//! (rumour mongering), and every so often catalogues are compared with one peer (anti-entropy), so
//! that what a rumour missed arrives all the same: Demers et al., "Epidemic Algorithms for
//! Replicated Database Maintenance", PODC 1987. No sockets and no clock: time comes in, deeds come
//! out. Normative: `spec/gossip.md`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::ident::NodeId;
use crate::sync::item::ItemId;
use crate::sync::random::Random;
use crate::wire::limits::GOSSIP_PEERS_MAX;
use crate::wire::limits::GOSSIP_QUEUE_MAX;

/// How a node gossips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// To how many peers what is new is told at once.
    pub fanout: usize,
    /// How long after a comparison that found nothing the next one begins.
    pub pause: Duration,
    /// The same after one that found something: there may be more.
    pub eager: Duration,
    /// How many talks go on at once.
    pub talks: usize,
    /// How long a peer is left alone after it did not answer; doubled each time.
    pub shy: Duration,
    /// The longest that it is.
    pub shy_max: Duration,
    /// Of those who appear, with about how many catalogues are compared at once: with all where
    /// there are fewer.
    pub greeted: usize,
}

impl Default for Rhythm {
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
pub enum Talk {
    /// Compare catalogues.
    Compare(NodeId),
    /// Offer it these.
    Tell(NodeId, Vec<ItemId>),
}

impl Talk {
    /// With whom.
    pub fn peer(&self) -> NodeId {
        match self {
            Self::Compare(peer) | Self::Tell(peer, _) => *peer,
        }
    }
}

/// How a talk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TalkEnd {
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
    /// How often in a row it did not answer.
    failures: u32,
    /// Not before this.
    shy_until: Duration,
    /// To be told.
    queue: BTreeSet<ItemId>,
    /// Catalogues are to be compared: it is new, did not answer, or more is to be told than the
    /// queue holds.
    is_owed: bool,
}

/// A node's side of the gossip.
#[derive(Clone, Debug)]
pub struct Gossip {
    rhythm: Rhythm,
    random: Random,
    friends: BTreeMap<NodeId, Friend>,
    talks: usize,
    /// When catalogues are compared with somebody next.
    round: Duration,
}

impl Gossip {
    /// A node that knows nobody. The seed decides who is chosen when several could be.
    pub fn new(rhythm: Rhythm, seed: u64) -> Self {
        Self {
            rhythm,
            random: Random::new(seed),
            friends: BTreeMap::new(),
            talks: 0,
            round: Duration::ZERO,
        }
    }

    /// A peer is there, or is there again. Whether it is taken: there is a limit.
    pub fn appeared(&mut self, peer: NodeId) -> bool {
        if !self.friends.contains_key(&peer) && self.friends.len() >= GOSSIP_PEERS_MAX {
            return false;
        }
        let is_owed = !self.friends.contains_key(&peer) && self.greets(self.friends.len() + 1);
        let friend = self.friends.entry(peer).or_default();
        friend.is_owed |= is_owed;
        // Whoever shows itself can be talked to at once.
        (friend.failures, friend.shy_until) = (0, Duration::ZERO);
        true
    }

    /// A peer has left.
    pub fn left(&mut self, peer: &NodeId) {
        if let Some(friend) = self.friends.remove(peer) {
            self.talks -= usize::from(friend.is_talking);
        }
    }

    /// Nothing is known any more of who is there and has what: after sleep, or on another network.
    pub fn awoke(&mut self) {
        let count = self.friends.len();
        let peers: Vec<NodeId> = self.friends.keys().copied().collect();
        for peer in peers {
            let is_greeted = self.greets(count);
            if let Some(friend) = self.friends.get_mut(&peer) {
                friend.is_owed |= is_greeted;
                (friend.failures, friend.shy_until) = (0, Duration::ZERO);
            }
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

    /// These are new in the catalogue here; `from` told of them, and need not be told. Nor is who
    /// does not answer: it is owed a comparison anyway.
    pub fn news(&mut self, items: &[ItemId], from: Option<&NodeId>) {
        self.spread(items, from, self.rhythm.fanout);
    }

    /// Puts items into the queues of some peers.
    fn spread(&mut self, items: &[ItemId], from: Option<&NodeId>, fanout: usize) {
        let friends = self.friends.iter();
        let answering = friends.filter(|(peer, f)| Some(*peer) != from && f.failures == 0);
        let mut peers: Vec<NodeId> = answering.map(|(peer, _)| *peer).collect();
        for _ in 0..fanout.min(peers.len()) {
            let chosen = peers.swap_remove(self.random.below(peers.len()));
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

    /// A peer told of these itself: it need not hear them.
    pub fn told_by(&mut self, peer: &NodeId, items: &[ItemId]) {
        if let Some(friend) = self.friends.get_mut(peer) {
            items.iter().for_each(|item| {
                friend.queue.remove(item);
            });
        }
    }

    /// What to do now, if anything; asked again until there is nothing.
    pub fn next(&mut self, now: Duration) -> Option<Talk> {
        if self.talks >= self.rhythm.talks {
            return None;
        }
        let has_room = self.has_room_for_silent();
        let is_free =
            |f: &Friend| !f.is_talking && f.shy_until <= now && (has_room || f.failures == 0);
        let chosen = |gossip: &mut Self, wanted: fn(&Friend) -> bool| {
            let free = gossip.friends.iter();
            let free = free.filter(|(_, f)| is_free(f) && wanted(f));
            let free: Vec<NodeId> = free.map(|(peer, _)| *peer).collect();
            (!free.is_empty()).then(|| {
                let at = gossip.random.below(free.len());
                free.get(at).copied()
            })?
        };
        // What is new first; then whoever is owed a comparison; then whose turn it is.
        let told = chosen(self, |f| !f.queue.is_empty() && !f.is_owed);
        let compared = told.or_else(|| chosen(self, |f| f.is_owed)).or_else(|| {
            let is_due = self.round <= now;
            is_due.then(|| chosen(self, |_| true)).flatten()
        });
        let peer = compared?;
        let pause = self.jittered(self.rhythm.pause);
        let friend = self.friends.get_mut(&peer)?;
        // Trying who was silent puts off nothing.
        if told.is_none() && friend.failures == 0 {
            self.round = now + pause;
        }
        friend.is_talking = true;
        self.talks += 1;
        let queue = std::mem::take(&mut friend.queue);
        Some(match told {
            Some(peer) => Talk::Tell(peer, queue.into_iter().collect()),
            None => {
                // What is new from now on may be too late for this one.
                friend.is_owed = false;
                Talk::Compare(peer)
            }
        })
    }

    /// A talk has ended.
    pub fn done(&mut self, now: Duration, talk: &Talk, outcome: TalkEnd) {
        let Some(friend) = self.friends.get_mut(&talk.peer()) else {
            return;
        };
        self.talks -= usize::from(friend.is_talking);
        friend.is_talking = false;
        if outcome == TalkEnd::Failed {
            // What it was not told, a comparison finds.
            friend.is_owed = true;
            friend.queue.clear();
            friend.failures += 1;
            let doubled = 1_u32 << friend.failures.min(16).saturating_sub(1);
            let shy = self.rhythm.shy.saturating_mul(doubled);
            friend.shy_until = now + shy.min(self.rhythm.shy_max);
            match talk {
                // Somebody else hears it instead.
                Talk::Tell(peer, items) => self.spread(items, Some(peer), 1),
                Talk::Compare(_) => self.round = self.round.min(now + self.rhythm.eager),
            }
            return;
        }
        (friend.failures, friend.shy_until) = (0, Duration::ZERO);
        if matches!(talk, Talk::Compare(_)) && outcome == TalkEnd::Differed {
            let soon = now + self.jittered(self.rhythm.eager);
            self.round = self.round.min(soon);
        }
    }

    /// When [`Gossip::next`] may have something to do again, if nothing happens before.
    pub fn wakes_at(&self) -> Option<Duration> {
        if self.friends.is_empty() || self.talks >= self.rhythm.talks {
            return None;
        }
        let has_room = self.has_room_for_silent();
        let idle = self.friends.values();
        let idle = idle.filter(|f| !f.is_talking && (has_room || f.failures == 0));
        let wake = |f: &Friend| match f.is_owed || !f.queue.is_empty() {
            true => f.shy_until,
            false => self.round.max(f.shy_until),
        };
        idle.map(wake).min()
    }

    /// Whether one of so many is compared with at once. Each newcomer meets a few in this way and
    /// is met by a few, however many there are; the others hear of what it brings from these.
    fn greets(&mut self, count: usize) -> bool {
        self.random.below(count) < self.rhythm.greeted
    }

    /// Waiting for somebody who is not there takes long: at most half of the talks do.
    fn has_room_for_silent(&self) -> bool {
        let silent = self.friends.values();
        let silent = silent.filter(|f| f.is_talking && f.failures > 0).count();
        silent < self.rhythm.talks.div_ceil(2)
    }

    /// Between three and five quarters, so that nodes do not fall into step.
    fn jittered(&mut self, pause: Duration) -> Duration {
        let quarter = pause / 4;
        let micros = usize::try_from(quarter.as_micros()).unwrap_or(usize::MAX / 4);
        let jitter = self.random.below(2 * micros.max(1));
        pause - quarter + Duration::from_micros(jitter as u64)
    }
}
