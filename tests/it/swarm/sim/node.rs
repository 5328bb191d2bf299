//! A node: its catalogue and its gossip, and how it answers.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use alimentar::ident::NodeId;
use alimentar::protocol::Element;
use alimentar::protocol::Gossip;
use alimentar::protocol::GossipConfig;
use alimentar::protocol::ItemId;
use alimentar::protocol::Refusal;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::pack_batch;
use alimentar::protocol::reconcile::Encoder;
use alimentar::protocol::reconcile::Keys;
use alimentar::protocol::reconcile::Symbols;
use alimentar::protocol::reconcile::SymbolsRequest;

use super::catalogue::Catalogue;
use super::catalogue::Item;
use super::catalogue::Took;
use super::network::Access;

/// The counts of a node's bytes, exchanges and items.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub sent_bytes: u64,
    pub received_bytes: u64,
    /// Exchanges that it began.
    pub exchanges: u64,
    pub comparisons: u64,
    pub failed: u64,
    pub round_trips: u64,
    /// Items that came and were new.
    pub taken: u64,
    /// Items that came and were here, or were outranked.
    pub duplicates: u64,
}

#[derive(Debug)]
pub struct Node {
    pub at: usize,
    pub gossip: Gossip,
    pub catalogue: Catalogue,
    pub access: Access,
    pub is_alive: bool,
    /// Gone for good.
    pub has_left: bool,
    /// The number of its starts.
    /// A life ignores everything that an earlier one began.
    pub life: u32,
    pub started: Duration,
    /// On which side of a partition.
    pub side: usize,
    /// When what it has to send will be sent.
    pub busy_until: Duration,
    /// When it wakes up next.
    pub wake_at: Option<Duration>,
    /// When each open connection was used last.
    pub lines: BTreeMap<usize, Duration>,
    /// The nodes that it has seen in this life, except those that said goodbye.
    pub seen: BTreeSet<usize>,
    /// Of these, who did not answer lately.
    pub silent: BTreeSet<usize>,
    /// Numbers of all publications that it ever had in its hands, whatever became of them.
    pub handled: BTreeSet<u32>,
    pub counts: Counts,
}

/// The place of a node is in its id.
pub fn id_of(at: usize) -> NodeId {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&(at as u32).to_le_bytes());
    NodeId::new(id)
}

/// Returns the place of the node with an id.
pub fn place_of(id: &NodeId) -> usize {
    let bytes = id.as_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
}

impl Node {
    pub fn new(at: usize, access: Access) -> Self {
        Self {
            at,
            gossip: Gossip::new(GossipConfig::default(), 0),
            catalogue: Catalogue::default(),
            access,
            is_alive: false,
            has_left: false,
            life: 0,
            started: Duration::ZERO,
            side: 0,
            busy_until: Duration::ZERO,
            wake_at: None,
            lines: BTreeMap::new(),
            seen: BTreeSet::new(),
            silent: BTreeSet::new(),
            handled: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    /// With the catalogue of its last life, and nothing else of it.
    pub fn start(&mut self, now: Duration, gossip: Gossip) {
        (self.gossip, self.is_alive, self.started) = (gossip, true, now);
        self.life += 1;
        (self.busy_until, self.wake_at) = (now, None);
        self.lines.clear();
        self.seen.clear();
        self.silent.clear();
    }

    /// Takes what came; what of it is new.
    pub fn take(&mut self, items: &[Item]) -> Vec<Item> {
        let mut new = Vec::new();
        for item in items {
            self.handled.insert(item.number);
            match self.catalogue.take(item) {
                Took::New => {
                    self.counts.taken += 1;
                    new.push(item.clone());
                }
                Took::Known | Took::Old => self.counts.duplicates += 1,
            }
        }
        new
    }

    /// Answers as `registry::peers` does. It returns the announced items and does not take them yet.
    pub fn answer(&self, request: &Request) -> (Vec<Response>, Vec<Item>) {
        match request {
            Request::Symbols(request) => (vec![self.symbols(request)], Vec::new()),
            Request::Reconcile(request) => {
                let own = self.catalogue.elements(&request.salt);
                let theirs = &request.elements;
                let is_here = |e: &Element| own.binary_search_by_key(e, |own| own.0).is_ok();
                let missing = theirs.iter().enumerate().filter(|(_, e)| !is_here(e));
                let missing = Response::Reconciled(missing.map(|(n, _)| n).collect());
                let new = own.iter().filter(|o| theirs.binary_search(&o.0).is_err());
                let new: Vec<ItemId> = new.map(|o| o.1).collect();
                let bodies = self.bodies(&new);
                (std::iter::once(missing).chain(bodies).collect(), Vec::new())
            }
            Request::Wanted(request) => {
                let own = self.catalogue.elements(&request.salt);
                let is_wanted = |e: &Element| request.elements.binary_search(e).is_ok();
                let wanted = own.iter().filter(|own| is_wanted(&own.0));
                let wanted: Vec<ItemId> = wanted.map(|own| own.1).collect();
                (self.bodies(&wanted), Vec::new())
            }
            Request::Announce {
                envelopes,
                statements,
            } => {
                let items = read_all(envelopes, statements);
                let is_new = |i: &&Item| !self.catalogue.covers(i);
                let new = items.iter().filter(is_new).count();
                (vec![Response::Announced(new as u64)], items)
            }
            _ => {
                let refusal = Refusal::new(RefusalCode::NotUnderstood, "not simulated");
                (vec![Response::Refusal(refusal)], Vec::new())
            }
        }
    }

    fn symbols(&self, request: &SymbolsRequest) -> Response {
        let own = self.catalogue.elements(&request.salt);
        let elements: Vec<Element> = own.iter().map(|own| own.0).collect();
        let keys = Keys::of(&request.salt);
        let digest = keys.digest(&elements);
        let is_needed = digest != request.digest && request.is_in_bounds();
        let symbols = match is_needed {
            true => Encoder::range(&keys, &elements, request.from, request.take),
            false => Vec::new(),
        };
        Response::Symbols(Symbols {
            count: elements.len() as u64,
            digest,
            from: request.from,
            symbols,
        })
    }

    fn bodies(&self, ids: &[ItemId]) -> Vec<Response> {
        let (envelopes, statements) = self.encoded(ids);
        let (mut envelopes, mut statements) = (envelopes.into_iter(), statements.into_iter());
        let mut answers = Vec::new();
        while let Some(batch) = pack_batch(&mut statements) {
            answers.push(Response::Statements(batch));
        }
        while let Some(batch) = pack_batch(&mut envelopes) {
            answers.push(Response::Manifests(batch));
        }
        answers
    }

    /// The bytes of what is still here: manifests, and statements.
    pub fn encoded(&self, ids: &[ItemId]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let (mut envelopes, mut statements) = (Vec::new(), Vec::new());
        for item in ids.iter().filter_map(|id| self.catalogue.get(id)) {
            match item.id {
                ItemId::Manifest(_) => envelopes.push(item.body.to_vec()),
                ItemId::Statement(_) => statements.push(item.body.to_vec()),
            }
        }
        (envelopes, statements)
    }
}

/// Items from their bytes.
pub fn read_all(envelopes: &[Vec<u8>], statements: &[Vec<u8>]) -> Vec<Item> {
    let statements = statements.iter().map(|b| Item::read(true, b));
    let envelopes = envelopes.iter().map(|b| Item::read(false, b));
    statements.chain(envelopes).collect()
}
