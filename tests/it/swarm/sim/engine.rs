//! Events in order of time, and exchanges between nodes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BinaryHeap;
use std::time::Duration;

use alimentar::protocol::Exchange;
use alimentar::protocol::ExchangeOutcome;
use alimentar::protocol::ItemId;
use alimentar::protocol::Random;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::Salt;
use alimentar::wire::limits::GOSSIP_QUEUE_MAX;

use super::catalogue::Item;
use super::exchange::Conversation;
use super::ledger::Ledger;
use super::life::Change;
use super::network;
use super::network::on_the_wire;
use super::node::Counts;
use super::node::Node;
use super::node::id_of;
use super::node::place_of;
use super::report::Outcome;
use super::scenario::Scenario;

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A node looks at what it has to do.
    Wake(usize),
    /// The connection of an exchange is there.
    Begun(u64),
    /// A request has arrived.
    Asked(u64),
    /// An answer has.
    Answered(u64),
    /// Nobody is waited for any more.
    Failed(u64),
    /// A node, in this life, sees another one.
    Sees(usize, u32, usize),
    /// A node, in this life, announces itself to all.
    Shows(usize, u32),
    /// Something that the scenario has.
    Change(Change),
}

/// The whole of it.
#[derive(Debug)]
pub struct World {
    pub scenario: Scenario,
    pub random: Random,
    pub now: Duration,
    pub nodes: Vec<Node>,
    pub ledger: Ledger,
    pub is_split: bool,
    /// When something last happened that is not the nodes' own doing, and how much more will.
    pub disturbed: Duration,
    pub disturbances: usize,
    queue: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    sequence: u64,
    exchanges: BTreeMap<u64, Conversation>,
    is_changed: bool,
}

/// The outcome of an exchange whose other side does not answer.
const UNHEARD: ExchangeOutcome = ExchangeOutcome::Failed;

impl World {
    /// Runs a scenario to its end.
    ///
    /// # Errors
    /// A description of the condition that does not hold.
    pub fn run(scenario: Scenario) -> Result<Outcome, String> {
        let mut world = Self {
            random: Random::new(scenario.seed),
            scenario,
            now: Duration::ZERO,
            nodes: Vec::new(),
            ledger: Ledger::default(),
            is_split: false,
            disturbed: Duration::ZERO,
            disturbances: 0,
            queue: BinaryHeap::new(),
            sequence: 0,
            exchanges: BTreeMap::new(),
            is_changed: true,
        };
        world.prepare();
        let converged = world.settle()?;
        let before = world.total();
        let end = world.now + world.scenario.idle;
        while let Some(event) = world.pop(end) {
            world.happen(event);
        }
        world.check()?;
        Ok(Outcome::of(&world, converged, &before))
    }

    /// Until all live nodes have the same, and nothing is to come; how long it took since the last
    /// disturbance.
    fn settle(&mut self) -> Result<Duration, String> {
        loop {
            if self.disturbances == 0 && std::mem::take(&mut self.is_changed) && self.is_level() {
                return Ok(self.now.saturating_sub(self.disturbed));
            }
            let end = match self.disturbances {
                0 => self.disturbed + self.scenario.limit,
                _ => Duration::MAX,
            };
            let Some(event) = self.pop(end) else {
                let (name, seed) = (self.scenario.name, self.scenario.seed);
                return Err(format!("{name}, seed {seed}: they never have the same"));
            };
            self.happen(event);
        }
    }

    fn is_level(&self) -> bool {
        let mut marks = self.live().map(|n| n.catalogue.mark());
        let first = marks.next();
        marks.all(|mark| Some(mark) == first)
    }

    fn check(&self) -> Result<(), String> {
        let live: Vec<&Node> = self.live().collect();
        let told = format!("{}, seed {}", self.scenario.name, self.scenario.seed);
        for node in &live {
            let (waiting, peers) = (node.gossip.queued_items(), node.gossip.len());
            if waiting > peers * GOSSIP_QUEUE_MAX {
                return Err(format!("{told}: {waiting} items wait at {}", node.at));
            }
        }
        self.ledger
            .verify(&live)
            .map_err(|wrong| format!("{told}: {wrong}"))
    }

