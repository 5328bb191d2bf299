//! Errors of a directory that is to be indexed.

use std::path::PathBuf;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::registry::error::skipped::SkipReason;
use crate::registry::error::skipped::Skipped;
use crate::wire::limits::LINKED_ENTRIES_MAX;

/// Reason that a directory cannot be indexed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The directory has nothing to index.
    #[error("there are no files to index in `{}`{}", path.display(), left_out_text(left_out))]
    NoFiles {
        /// The directory.
        path: PathBuf,
        /// The paths that were skipped.
        left_out: Vec<Skipped>,
    },
    /// A link leads back to itself, or to a directory that contains it.
    #[error("the link `{}` leads in a circle, to `{}`", link.display(), target.display())]
    LinkLoop {
        /// The link.
        link: PathBuf,
        /// The link's target.
        target: PathBuf,
    },
    /// Links to directories lead to more entries than the limit.
    #[error(
        "links to directories in `{}` lead to more than {LINKED_ENTRIES_MAX} entries (`linked_entries_max`)", .0.display()
    )]
    TooManyLinked(PathBuf),
}

impl SourceError {
    /// Returns advice for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoFiles { left_out, .. } => {
                if left_out.iter().any(|s| s.why == SkipReason::Link) {
                    "`--follow-links` follows links that lead out of the directory"
                } else {
                    "name a directory with files in it"
                }
            }
            Self::LinkLoop { .. } | Self::TooManyLinked(_) => {
                "leave the link out with --exclude, or remove it"
            }
        }
    }
}

impl Classify for SourceError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// Formats the first skipped paths, each with the reason.
pub fn left_out_text(left_out: &[Skipped]) -> String {
    const NAMED: usize = 3;
    let mut text = String::new();
    for (n, skipped) in left_out.iter().take(NAMED).enumerate() {
        text += if n == 0 { "; left out: " } else { ", " };
        text += &format!("`{}` ({})", skipped.path.display(), skipped.why.reason());
    }
    if let Some(more) = left_out.len().checked_sub(NAMED).filter(|n| *n > 0) {
        text += &format!(" and {more} more");
    }
    text
}
