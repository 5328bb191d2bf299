//! Reconciliation driver: compares catalogues with a peer in blocking calls.

use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;
use crate::protocol::messages::request::ReconcileRequest;
use crate::protocol::messages::request::Request;
use crate::protocol::messages::response::RefusalCode;
use crate::protocol::messages::response::Response;
use crate::protocol::reconcile::message::Symbols;
use crate::protocol::reconcile::message::SymbolsRequest;
use crate::protocol::reconcile::message::WantedRequest;
use crate::protocol::reconcile::session::CompareStep;
use crate::protocol::reconcile::session::Reconciler;
use crate::protocol::reconcile::session::SetDifference;
use crate::protocol::source::PeerCatalog;
use crate::protocol::source::PeerError;
use crate::protocol::source::Reconciled;
use crate::wire::limits::COMPARED_BYTES_MAX;
use crate::wire::limits::RECONCILE_ELEMENTS_MAX;
use crate::wire::limits::RECONCILE_WANTED_MAX;

/// The method that ended a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReconcileMethod {
    /// Equal digests.
    #[default]
    Digest,
    /// Coded symbols.
    Symbols,
    /// The plain list.
    List,
}

impl ReconcileMethod {
    /// Returns the method's name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Symbols => "symbols",
            Self::List => "list",
        }
    }
}

/// The cost of a comparison, without the manifests and statements themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReconcileCost {
    /// The method.
    pub way: ReconcileMethod,
    /// Number of round trips, that for the wanted items included.
    pub round_trips: u32,
    /// Bytes of requests.
    pub sent_bytes: u64,
    /// Bytes of responses.
    pub received_bytes: u64,
    /// Number of received symbols.
    pub symbols: u64,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Indexes of own elements that the peer lacks, and the received items.
    pub found: Reconciled,
    /// Number of elements of the peer that were left for the next comparison, because the items before
    /// them are long.
    pub left: usize,
    /// The cost of the comparison.
    pub cost: ReconcileCost,
}

/// Compares catalogues with a peer and fetches the missing items.
///
/// `own` returns a random salt and the own elements made with it, ascending and distinct. It is called
/// twice if the peer's catalogue changes meanwhile, else once. The indexes of [`Reconciled::missing`]
/// are those of its last call.
///
/// # Errors
/// The errors of `own`, and [`PeerError`] when the peer's responses are invalid.
pub fn compare_catalogues<E: From<PeerError>>(
    peer: &dyn PeerCatalog,
    own: &mut dyn FnMut() -> Result<(Salt, Vec<Element>), E>,
) -> Result<Comparison, E> {
    let mut cost = ReconcileCost::default();
    let mut is_second = false;
    let (mut salt, elements) = own()?;
    let mut reconciler = Reconciler::new(salt, elements);
    loop {
        match reconciler.step() {
            CompareStep::Symbols(request) => match cost.symbols(peer, &request)? {
                Some(response) => reconciler.take_response(response),
                None => reconciler.give_up(),
            },
            CompareStep::Restart if is_second => reconciler.give_up(),
            CompareStep::Restart => {
                is_second = true;
                let (another, elements) = own()?;
                salt = another;
                reconciler = Reconciler::new(salt, elements);
            }
            CompareStep::List => return Ok(cost.list(peer, reconciler.into_list())?),
            CompareStep::Done(difference) => return Ok(cost.wanted(peer, salt, difference)?),
        }
    }
}

impl ReconcileCost {
    /// Adds the cost of a comparison with another peer. The method becomes the later one in the order of
    /// [`ReconcileMethod`].
    pub fn add(&mut self, other: &Self) {
        self.way = self.way.max(other.way);
        self.round_trips += other.round_trips;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.symbols += other.symbols;
    }

    /// Requests symbols; `None` from a peer that does not know them.
    fn symbols(
        &mut self,
        peer: &dyn PeerCatalog,
        request: &SymbolsRequest,
    ) -> Result<Option<Symbols>, PeerError> {
        self.sent(&Request::Symbols(*request));
        match peer.symbols(request) {
            Ok(response) => {
                self.symbols += response.symbols.len() as u64;
                self.received(&Response::Symbols(response.clone()));
                Ok(Some(response))
            }
            Err(PeerError::Refused(r)) if r.code == RefusalCode::NotUnderstood => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(
        mut self,
        peer: &dyn PeerCatalog,
        request: ReconcileRequest,
    ) -> Result<Comparison, PeerError> {
        if request.elements.len() > RECONCILE_ELEMENTS_MAX {
            return Err(PeerError::TooLong(RECONCILE_ELEMENTS_MAX));
        }
        self.way = ReconcileMethod::List;
        self.sent(&Request::Reconcile(request.clone()));
        let found = peer.reconcile(&request)?;
        self.received(&Response::Reconciled(found.missing.clone()));
        Ok(Comparison {
            found,
            left: 0,
            cost: self,
        })
    }

    fn wanted(
        mut self,
        peer: &dyn PeerCatalog,
        salt: Salt,
        difference: SetDifference,
    ) -> Result<Comparison, PeerError> {
        self.way = match self.symbols {
            0 => ReconcileMethod::Digest,
            _ => ReconcileMethod::Symbols,
        };
        let mut found = Reconciled {
            missing: difference.only_here,
            ..Reconciled::default()
        };
        let (mut bytes, mut left) = (0, difference.only_there.len());
        for some in difference.only_there.chunks(RECONCILE_WANTED_MAX) {
            if bytes > COMPARED_BYTES_MAX / 2 {
                break;
            }
            let elements = some.to_vec();
            let request = WantedRequest { salt, elements };
            self.sent(&Request::Wanted(request.clone()));
            let came = peer.wanted(&request)?;
            let each = came.envelopes.iter().chain(&came.statements);
            bytes += each.map(Vec::len).sum::<usize>();
            found.envelopes.extend(came.envelopes);
            found.statements.extend(came.statements);
            left -= some.len();
        }
        Ok(Comparison {
            found,
            left,
            cost: self,
        })
    }

    fn sent(&mut self, request: &Request) {
        self.round_trips += 1;
        self.sent_bytes += request.encode().len() as u64;
    }

    fn received(&mut self, response: &Response) {
        self.received_bytes += response.encode().len() as u64;
    }
}
