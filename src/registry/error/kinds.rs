//! Error kinds, which determine exit codes, and conversions from errors of lower layers.

use crate::blob_store::BlobError;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::TreeError;
use crate::meta_store::MetaError;
use crate::registry::error::Error;

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::File { source, .. } | Self::Machine { source, .. } => ErrorKind::of_io(source),
            Self::Random(source) => ErrorKind::of_io(source),
            Self::WorkerPanicked(_) | Self::Search(_) => ErrorKind::Io,
            Self::Remote(e) => e.kind(),
            Self::Offline(_) => ErrorKind::Network,
            Self::SignedLie { .. } => ErrorKind::Integrity,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Path(_) | Self::Ident(_) | Self::Query(_) => ErrorKind::Invalid,
            Self::Peer { source, .. } => source.kind(),
            Self::Archive(e) => e.kind(),
            Self::Trust(e) => e.kind(),
            Self::Keyring(e) => e.kind(),
            Self::Statement(e) => e.kind(),
            Self::Signature(e) => e.kind(),
            Self::Shared(e) => e.kind(),
            Self::Manifest(e) => e.kind(),
            Self::Edit(e) => e.kind(),
            Self::Documents(e) => e.kind(),
            Self::Features(e) => e.kind(),
            Self::Intake(e) => e.kind(),
            Self::Store(e) => e.kind(),
            Self::Source(e) => e.kind(),
            Self::Metadata(e) => e.kind(),
            Self::Target(e) => e.kind(),
            Self::Checkout(e) => e.kind(),
            Self::Dataset(e) => e.kind(),
            Self::Integrity(e) => e.kind(),
            Self::Transfer(e) => e.kind(),
            Self::Publisher(e) => e.kind(),
            Self::Node(e) => e.kind(),
        }
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        Self::Store(error.into())
    }
}

impl From<MetaError> for Error {
    fn from(error: MetaError) -> Self {
        Self::Store(error.into())
    }
}

impl From<TreeError> for Error {
    fn from(error: TreeError) -> Self {
        Self::Store(error.into())
    }
}
