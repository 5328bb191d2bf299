//! Errors of a directory that is to be indexed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::registry::error::skipped::SkipReason;
use crate::registry::error::skipped::Skipped;
use crate::registry::error::text::unreadable;
use crate::wire::limits::LINKED_ENTRIES_MAX;

/// Reason that a directory cannot be indexed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Paths to index could not be read.
    #[error("cannot read {}", unreadable(.0))]
    Unreadable(Vec<(PathBuf, io::Error)>),
    /// A file was written to while it was read.
    #[error("`{}` changed while it was being read", .0.display())]
    Changed(PathBuf),
    /// A file name is not UTF-8.
    #[error("`{}` has a name that is not UTF-8", .0.display())]
    NameNotUtf8(PathBuf),
    /// The path is neither a file nor a directory.
    #[error("`{}` is neither a file nor a directory", .0.display())]
    NotAFile(PathBuf),
    /// The path is a directory, a pipe or a device, which do not support random access.
    #[error("`{}` is not a file", .0.display())]
    NotPlainFile(PathBuf),
    /// The path to index lies in the home of a registry.
    #[error("`{}` lies in `{}`, which is the home of a registry", .0.display(), .1.display())]
    InsideHome(PathBuf, PathBuf),
    /// The file to index is a secret key.
    #[error("`{}` is a secret key", .0.display())]
    KeyFile(PathBuf),
    /// The exclude pattern is invalid.
    #[error("`{0}` is not a pattern")]
    Pattern(String),
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

impl SourceError {
    /// Returns advice for the user.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
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
            Self::Changed(_) => "index it again when nothing writes to it",
            Self::InsideHome(..) => {
                "index data where it lies; `alimentar registry export` copies what a registry holds"
            }
            Self::KeyFile(_) => "a key in a dataset is a key that others have; keep it elsewhere",
            Self::Unreadable(_) => {
                "make them readable, or leave them out with --exclude GLOB; nothing was indexed"
            }
            Self::NameNotUtf8(_) => "rename it, or leave it out with --exclude",
            Self::NotAFile(_) | Self::NotPlainFile(_) | Self::Pattern(_) => return None,
        })
    }
}

impl Classify for SourceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable(_) | Self::Changed(_) => ErrorKind::Io,
            Self::InsideHome(..) | Self::KeyFile(_) => ErrorKind::Denied,
            Self::NameNotUtf8(_)
            | Self::NotAFile(_)
            | Self::NotPlainFile(_)
            | Self::Pattern(_)
            | Self::NoFiles { .. }
            | Self::LinkLoop { .. }
            | Self::TooManyLinked(_) => ErrorKind::Invalid,
        }
    }
}
