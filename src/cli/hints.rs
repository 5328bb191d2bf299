//! Hints: the next step for a person whose command failed.

use std::borrow::Cow;

use crate::archive::ArchiveError;
use crate::cli::exit::Failure;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::file_io::NoDirectory;
use crate::keyring::KeyringError;
use crate::protocol::PeerError;
use crate::registry::EditError;
use crate::registry::Error;
use crate::registry::NodeError;
use crate::store::disk::StoreError;
use crate::trust::KeyFileError;

impl Failure {
    /// The next step, if one is known.
    pub(super) fn hint(&self, kind: ErrorKind) -> Option<Cow<'_, str>> {
        let specific = match self {
            Self::InsecureHome { hint, .. } | Self::Misused { hint, .. } => {
                Some(Cow::Borrowed(hint.as_str()))
            }
            Self::NoHome(_) => Some(
                "`alimentar index PATH` makes one; --home or ALIMENTAR_HOME names another directory"
                    .into(),
            ),
            Self::Unconfirmed(_) => Some("--yes goes on without asking".into()),
            Self::NotSigned(_) => Some(
                "`alimentar sign REF` signs what is yours; what came from elsewhere, its maker has to sign"
                    .into(),
            ),
            Self::Library(error) => hint_with_names(error)
                .map(Cow::Owned)
                .or_else(|| hint_of_error(error).map(Cow::Borrowed)),
            _ => None,
        };
        specific.or_else(|| hint_of_kind(kind).map(Cow::Borrowed))
    }
}

/// The hint for an error that a better name or licence would avoid.
fn hint_with_names(error: &Error) -> Option<String> {
    Some(match error {
        Error::License { near: Some(near), .. } => format!(
            "did you mean `{near}`? A licence that is not on the SPDX list is written `LicenseRef-NAME`"
        ),
        Error::License { near: None, .. } => {
            "https://spdx.org/licenses has the identifiers; a licence that is not among them is written `LicenseRef-NAME`"
                .to_owned()
        }
        Error::Tag { reason, .. } if reason.contains('@') => {
            "`registry alias` gives and removes movable names of versions".to_owned()
        }
        Error::NameNeeded { near, .. } => format!("give it a name, such as `--name {near}`"),
        Error::NameGuessed { name, near, .. } => format!(
            "`--name {name}` makes it the next version of that; `--name {near}` keeps them apart"
        ),
        _ => return None,
    })
}

/// The hint for an error of edits.
fn hint_of_edit(error: &EditError) -> Option<&'static str> {
    Some(match error {
        EditError::BaseChanged { .. } => {
            "bring the old bytes back, or set the edits aside with `inspect edits discard`"
        }
        EditError::Journal { .. } => "`inspect edits discard` sets the journal aside",
        EditError::NoRow { .. } => "rows are those that `inspect lines --edits` shows",
        EditError::Cell { .. } => "`--as json` or `--as text` says in which form the value is",
        EditError::TooLong { .. } => {
            "write the edits with `inspect edits apply`, or commit them, and go on with the result"
        }
        EditError::TooFew { .. } => "`inspect edits list` shows the edits",
        _ => return None,
    })
}

