//! The umbrella over every error of the layers below.

pub(crate) mod kinds;
pub(crate) mod life;
pub(crate) mod source;

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
use crate::registry::error::life::LifeError;
use crate::registry::error::source::SourceError;
use crate::registry::integrity::expansion::Expansion;
use crate::registry::peers::node_names::NodeError;
use crate::search::QueryError;
use crate::search::SearchError;
use crate::store::disk::StoreError;
use crate::trust::SignatureError;
use crate::trust::StatementError;
use crate::trust::TrustFileError;
use crate::wire::limits::CARD_BYTES_MAX;
use crate::wire::limits::WRITTEN_COLUMNS_MAX;

/// Why a use-case failed.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A file outside the registry.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something of the machine that is no file.
    #[error("cannot {task}")]
    Machine {
        /// What was tried.
        task: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Paths to be indexed that cannot be read.
    #[error("cannot read {}", unreadable(.0))]
    Unreadable(Vec<(PathBuf, io::Error)>),
    /// A file was written to while it was read.
    #[error("`{}` changed while it was being read", .0.display())]
    Changed(PathBuf),
    /// A file name that is not UTF-8.
    #[error("`{}` has a name that is not UTF-8", .0.display())]
    NameNotUtf8(PathBuf),
    /// Neither a file nor a directory.
    #[error("`{}` is neither a file nor a directory", .0.display())]
    NotAFile(PathBuf),
    /// A directory, a pipe, a device: nothing that can be read at any place.
    #[error("`{}` is not a file", .0.display())]
    NotPlainFile(PathBuf),
    /// What was to be indexed lies in the home of a registry.
    #[error("`{}` lies in `{}`, which is the home of a registry", .0.display(), .1.display())]
    InsideHome(PathBuf, PathBuf),
    /// What was to be read into a dataset is a secret key.
    #[error("`{}` is a secret key", .0.display())]
    KeyFile(PathBuf),
    /// A format that has no lines.
    #[error("`{}` has no lines of text: it is {format}", path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
        /// What it is.
        format: &'static str,
    },
    /// Neither a path nor a reference to a dataset here.
    #[error("there is no file `{0}`, and no dataset")]
    NotHere(String),
    /// No file that could be looked into.
    #[error("there is no file with rows in `{0}`")]
    NoRows(String),
    /// Rows that cannot be read.
    #[error("cannot read the rows of `{target}`")]
    Rows {
        /// Of what.
        target: String,
        /// Why not.
        source: TableError,
    },
    /// No row has a column that was named.
    #[error(
        "`{target}` has no column `{column}`{}",
        match near.as_slice() {
            [] => String::new(),
            near => format!("; there is {}", near.join(", ")),
        }
    )]
    NoSuchColumn {
        /// What was looked into.
        target: String,
        /// What was typed.
        column: String,
        /// Names that are nearest to it.
        near: Vec<String>,
    },
    /// A row that cannot be written in the format that was asked for.
    #[error("cannot write row {row} of `{target}`: {refusal}")]
    RowRefused {
        /// Of what.
        target: String,
        /// The row's number, from 0.
        row: u64,
        /// Why not.
        refusal: Refusal,
    },
    /// A column that cannot be written in the format that was asked for.
    #[error("cannot write `{}`: {refusal}", path.display())]
    ColumnRefused {
        /// The file that was to be written.
        path: PathBuf,
        /// Why not.
        refusal: Refusal,
    },
    /// More columns than a file may have.
    #[error(
        "`{target}` has more than {WRITTEN_COLUMNS_MAX} columns (`written_columns_max`): column `{column}` has no room"
    )]
    TooManyColumns {
        /// Of what.
        target: String,
        /// The first column beyond the limit.
        column: String,
    },
    /// A regular expression.
    #[error("`{pattern}`")]
    Regex {
        /// What was typed.
        pattern: String,
        /// What is wrong with it.
        source: PatternError,
    },
    /// The lines of a file.
    #[error("cannot find the lines of `{}`", path.display())]
    Lines {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: LinesError,
    },
    /// A card beyond the limit.
    #[error("the card `{}` is longer than {} bytes", .0.display(), CARD_BYTES_MAX)]
    CardTooLong(PathBuf),
    /// A licence that is not an SPDX expression.
    #[error("`{text}` is not an SPDX licence expression")]
    License {
        /// What was given.
        text: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// A tag that a user may not give.
    #[error("the tag `{tag}` {reason}")]
    Tag {
        /// What was given.
        tag: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file name that a dataset's name cannot keep, and no name given.
    #[error("`{}` cannot give a dataset its name: something of it would be lost", path.display())]
    NameNeeded {
        /// The path.
        path: PathBuf,
        /// A name that is near.
        near: DatasetName,
    },
    /// A guessed name that other data from another path has.
    #[error("`{}` would be called `{name}`, and so is what was indexed from another path", path.display())]
    NameGuessed {
        /// The path.
        path: PathBuf,
        /// The guessed name.
        name: DatasetName,
        /// A name that keeps them apart.
        near: DatasetName,
    },
    /// Where something should be made, something is.
    #[error("`{}` exists already", .0.display())]
    Exists(PathBuf),
    /// Files of a checkout were changed, and a new version would overwrite them.
    #[error("`{}` has changes that this would overwrite: {}", root.display(), some_of(paths))]
    LocalChanges {
        /// The directory or file.
        root: PathBuf,
        /// What was changed in it.
        paths: Vec<String>,
    },
    /// Nothing is known of where a directory or a file came from.
    #[error("it is not known which dataset `{}` came from", .0.display())]
    NotACheckout(PathBuf),
    /// A dataset that its publisher has withdrawn.
    #[error("`{dataset}` was withdrawn: {reason}")]
    Withdrawn {
        /// Which dataset.
        dataset: String,
        /// Why.
        reason: String,
    },
    /// A pattern to exclude that is none.
    #[error("`{0}` is not a pattern")]
    Pattern(String),
    /// No dataset fits a reference.
    #[error("no dataset `{0}` here")]
    NotFound(String),
    /// No dataset has this name, and some have one that is nearly it.
    #[error("no dataset `{name}` here; did you mean {}?", near.join(" or "))]
    NearMiss {
        /// What was typed.
        name: String,
        /// Names that differ by a letter or two.
        near: Vec<String>,
    },
    /// No such file in a dataset.
    #[error("no file `{path}` in `{dataset}`")]
    NoSuchFile {
        /// What was asked for.
        path: String,
        /// In which dataset.
        dataset: String,
    },
    /// Several datasets fit a reference.
    #[error("`{reference}` may mean {}", candidates.join(", "))]
    Ambiguous {
        /// What was typed.
        reference: String,
        /// What it may mean.
        candidates: Vec<String>,
    },
    /// A name and version stand for other content already.
    #[error("`{name}@{version}` is already the content {held}")]
    VersionTaken {
        /// The name.
        name: DatasetName,
        /// The version.
        version: DatasetVersion,
        /// What it stands for.
        held: ContentId,
    },
    /// A dataset's bytes are damaged.
    #[error("`{dataset}` is damaged: file `{file}`")]
    Corrupt {
        /// Which dataset.
        dataset: String,
        /// Which file of it.
        file: String,
        /// What was found.
        source: Box<StoreError>,
    },
    /// A dataset's bytes are whole but not what its content id says.
    #[error("`{dataset}` does not have the content its id says: file `{file}`")]
    Mismatch {
        /// Which dataset.
        dataset: String,
        /// Which file of it.
        file: String,
    },
    /// A manifest, or the file table or tree that it names, says what is not so.
    #[error("`{dataset}` makes a false claim: {claim}")]
    FalseClaim {
        /// Which dataset.
        dataset: String,
        /// What it says, and what is found.
        claim: String,
    },
    /// A dataset from elsewhere that is far larger than what it is made of.
    #[error("`{dataset}`: {}", expansion.reason())]
    TooLarge {
        /// Which dataset.
        dataset: String,
        /// What it claims, and what it is made of.
        expansion: Expansion,
    },
    /// An archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A delta whose base is not here.
    #[error("the archive needs `{name}@{version}` (alimentar:{content_id}), which is not here")]
    BaseMissing {
        /// The base's name, where the archive was made.
        name: String,
        /// Its version.
        version: String,
        /// Its content.
        content_id: String,
    },
    /// An encrypted archive that nothing at hand opens.
    #[error("`{}` is encrypted, and neither an identity nor a passphrase here opens it", .0.display())]
    Locked(PathBuf),
    /// What a manifest says is not so, and somebody has signed it.
    #[error("`{signer}` has signed what is not so")]
    SignedLie {
        /// Who.
        signer: String,
        /// What is not so.
        source: Box<Error>,
    },
    /// Volumes that would be too small.
    #[error("volumes must have at least {0} bytes")]
    SplitTooSmall(u64),
    /// `trust.toml` is not understood.
    #[error("cannot use `{}`", path.display())]
    TrustFile {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: TrustFileError,
    },
    /// A change to what is believed that cannot be.
    #[error(transparent)]
    Trust(#[from] TrustFileError),
    /// A secret key.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// A statement of a publisher.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// An edit did not take: another manifest of the dataset counts more.
    #[error("the edit of `{0}` does not count: another revision of it ranks higher")]
    EditLost(String),
    /// The clock of a dataset has no room for another edit.
    #[error("`{0}` cannot be edited any more: the counter of its edits is full")]
    ClockFull(String),
    /// Trust does not reach so far.
    #[error("`{dataset}`: {reason}")]
    NotTrusted {
        /// Which dataset.
        dataset: String,
        /// Why not.
        reason: Cow<'static, str>,
    },
    /// The key was replaced by a rotation.
    #[error("the key {key} signs no more: `{name}` has the key {by} since a rotation")]
    Superseded {
        /// What its publisher is called here.
        name: String,
        /// The key that was given.
        key: PublisherKey,
        /// The key that followed it.
        by: PublisherKey,
    },
    /// No publisher of this name.
    #[error("no publisher `{0}` in trust.toml")]
    NoPublisher(String),
    /// Only its publisher may say this of a dataset.
    #[error("`{0}` is not signed with this key")]
    NotItsPublisher(String),
    /// What is known of other nodes, or this home's identity.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A peer, and nobody else could do it.
    #[error("peer `{address}`")]
    Peer {
        /// Where it is.
        address: String,
        /// What is the matter with it.
        source: PeerError,
    },
    /// An address that cannot be listened on, or asked from.
    #[error("cannot use the address `{address}`")]
    Bind {
        /// Which.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The network's own machinery.
    #[error("cannot set up the transport")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another process serves the same home.
    #[error("`{}` is being served by another process", .0.display())]
    AlreadyServing(PathBuf),
    /// A node that is not on the list.
    #[error("the node `{0}` is not on the list")]
    NotListed(String),
    /// An address where nobody was seen.
    #[error("no node is known at `{0}`")]
    UnknownPeer(String),
    /// Nobody to ask.
    #[error("no peer to ask")]
    NoPeer,
    /// No peer that was asked has it.
    #[error("no dataset `{0}` at the peers that were asked")]
    NotAtPeers(String),
    /// Stopped on request.
    #[error("interrupted")]
    Interrupted,
    /// The search index.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A search that cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A text that is no identifier.
    #[error(transparent)]
    Ident(#[from] IdentError),
    /// A manifest that cannot be.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A path that cannot be in a dataset.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A directory that is to be indexed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A version number, or a dataset that was removed.
    #[error(transparent)]
    Life(#[from] LifeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Paths that are named in one message; the others are counted.
const UNREADABLE_NAMED: usize = 20;

fn unreadable(paths: &[(PathBuf, io::Error)]) -> String {
    let named = paths.iter().take(UNREADABLE_NAMED);
    let named = named.map(|(path, error)| format!("`{}` ({error})", path.display()));
    let named = named.collect::<Vec<_>>().join(", ");
    match paths.len().checked_sub(UNREADABLE_NAMED) {
        Some(more @ 1..) => format!("{named} and {more} more"),
        _ => named,
    }
}

impl Error {
    #[cfg(feature = "federation")]
    pub(crate) fn transport(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Transport(Box::new(source))
    }

    /// The registry's directory cannot be written by this process.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Store(e) if e.is_refused())
    }

    /// An output that cannot be made.
    pub(crate) fn output(path: impl AsRef<Path>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path.as_ref().to_owned()),
            _ => Self::file("write", path, source),
        }
    }

    /// Something that failed and has no path.
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

/// The first of some paths, and how many more there are.
fn some_of(paths: &[String]) -> String {
    let mut text = paths.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more) = paths.len().checked_sub(5).filter(|n| *n > 0) {
        text += &format!(" and {more} more");
    }
    text
}
