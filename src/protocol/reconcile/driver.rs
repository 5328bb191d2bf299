//! A comparison over the seam to a peer, in blocking calls.

use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;
use crate::protocol::messages::request::ReconcileRequest;
use crate::protocol::messages::request::Request;
use crate::protocol::messages::response::RefusalCode;
use crate::protocol::messages::response::Response;
use crate::protocol::reconcile::message::Symbols;
use crate::protocol::reconcile::message::SymbolsRequest;
use crate::protocol::reconcile::message::WantedRequest;
use crate::protocol::reconcile::session::Comparing;
use crate::protocol::reconcile::session::SetDifference;
use crate::protocol::reconcile::session::Step;
use crate::protocol::source::PeerCatalog;
use crate::protocol::source::PeerError;
use crate::protocol::source::Reconciled;
use crate::wire::limits::COMPARED_BYTES_MAX;
use crate::wire::limits::RECONCILE_ELEMENTS_MAX;
use crate::wire::limits::RECONCILE_WANTED_MAX;

/// How catalogues were compared, in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// By their digests, which were equal.
    #[default]
    Digest,
    /// By coded symbols.
    Symbols,
    /// By the plain list.
    List,
}

impl Way {
    /// The word in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Symbols => "symbols",
            Self::List => "list",
        }
    }
}

/// What comparing took, without the manifests and statements themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// In which way.
    pub way: Way,
    /// How often an answer was waited for, what is wanted included.
    pub round_trips: u32,
    /// Bytes of requests.
    pub sent_bytes: u64,
    /// Bytes of answers.
    pub received_bytes: u64,
    /// Symbols that came.
    pub symbols: u64,
}

/// What a comparison brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Indexes of own elements that the peer lacks, and what came from it.
    pub found: Reconciled,
    /// Elements of the peer that were not asked for any more, because what came before them is
    /// long; the next comparison finds them.
    pub left: usize,
    /// What it took.
    pub effort: Effort,
}

/// Compares catalogues with a peer and fetches what is lacking here.
///
/// `own` gives a random salt and, made with it, the own elements, ascending and each once. It is
/// called once, or twice where the peer's catalogue changes meanwhile; the indexes of
/// [`Reconciled::missing`] are those of its last call.
///
/// # Errors
/// What `own` returns, and [`PeerError`] when the peer does not answer so.
pub fn compare_catalogues<E: From<PeerError>>(
    peer: &dyn PeerCatalog,
    own: &mut dyn FnMut() -> Result<(Salt, Vec<Element>), E>,
) -> Result<Comparison, E> {
    let mut effort = Effort::default();
    let mut is_second = false;
    let (mut salt, elements) = own()?;
    let mut comparing = Comparing::new(salt, elements);
    loop {
        match comparing.step() {
            Step::Symbols(request) => match effort.symbols(peer, &request)? {
                Some(answer) => comparing.hear(answer),
                None => comparing.give_up(),
            },
            Step::Again if is_second => comparing.give_up(),
            Step::Again => {
                is_second = true;
                let (another, elements) = own()?;
                salt = another;
                comparing = Comparing::new(salt, elements);
            }
            Step::List => return Ok(effort.list(peer, comparing.into_list())?),
            Step::Done(difference) => return Ok(effort.wanted(peer, salt, difference)?),
        }
    }
}

impl Effort {
    /// Adds what comparing with another peer took; the way is the one that says most.
    pub fn add(&mut self, other: &Self) {
        self.way = self.way.max(other.way);
        self.round_trips += other.round_trips;
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.symbols += other.symbols;
    }

    /// `None` from a peer that does not know what symbols are.
    fn symbols(
        &mut self,
        peer: &dyn PeerCatalog,
        request: &SymbolsRequest,
    ) -> Result<Option<Symbols>, PeerError> {
        self.sent(&Request::Symbols(*request));
        match peer.symbols(request) {
            Ok(answer) => {
                self.symbols += answer.symbols.len() as u64;
                self.received(&Response::Symbols(answer.clone()));
                Ok(Some(answer))
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
        self.way = Way::List;
        self.sent(&Request::Reconcile(request.clone()));
        let found = peer.reconcile(&request)?;
        self.received(&Response::Reconciled(found.missing.clone()));
        Ok(Comparison {
            found,
            left: 0,
            effort: self,
        })
    }

    fn wanted(
        mut self,
        peer: &dyn PeerCatalog,
        salt: Salt,
        difference: SetDifference,
    ) -> Result<Comparison, PeerError> {
        self.way = match self.symbols {
            0 => Way::Digest,
            _ => Way::Symbols,
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
            effort: self,
        })
    }

    fn sent(&mut self, request: &Request) {
        self.round_trips += 1;
        self.sent_bytes += request.encode().len() as u64;
    }

    fn received(&mut self, answer: &Response) {
        self.received_bytes += answer.encode().len() as u64;
    }
}