/// The hint for an error of the library.
fn hint_of_error(error: &Error) -> Option<&'static str> {
    let kind = error.kind();
    match error {
        Error::NoRows(_) | Error::NotHere(_) => Some(
            "give a file, a directory with data files, or a dataset that `registry list` shows",
        ),
        Error::Rows { source, .. } if source.is_damage() => {
            Some("`inspect lint` looks over the rows before the damage")
        }
        Error::NoSuchColumn { .. } => {
            Some("`alimentar inspect info TARGET` shows the columns; dots lead into nested ones")
        }
        Error::RowRefused { refusal, .. } if refusal.is_nan => {
            Some("`--nan null` or `--nan text` says what becomes of such numbers")
        }
        Error::RowRefused { refusal, .. } if refusal.is_not_utf8 => Some(
            "`--encoding latin-1` or `windows-1252` reads such text; `--skip-malformed` leaves such rows out and says which; nothing was written",
        ),
        Error::RowRefused { .. } => {
            Some("`--skip-malformed` leaves such rows out and says which; nothing was written")
        }
        Error::ColumnRefused { .. } | Error::TooManyColumns { .. } => {
            Some("write .jsonl, or name the columns to write with --column; nothing was written")
        }
        Error::Rows { .. } if kind == ErrorKind::Unsupported => {
            Some("`spec/rows.md` says what is read")
        }
        Error::Edit(error) => hint_of_edit(error),
        Error::Changed(_) => Some("index it again when nothing writes to it"),
        Error::NotText { .. } => Some("`inspect lines` reads plain text"),
        Error::Lines { .. } => Some("run it again when nothing writes to it"),
        Error::Exists(_) => {
            Some("--yes replaces a plain file; remove anything else first, or name another place")
        }
        Error::LocalChanges { .. } => {
            Some("`alimentar registry status DIR` lists all changes; --yes overwrites these files")
        }
        Error::NotACheckout(_) => Some(
            "`registry diff REF DIR` compares it with a dataset; `registry checkout REF DIR --update` or `registry index DIR` makes it known",
        ),
        Error::Withdrawn { .. } => Some("--yes uses it all the same"),
        Error::InsideHome(..) => Some(
            "index data where it lies; `alimentar registry export` copies what a registry holds",
        ),
        Error::KeyFile(_) => {
            Some("a key in a dataset is a key that others have; keep it elsewhere")
        }
        Error::Store(StoreError::SharedPacks { .. }) => Some(
            "use that home, or give this one packs of its own; what both need, `registry export` and `import` copy",
        ),
        Error::File { source, .. } if source.get_ref().is_some_and(|e| e.is::<NoDirectory>()) => {
            Some("make the directory first, or name another place")
        }
        Error::File { source, .. } if is_too_large(source) => Some(
            "the file system, or a limit of this process, takes no file so large (FAT: 4 GiB): `registry export --split 4GB` writes volumes",
        ),
        Error::File { .. } if kind == ErrorKind::NotFound => Some("check the path"),
        Error::Superseded { .. } => Some(
            "sign with the new key: without --key, key.enc in the registry's directory is used; `registry trust rotate NAME --new` puts it there",
        ),
        Error::NotItsPublisher(_) => {
            Some("only who signed it may say this of it; --key names another key file")
        }
        Error::BaseMissing { .. } => {
            Some("import an archive that holds it first, or ask for one made without --since")
        }
        Error::Locked(_) => {
            Some("`--identity FILE` gives an age identity, `--decrypt` asks for a passphrase")
        }
        Error::Archive(ArchiveError::Frame(_)) => Some(
            "an archive ends in .alimentar; `alimentar index PATH` takes in data, and a damaged archive has to be made again",
        ),
        Error::Archive(_) => Some("nothing of it was taken; ask for the archive again"),
        Error::SignedLie { .. } => {
            Some("tell its publisher; an import or a pull of it takes nothing")
        }
        Error::FalseClaim { .. } => {
            Some("ask its maker for another; an import or a pull of it takes nothing")
        }
        Error::TooLarge { .. } => Some(
            "it may be honest, for example many copies of one file; it takes the time and space of all it claims",
        ),
        Error::NoPublisher(_) => Some("`alimentar registry trust list` shows who is known here"),
        Error::Keyring(e) => hint_of_key(e),
        e if e.is_refused() => Some(
            "this program cannot write to the registry's directory (a read-only file system, or missing permission); commands that only read work all the same",
        ),
        Error::Store(_) if kind == ErrorKind::NoSpace => Some(
            "run `alimentar registry gc --keep-days 0`, or free space on the disk of the registry's directory; what was stored is kept",
        ),
        Error::NotFound(_) | Error::NearMiss { .. } => Some("`alimentar list` shows what is here"),
        Error::NoSuchFile { .. } => Some("`alimentar ls REF` lists the files of a dataset"),
        Error::NoPeer => {
            Some("name one with --peer HOST:PORT; those that were met are asked without it")
        }
        Error::NotAtPeers(_) => {
            Some("`alimentar registry list --peer HOST:PORT` shows what a peer has for you")
        }
        Error::Peer {
            source: PeerError::OtherNode { .. },
            ..
        } => Some(
            "ask its operator; if the node is new, `alimentar registry peers forget HOST:PORT`",
        ),
        Error::Node(NodeError::UnknownReceiver(_)) => Some(
            "the first time, give --for RECEIPT or --recipient age1…, or both: they are kept under the name",
        ),
        Error::Node(NodeError::NoIdentity) => Some("`alimentar registry identity new` makes one"),
        Error::Node(NodeError::HasIdentity(_)) => Some(
            "`registry identity show` shows it; `registry identity new --another` makes another beside it",
        ),
        Error::Node(NodeError::NameTaken { .. }) => {
            Some("`registry peers unname NAME` frees the name")
        }
        Error::AlreadyServing(_) => Some("`alimentar registry node` shows how it is doing"),
        Error::NotListed(_) => Some("`alimentar registry access list` shows it"),
        Error::UnknownPeer(_) => Some("`alimentar registry peers` shows who is known"),
        Error::EditLost(_) => Some("look at it with `registry info` and edit it again"),
        Error::ClockFull(_) => {
            Some("index its content again as a new version: that starts a new counter")
        }
        Error::VersionTaken { .. } => Some("give another --version, or none to get the next"),
        Error::Source(e) => Some(e.hint()),
        Error::Life(e) => Some(e.hint()),
        Error::Unreadable(_) => {
            Some("make them readable, or leave them out with --exclude GLOB; nothing was indexed")
        }
        Error::NameNotUtf8(_) => Some("rename it, or leave it out with --exclude"),
        _ => None,
    }
}

