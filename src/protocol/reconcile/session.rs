//! Reconciliation session: the requester's state machine.

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

/// The difference of two sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetDifference {
    /// Indexes of own elements that the peer lacks, ascending.
    pub only_here: Vec<usize>,
    /// Elements of the peer that are missing here, ascending.
    pub only_there: Vec<Element>,
}

/// The requester's next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareStep {
    /// Request these symbols.
    Symbols(SymbolsRequest),
    /// Compare by the plain list: [`Reconciler::into_list`].
    List,
    /// Start again with another salt, because the peer's set changed.
    Restart,
    /// Finished: this is the difference, and it explains the peer's digest.
    Done(SetDifference),
}

/// One comparison with one peer, without I/O. The driver performs [`Reconciler::step`] and passes the
/// response back.
/// It ends for any responses: each response that leads to another request adds to the symbols, and their
/// number is bounded.
#[derive(Clone, Debug)]
pub struct Reconciler {
    salt: Salt,
    keys: Keys,
    own: Vec<Element>,
    digest: CatalogDigest,
    encoder: Option<Encoder>,
    decoder: Decoder,
    estimate: Estimate,
    peer: Option<(u64, CatalogDigest)>,
    step: CompareStep,
}

/// Sets of up to this number of elements go as a list, which is shorter than any response with symbols.
const TINY: usize = 16;
/// Maximum number of symbols in the first request.
const FIRST_MAX: usize = 64;
const FIRST_MIN: usize = 16;
/// Symbols that decoding takes per different element, with a margin for bad luck.
const OVERHEAD: f64 = 1.45;
/// The same for large differences.
const OVERHEAD_LARGE: f64 = 1.38;
const LARGE: f64 = 2_000.0;
/// Number of symbols from which the margin for a bad estimate costs more than a round trip. Then the
/// first request takes only the number that makes a good estimate.
const DEAR: usize = 8_192;
const MEASURED_WELL: usize = 4_096;
/// Average size of a symbol on the wire, in tenths of a byte.
const SYMBOL_TENTHS: usize = 131;

impl Reconciler {
    /// Starts with the own elements, ascending and distinct. The salt must be random and new.
    pub fn new(salt: Salt, own: Vec<Element>) -> Self {
        let keys = Keys::of(&salt);
        let mut reconciler = Self {
            salt,
            digest: keys.digest(&own),
            encoder: None,
            decoder: Decoder::new(&keys),
            estimate: Estimate::default(),
            peer: None,
            step: CompareStep::List,
            keys,
            own,
        };
        if reconciler.own.len() > TINY {
            let first = (reconciler.own.len() / 4).clamp(FIRST_MIN, FIRST_MAX);
            reconciler.step = reconciler.symbols(0, first);
        }
        reconciler
    }

    /// Returns the next step.
    pub fn step(&self) -> CompareStep {
        self.step.clone()
    }

    /// Switches to the list: the peer does not know symbols, or its set changes all the time.
    pub fn give_up(&mut self) {
        self.step = CompareStep::List;
    }

    /// Returns the request of the plain list.
    pub fn into_list(self) -> ReconcileRequest {
        ReconcileRequest {
            salt: self.salt,
            elements: self.own,
        }
    }

    /// Takes a response to [`CompareStep::Symbols`]; ignores it in any other state. A response that no honest
    /// peer gives leads to the list.
    pub fn take_response(&mut self, response: Symbols) {
        if let CompareStep::Symbols(request) = self.step {
            self.step = match self.process_response(&request, response) {
                Ok(step) => step,
                Err(NotASet) => CompareStep::List,
            };
        }
    }

