//! Client of the protocol: requests over a [`PeerConnection`], and the responses that fit each of them.

use crate::ident::EnvelopeId;
use crate::ident::NodeId;
use crate::protocol::filter::Filter;
use crate::protocol::messages::delta::Nodes;
use crate::protocol::messages::delta::PullDeltaRequest;
use crate::protocol::messages::delta::PullNodeDeltaRequest;
use crate::protocol::messages::delta::ResponsePart;
use crate::protocol::messages::hello::Access;
use crate::protocol::messages::request::ListFilter;
use crate::protocol::messages::request::ReconcileRequest;
use crate::protocol::messages::request::RecordBoundariesRequest;
use crate::protocol::messages::request::Request;
use crate::protocol::messages::response::RefusalCode;
use crate::protocol::messages::response::Response;
use crate::protocol::messages::tree_request::PullChunkRequest;
use crate::protocol::messages::tree_request::PullNodeRequest;
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

/// Receives the frames of a response. An error ends the request with it.
pub type EachResponse<'a> = dyn FnMut(Response) -> Result<(), PeerError> + 'a;

/// A connection to a peer: QUIC, or an in-process peer in tests.
pub trait PeerConnection: Send + Sync {
    /// Returns the node id that the peer has proven.
    fn node_id(&self) -> NodeId;

    /// Returns the peer's address, for messages.
    fn address(&self) -> String;

    /// Returns the group of nodes that the peer serves.
    fn access(&self) -> Access;

    /// Sends a request and passes the frames of the response to `each` as they arrive. It calls
    /// `is_needless` repeatedly while it waits.
    ///
    /// # Errors
    /// [`PeerError`], which includes a refusal and the errors of `each`; [`PeerError::Stopped`] if
    /// `is_needless` returned true.
    fn call(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError>;

    /// Reconnects after the connection was lost; does nothing while the connection is alive. It calls
    /// `is_needless` repeatedly while it waits.
    ///
    /// # Errors
    /// [`PeerError`] when the peer cannot be reached, or another node answers; [`PeerError::Stopped`] if
    /// `is_needless` returned true.
    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError>;
}

/// Makes the error for a response that does not fit the request.
pub fn unexpected() -> PeerError {
    PeerError::Misbehaved("an answer to something else")
}

impl<L: PeerConnection> PeerCatalog for L {
    fn node_id(&self) -> NodeId {
        PeerConnection::node_id(self)
    }

    fn address(&self) -> String {
        PeerConnection::address(self)
    }

    fn access(&self) -> Access {
        PeerConnection::access(self)
    }

    fn list(&self, filter: &ListFilter) -> Result<Vec<Vec<u8>>, PeerError> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        self.call(&Request::List(filter.clone()), &|| false, &mut |response| {
            let Response::Manifests(some) = response else {
                return Err(unexpected());
            };
            take(&mut all, &mut bytes, (some, LIST_BYTES_MAX))
        })?;
        Ok(all)
    }

    fn filter(&self) -> Result<Filter, PeerError> {
        let bytes = only(self, &Request::Filter, |response| match response {
            Response::Filter(bytes) => Some(bytes),
            _ => None,
        })?;
        Ok(Filter::decode(&bytes)?)
    }

    fn reconcile(&self, request: &ReconcileRequest) -> Result<Reconciled, PeerError> {
        let mut found = Reconciled::default();
        let (mut is_begun, mut bytes) = (false, 0);
        self.call(
            &Request::Reconcile(request.clone()),
            &|| false,
            &mut |response| match response {
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
        only(
            self,
            &Request::Symbols(*request),
            |response| match response {
                Response::Symbols(symbols) => Some(symbols),
                _ => None,
            },
        )
    }

    fn wanted(&self, request: &WantedRequest) -> Result<Reconciled, PeerError> {
        let mut found = Reconciled::default();
        let mut bytes = 0;
        self.call(
            &Request::Wanted(request.clone()),
            &|| false,
            &mut |response| match response {
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
        only(self, &request, |response| match response {
            Response::Announced(taken) => Some(taken),
            _ => None,
        })
    }

    fn card(&self, envelope: &EnvelopeId) -> Result<Vec<u8>, PeerError> {
        only(
            self,
            &Request::PullCard(*envelope),
            |response| match response {
                Response::Card(bytes) => Some(bytes),
                _ => None,
            },
        )
    }
}

/// Sends a request whose response has one frame. `pick` selects the right kind.
fn only<L: PeerConnection, T>(
    connection: &L,
    request: &Request,
    pick: fn(Response) -> Option<T>,
) -> Result<T, PeerError> {
    let mut found = None;
    connection.call(request, &|| false, &mut |response| match found {
        None => {
            found = Some(pick(response).ok_or_else(unexpected)?);
            Ok(())
        }
        Some(_) => Err(unexpected()),
    })?;
    found.ok_or_else(unexpected)
}

/// Collects manifests and statements, and refuses a response that does not end.
fn take(
    all: &mut Vec<Vec<u8>>,
    bytes: &mut usize,
    (some, most): (Vec<Vec<u8>>, usize),
) -> Result<(), PeerError> {
    if some.is_empty() {
        // The number of such batches has no bound.
        return Err(PeerError::Misbehaved("a batch of nothing"));
    }
    // Empty items take memory too.
    *bytes += some.iter().map(|item| item.len() + 64).sum::<usize>();
    all.extend(some);
    if *bytes <= most {
        Ok(())
    } else {
        Err(PeerError::Misbehaved("manifests without an end"))
    }
}

impl<L: PeerConnection> ChunkSource for L {
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut nodes = Vec::new();
        let request = Request::PullNode(request.clone());
        self.call(&request, &|| false, &mut |response| {
            more_nodes(&mut nodes, response)
        })?;
        Ok(nodes)
    }

    fn node_deltas(&self, request: &PullNodeDeltaRequest) -> Result<Nodes, PeerError> {
        let (mut nodes, mut delta) = (Vec::new(), None);
        let request = Request::PullNodeDelta(request.clone());
        self.call(&request, &|| false, &mut |response| match response {
            Response::NodesDelta { raw_bytes, payload } if nodes.is_empty() && delta.is_none() => {
                delta = Some(Nodes::Delta { raw_bytes, payload });
                Ok(())
            }
            response if delta.is_none() => more_nodes(&mut nodes, response),
            _ => Err(unexpected()),
        })?;
        Ok(delta.unwrap_or(Nodes::Plain(nodes)))
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        PeerConnection::reconnect(self, is_needless)
    }

    fn record_boundaries(
        &self,
        request: &RecordBoundariesRequest,
    ) -> Result<Vec<usize>, PeerError> {
        let asked = only(
            self,
            &Request::RecordBoundaries(*request),
            |response| match response {
                Response::RecordBoundaries(ends) => Some(ends),
                _ => None,
            },
        );
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
        self.call(&request, is_needless, &mut |response| {
            let Response::Chunks(record) = response else {
                return Err(unexpected());
            };
            if each(record) {
                Ok(())
            } else {
                Err(PeerError::Stopped)
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
        self.call(&request, is_needless, &mut |response| {
            let part = match response {
                Response::Chunks(record) => ResponsePart::Record(record),
                Response::Delta(delta) => ResponsePart::Delta(delta),
                _ => return Err(unexpected()),
            };
            if each(part) {
                Ok(())
            } else {
                Err(PeerError::Stopped)
            }
        })
    }
}

/// Adds the nodes of one frame.
fn more_nodes(nodes: &mut Vec<Vec<u8>>, response: Response) -> Result<(), PeerError> {
    let Response::Nodes(some) = response else {
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
