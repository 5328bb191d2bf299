//! Errors of outputs and checkouts.

use crate::registry::error::text::some_of;
use std::path::PathBuf;
use thiserror::Error as ThisError;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;

/// Reason that an output or a checkout cannot be written.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum CheckoutError {
    /// The path to create already exists.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// Files of a checkout were changed, and a new version would overwrite them.
    #[error("`{}` has changes that this would overwrite: {}", root.display(), some_of(paths))]
    LocalChanges {
        /// The directory or file.
        root: PathBuf,
        /// The changed paths in it.
        paths: Vec<String>,
    },
    /// The directory or file is not a recorded checkout.
    #[error("it is not known which dataset `{}` came from", .0.display())]
    NotACheckout(PathBuf),
}

impl CheckoutError {
    /// Returns advice for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists(_) => {
                "--yes replaces a plain file; remove anything else first, or name another place"
            }
            Self::LocalChanges { .. } => {
                "`alimentar registry status DIR` lists all changes; --yes overwrites these files"
            }
            Self::NotACheckout(_) => {
                "`registry diff REF DIR` compares it with a dataset; `registry checkout REF DIR --update` or `registry index DIR` makes it known"
            }
        }
    }
}

impl Classify for CheckoutError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Exists(_) | Self::LocalChanges { .. } => ErrorKind::Conflict,
            Self::NotACheckout(_) => ErrorKind::NotFound,
        }
    }
}