/// The hint for all errors of a kind.
fn hint_of_kind(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Ambiguous => Some("give the version, or more digits of the content id"),
        ErrorKind::Integrity => Some(
            "what is not named is unaffected; `alimentar registry fsck --repair` makes the index anew from the packs, and indexing the source or importing an archive again brings back lost bytes",
        ),
        ErrorKind::NoSpace => Some("make room and run it again; what was stored is kept"),
        ErrorKind::Network => {
            Some("the received data is kept: run it again when the peer can be reached")
        }
        ErrorKind::Unsupported => Some("use a newer version of alimentar on this registry"),
        ErrorKind::Denied => Some(
            "`alimentar registry trust list` shows who is trusted; `trust add NAME KEY` adds a publisher whose key you have checked",
        ),
        _ => None,
    }
}

/// True if the operating system takes no file of that length.
fn is_too_large(error: &std::io::Error) -> bool {
    // An error of this program's own is about a file that it reads.
    error.kind() == std::io::ErrorKind::FileTooLarge && error.get_ref().is_none()
}

/// The hint for an error of a key file.
fn hint_of_key(error: &KeyringError) -> Option<&'static str> {
    match error {
        KeyringError::Exists(_) => {
            Some("`registry keygen -o FILE` writes elsewhere; --force overwrites the key for ever")
        }
        KeyringError::Readable { .. } => Some("`chmod 600` it; if others had it, revoke the key"),
        KeyringError::Key { source, .. } => Some(match source {
            KeyFileError::Passphrase => "try again; a forgotten passphrase cannot be recovered",
            _ => "restore it from a copy",
        }),
        KeyringError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Some("`alimentar registry keygen` makes a key")
        }
        KeyringError::NoPassphrase => {
            Some("line ends and a byte order mark do not count; type at least one character")
        }
        _ => None,
    }
}