    pub fn live(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|n| n.is_alive)
    }

    /// Returns the sums of the counts of all nodes.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for counts in self.nodes.iter().map(|n| &n.counts) {
            total.add(counts);
        }
        total
    }

    pub fn push(&mut self, at: Duration, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, event)));
    }

    fn pop(&mut self, end: Duration) -> Option<Event> {
        let Reverse((at, ..)) = self.queue.peek()?;
        if *at > end {
            return None;
        }
        let Reverse((at, _, event)) = self.queue.pop()?;
        self.now = at;
        Some(event)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake(at) => {
                if self.nodes[at].wake_at == Some(self.now) {
                    self.nodes[at].wake_at = None;
                    self.act(at);
                }
            }
            Event::Begun(exchange) => self.ask(exchange),
            Event::Asked(exchange) => self.asked(exchange),
            Event::Answered(exchange) => self.answered(exchange),
            Event::Failed(exchange) => self.finish(exchange, UNHEARD),
            Event::Sees(by, life, who) => self.sees(by, life, who),
            Event::Shows(at, life) => self.shows(at, life),
            Event::Change(change) => self.change(change),
        }
    }

    /// Checks whether bytes get from one node to the other.
    pub fn reaches(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.nodes[a], &self.nodes[b]);
        a.is_alive && b.is_alive && (!self.is_split || a.side == b.side)
    }

    /// A node begins what its gossip says.
    pub fn act(&mut self, at: usize) {
        if !self.nodes[at].is_alive {
            return;
        }
        while let Some(exchange) = self.nodes[at].gossip.next(self.now) {
            self.begin(at, exchange);
        }
        let node = &mut self.nodes[at];
        if let Some(wake) = node.gossip.next_wake() {
            let wake = wake.max(self.now + Duration::from_millis(1));
            if node
                .wake_at
                .is_none_or(|planned| planned > wake || planned <= self.now)
            {
                node.wake_at = Some(wake);
                self.push(wake, Event::Wake(at));
            }
        }
    }

    fn begin(&mut self, from: usize, exchange: Exchange) {
        let to = place_of(&exchange.peer());
        let lives = (self.nodes[from].life, self.nodes[to].life);
        self.sequence += 1;
        let number = self.sequence;
        let is_compare = matches!(exchange, Exchange::Compare(_));
        let conversation = Conversation::new((from, to), lives, exchange);
        self.exchanges.insert(number, conversation);
        self.nodes[from].counts.exchanges += 1;
        self.nodes[from].counts.comparisons += u64::from(is_compare);
        let loss = self.nodes[from].access.loss_percent;
        let loss = loss.max(self.nodes[to].access.loss_percent);
        let is_lost = self.random.index(100) < loss;
        if is_lost || !self.reaches(from, to) {
            let at = self.now + network::CONNECT_PATIENCE;
            return self.push(at, Event::Failed(number));
        }
        let now = self.now;
        let open = self.nodes[from].lines.get(&to);
        let is_open = open.is_some_and(|used| *used + network::LINE_IDLE > now);
        self.use_line(from, to);
        let begun = match is_open {
            true => now,
            false => {
                self.count(from, to, network::CONNECT_BYTES / 2);
                self.count(to, from, network::CONNECT_BYTES / 2);
                self.nodes[from].counts.round_trips += u64::from(network::CONNECT_ROUND_TRIPS);
                now + self.way(from, to) * 2 * network::CONNECT_ROUND_TRIPS
            }
        };
        self.push(begun, Event::Begun(number));
    }

    fn use_line(&mut self, from: usize, to: usize) {
        let now = self.now;
        let lines = &mut self.nodes[from].lines;
        lines.insert(to, now);
        if lines.len() > network::LINES_MAX {
            let oldest = lines.iter().min_by_key(|(_, used)| **used);
            let oldest = oldest.map(|(peer, _)| *peer);
            oldest.map(|peer| lines.remove(&peer));
        }
    }

    /// The asking side asks, or is done.
    fn ask(&mut self, number: u64) {
        let Some(mut exchange) = self.exchanges.remove(&number) else {
            return;
        };
        let (from, to) = (exchange.from, exchange.to);
        if self.nodes[from].life != exchange.lives.0 || !self.nodes[from].is_alive {
            return;
        }
        let salt = self.salt();
        let request = exchange.ask(&self.nodes[from], salt);
        let arrives = request
            .as_ref()
            .map(|r| self.send(from, to, r.encode().len()));
        exchange.request = request;
        self.exchanges.insert(number, exchange);
        match arrives {
            Some(at) => {
                self.nodes[from].counts.round_trips += 1;
                self.push(at, Event::Asked(number));
            }
            None => {
                let end = self
                    .exchanges
                    .get(&number)
                    .map_or(UNHEARD, Conversation::end);
                self.finish(number, end);
            }
        }
    }

    /// The answering side answers, if it is there.
    fn asked(&mut self, number: u64) {
        let Some(exchange) = self.exchanges.get_mut(&number) else {
            return;
        };
        let (from, to, life) = (exchange.from, exchange.to, exchange.lives.1);
        let request: Option<Request> = exchange.request.take();
        if !self.reaches(from, to) || self.nodes[to].life != life {
            return self.push(self.now + network::STALL, Event::Failed(number));
        }
        let Some(request) = request else { return };
        let (answers, announced) = self.nodes[to].answer(&request);
        let bytes = answers.iter().map(|a| a.encode().len()).sum();
        let at = self.send(to, from, bytes);
        self.push(at, Event::Answered(number));
        if let Some(exchange) = self.exchanges.get_mut(&number) {
            exchange.answers = answers;
        }
        self.take(to, &announced, from);
    }

    fn answered(&mut self, number: u64) {
        let Some(exchange) = self.exchanges.get_mut(&number) else {
            return;
        };
        let (from, to, life) = (exchange.from, exchange.to, exchange.lives.0);
        let answers: Vec<Response> = std::mem::take(&mut exchange.answers);
        if !self.reaches(from, to) || self.nodes[from].life != life {
            return self.push(self.now + network::STALL, Event::Failed(number));
        }
        let exchange = self.exchanges.get_mut(&number);
        let came = exchange.map_or_else(Vec::new, |t| t.take_response(answers));
        let new = self.take(from, &came, to);
        if let Some(exchange) = self.exchanges.get_mut(&number) {
            exchange.took(new);
        }
        self.ask(number);
    }

    /// An exchange is over, for the side that asked.
    fn finish(&mut self, number: u64, end: ExchangeOutcome) {
        let Some(exchange) = self.exchanges.remove(&number) else {
            return;
        };
        let now = self.now;
        let node = &mut self.nodes[exchange.from];
        if node.life != exchange.lives.0 || !node.is_alive {
            return;
        }
        node.gossip.record_outcome(now, &exchange.exchange, end);
        if end == UNHEARD {
            node.counts.failed += 1;
            node.silent.insert(exchange.to);
            node.lines.remove(&exchange.to);
        } else {
            node.silent.remove(&exchange.to);
        }
        self.act(exchange.from);
    }

    /// A node takes what another one gave it, and passes on what is new; how much that is.
    fn take(&mut self, at: usize, items: &[Item], from: usize) -> usize {
        if items.is_empty() {
            return 0;
        }
        let new = self.nodes[at].take(items);
        self.news(at, &new, Some(from));
        new.len()
    }

    /// Something is new at a node.
    pub fn news(&mut self, at: usize, new: &[Item], from: Option<usize>) {
        if new.is_empty() {
            return;
        }
        let now = self.now;
        let node = &mut self.nodes[at];
        for item in new {
            self.ledger.note(node, item, now);
        }
        let ids: Vec<ItemId> = new.iter().map(|i| i.id).collect();
        node.gossip.queue_items(&ids, from.map(id_of).as_ref());
        self.is_changed = true;
        self.act(at);
    }

    /// Notes a disturbance at the present time.
    /// The live nodes may have changed, so their catalogues may have become equal or different.
    pub fn disturb(&mut self) {
        (self.disturbed, self.is_changed) = (self.now, true);
    }

    fn way(&self, from: usize, to: usize) -> Duration {
        let own = self.nodes[from].access.latency + self.nodes[to].access.latency;
        network::way(self.scenario.seed, from, to) + own
    }

    /// Sends bytes; when they arrive. A node sends one thing after the other.
    fn send(&mut self, from: usize, to: usize, bytes: usize) -> Duration {
        let bytes = self.count(from, to, bytes as u64);
        let (way, rate) = (self.way(from, to), self.nodes[to].access.rate);
        let (now, node) = (self.now, &mut self.nodes[from]);
        let begins = node.busy_until.max(now);
        let takes = |rate: f64| Duration::from_secs_f64(bytes as f64 / rate);
        node.busy_until = begins + takes(node.access.rate);
        begins + takes(rate.min(node.access.rate)) + way
    }

    fn count(&mut self, from: usize, to: usize, bytes: u64) -> u64 {
        let bytes = on_the_wire(bytes);
        self.nodes[from].counts.sent_bytes += bytes;
        self.nodes[to].counts.received_bytes += bytes;
        bytes
    }

    fn salt(&mut self) -> Salt {
        let words = [self.random.next_u64(), self.random.next_u64()];
        let mut salt = [0; 16];
        for (to, from) in salt.chunks_mut(8).zip(words) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        Salt::new(salt)
    }
}
