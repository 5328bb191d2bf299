//! The asking side: what to ask next, and what the answers come to.

use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;
use crate::protocol::messages::request::ReconcileRequest;
use crate::protocol::reconcile::estimate::Estimate;
use crate::protocol::reconcile::keys::CatalogDigest;
use crate::protocol::reconcile::keys::Keys;
use crate::protocol::reconcile::message::Symbols;
use crate::protocol::reconcile::message::SymbolsRequest;
use crate::protocol::reconcile::riblt_decode::Decoder;
use crate::protocol::reconcile::riblt_decode::NotASet;
use crate::protocol::reconcile::riblt_encode::Encoder;
use crate::protocol::reconcile::symbol::Symbol;
use crate::wire::limits::RECONCILE_ELEMENTS_MAX;
use crate::wire::limits::RECONCILE_SYMBOLS_ASKED_MAX;
use crate::wire::limits::RECONCILE_SYMBOLS_MAX;

/// What two sets do not have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetDifference {
    /// Indexes of own elements that the peer lacks, ascending.
    pub only_here: Vec<usize>,
    /// Elements of the peer that are lacking here, ascending.
    pub only_there: Vec<Element>,
}

/// What the asking side does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To ask for these symbols.
    Symbols(SymbolsRequest),
    /// To compare by the plain list: [`Comparing::into_list`].
    List,
    /// The peer's set is not what it was: to begin again, with another salt.
    Again,
    /// Nothing: this is the difference, and it explains the peer's digest.
    Done(SetDifference),
}

/// One comparison with one peer. It asks nobody itself: who drives it does what [`Comparing::step`]
/// says and tells it what was answered. It ends whatever the answers are: each answer that leads
/// to another question adds a part to the symbols, whose number is bounded.
#[derive(Clone, Debug)]
pub struct Comparing {
    salt: Salt,
    keys: Keys,
    own: Vec<Element>,
    digest: CatalogDigest,
    encoder: Option<Encoder>,
    decoder: Decoder,
    estimate: Estimate,
    peer: Option<(u64, CatalogDigest)>,
    step: Step,
}

/// Sets of so many elements go as a list at once: it is shorter than any answer with symbols.
const TINY: usize = 16;
/// How many symbols the first request takes, at most and at least.
const FIRST_MAX: usize = 64;
const FIRST_MIN: usize = 16;
/// Symbols that a difference takes, per element of it, with little luck.
const OVERHEAD: f64 = 1.45;
/// The same for large differences, and from how many elements on.
const OVERHEAD_LARGE: f64 = 1.38;
const LARGE: f64 = 2_000.0;
/// From so many symbols on the margin for a bad estimate is dearer than a round trip: first as many
/// as make it a good one.
const DEAR: usize = 8_192;
const MEASURED_WELL: usize = 4_096;
/// What one symbol takes on the wire, on the average, in tenths of a byte.
const SYMBOL_TENTHS: usize = 131;

impl Comparing {
    /// Begins with the own elements, ascending and each once. The salt is random and new.
    pub fn new(salt: Salt, own: Vec<Element>) -> Self {
        let keys = Keys::of(&salt);
        let mut comparing = Self {
            salt,
            digest: keys.digest(&own),
            encoder: None,
            decoder: Decoder::new(&keys),
            estimate: Estimate::default(),
            peer: None,
            step: Step::List,
            keys,
            own,
        };
        if comparing.own.len() > TINY {
            let first = (comparing.own.len() / 4).clamp(FIRST_MIN, FIRST_MAX);
            comparing.step = comparing.symbols(0, first);
        }
        comparing
    }

    /// What is to be done now.
    pub fn step(&self) -> Step {
        self.step.clone()
    }

    /// From now on the list: the peer does not know symbols, or changes all the time.
    pub fn give_up(&mut self) {
        self.step = Step::List;
    }

    /// The request of the plain list.
    pub fn into_list(self) -> ReconcileRequest {
        ReconcileRequest {
            salt: self.salt,
            elements: self.own,
        }
    }

    /// Takes an answer to [`Step::Symbols`]; in any other state none is heard. What is not the answer
    /// of an honest peer leads to the list.
    pub fn hear(&mut self, answer: Symbols) {
        if let Step::Symbols(asked) = self.step {
            self.step = match self.follow(&asked, answer) {
                Ok(step) => step,
                Err(NotASet) => Step::List,
            };
        }
    }

