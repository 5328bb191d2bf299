//! What is wrong with a directory that is to be indexed.

use std::path::PathBuf;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::registry::index::source_files::Skipped;
use crate::registry::index::source_files::WhySkipped;
use crate::wire::limits::LINKED_ENTRIES_MAX;

/// Why a directory cannot be indexed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is nothing to index in it.
    #[error("there are no files to index in `{}`{}", path.display(), left_out_text(left_out))]
    NoFiles {
        /// Which directory.
        path: PathBuf,
        /// What was left out of it.
        left_out: Vec<Skipped>,
    },
    /// A link leads back to a directory that it is in, or to itself.
    #[error("the link `{}` leads in a circle, to `{}`", link.display(), target.display())]
    LinkLoop {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// Links to directories bring in more than a limit allows.
    #[error(
        "links to directories in `{}` lead to more than {LINKED_ENTRIES_MAX} entries (`linked_entries_max`)", .0.display()
    )]
    TooManyLinked(PathBuf),
}

impl SourceError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoFiles { left_out, .. } => {
                match left_out.iter().any(|s| s.why == WhySkipped::Link) {
                    true => "`--follow-links` follows links that lead out of the directory",
                    false => "name a directory with files in it",
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

/// The first paths that were left out, and why.
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
