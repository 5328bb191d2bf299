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
            Self::WorkerPanicked(_) => ErrorKind::Io,
            Self::Unreadable(_) => ErrorKind::Io,
            Self::Changed(_) => ErrorKind::Io,
            Self::NameNotUtf8(_)
            | Self::CardTooLong(_)
            | Self::License { .. }
            | Self::Tag { .. }
            | Self::NameNeeded { .. }
            | Self::NameGuessed { .. }
            | Self::NotAFile(_)
            | Self::NotPlainFile(_)
            | Self::Pattern(_)
            | Self::Path(_) => ErrorKind::Invalid,
            Self::InsideHome(..) | Self::KeyFile(_) | Self::Withdrawn { .. } => ErrorKind::Denied,
            Self::LocalChanges { .. } => ErrorKind::Conflict,
            Self::NotACheckout(_) => ErrorKind::NotFound,
            Self::NotText { .. }
            | Self::RowRefused { .. }
            | Self::ColumnRefused { .. }
            | Self::TooManyColumns { .. } => ErrorKind::Unsupported,
            Self::Lines { source, .. } => source.kind(),
            Self::NotHere(_) => ErrorKind::NotFound,
            Self::NoRows(_) => ErrorKind::Unsupported,
            Self::Rows { source, .. } => source.kind(),
            Self::Regex { source, .. } => source.kind(),
            Self::Exists(_) | Self::VersionTaken { .. } => ErrorKind::Conflict,
            Self::NotFound(_)
            | Self::NoPublisher(_)
            | Self::NearMiss { .. }
            | Self::NoSuchFile { .. }
            | Self::NoSuchColumn { .. } => ErrorKind::NotFound,
            Self::Ambiguous { .. } => ErrorKind::Ambiguous,
            Self::Corrupt { .. } | Self::Mismatch { .. } | Self::FalseClaim { .. } => {
                ErrorKind::Integrity
            }
            Self::TooLarge { .. } => ErrorKind::Denied,
            Self::Interrupted => ErrorKind::Interrupted,
            Self::Peer { source, .. } => source.kind(),
            Self::NoPeer | Self::Transport(_) => ErrorKind::Network,
            Self::Bind { source, .. } => ErrorKind::of_io(source),
            Self::AlreadyServing(_) => ErrorKind::Conflict,
            Self::NotAtPeers(_) | Self::NotListed(_) | Self::UnknownPeer(_) => ErrorKind::NotFound,
            Self::Node(e) => e.kind(),
            Self::Archive(e) => e.kind(),
            Self::BaseMissing { .. } => ErrorKind::NotFound,
            Self::Locked(_) => ErrorKind::Denied,
            Self::SignedLie { .. } => ErrorKind::Integrity,
            Self::SplitTooSmall(_) => ErrorKind::Invalid,
            Self::TrustFile { source, .. } | Self::Trust(source) => source.kind(),
            Self::Keyring(e) => e.kind(),
            Self::Statement(e) => e.kind(),
            Self::Signature(e) => e.kind(),
            Self::EditLost(_) | Self::ClockFull(_) => ErrorKind::Conflict,
            Self::NotTrusted { .. } | Self::Superseded { .. } | Self::NotItsPublisher(_) => {
                ErrorKind::Denied
            }
            Self::Search(_) => ErrorKind::Io,
            Self::Ident(_) | Self::Query(_) => ErrorKind::Invalid,
            Self::Manifest(e) => e.kind(),
            Self::Source(e) => e.kind(),
            Self::Life(e) => e.kind(),
            Self::Edit(e) => e.kind(),
            Self::Store(e) => e.kind(),
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
