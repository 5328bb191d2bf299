//! The asking side of an exchange, as `registry::peers::sync` does it in blocking calls: here each
//! question and each answer is an event of its own.

use std::collections::VecDeque;

use alimentar::protocol::Element;
use alimentar::protocol::Exchange;
use alimentar::protocol::ExchangeOutcome;
use alimentar::protocol::ItemId;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::protocol::Salt;
use alimentar::protocol::pack_batch;
use alimentar::protocol::reconcile::CompareStep;
use alimentar::protocol::reconcile::Reconciler;
use alimentar::protocol::reconcile::WantedRequest;
use alimentar::wire::limits::RECONCILE_WANTED_MAX;

use super::catalogue::Catalogue;
use super::catalogue::Item;
use super::node::Node;
use super::node::read_all;

/// Manifests that one announcement offers, as `registry::peers::sync`.
const ANNOUNCED_AT_ONCE: usize = 500;

/// One exchange that is under way.
#[derive(Debug)]
pub struct Conversation {
    pub from: usize,
    pub to: usize,
    /// In which life of each it began.
    pub lives: (u32, u32),
    pub exchange: Exchange,
    /// The request that is on its way; `answers` holds the answers to it.
    pub request: Option<Request>,
    pub answers: Vec<Response>,
    stage: Stage,
    received: u64,
    sent: u64,
}

#[derive(Debug)]
enum Stage {
    Beginning,
    Comparing {
        comparing: Box<Reconciler>,
        own: Vec<(Element, ItemId)>,
        salt: Salt,
        is_second: bool,
    },
    Listing {
        own: Vec<(Element, ItemId)>,
    },
    Wanting {
        salt: Salt,
        rest: VecDeque<Vec<Element>>,
        missing: Vec<ItemId>,
    },
    Announcing {
        rest: VecDeque<Request>,
    },
}

impl Conversation {
    pub fn new((from, to): (usize, usize), lives: (u32, u32), exchange: Exchange) -> Self {
        Self {
            from,
            to,
            lives,
            exchange,
            request: None,
            answers: Vec::new(),
            stage: Stage::Beginning,
            received: 0,
            sent: 0,
        }
    }

    /// Returns the next request, or `None` at the end of the exchange.
    pub fn ask(&mut self, node: &Node, salt: Salt) -> Option<Request> {
        loop {
            match &mut self.stage {
                Stage::Beginning => match &self.exchange {
                    Exchange::Compare(_) => self.stage = comparing(&node.catalogue, salt, false),
                    Exchange::Announce(_, items) => self.stage = announcing(node, items),
                },
                Stage::Comparing {
                    comparing: asking,
                    own,
                    salt: old,
                    is_second,
                } => match asking.step() {
                    CompareStep::Symbols(request) => return Some(Request::Symbols(request)),
                    CompareStep::Restart if !*is_second => {
                        self.stage = comparing(&node.catalogue, salt, true)
                    }
                    CompareStep::List | CompareStep::Restart => {
                        let list = asking.as_ref().clone().into_list();
                        let own = std::mem::take(own);
                        self.stage = Stage::Listing { own };
                        return Some(Request::Reconcile(list));
                    }
                    CompareStep::Done(difference) => {
                        let wanted = difference.only_there.chunks(RECONCILE_WANTED_MAX);
                        let missing = difference.only_here.iter().map(|n| own[*n].1).collect();
                        self.stage = Stage::Wanting {
                            salt: *old,
                            rest: wanted.map(<[Element]>::to_vec).collect(),
                            missing,
                        };
                    }
                },
                // Left as soon as it is answered.
                Stage::Listing { .. } => return None,
                Stage::Wanting {
                    salt,
                    rest,
                    missing,
                } => match rest.pop_front() {
                    Some(elements) => {
                        let salt = *salt;
                        return Some(Request::Wanted(WantedRequest { salt, elements }));
                    }
                    None => self.stage = announcing(node, missing),
                },
                Stage::Announcing { rest } => return rest.pop_front(),
            }
        }
    }

    /// Takes the answer; what came with it.
    pub fn take_response(&mut self, answers: Vec<Response>) -> Vec<Item> {
        let mut came = Vec::new();
        for answer in answers {
            match (answer, &mut self.stage) {
                (Response::Symbols(symbols), Stage::Comparing { comparing, .. }) => {
                    comparing.take_response(symbols);
                }
                (Response::Reconciled(missing), Stage::Listing { own }) => {
                    let missing = missing.iter().filter_map(|n| own.get(*n));
                    let missing = missing.map(|own| own.1).collect();
                    self.stage = Stage::Wanting {
                        salt: Salt::new([0; 16]),
                        rest: VecDeque::new(),
                        missing,
                    };
                }
                (Response::Manifests(bodies), _) => came.extend(read_all(&bodies, &[])),
                (Response::Statements(bodies), _) => came.extend(read_all(&[], &bodies)),
                (Response::Announced(new), _) => self.sent += new,
                _ => {}
            }
        }
        came
    }

    /// So much of what came was new.
    pub fn took(&mut self, new: usize) {
        self.received += new as u64;
    }

    pub fn end(&self) -> ExchangeOutcome {
        match self.exchange {
            Exchange::Compare(_) if self.received + self.sent > 0 => ExchangeOutcome::Differed,
            _ => ExchangeOutcome::Same,
        }
    }
}

fn comparing(here: &Catalogue, salt: Salt, is_second: bool) -> Stage {
    let own = here.elements(&salt);
    let elements = own.iter().map(|own| own.0).collect();
    Stage::Comparing {
        comparing: Box::new(Reconciler::new(salt, elements)),
        own,
        salt,
        is_second,
    }
}

fn announcing(node: &Node, items: &[ItemId]) -> Stage {
    let mut rest = VecDeque::new();
    for some in items.chunks(ANNOUNCED_AT_ONCE) {
        let (envelopes, statements) = node.encoded(some);
        let (mut envelopes, mut statements) = (envelopes.into_iter(), statements.into_iter());
        while let Some(statements) = pack_batch(&mut statements) {
            let envelopes = Vec::new();
            rest.push_back(Request::Announce {
                envelopes,
                statements,
            });
        }
        while let Some(envelopes) = pack_batch(&mut envelopes) {
            let statements = Vec::new();
            rest.push_back(Request::Announce {
                envelopes,
                statements,
            });
        }
    }
    Stage::Announcing { rest }
}
