//! Errors of the registry. `Error` wraps every error of the layers below, `kinds` classifies it,
//! and `life` and `source` have errors of single topics.

pub(crate) mod expansion;
pub(crate) mod kinds;
pub(crate) mod life;
pub(crate) mod node;
pub(crate) mod skipped;
pub(crate) mod source;
mod text;

use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use thiserror::Error as ThisError;

use crate::archive::ArchiveError;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::IdentError;
use crate::ident::PublisherKey;
use crate::inspect::line_index::LinesError;
use crate::inspect::output::Refusal;
use crate::inspect::search::PatternError;
use crate::inspect::table::TableError;
use crate::keyring::KeyringError;
use crate::manifest::ManifestError;
use crate::manifest::PathError;
use crate::protocol::PeerError;
use crate::registry::edits::error::EditError;
use crate::registry::error::expansion::Expansion;
use crate::registry::error::life::LifeError;
use crate::registry::error::node::NodeError;
use crate::registry::error::source::SourceError;
use crate::registry::error::text::some_of;
use crate::registry::error::text::unreadable;
use crate::search::QueryError;
use crate::search::SearchError;
use crate::store::disk::StoreError;
use crate::trust::SignatureError;
use crate::trust::StatementError;
use crate::trust::TrustFileError;
use crate::wire::limits::CARD_BYTES_MAX;
use crate::wire::limits::WRITTEN_COLUMNS_MAX;

