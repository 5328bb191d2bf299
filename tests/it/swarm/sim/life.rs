//! The events of a scenario: starts, sightings, publications, crashes, departures and splits.

use std::time::Duration;

use alimentar::protocol::Gossip;

use super::catalogue::Item;
use super::engine::Event;
use super::engine::World;
use super::network::Access;
use super::network::between;
use super::network::until_next;
use super::node::Node;
use super::node::id_of;

/// Something that the scenario has happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// A node starts, for the first time or again.
    Starts(usize),
    /// Somebody publishes something.
    Publishes,
    /// Somebody crashes, leaves or joins.
    Churns,
    Splits,
    Heals,
}

/// The mean time between two announcements of a node, in seconds.
const ANNOUNCED_EVERY: f64 = 60.0;
/// Registers that are edited on both sides of a partition.
const CONTESTED: usize = 5;

impl World {
    /// Puts the scenario into the queue.
    pub(super) fn prepare(&mut self) {
        let common: Vec<Item> = (0..self.scenario.common)
            .map(|n| Item::manifest(n, n, 1, 0))
            .collect();
        for item in &common {
            self.ledger.publish(item, Duration::ZERO, None);
        }
        for _ in 0..self.scenario.nodes {
            let at = self.add();
            self.nodes[at].take(&common);
            self.nodes[at].counts.taken = 0;
            let starts = between(&mut self.random, 0.0, 10.0);
            self.plan(starts, Change::Starts(at));
        }
        let first = self.scenario.warm_up;
        self.plan(first, Change::Publishes);
        let last = first + self.scenario.publishing;
        if let Some(mean) = self.scenario.publish_every {
            self.plan_all(Change::Publishes, mean, (first, last));
        }
        if let Some(life) = self.scenario.node_life {
            let mean = life / self.scenario.nodes as u32;
            self.plan_all(Change::Churns, mean, (first, last));
        }
        if let Some((splits, heals)) = self.scenario.partition {
            self.plan(first + splits, Change::Splits);
            self.plan(first + heals, Change::Heals);
        }
    }

    fn plan(&mut self, at: Duration, change: Change) {
        self.disturbances += 1;
        self.push(at, Event::Change(change));
    }

    fn plan_all(&mut self, change: Change, mean: Duration, (first, last): (Duration, Duration)) {
        let mut at = first;
        loop {
            at += until_next(&mut self.random, mean);
            if at >= last {
                return;
            }
            self.plan(at, change);
        }
    }

    /// A node that is not switched on yet.
    fn add(&mut self) -> usize {
        let is_slow = self.random.index(100) < self.scenario.slow_percent;
        let access = match is_slow {
            true => Access::slow(&mut self.random),
            false => Access::fast(&mut self.random),
        };
        let at = self.nodes.len();
        self.nodes.push(Node::new(at, access));
        self.nodes[at].side = self.random.index(2 + (self.scenario.seed % 2) as usize);
        at
    }

    pub(super) fn change(&mut self, change: Change) {
        self.disturbances -= 1;
        self.disturb();
        match change {
            Change::Starts(at) => self.start(at),
            Change::Publishes => self.publish(),
            Change::Churns => match self.random.index(10) {
                0..=4 => self.crash(),
                5..=6 => self.leave(),
                _ => {
                    let at = self.add();
                    self.start(at);
                }
            },
            Change::Splits => self.is_split = true,
            Change::Heals => {
                self.is_split = false;
                self.ledger.healed = self.now;
                if !self.scenario.sees_again {
                    return;
                }
                // The network came back: whoever notices announces itself anew.
                for at in 0..self.nodes.len() {
                    let life = self.nodes[at].life;
                    let shows = self.now + between(&mut self.random, 0.1, ANNOUNCED_EVERY);
                    self.push(shows, Event::Shows(at, life));
                }
            }
        }
    }

    fn start(&mut self, at: usize) {
        let gossip = Gossip::new(self.scenario.rhythm, self.random.next_u64());
        self.nodes[at].start(self.now, gossip);
        let life = self.nodes[at].life;
        for other in 0..self.nodes.len() {
            if other == at || !self.reaches(at, other) {
                continue;
            }
            let others_life = self.nodes[other].life;
            let sees = self.now + between(&mut self.random, 0.1, 1.0);
            self.push(sees, Event::Sees(at, life, other));
            let sees = self.now + between(&mut self.random, 0.1, 1.0);
            self.push(sees, Event::Sees(other, others_life, at));
        }
        let shows = self.now + between(&mut self.random, 1.0, ANNOUNCED_EVERY);
        self.push(shows, Event::Shows(at, life));
    }

    pub(super) fn sees(&mut self, by: usize, life: u32, who: usize) {
        if self.nodes[by].life == life && self.reaches(by, who) {
            let node = &mut self.nodes[by];
            let was_silent = node.silent.remove(&who);
            if node.seen.insert(who) || was_silent {
                node.gossip.add_peer(id_of(who));
                self.act(by);
            }
        }
    }

    /// All who can hear it see it, and it goes on.
    pub(super) fn shows(&mut self, at: usize, life: u32) {
        if self.nodes[at].life != life || !self.nodes[at].is_alive {
            return;
        }
        for other in 0..self.nodes.len() {
            let is_new = !self.nodes[other].seen.contains(&at);
            if other != at && (is_new || self.scenario.sees_again) {
                self.sees(other, self.nodes[other].life, at);
            }
        }
        let next = between(
            &mut self.random,
            0.9 * ANNOUNCED_EVERY,
            1.1 * ANNOUNCED_EVERY,
        );
        self.push(self.now + next, Event::Shows(at, life));
    }

    /// Someone who is there.
    fn somebody(&mut self) -> Option<usize> {
        let live: Vec<usize> = self.live().map(|n| n.at).collect();
        let at = self.random.index(live.len());
        live.get(at).copied()
    }

    fn publish(&mut self) {
        let Some(at) = self.somebody() else { return };
        let number = self.ledger.next();
        let held = self.nodes[at].catalogue.registers();
        let among = match self.is_split {
            true => CONTESTED.min(held.len()),
            false => held.len(),
        };
        let kind = self.random.index(100);
        let edited = held.iter().nth(self.random.index(among));
        let created_at = self.now.as_micros() as u64;
        let item = match (kind, edited) {
            (0..=14, _) => Item::statement(number),
            (15..=54, Some((register, rank))) => {
                Item::manifest(number, *register, rank.edits + 1, created_at)
            }
            // Nobody else makes a register of this number.
            _ => Item::manifest(number, number, 1, created_at),
        };
        let side = self.is_split.then_some(self.nodes[at].side);
        self.ledger.publish(&item, self.now, side);
        let new = self.nodes[at].take(std::slice::from_ref(&item));
        self.news(at, &new, None);
    }

    /// Without a word; it comes back with what it knew.
    fn crash(&mut self) {
        let Some(at) = self.somebody() else { return };
        if self.live().count() > 2 {
            self.nodes[at].is_alive = false;
            let back = self.now + between(&mut self.random, 10.0, 120.0);
            self.plan(back, Change::Starts(at));
        }
    }

    /// With a goodbye that everybody hears who can.
    fn leave(&mut self) {
        let Some(at) = self.somebody() else { return };
        if self.live().count() <= 2 {
            return;
        }
        for other in 0..self.nodes.len() {
            if other != at && self.reaches(at, other) {
                let node = &mut self.nodes[other];
                node.gossip.remove_peer(&id_of(at));
                node.seen.remove(&at);
                node.silent.remove(&at);
            }
        }
        (self.nodes[at].is_alive, self.nodes[at].has_left) = (false, true);
    }
}
