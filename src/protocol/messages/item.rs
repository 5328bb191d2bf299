//! What catalogues are made of, for those who compare them and pass it on.

use crate::ident::EnvelopeId;
use crate::ident::StatementId;
use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;

/// A manifest or a statement, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemId {
    /// A manifest, by its envelope.
    Manifest(EnvelopeId),
    /// A publisher's statement.
    Statement(StatementId),
}

impl ItemId {
    /// What it is compared by.
    pub fn element(&self, salt: &Salt) -> Element {
        match self {
            Self::Manifest(id) => salt.envelope(id),
            Self::Statement(id) => salt.statement(id),
        }
    }

    /// A byte for what it is, and its id: 33 bytes, as in the key of a table.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, id) = match self {
            Self::Manifest(id) => (0, id.as_bytes()),
            Self::Statement(id) => (1, id.as_bytes()),
        };
        [&[kind], id.as_slice()].concat()
    }

    /// Reads what [`ItemId::to_bytes`] made.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, id) = bytes.split_first()?;
        let id = id.try_into().ok()?;
        match kind {
            0 => Some(Self::Manifest(EnvelopeId::new(id))),
            1 => Some(Self::Statement(StatementId::new(id))),
            _ => None,
        }
    }
}
