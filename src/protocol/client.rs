//! What a peer may be asked, whatever the line to it: which answers fit which question.

use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::protocol::filter::Filter;
use crate::protocol::messages::delta::Nodes;
use crate::protocol::messages::delta::Part;
use crate::protocol::messages::delta::PullDeltaRequest;
use crate::protocol::messages::delta::PullNodeDeltaRequest;
use crate::protocol::messages::hello::Access;
use crate::protocol::messages::request::ListFilter;
use crate::protocol::messages::request::PullChunkRequest;
use crate::protocol::messages::request::PullNodeRequest;
use crate::protocol::messages::request::ReconcileRequest;
use crate::protocol::messages::request::RecordBoundariesRequest;
use crate::protocol::messages::request::Request;
use crate::protocol::messages::response::RefusalCode;
use crate::protocol::messages::response::Response;
use crate::protocol::reconcile::Symbols;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::protocol::source::ChunkSource;
use crate::protocol::source::EachPart;
use crate::protocol::source::EachRecord;
use crate::protocol::source::PeerCatalog;
use crate::protocol::source::PeerError;
use crate::protocol::source::Reconciled;
use crate::wire::limits::COMPARED_BYTES_MAX;
use crate::wire::limits::LIST_BYTES_MAX;
use crate::wire::limits::NODES_ASKED_MAX;

/// Takes the frames of an answer; an error ends the asking with it.
pub type EachResponse<'a> = dyn FnMut(Response) -> Result<(), PeerError> + 'a;

/// A line to a peer: QUIC, or none at all in tests.
pub trait PeerConnection: Send + Sync {
    /// Who is at its other end; proven.
    fn who(&self) -> NodeId;

    /// Where that is, for messages.
    fn place(&self) -> String;

    /// Whom the peer serves.
    fn serves(&self) -> Access;

    /// Asks, and hands over the frames of the answer as they come; a refusal is an error.
    /// `is_needless` is asked again and again while nothing comes.
    ///
    /// # Errors
    /// [`PeerError`], also what `each` returns, and [`PeerError::Stopped`] for `is_needless`.
    fn ask(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError>;

    /// Connects again after the connection was lost; nothing where it was not. `is_needless` is
    /// asked again and again meanwhile.
    ///
    /// # Errors
    /// [`PeerError`] when the peer cannot be reached, or is somebody else now;
    /// [`PeerError::Stopped`] for `is_needless`.
    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError>;
}

/// What was answered is not an answer to what was asked.
pub fn unexpected() -> PeerError {
    PeerError::Misbehaved("an answer to something else")
}

impl<L: PeerConnection> PeerCatalog for L {
    fn id(&self) -> NodeId {
        self.who()
    }

    fn address(&self) -> String {
        self.place()
    }

    fn access(&self) -> Access {
        self.serves()
    }

    fn list(&self, filter: &ListFilter) -> Result<Vec<Vec<u8>>, PeerError> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        self.ask(&Request::List(filter.clone()), &|| false, &mut |answer| {
            let Response::Manifests(some) = answer else {
                return Err(unexpected());
            };
            take(&mut all, &mut bytes, (some, LIST_BYTES_MAX))
        })?;
        Ok(all)
    }

    fn filter(&self) -> Result<Filter, PeerError> {
        let bytes = only(self, &Request::Filter, |answer| match answer {
            Response::Filter(bytes) => Some(bytes),
            _ => None,
        })?;
        Ok(Filter::decode(&bytes)?)
    }

    fn reconcile(&self, request: &ReconcileRequest) -> Result<Reconciled, PeerError> {
        let mut found = Reconciled::default();
        let (mut is_begun, mut bytes) = (false, 0);
        self.ask(
            &Request::Reconcile(request.clone()),
            &|| false,
            &mut |answer| match answer {
                Response::Reconciled(missing) if !is_begun => {
                    is_begun = true;
                    found.missing = missing;
                    Ok(())
                }
                Response::Manifests(some) => {
                    take(&mut found.envelopes, &mut bytes, (some, COMPARED_BYTES_MAX))
                }
                Response::Statements(some) => take(
                    &mut found.statements,
                    &mut bytes,
                    (some, COMPARED_BYTES_MAX),
                ),
                _ => Err(unexpected()),
            },
        )?;
        Ok(found)
    }

    fn symbols(&self, request: &SymbolsRequest) -> Result<Symbols, PeerError> {
        only(self, &Request::Symbols(*request), |answer| match answer {
            Response::Symbols(symbols) => Some(symbols),
            _ => None,
        })
    }

    fn wanted(&self, request: &WantedRequest) -> Result<Reconciled, PeerError> {
        let mut found = Reconciled::default();
        let mut bytes = 0;
        self.ask(
            &Request::Wanted(request.clone()),
            &|| false,
            &mut |answer| match answer {
                Response::Manifests(some) => {
                    take(&mut found.envelopes, &mut bytes, (some, COMPARED_BYTES_MAX))
                }
                Response::Statements(some) => take(
                    &mut found.statements,
                    &mut bytes,
                    (some, COMPARED_BYTES_MAX),
                ),
                _ => Err(unexpected()),
            },
        )?;
        Ok(found)
    }