    fn follow(&mut self, asked: &SymbolsRequest, answer: Symbols) -> Result<Step, NotASet> {
        let peer = (answer.count, answer.digest);
        let before = *self.peer.get_or_insert(peer);
        if before != peer {
            return Ok(Step::Again);
        }
        if answer.digest == self.digest {
            return Ok(Step::Done(SetDifference::default()));
        }
        if answer.count == 0 {
            return self.checked(self.own.clone(), Vec::new());
        }
        if answer.from != asked.from || answer.symbols.len() != asked.take {
            return Err(NotASet);
        }
        let differences = self.less_own(&answer.symbols);
        self.estimate.take(&differences, self.more());
        let own = &self.own;
        self.decoder
            .take(differences, &|e| own.binary_search(&e).is_ok())?;
        if self.decoder.is_whole() {
            let (here, there) = self.decoder.sides();
            return self.checked(here, there);
        }
        Ok(self.ask_on())
    }

    /// By how much the peer's set is the larger one.
    fn more(&self) -> i64 {
        let there = self.peer.map_or(0, |(count, _)| count);
        // Counts that no set has wrap, and are as absurd as before.
        (there as i64).wrapping_sub(self.own.len() as i64)
    }

    fn less_own(&mut self, symbols: &[Symbol]) -> Vec<Symbol> {
        let (keys, own) = (&self.keys, &self.own);
        let encoder = self.encoder.get_or_insert_with(|| Encoder::new(keys, own));
        let ours = encoder.take(symbols.len());
        symbols.iter().zip(&ours).map(|(s, o)| s.minus(o)).collect()
    }

    /// A difference, if it is what the peer's digest says.
    fn checked(&self, here: Vec<Element>, there: Vec<Element>) -> Result<Step, NotASet> {
        let common = self.own.iter().filter(|e| here.binary_search(e).is_err());
        let mut set: Vec<Element> = common.chain(&there).copied().collect();
        set.sort_unstable();
        let found = (set.len() as u64, self.keys.digest(&set));
        if self.peer != Some(found) {
            return Err(NotASet);
        }
        let at = here.iter().filter_map(|e| self.own.binary_search(e).ok());
        Ok(Step::Done(SetDifference {
            only_here: at.collect(),
            only_there: there,
        }))
    }

    /// More symbols, unless the list is cheaper than what they will come to.
    fn ask_on(&self) -> Step {
        let have = self.decoder.len();
        let more = self.more();
        let difference = self
            .estimate
            .difference()
            .max(more.unsigned_abs() as f64)
            .max(self.decoder.found() as f64);
        let overhead = match difference > LARGE {
            true => OVERHEAD_LARGE,
            false => OVERHEAD,
        };
        // Conversions of floats saturate: an absurd estimate is a large one.
        let likely = (difference * overhead) as usize;
        let surely = (difference * overhead * (1.0 + self.estimate.spread())) as usize;
        if self.is_list_cheaper(likely, difference, more) {
            return Step::List;
        }
        let enough = match likely > DEAR && have < MEASURED_WELL {
            true => MEASURED_WELL,
            false => surely,
        };
        let take = enough.saturating_sub(have).max(self.least_more());
        let room = RECONCILE_SYMBOLS_MAX.saturating_sub(have);
        match take.min(room).min(RECONCILE_SYMBOLS_ASKED_MAX) {
            0 => Step::List,
            take => self.symbols(have as u64, take),
        }
    }

    fn is_list_cheaper(&self, likely: usize, difference: f64, more: i64) -> bool {
        if self.own.len() > RECONCILE_ELEMENTS_MAX {
            return false;
        }
        let have = self.decoder.len();
        let there = (difference + more as f64).max(0.0) as usize / 2;
        let here = (difference - more as f64).max(0.0) as usize / 2;
        let list = self
            .own
            .len()
            .saturating_mul(8)
            .saturating_add(here.saturating_mul(2));
        // What is wanted is asked for by its elements, where the list brings it along.
        let rest = likely.saturating_sub(have).max(self.least_more());
        let rest =
            (rest.saturating_mul(SYMBOL_TENTHS) / 10).saturating_add(there.saturating_mul(8));
        // Whatever the estimate says, who was sent twice a list will not hear of a third.
        rest >= list || have.saturating_mul(SYMBOL_TENTHS) / 10 > list.saturating_mul(2)
    }

    /// How many more are worth a round trip, whatever the estimate says.
    fn least_more(&self) -> usize {
        match self.decoder.len() {
            have if have < MEASURED_WELL => (have / 4).max(FIRST_MIN),
            have => have / 16,
        }
    }

    fn symbols(&self, from: u64, take: usize) -> Step {
        Step::Symbols(SymbolsRequest {
            salt: self.salt,
            digest: self.digest,
            from,
            take,
        })
    }
}