/// Error of a registry operation.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A file operation outside the registry failed.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// The action that failed, as a verb.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// An operation of the system without a path failed.
    #[error("cannot {task}")]
    Machine {
        /// The task that failed.
        task: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// A worker thread panicked. The field names the kind of thread.
    #[error("cannot run a {0} thread: it panicked")]
    WorkerPanicked(&'static str),
    /// The system returned no random bytes.
    #[error("cannot read random bytes")]
    Random(#[source] io::Error),
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
    /// The format has no lines.
    #[error("`{}` has no lines of text: it is {format}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: &'static str,
    },
    /// The text is neither a path nor a reference to a held dataset.
    #[error("there is no file `{0}`, and no dataset")]
    NotHere(String),
    /// The target has no file with rows.
    #[error("there is no file with rows in `{0}`")]
    NoRows(String),
    /// Rows could not be read.
    #[error("cannot read the rows of `{target}`")]
    Rows {
        /// The target.
        target: String,
        /// The cause.
        source: TableError,
    },
    /// No row has the named column.
    #[error(
        "`{target}` has no column `{column}`{}",
        match near.as_slice() {
            [] => String::new(),
            near => format!("; there is {}", near.join(", ")),
        }
    )]
    NoSuchColumn {
        /// The target.
        target: String,
        /// The column as typed.
        column: String,
        /// The most similar column names.
        near: Vec<String>,
    },
    /// A row cannot be written in the requested format.
    #[error("cannot write row {row} of `{target}`: {refusal}")]
    RowRefused {
        /// The target.
        target: String,
        /// The row's number, from 0.
        row: u64,
        /// The cause.
        refusal: Refusal,
    },
    /// A column cannot be written in the requested format.
    #[error("cannot write `{}`: {refusal}", path.display())]
    ColumnRefused {
        /// The file to write.
        path: PathBuf,
        /// The cause.
        refusal: Refusal,
    },
    /// The target has more columns than a file may have.
    #[error(
        "`{target}` has more than {WRITTEN_COLUMNS_MAX} columns (`written_columns_max`): column `{column}` has no room"
    )]
    TooManyColumns {
        /// The target.
        target: String,
        /// The first column beyond the limit.
        column: String,
    },
    /// The regular expression is invalid.
    #[error("`{pattern}`")]
    Regex {
        /// The pattern as typed.
        pattern: String,
        /// The cause.
        source: PatternError,
    },
    /// The lines of a file could not be read.
    #[error("cannot find the lines of `{}`", path.display())]
    Lines {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: LinesError,
    },
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
    /// The dataset's publisher has withdrawn it.
    #[error("`{dataset}` was withdrawn: {reason}")]
    Withdrawn {
        /// The dataset.
        dataset: String,
        /// The publisher's reason.
        reason: String,
    },
    /// The exclude pattern is invalid.
    #[error("`{0}` is not a pattern")]
    Pattern(String),
    /// No dataset matches the reference.
    #[error("no dataset `{0}` here")]
    NotFound(String),
    /// No dataset has this name, and some have a similar one.
    #[error("no dataset `{name}` here; did you mean {}?", near.join(" or "))]
    NearMiss {
        /// The name as typed.
        name: String,
        /// Names that differ by one or two letters.
        near: Vec<String>,
    },
    /// The dataset has no such file.
    #[error("no file `{path}` in `{dataset}`")]
    NoSuchFile {
        /// The path.
        path: String,
        /// The dataset.
        dataset: String,
    },
    /// Several datasets match the reference.
    #[error("`{reference}` may mean {}", candidates.join(", "))]
    Ambiguous {
        /// The reference as typed.
        reference: String,
        /// The matching datasets.
        candidates: Vec<String>,
    },
    /// The name and version belong to other content.
    #[error("`{name}@{version}` is already the content {held}")]
    VersionTaken {
        /// The name.
        name: DatasetName,
        /// The version.
        version: DatasetVersion,
        /// The content that has them.
        held: ContentId,
    },
    /// A dataset's bytes are damaged.
    #[error("`{dataset}` is damaged: file `{file}`")]
    Corrupt {
        /// The dataset.
        dataset: String,
        /// The damaged file.
        file: String,
        /// The cause.
        source: Box<StoreError>,
    },
    /// A dataset's bytes are intact but do not match its content id.
    #[error("`{dataset}` does not have the content its id says: file `{file}`")]
    Mismatch {
        /// The dataset.
        dataset: String,
        /// The file that differs.
        file: String,
    },
    /// A manifest, its file table or its tree makes a false claim.
    #[error("`{dataset}` makes a false claim: {claim}")]
    FalseClaim {
        /// The dataset.
        dataset: String,
        /// The claim and the actual value.
        claim: String,
    },
    /// A remote dataset is far larger than its distinct chunks.
    #[error("`{dataset}`: {}", expansion.reason())]
    TooLarge {
        /// The dataset.
        dataset: String,
        /// Its claimed and its distinct size.
        expansion: Expansion,
    },
    /// An archive is invalid.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The base of an incremental archive is not held.
    #[error("the archive needs `{name}@{version}` (alimentar:{content_id}), which is not here")]
    BaseMissing {
        /// The base's name where the archive was made.
        name: String,
        /// The base's version.
        version: String,
        /// The base's content id.
        content_id: String,
    },
    /// No key or passphrase at hand opens the encrypted archive.
    #[error("`{}` is encrypted, and neither an identity nor a passphrase here opens it", .0.display())]
    Locked(PathBuf),
    /// A signed manifest makes a false claim.
    #[error("`{signer}` has signed what is not so")]
    SignedLie {
        /// The signer.
        signer: String,
        /// The false claim.
        source: Box<Error>,
    },
    /// The requested volume size is too small.
    #[error("volumes must have at least {0} bytes")]
    SplitTooSmall(u64),
    /// `trust.toml` cannot be parsed.
    #[error("cannot use `{}`", path.display())]
    TrustFile {
        /// The path.
        path: PathBuf,
        /// The cause.
        source: TrustFileError,
    },
    /// A change of the trust settings is invalid.
    #[error(transparent)]
    Trust(#[from] TrustFileError),
    /// A secret key cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A statement of a publisher is invalid.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An edit had no effect, because another manifest of the dataset wins.
    #[error("the edit of `{0}` does not count: another revision of it ranks higher")]
    EditLost(String),
    /// The clock of a dataset has no room for another edit.
    #[error("`{0}` cannot be edited any more: the counter of its edits is full")]
    ClockFull(String),
    /// The trust settings do not admit the dataset.
    #[error("`{dataset}`: {reason}")]
    NotTrusted {
        /// The dataset.
        dataset: String,
        /// The reason.
        reason: Cow<'static, str>,
    },
    /// A rotation replaced the key.
    #[error("the key {key} signs no more: `{name}` has the key {by} since a rotation")]
    Superseded {
        /// The publisher's local name.
        name: String,
        /// The given key.
        key: PublisherKey,
        /// The key that replaced it.
        by: PublisherKey,
    },
    /// No publisher has this name.
    #[error("no publisher `{0}` in trust.toml")]
    NoPublisher(String),
    /// Only the dataset's publisher may make this change.
    #[error("`{0}` is not signed with this key")]
    NotItsPublisher(String),
    /// An error about other nodes, or about this home's identity.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A peer failed, and no other peer could help.
    #[error("peer `{address}`")]
    Peer {
        /// The peer's address.
        address: String,
        /// The cause.
        source: PeerError,
    },
    /// An address cannot be bound.
    #[error("cannot use the address `{address}`")]
    Bind {
        /// The address.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// The network stack failed.
    #[error("cannot set up the transport")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another process serves the same home.
    #[error("`{}` is being served by another process", .0.display())]
    AlreadyServing(PathBuf),
    /// The node is not on the access list.
    #[error("the node `{0}` is not on the list")]
    NotListed(String),
    /// No peer was seen at the address.
    #[error("no node is known at `{0}`")]
    UnknownPeer(String),
    /// There is no peer to ask.
    #[error("no peer to ask")]
    NoPeer,
    /// None of the asked peers has the dataset.
    #[error("no dataset `{0}` at the peers that were asked")]
    NotAtPeers(String),
    /// The operation was stopped on request.
    #[error("interrupted")]
    Interrupted,
    /// The search index failed.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The search query is invalid.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The text is no valid identifier.
    #[error(transparent)]
    Ident(#[from] IdentError),
    /// The manifest is invalid.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The path is not allowed in a dataset.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The directory cannot be indexed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An error about a version number or a removed dataset.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// An error of edits.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Error {
    #[cfg(feature = "federation")]
    pub(crate) fn transport(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Transport(Box::new(source))
    }

    /// Returns true if this process may not write the registry's directory.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Store(e) if e.is_refused())
    }

    /// Returns the error for an output that cannot be created.
    pub(crate) fn output(path: impl AsRef<Path>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path.as_ref().to_owned()),
            _ => Self::file("write", path, source),
        }
    }

    /// Returns the error for a failed operation without a path.
    pub(crate) fn machine(task: &'static str, source: io::Error) -> Self {
        Self::Machine { task, source }
    }

    pub(crate) fn file(action: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::File {
            action,
            path: path.as_ref().to_owned(),
            source,
        }
    }
}
