//! The traits by which use-cases call a peer, in blocking calls. `net` implements them over QUIC, and
//! tests in the same process.

use std::time::Duration;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
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
use crate::protocol::messages::response::Refusal;
use crate::protocol::messages::tree_request::PullChunkRequest;
use crate::protocol::messages::tree_request::PullNodeRequest;
use crate::protocol::reconcile::Symbols;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::wire::DecodeError;

/// Failure of a request to a peer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The peer refused, with a reason.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The peer's bytes do not follow the protocol.
    #[error("it sent something malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// The peer's response does not fit the request.
    #[error("it sent {0}")]
    Misbehaved(&'static str),
    /// The peer cannot be reached, or not any more.
    #[error("{0}")]
    Lost(String),
    /// The name of the peer's host has no address.
    #[error("its name has no address: {0}")]
    UnknownHost(String),
    /// The peer sent next to nothing for this long.
    #[error("it sent next to nothing for {} s", .0.as_secs())]
    Stalled(Duration),
    /// Another node answers at the peer's address.
    #[error(
        "another node answers there: `{found}`, where `{expected}` was known; if that is right, forget the old one"
    )]
    OtherNode {
        /// The node known there before.
        expected: NodeId,
        /// The node that answers.
        found: NodeId,
    },
    /// The own catalogue is longer than a list may be, and the peer needs a list.
    #[error("it compares catalogues by a list only, and one of more than {0} entries is too long")]
    TooLong(usize),
    /// The requester has what it wants, or was asked to stop.
    #[error("stopped")]
    Stopped,
}

impl PeerError {
    /// Returns true if another request to this peer makes no sense: it lies or does not
    /// speak the protocol.
    pub fn is_misconduct(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_) | Self::Misbehaved(_) | Self::OtherNode { .. }
        )
    }
}

impl PeerError {
    /// Returns true if the same request would fail again in a moment.
    pub fn is_final(&self) -> bool {
        self.is_misconduct() || matches!(self, Self::Refused(_))
    }
}

impl Classify for PeerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(refusal) => refusal.kind(),
            Self::OtherNode { .. } => ErrorKind::Denied,
            Self::Stopped => ErrorKind::Interrupted,
            _ => ErrorKind::Network,
        }
    }
}

/// The result of a comparison of catalogues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Indexes of own elements that the peer does not have, ascending.
    pub missing: Vec<usize>,
    /// Encoded envelopes that are new here.
    pub envelopes: Vec<Vec<u8>>,
    /// Encoded statements that are new here.
    pub statements: Vec<Vec<u8>>,
}

/// A peer's catalogue.
pub trait PeerCatalog: Send + Sync {
    /// Returns the node id that the peer has proven.
    fn node_id(&self) -> NodeId;

    /// Returns the peer's address, for messages.
    fn address(&self) -> String;

    /// Returns the group of nodes that the peer serves.
    fn access(&self) -> Access;

    /// Returns the encoded envelopes of the datasets that this node may see.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails.
    fn list(&self, filter: &ListFilter) -> Result<Vec<Vec<u8>>, PeerError>;

    /// Returns the peer's filter of the content ids that this node may see. It is an unverified claim.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails; [`PeerError::Refused`] as not understood by a peer older
    /// than filters.
    fn filter(&self) -> Result<Filter, PeerError>;

    /// Compares catalogues by a plain list.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails.
    fn reconcile(&self, request: &ReconcileRequest) -> Result<Reconciled, PeerError>;

    /// Returns symbols of the peer's catalogue.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails; a refusal with
    /// [`RefusalCode::NotUnderstood`](crate::protocol::RefusalCode::NotUnderstood) when the peer
    /// compares by lists only.
    fn symbols(&self, request: &SymbolsRequest) -> Result<Symbols, PeerError>;

    /// Returns the manifests and statements of elements of the peer's catalogue. [`Reconciled::missing`]
    /// is empty.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails.
    fn wanted(&self, request: &WantedRequest) -> Result<Reconciled, PeerError>;

    /// Offers encoded envelopes and statements, and returns the number that is new at the peer.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails.
    fn announce(&self, envelopes: Vec<Vec<u8>>, statements: Vec<Vec<u8>>)
    -> Result<u64, PeerError>;

    /// Returns a card, not yet compared with its hash.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails.
    fn card(&self, envelope: &EnvelopeId) -> Result<Vec<u8>, PeerError>;
}

/// Takes an encoded record; returns `false` when the caller wants no more.
pub type EachRecord<'a> = dyn FnMut(Vec<u8>) -> bool + 'a;

/// Takes a part of a response; returns `false` when the caller wants no more.
pub type EachPart<'a> = dyn FnMut(ResponsePart) -> bool + 'a;

/// A peer to pull datasets from.
pub trait ChunkSource: PeerCatalog {
    /// Returns encoded nodes in the requested order, not yet compared with their hashes.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails.
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError>;

    /// Returns nodes that may come as a delta.
    ///
    /// # Errors
    /// As [`ChunkSource::nodes`]; [`PeerError::Refused`] as not understood by a peer older than deltas.
    fn node_deltas(&self, request: &PullNodeDeltaRequest) -> Result<Nodes, PeerError>;

    /// Reconnects after the connection was lost; does nothing while the connection is alive. It calls
    /// `is_needless` repeatedly while it waits.
    ///
    /// # Errors
    /// [`PeerError`] when the peer cannot be reached, or another node answers; [`PeerError::Stopped`] if
    /// `is_needless` returned true.
    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError>;

    /// Returns, for each end of a record, the number of requested chunks before it. It is a hint, and
    /// empty where the peer gives none.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails.
    fn record_boundaries(&self, request: &RecordBoundariesRequest)
    -> Result<Vec<usize>, PeerError>;

    /// Passes undecoded records to `each` as they arrive. It calls `is_needless` repeatedly
    /// while it waits.
    ///
    /// # Errors
    /// [`PeerError`] when the request fails; [`PeerError::Stopped`] when `each` returned false or
    /// `is_needless` returned true.
    fn chunks(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachRecord<'_>,
    ) -> Result<(), PeerError>;

    /// Passes parts of a response to `each`: records, or chunks as deltas.
    ///
    /// # Errors
    /// As [`ChunkSource::chunks`]; [`PeerError::Refused`] as not understood by a peer older than deltas.
    fn deltas(
        &self,
        request: &PullDeltaRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachPart<'_>,
    ) -> Result<(), PeerError>;
}
