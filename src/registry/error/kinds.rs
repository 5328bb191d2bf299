//! Error kinds, which determine exit codes, and conversions from errors of lower layers.

use crate::archive_check::CheckError;
use crate::blob_store::BlobError;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::TreeError;
use crate::meta_store::MetaError;
use crate::registry::error::Error;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::error::transfer::TransferError;

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

impl From<CheckError> for Error {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Archive(e) => e.into(),
            CheckError::BaseMissing {
                name,
                version,
                content_id,
            } => Self::Transfer(TransferError::BaseMissing {
                name,
                version,
                content_id,
            }),
            CheckError::Corrupt {
                dataset,
                file,
                source,
            } => Self::Integrity(IntegrityError::Corrupt {
                dataset,
                file,
                source: Box::new((*source).into()),
            }),
            CheckError::FalseClaim { dataset, claim } => {
                Self::Integrity(IntegrityError::FalseClaim { dataset, claim })
            }
            CheckError::Interrupted => Self::Interrupted,
            CheckError::Locked(name) => Self::Transfer(TransferError::Locked(name.into())),
            CheckError::Mismatch { dataset, file } => {
                Self::Integrity(IntegrityError::Mismatch { dataset, file })
            }
            CheckError::Signature(e) => e.into(),
            CheckError::SignedLie { signer, source } => Self::SignedLie {
                signer,
                source: Box::new((*source).into()),
            },
            CheckError::Statement(e) => e.into(),
            CheckError::Tree(e) => e.into(),
        }
    }
}
