//! Errors of the registry. `Error` wraps one error for each room (`source`, `target`, `dataset`, …) and
//! those of the layers below; `kinds` classifies it.

pub(crate) mod checkout;
pub(crate) mod dataset;
pub(crate) mod integrity;
pub(crate) mod kinds;
pub(crate) mod metadata;
pub(crate) mod node;
pub(crate) mod publisher;
pub(crate) mod skipped;
pub(crate) mod source;
pub(crate) mod target;
mod text;
pub(crate) mod transfer;

use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error as ThisError;

use crate::archive::ArchiveError;
use crate::archive_check::words;
use crate::documents::DocumentError;
use crate::features::FeatureError;
use crate::ident::IdentError;
use crate::keyring::KeyringError;
use crate::manifest::ManifestError;
use crate::manifest::PathError;
use crate::protocol::PeerError;
use crate::registry::edits::error::EditError;
use crate::registry::error::checkout::CheckoutError;
use crate::registry::error::dataset::DatasetError;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::error::metadata::MetadataError;
use crate::registry::error::node::NodeError;
use crate::registry::error::publisher::PublisherError;
use crate::registry::error::source::SourceError;
use crate::registry::error::target::TargetError;
use crate::registry::error::transfer::TransferError;
use crate::registry::intake::error::IntakeError;
use crate::remote::RemoteError;
use crate::search::QueryError;
use crate::search::SearchError;
use crate::store::disk::StoreError;
use crate::trust::SignatureError;
use crate::trust::StatementError;
use crate::trust::TrustFileError;

/// Error of a registry operation.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A file operation outside the registry failed.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// The action that failed, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An operation of the system without a path failed.
    #[error("cannot {task}")]
    Machine {
        /// The task that failed.
        task: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A worker thread panicked. The field names the kind of thread.
    #[error("cannot run a {0} thread: it panicked")]
    WorkerPanicked(&'static str),
    /// The system returned no random bytes.
    #[error("cannot read random bytes")]
    Random(#[source] io::Error),
    /// Connections are forbidden. The field names what needs one, as a verb.
    #[error("cannot {0}: that needs a connection, and this is offline")]
    Offline(&'static str),
    /// Something that is elsewhere cannot be read.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// An archive is invalid.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A change of the trust settings is invalid.
    #[error(transparent)]
    Trust(#[from] TrustFileError),
    /// A secret key cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A statement of a publisher is invalid.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// A peer failed, and no other peer could help.
    #[error("peer `{address}`")]
    Peer {
        /// The peer's address.
        address: String,
        /// The cause.
        source: PeerError,
    },
    /// A signed manifest makes a false claim.
    #[error("{}", words::signed_lie(signer))]
    SignedLie {
        /// The signer.
        signer: String,
        /// The false claim.
        source: Box<Error>,
    },
    /// The operation was stopped on request.
    #[error("interrupted")]
    Interrupted,
    /// An error that several readers of one dataset get.
    #[error(transparent)]
    Shared(std::sync::Arc<Error>),
    /// The search index failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The search query is invalid.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The text is no valid identifier.
    #[error(transparent)]
    Ident(#[from] IdentError),
    /// The manifest is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The path is not allowed in a dataset.
    #[error(transparent)]
    Path(#[from] PathError),
    /// An error of edits.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Files from elsewhere cannot be taken in.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// A collection of documents cannot be read or written.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// A table of features cannot be loaded or read.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or directory cannot be indexed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The metadata of a dataset cannot be set.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Rows or lines cannot be read or written.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// An output or a checkout cannot be written.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// A dataset cannot be found, named or restored.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Content is damaged, or is not as its manifest says.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// An archive cannot be written or opened.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The trust settings refuse an operation.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
    /// An operation with other nodes, or with the identity of this home, fails.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl Error {
    #[cfg(feature = "federation")]
    pub(crate) fn transport(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        NodeError::Transport(Box::new(source)).into()
    }

    /// Returns true if this process may not write the registry's directory.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Store(e) if e.is_refused())
    }

    /// Returns the error for an output that cannot be created.
    pub(crate) fn output(path: impl AsRef<Path>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AlreadyExists => CheckoutError::Exists(path.as_ref().to_owned()).into(),
            _ => Self::file("write", path, source),
        }
    }

    /// Returns the error for a failed operation without a path.
    pub(crate) fn machine(task: &'static str, source: io::Error) -> Self {
        Self::Machine { task, source }
    }

    pub(crate) fn file(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::File {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }
}