    fn process_response(
        &mut self,
        request: &SymbolsRequest,
        response: Symbols,
    ) -> Result<CompareStep, NotASet> {
        let peer = (response.count, response.digest);
        let before = *self.peer.get_or_insert(peer);
        if before != peer {
            return Ok(CompareStep::Restart);
        }
        if response.digest == self.digest {
            return Ok(CompareStep::Done(SetDifference::default()));
        }
        if response.count == 0 {
            return self.verify_difference(self.own.clone(), Vec::new());
        }
        if response.from != request.from || response.symbols.len() != request.take {
            return Err(NotASet);
        }
        let differences = self.subtract_own(&response.symbols);
        self.estimate.take(&differences, self.surplus());
        let own = &self.own;
        self.decoder
            .take(differences, &|e| own.binary_search(&e).is_ok())?;
        if self.decoder.is_whole() {
            let (here, there) = self.decoder.sides();
            return self.verify_difference(here, there);
        }
        Ok(self.request_more())
    }

    /// Returns the surplus of the peer's set.
    fn surplus(&self) -> i64 {
        let there = self.peer.map_or(0, |(count, _)| count);
        // Impossible counts wrap, and stay as absurd as before.
        (there as i64).wrapping_sub(self.own.len() as i64)
    }

    fn subtract_own(&mut self, symbols: &[Symbol]) -> Vec<Symbol> {
        let (keys, own) = (&self.keys, &self.own);
        let encoder = self.encoder.get_or_insert_with(|| Encoder::new(keys, own));
        let ours = encoder.take(symbols.len());
        symbols.iter().zip(&ours).map(|(s, o)| s.minus(o)).collect()
    }

    /// Returns the difference, if it explains the peer's digest.
    fn verify_difference(
        &self,
        here: Vec<Element>,
        there: Vec<Element>,
    ) -> Result<CompareStep, NotASet> {
        let common = self.own.iter().filter(|e| here.binary_search(e).is_err());
        let mut set: Vec<Element> = common.chain(&there).copied().collect();
        set.sort_unstable();
        let found = (set.len() as u64, self.keys.digest(&set));
        if self.peer != Some(found) {
            return Err(NotASet);
        }
        let at = here.iter().filter_map(|e| self.own.binary_search(e).ok());
        Ok(CompareStep::Done(SetDifference {
            only_here: at.collect(),
            only_there: there,
        }))
    }

    /// Requests more symbols, unless the list is cheaper than the expected rest.
    fn request_more(&self) -> CompareStep {
        let have = self.decoder.len();
        let more = self.surplus();
        let difference = self
            .estimate
            .difference()
            .max(more.unsigned_abs() as f64)
            .max(self.decoder.found() as f64);
        let overhead = if difference > LARGE {
            OVERHEAD_LARGE
        } else {
            OVERHEAD
        };
        // Conversions of floats saturate: an absurd estimate becomes a large one.
        let likely = (difference * overhead) as usize;
        let surely = (difference * overhead * (1.0 + self.estimate.spread())) as usize;
        if self.is_list_cheaper(likely, difference, more) {
            return CompareStep::List;
        }
        let enough = if likely > DEAR && have < MEASURED_WELL {
            MEASURED_WELL
        } else {
            surely
        };
        let take = enough.saturating_sub(have).max(self.least_more());
        let room = RECONCILE_SYMBOLS_MAX.saturating_sub(have);
        match take.min(room).min(RECONCILE_SYMBOLS_ASKED_MAX) {
            0 => CompareStep::List,
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
        // Symbols need another request for the wanted items, which the list brings along.
        let rest = likely.saturating_sub(have).max(self.least_more());
        let rest =
            (rest.saturating_mul(SYMBOL_TENTHS) / 10).saturating_add(there.saturating_mul(8));
        // Symbols of twice the size of a list are the limit, for any estimate.
        rest >= list || have.saturating_mul(SYMBOL_TENTHS) / 10 > list.saturating_mul(2)
    }

    /// Returns the least number of further symbols that is worth a round trip.
    fn least_more(&self) -> usize {
        match self.decoder.len() {
            have if have < MEASURED_WELL => (have / 4).max(FIRST_MIN),
            have => have / 16,
        }
    }

    fn symbols(&self, from: u64, take: usize) -> CompareStep {
        CompareStep::Symbols(SymbolsRequest {
            salt: self.salt,
            digest: self.digest,
            from,
            take,
        })
    }
}
