//! Errors of serving, of other nodes, and of the keys of their archives.

use std::io;
use std::path::PathBuf;

use thiserror::Error as ThisError;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::NodeId;

/// Reason that an operation with other nodes, or on the keys of their archives, fails.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum NodeError {
    /// An address cannot be bound.
    #[error("cannot use the address `{address}`")]
    Bind {
        /// The address.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// The network stack failed.
    #[error("cannot set up the transport")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another process serves the same home.
    #[error("`{}` is being served by another process", .0.display())]
    AlreadyServing(PathBuf),
    /// The node is not on the access list.
    #[error("the node `{0}` is not on the list")]
    NotListed(String),
    /// No peer was seen at the address.
    #[error("no node is known at `{0}`")]
    UnknownPeer(String),
    /// There is no peer to ask.
    #[error("no peer to ask")]
    NoPeer,
    /// None of the asked peers has the dataset.
    #[error("no dataset `{0}` at the peers that were asked")]
    NotAtPeers(String),
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

impl NodeError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoPeer => {
                "name one with --peer HOST:PORT; those that were met are asked without it"
            }
            Self::NotAtPeers(_) => {
                "`alimentar registry list --peer HOST:PORT` shows what a peer has for you"
            }
            Self::UnknownReceiver(_) => {
                "the first time, give --for RECEIPT or --recipient age1…, or both: they are kept under the name"
            }
            Self::NoIdentity => "`alimentar registry identity new` makes one",
            Self::HasIdentity(_) => {
                "`registry identity show` shows it; `registry identity new --another` makes another beside it"
            }
            Self::NameTaken { .. } => "`registry peers unname NAME` frees the name",
            Self::AlreadyServing(_) => "`alimentar registry node` shows how it is doing",
            Self::NotListed(_) => "`alimentar registry access list` shows it",
            Self::UnknownPeer(_) => "`alimentar registry peers` shows who is known",
            Self::Bind { .. } | Self::Transport(_) => return None,
        })
    }
}

impl Classify for NodeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Bind { source, .. } => ErrorKind::of_io(source),
            Self::NoPeer | Self::Transport(_) => ErrorKind::Network,
            Self::NameTaken { .. } | Self::HasIdentity(_) | Self::AlreadyServing(_) => {
                ErrorKind::Conflict
            }
            Self::UnknownReceiver(_)
            | Self::NoIdentity
            | Self::NotAtPeers(_)
            | Self::NotListed(_)
            | Self::UnknownPeer(_) => ErrorKind::NotFound,
        }
    }
}
