//! Errors of metadata: cards, licences, tags, names of new datasets, and their edits.

use std::borrow::Cow;
use std::path::PathBuf;

use thiserror::Error as ThisError;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::DatasetName;
use crate::wire::limits::CARD_BYTES_MAX;

/// Reason that the metadata of a dataset cannot be set.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum MetadataError {
    /// The card is longer than the limit.
    #[error("the card `{}` is longer than {} bytes", .0.display(), CARD_BYTES_MAX)]
    CardTooLong(PathBuf),
    /// The licence is not an SPDX expression.
    #[error("`{text}` is not an SPDX licence expression")]
    License {
        /// The given text.
        text: String,
        /// The probable expression.
        near: Option<String>,
    },
    /// The tag is not allowed.
    #[error("the tag `{tag}` {reason}")]
    Tag {
        /// The given tag.
        tag: String,
        /// The cause.
        reason: &'static str,
    },
    /// The file name is not valid as a dataset name, and no name was given.
    #[error("`{}` cannot give a dataset its name: something of it would be lost", path.display())]
    NameNeeded {
        /// The path.
        path: PathBuf,
        /// A similar valid name.
        near: DatasetName,
    },
    /// Other data from another path already has the guessed name.
    #[error("`{}` would be called `{name}`, and so is what was indexed from another path", path.display())]
    NameGuessed {
        /// The path.
        path: PathBuf,
        /// The guessed name.
        name: DatasetName,
        /// A similar free name.
        near: DatasetName,
    },
    /// An edit had no effect, because another manifest of the dataset wins.
    #[error("the edit of `{0}` does not count: another revision of it ranks higher")]
    EditLost(String),
    /// The clock of a dataset has no room for another edit.
    #[error("`{0}` cannot be edited any more: the counter of its edits is full")]
    ClockFull(String),
}

impl MetadataError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::License { near: Some(near), .. } => format!(
                "did you mean `{near}`? A licence that is not on the SPDX list is written `LicenseRef-NAME`"
            )
            .into(),
            Self::License { near: None, .. } => {
                "https://spdx.org/licenses has the identifiers; a licence that is not among them is written `LicenseRef-NAME`"
                    .into()
            }
            Self::Tag { reason, .. } if reason.contains('@') => {
                "`registry alias` gives and removes movable names of versions".into()
            }
            Self::NameNeeded { near, .. } => {
                format!("give it a name, such as `--name {near}`").into()
            }
            Self::NameGuessed { name, near, .. } => format!(
                "`--name {name}` makes it the next version of that; `--name {near}` keeps them apart"
            )
            .into(),
            Self::EditLost(_) => "look at it with `registry info` and edit it again".into(),
            Self::ClockFull(_) => {
                "index its content again as a new version: that starts a new counter".into()
            }
            Self::CardTooLong(_) | Self::Tag { .. } => return None,
        })
    }
}

impl Classify for MetadataError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::CardTooLong(_)
            | Self::License { .. }
            | Self::Tag { .. }
            | Self::NameNeeded { .. }
            | Self::NameGuessed { .. } => ErrorKind::Invalid,
            Self::EditLost(_) | Self::ClockFull(_) => ErrorKind::Conflict,
        }
    }
}
