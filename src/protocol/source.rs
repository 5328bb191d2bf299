//! The seam to other nodes: what the use-cases ask of a peer, in blocking calls. `net` asks over
//! QUIC; tests ask a registry in the same process.

use std::time::Duration;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
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
use crate::protocol::messages::response::Refusal;
use crate::protocol::reconcile::Symbols;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::wire::DecodeError;

/// Why a peer did not give what it was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PeerError {
    /// It says why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What it sends is not this protocol.
    #[error("it sent something malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// What it sends is not what was asked for.
    #[error("it sent {0}")]
    Misbehaved(&'static str),
    /// It cannot be reached, or not any more.
    #[error("{0}")]
    Lost(String),
    /// It sent nothing, or next to nothing, for this long.
    #[error("it sent nothing to speak of for {} s", .0.as_secs())]
    Stalled(Duration),
    /// Another node answers at its address.
    #[error(
        "another node answers there: `{found}`, where `{expected}` was known; if that is right, forget the old one"
    )]
    OtherNode {
        /// Who was there before.
        expected: NodeId,
        /// Who is there.
        found: NodeId,
    },
    /// The own catalogue is longer than a list may be, and the peer needs a list.
    #[error("it compares catalogues by a list only, and one of more than {0} entries is too long")]
    TooLong(usize),
    /// The asking side has what it wants, or was told to stop.
    #[error("stopped")]
    Stopped,
}

impl PeerError {
    /// Whether asking this peer again makes no sense: it lies or does not speak the protocol.
    pub fn is_misconduct(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_) | Self::Misbehaved(_) | Self::OtherNode { .. }
        )
    }
}

impl PeerError {
    /// Whether the peer will not answer otherwise if it is asked again in a moment.
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

/// What a comparison of catalogues found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Indexes of own elements that the peer does not know, ascending.
    pub missing: Vec<usize>,
    /// Encoded envelopes that are new here.
    pub envelopes: Vec<Vec<u8>>,
    /// Encoded statements that are new here.
    pub statements: Vec<Vec<u8>>,
}

/// A peer's catalogue.
pub trait PeerCatalog: Send + Sync {
    /// Who it is; proven.
    fn id(&self) -> NodeId;

    /// Where it is, for messages.
    fn address(&self) -> String;

    /// Whom it serves.
    fn access(&self) -> Access;

    /// The encoded envelopes of datasets that this node may see.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so.
    fn list(&self, filter: &ListFilter) -> Result<Vec<Vec<u8>>, PeerError>;

    /// Which content ids of datasets that this node may see the peer may have: what it says, no
    /// more.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so; [`PeerError::Refused`] as not understood by one
    /// that is older than filters.
    fn filter(&self) -> Result<Filter, PeerError>;

    /// Compares catalogues.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so.
    fn reconcile(&self, request: &ReconcileRequest) -> Result<Reconciled, PeerError>;

    /// Symbols of its catalogue.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so; a refusal with
    /// [`RefusalCode::NotUnderstood`](crate::protocol::RefusalCode::NotUnderstood) when it only
    /// compares by lists.
    fn symbols(&self, request: &SymbolsRequest) -> Result<Symbols, PeerError>;

    /// What elements of its catalogue stand for; [`Reconciled::missing`] is empty.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so.
    fn wanted(&self, request: &WantedRequest) -> Result<Reconciled, PeerError>;

    /// Offers encoded envelopes and statements; how many the peer noted.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so.
    fn announce(&self, envelopes: Vec<Vec<u8>>, statements: Vec<Vec<u8>>)
    -> Result<u64, PeerError>;

    /// A card; not compared with its hash yet.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so.
    fn card(&self, envelope: &EnvelopeId) -> Result<Vec<u8>, PeerError>;
}

/// Takes an encoded record; `false` when no more is wanted.
pub type EachRecord<'a> = dyn FnMut(Vec<u8>) -> bool + 'a;

/// Takes a part of an answer; `false` when no more is wanted.
pub type EachPart<'a> = dyn FnMut(Part) -> bool + 'a;

/// A peer that datasets can be pulled from.
pub trait ChunkSource: PeerCatalog {
    /// Encoded nodes, in the order asked; not compared with their hashes yet.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so.
    fn nodes(&self, request: &PullNodeRequest) -> Result<Vec<Vec<u8>>, PeerError>;

    /// The same of nodes that may come as a delta.
    ///
    /// # Errors
    /// As [`ChunkSource::nodes`]; [`PeerError::Refused`] as not understood by a peer that is older
    /// than deltas.
    fn node_deltas(&self, request: &PullNodeDeltaRequest) -> Result<Nodes, PeerError>;

    /// Connects again after the connection was lost; nothing where it was not. `is_needless` is
    /// asked again and again meanwhile.
    ///
    /// # Errors
    /// [`PeerError`] when it cannot be reached, or is somebody else now; [`PeerError::Stopped`] for
    /// `is_needless`.
    fn revive(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError>;

    /// Of the chunks asked about, how many come before each end of a record; a hint, and empty
    /// where the peer does not give any.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer.
    fn seams(&self, request: &RecordBoundariesRequest) -> Result<Vec<usize>, PeerError>;

    /// Hands over encoded records as they come, none of them looked at yet. `is_needless` is asked
    /// again and again while nothing comes.
    ///
    /// # Errors
    /// [`PeerError`] when it does not answer so; [`PeerError::Stopped`] when `each` or
    /// `is_needless` said so.
    fn chunks(
        &self,
        request: &PullChunkRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachRecord<'_>,
    ) -> Result<(), PeerError>;

    /// The same, of chunks that may come as deltas.
    ///
    /// # Errors
    /// As [`ChunkSource::chunks`]; [`PeerError::Refused`] as not understood by a peer that is older
    /// than deltas.
    fn deltas(
        &self,
        request: &PullDeltaRequest,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachPart<'_>,
    ) -> Result<(), PeerError>;
}
