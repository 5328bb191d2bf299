//! Errors of collections.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error;

use crate::documents::format::DocumentFault;
use crate::documents::format::NameFault;
use crate::documents::format::PredicateError;
use crate::documents::format::zip::ZipError;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;

/// Error of an operation on a collection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// The action, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The lines of documents cannot be read.
    #[error("cannot read the lines")]
    Input {
        /// The cause.
        source: io::Error,
    },
    /// There is no document with this id.
    #[error("there is no document `{0}`")]
    NoDocument(String),
    /// There is no store at this path.
    #[error("`{}` is not a document store: it has no directory `collections`", .0.display())]
    NoStore(PathBuf),
    /// There is no collection with this name.
    #[error("there is no collection `{0}`")]
    NoCollection(String),
    /// The text is no id that may be written.
    #[error("`{id}` is not an id")]
    Id {
        /// The begin of the text.
        id: String,
        /// The fault.
        source: NameFault,
    },
    /// The text is no name of a collection.
    #[error("`{name}` is not the name of a collection")]
    Name {
        /// The begin of the text.
        name: String,
        /// The fault.
        source: NameFault,
    },
    /// The text is no document.
    #[error("the document `{id}` cannot be stored")]
    Document {
        /// Its id, or the number of its line.
        id: String,
        /// The fault.
        source: DocumentFault,
    },
    /// The document is longer than the limit, in bytes.
    #[error("the document `{id}` is longer than {limit} bytes")]
    TooLong {
        /// Its id.
        id: String,
        /// The limit.
        limit: usize,
    },
    /// The collection is strict, and the document has other types.
    #[error(
        "the document `{id}` has the schema {found}, and this strict collection has {expected}"
    )]
    Schema {
        /// Its id.
        id: String,
        /// The schema of the document.
        found: String,
        /// The schema of the collection.
        expected: String,
    },
    /// The text is no predicate.
    #[error("`{text}` is not a predicate")]
    Predicate {
        /// The text.
        text: String,
        /// The fault.
        source: PredicateError,
    },
    /// The collection was opened for reading.
    #[error("the collection is open for reading only")]
    ReadOnly,
    /// Another program changed the file while it was open here.
    #[error("`{}` was changed by another program while it was open; open the collection again", .0.display())]
    Changed(PathBuf),
    /// A write failed earlier, and what is in memory is not what is on disk.
    #[error("an earlier write to `{}` failed; open the collection again", .0.display())]
    Failed(PathBuf),
    /// A file is not what the format says.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The path.
        path: PathBuf,
        /// The difference.
        reason: String,
    },
    /// An archive cannot be read or written.
    #[error("`{}`", path.display())]
    Archive {
        /// The path.
        path: PathBuf,
        /// The cause.
        source: ZipError,
    },
    /// The collection holds documents of the other kind: a file for each, or a log.
    #[error("the collection `{0}` has a file for each document; this works on a log of documents")]
    FilesOnly(String),
}

/// Number of characters of a text that a message shows.
const SHOWN: usize = 80;

impl DocumentError {
    /// Makes the error of a file.
    pub(crate) fn file(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn id(text: &str, source: NameFault) -> Self {
        let id = text.chars().take(SHOWN).collect();
        Self::Id { id, source }
    }

    pub(crate) fn name(text: &str, source: NameFault) -> Self {
        let name = text.chars().take(SHOWN).collect();
        Self::Name { name, source }
    }

    pub(crate) fn document(id: &str, source: DocumentFault) -> Self {
        let id = id.chars().take(SHOWN).collect();
        Self::Document { id, source }
    }
}

impl DocumentError {
    /// Returns true for an error of one document, which the others do not have.
    pub fn is_of_document(&self) -> bool {
        matches!(
            self,
            Self::Id { .. } | Self::Document { .. } | Self::TooLong { .. } | Self::Schema { .. }
        )
    }

    /// Returns true for an error of what is stored, after which a collection can be written.
    pub(crate) fn is_of_input(&self) -> bool {
        self.is_of_document() || matches!(self, Self::Input { .. })
    }

    /// Names the document of an error by the number of its line if it has no id.
    pub(crate) fn or_at_line(self, number: u64) -> Self {
        match &self {
            Self::Id { id, .. }
            | Self::Document { id, .. }
            | Self::TooLong { id, .. }
            | Self::Schema { id, .. }
                if id.is_empty() =>
            {
                self.at_line(number)
            }
            _ => self,
        }
    }

    /// Names the document of an error by the number of its line.
    pub(crate) fn at_line(mut self, number: u64) -> Self {
        if let Self::Id { id, .. }
        | Self::Document { id, .. }
        | Self::TooLong { id, .. }
        | Self::Schema { id, .. } = &mut self
        {
            *id = format!("line {number}");
        }
        self
    }
}

impl Classify for DocumentError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::File { source, .. } | Self::Input { source } => ErrorKind::of_io(source),
            Self::NoDocument(_) | Self::NoStore(_) | Self::NoCollection(_) => ErrorKind::NotFound,
            Self::Id { .. }
            | Self::Name { .. }
            | Self::Document { .. }
            | Self::TooLong { .. }
            | Self::Schema { .. }
            | Self::Predicate { .. }
            | Self::ReadOnly
            | Self::FilesOnly(_) => ErrorKind::Invalid,
            Self::Changed(_) | Self::Failed(_) => ErrorKind::Conflict,
            Self::Damaged { .. } => ErrorKind::Integrity,
            Self::Archive { source, .. } => match source {
                ZipError::Io(source) => ErrorKind::of_io(source),
                ZipError::Unsupported { .. } => ErrorKind::Unsupported,
                ZipError::Bomb { .. } | ZipError::Path { .. } => ErrorKind::Denied,
                ZipError::Malformed(_) | ZipError::Damaged { .. } => ErrorKind::Integrity,
            },
        }
    }
}
