//! Errors of taking in files from elsewhere.

use std::io;

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;

/// Reason that files from elsewhere cannot be taken in.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The bytes of a file do not have the promised hash.
    #[error("`{path}` is not what its source promises: {promised} is promised, and {found} came")]
    BrokenPromise {
        /// The file's path.
        path: String,
        /// The promised hash.
        promised: String,
        /// The hash of the bytes.
        found: String,
    },
    /// A file cannot be fetched.
    #[error("cannot fetch `{path}`")]
    Fetch {
        /// The file's path.
        path: String,
        /// The cause.
        source: io::Error,
    },
    /// The source has a file whose path is not one of a dataset.
    #[error("`{url}` lists the path `{path}`, which {why}")]
    Path {
        /// The source.
        url: String,
        /// The path.
        path: String,
        /// The fault, as the rest of a sentence.
        why: String,
    },
    /// No file is left to take in.
    #[error("`{url}` has no file to take in{}", filtered_text(*.is_filtered))]
    NoFiles {
        /// The source.
        url: String,
        /// True if filters left out files.
        is_filtered: bool,
    },
    /// The dataset was not taken in from a URL.
    #[error("`{0}` was not taken in from a URL")]
    NoSource(String),
    /// The dataset's URL cannot be looked at again.
    #[error("`{name}` was taken in from `{url}`, which is not the whole URL")]
    PartialUrl {
        /// The dataset.
        name: String,
        /// The recorded URL.
        url: String,
    },
}

impl IntakeError {
    pub(crate) fn fetch(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Fetch { path, source }
    }

    pub(crate) fn broken_promise(path: &str, (promised, found): (String, String)) -> Self {
        Self::BrokenPromise {
            path: path.to_owned(),
            promised,
            found,
        }
    }

    /// Returns advice for the user.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::BrokenPromise { .. } => {
                "nothing was indexed; try again later, or ask whoever runs the server"
            }
            Self::Fetch { .. } => {
                "the same command goes on from here; nothing that arrived is lost"
            }
            Self::Path { .. } => {
                "ask whoever made the source to rename the file, or leave it out with --exclude"
            }
            Self::NoFiles {
                is_filtered: true, ..
            } => "look at --include and --exclude",
            Self::NoFiles { .. } => "name a repository or a prefix with files in it",
            Self::NoSource(_) => "`alimentar registry index` takes data in from a path or a URL",
            Self::PartialUrl { .. } => {
                "its query may be a secret, so it was not recorded; name the URL to `alimentar registry index`"
            }
        }
    }
}

impl Classify for IntakeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::BrokenPromise { .. } | Self::Path { .. } => ErrorKind::Integrity,
            Self::Fetch { source, .. } => match ErrorKind::of_io(source) {
                // An error without a kind of its own came from the network.
                ErrorKind::Io | ErrorKind::Interrupted if !is_stop(source) => ErrorKind::Network,
                kind => kind,
            },
            Self::NoFiles { .. } => ErrorKind::NotFound,
            Self::NoSource(_) | Self::PartialUrl { .. } => ErrorKind::Invalid,
        }
    }
}

/// Returns true for an error that says that the work is to stop.
fn is_stop(error: &io::Error) -> bool {
    error.get_ref().is_some() && ErrorKind::of_io(error) == ErrorKind::Interrupted
}

fn filtered_text(is_filtered: bool) -> &'static str {
    if is_filtered {
        " that passes the filters"
    } else {
        ""
    }
}
