//! Catalogue items: the ids of manifests and statements, for comparison and forwarding.

use crate::ident::EnvelopeId;
use crate::ident::StatementId;
use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;

/// A manifest or a statement, by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemId {
    /// A manifest, by its envelope id.
    Manifest(EnvelopeId),
    /// A publisher's statement.
    Statement(StatementId),
}

impl ItemId {
    /// Returns the item's element in a reconciliation.
    pub fn element(&self, salt: &Salt) -> Element {
        match self {
            Self::Manifest(id) => salt.envelope(id),
            Self::Statement(id) => salt.statement(id),
        }
    }

    /// Encodes the item as a byte for its type and its id: 33 bytes, as in table keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, id) = match self {
            Self::Manifest(id) => (0, id.as_bytes()),
            Self::Statement(id) => (1, id.as_bytes()),
        };
        [&[kind], id.as_slice()].concat()
    }

    /// Decodes the bytes of [`ItemId::to_bytes`].
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