    fn announce(
        &self,
        envelopes: Vec<Vec<u8>>,
        statements: Vec<Vec<u8>>,
    ) -> Result<u64, PeerError> {
        let request = Request::Announce {
            envelopes,
            statements,
        };
        only(self, &request, |answer| match answer {
            Response::Announced(taken) => Some(taken),
            _ => None,
        })
    }

    fn card(&self, envelope: &EnvelopeId) -> Result<Vec<u8>, PeerError> {
        only(self, &Request::PullCard(*envelope), |answer| match answer {
            Response::Card(bytes) => Some(bytes),
            _ => None,
        })
    }
}

/// The one frame of an answer that has one. `pick` says whether it is of the right kind.
fn only<L: PeerConnection, T>(
    line: &L,
    request: &Request,
    pick: fn(Response) -> Option<T>,
) -> Result<T, PeerError> {
    let mut found = None;
    line.ask(request, &|| false, &mut |answer| match found {
        None => {
            found = Some(pick(answer).ok_or_else(unexpected)?);
            Ok(())
        }
        Some(_) => Err(unexpected()),
    })?;
    found.ok_or_else(unexpected)
}

/// Manifests add up; who sends them without an end is not heard to it.
fn take(
    all: &mut Vec<Vec<u8>>,
    bytes: &mut usize,
    (some, most): (Vec<Vec<u8>>, usize),
) -> Result<(), PeerError> {
    if some.is_empty() {
        // Of these there could be as many as one likes.
        return Err(PeerError::Misbehaved("a batch of nothing"));
    }
    // Empty ones take memory too.
    *bytes += some.iter().map(|item| item.len() + 64).sum::<usize>();
    all.extend(some);
    match *bytes <= most {
        true => Ok(()),
        false => Err(PeerError::Misbehaved("manifests without an end")),
    }
}

impl<L: PeerConnection> ChunkSource for L {
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut nodes = Vec::new();
        let request = Request::PullNode(request.clone());
        self.ask(&request, &|| false, &mut |answer| {
            more_nodes(&mut nodes, answer)
        })?;
        Ok(nodes)
    }

    fn node_deltas(&self, request: &PullNodeDeltaRequest) -> Result<Nodes, PeerError> {
        let (mut nodes, mut delta) = (Vec::new(), None);
        let request = Request::PullNodeDelta(request.clone());
        self.ask(&request, &|| false, &mut |answer| match answer {
            Response::NodesDelta { raw_bytes, payload } if nodes.is_empty() && delta.is_none() => {
                delta = Some(Nodes::Delta { raw_bytes, payload });
                Ok(())
            }
            answer if delta.is_none() => more_nodes(&mut nodes, answer),
            _ => Err(unexpected()),
        })?;
        Ok(delta.unwrap_or(Nodes::Plain(nodes)))
    }

    fn revive(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        self.reconnect(is_needless)
    }

    fn seams(&self, request: &RecordBoundariesRequest) -> Result<Vec<usize>, PeerError> {
        let asked = only(self, &Request::Seams(*request), |answer| match answer {
            Response::Seams(ends) => Some(ends),
            _ => None,
        });
        match asked {
            Err(PeerError::Refused(r)) if r.code == RefusalCode::NotUnderstood => Ok(Vec::new()),
            other => other,
        }
    }

    fn chunks(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachRecord<'_>,
    ) -> Result<(), PeerError> {
        let request = Request::PullChunk(request.clone());
        self.ask(&request, is_needless, &mut |answer| {
            let Response::Chunks(record) = answer else {
                return Err(unexpected());
            };
            match each(record) {
                true => Ok(()),
                false => Err(PeerError::Stopped),
            }
        })
    }

    fn deltas(
        &self,
        request: &PullDeltaRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachPart<'_>,
    ) -> Result<(), PeerError> {
        let request = Request::PullDelta(request.clone());
        self.ask(&request, is_needless, &mut |answer| {
            let part = match answer {
                Response::Chunks(record) => Part::Record(record),
                Response::Delta(delta) => Part::Delta(delta),
                _ => return Err(unexpected()),
            };
            match each(part) {
                true => Ok(()),
                false => Err(PeerError::Stopped),
            }
        })
    }
}

/// Adds the nodes of one frame.
fn more_nodes(nodes: &mut Vec<Vec<u8>>, answer: Response) -> Result<(), PeerError> {
    let Response::Nodes(some) = answer else {
        return Err(unexpected());
    };
    if some.is_empty() {
        return Err(PeerError::Misbehaved("a batch of nothing"));
    }
    nodes.extend(some);
    match nodes.len() <= NODES_ASKED_MAX {
        true => Ok(()),
        false => Err(PeerError::Misbehaved(
            "more tree nodes than it was asked for",
        )),
    }
}
