//! Errors about other nodes and the keys of their archives.

use std::path::PathBuf;

use thiserror::Error as ThisError;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::NodeId;

/// Reason that an operation on other nodes, or on the keys of their archives, fails.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum NodeError {
    /// Another node already has the name.
    #[error("`{name}` is the name of another node, {node}")]
    NameTaken {
        /// The name.
        name: String,
        /// The node that has it.
        node: NodeId,
    },
    /// Neither a receipt nor a recipient is known for the name.
    #[error("nothing is known of a receiver `{0}`")]
    UnknownReceiver(String),
    /// This home has no age identity.
    #[error("this registry has no age identity")]
    NoIdentity,
    /// This home already has an age identity.
    #[error("this registry has an age identity already, in `{}`", .0.display())]
    HasIdentity(PathBuf),
}

impl Classify for NodeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NameTaken { .. } | Self::HasIdentity(_) => ErrorKind::Conflict,
            Self::UnknownReceiver(_) | Self::NoIdentity => ErrorKind::NotFound,
        }
    }
}
