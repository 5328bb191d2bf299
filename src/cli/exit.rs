//! From errors to exit codes, messages and hints.

use std::error::Error as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::interrupt;
use crate::cli::out::Out;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::file_io::NoDirectory;
use crate::ident::IdentError;
use crate::keyring::KeyringError;
use crate::protocol::PeerError;
use crate::registry::Error;
use crate::registry::NodeError;
use crate::store::disk::StoreError;
use crate::trust::KeyFileError;

/// How a command ended, if not well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody reads what is written: not an error.
    BrokenPipe,
    /// A check found damage.
    Damaged(String),
    /// A check found what it looks for; what, is on stdout.
    Findings(String),
    /// What was compared differs; how, is on stdout.
    Differs,
    /// A rule of trust was not met.
    NotTrusted(String),
    /// The same of what nobody has signed.
    NotSigned(String),
    /// A passphrase is needed and nobody can be asked.
    NoPassphrase {
        /// The option that would give it.
        flag: &'static str,
        /// The variable that would.
        variable: &'static str,
    },
    /// The registry's directory is not its owner's alone.
    InsecureHome {
        /// Who may do what there.
        message: String,
        /// The command that ends it.
        hint: String,
    },
    /// Some of it was done.
    Partial(String),
    /// A person has to agree, and nobody can be asked.
    Unasked(String),
    /// What was typed makes no sense.
    Usage(&'static str),
    /// Something would be destroyed, and nobody can be asked whether it may be.
    Unconfirmed(String),
    /// Whoever was asked said no.
    Declined,
    /// The same, with what to do instead.
    Misused {
        /// What is wrong.
        message: String,
        /// What to type instead.
        hint: String,
    },
    /// There is no registry at this path, and the command does not make one.
    NoHome(PathBuf),
    /// An error of the library.
    Library(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let broken = matches!(&error, Error::File { source, .. } | Error::Machine { source, .. }
            if source.kind() == std::io::ErrorKind::BrokenPipe);
        if broken {
            Self::BrokenPipe
        } else {
            Self::Library(error)
        }
    }
}

impl From<IdentError> for Failure {
    fn from(error: IdentError) -> Self {
        Self::Library(error.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Error::machine("write to standard output", error).into()
    }
}

impl Failure {
    /// What was typed makes no sense.
    pub(crate) fn usage(message: &'static str) -> Self {
        Self::Usage(message)
    }

    /// What went wrong.
    pub(crate) fn message(&self) -> String {
        self.kind_and_message()
            .map_or_else(String::new, |(_, message)| message)
    }

    fn kind_and_message(&self) -> Option<(ErrorKind, String)> {
        Some(match self {
            Self::BrokenPipe | Self::Differs => return None,
            Self::Partial(message) => (ErrorKind::Partial, message.clone()),
            // The kind is of no use: this is no error of the program's.
            Self::Findings(message) => (ErrorKind::Conflict, message.clone()),
            Self::Damaged(message) => (ErrorKind::Integrity, message.clone()),
            Self::NotTrusted(message)
            | Self::NotSigned(message)
            | Self::InsecureHome { message, .. } => (ErrorKind::Denied, message.clone()),
            Self::Usage(message) => (ErrorKind::Invalid, (*message).to_owned()),
            Self::Unasked(message) | Self::Misused { message, .. } => {
                (ErrorKind::Invalid, message.clone())
            }
            Self::Unconfirmed(what) => (
                ErrorKind::Invalid,
                format!("this destroys {what}; there is no terminal to ask on"),
            ),
            Self::Declined => (
                ErrorKind::Conflict,
                "not confirmed; nothing was changed".to_owned(),
            ),
            Self::NoHome(home) => (
                ErrorKind::NotFound,
                format!("there is no registry at `{}` yet", home.display()),
            ),
            Self::NoPassphrase { flag, variable } => (
                ErrorKind::Invalid,
                format!(
                    "a passphrase is needed, and there is no terminal to ask on; give {flag} FILE or {variable}"
                ),
            ),
            Self::Library(error) => (error.kind(), chain(error)),
        })
    }

    /// Says what went wrong and returns the code to end with.
    pub(crate) fn report(&self, out: &Out) -> ExitCode {
        let Some((kind, message)) = self.kind_and_message() else {
            return match self {
                Self::Differs => ExitCode::FAILURE,
                _ => ExitCode::SUCCESS,
            };
        };
        let named = self.naming_hint();
        let hint = match self {
            Self::InsecureHome { hint, .. } | Self::Misused { hint, .. } => Some(hint.as_str()),
            Self::NoHome(_) => Some(
                "`alimentar index PATH` makes one; --home or ALIMENTAR_HOME names another directory",
            ),
            _ => named.as_deref().or(self.hint(kind)),
        };
        if out.is_json() && matches!(self, Self::Findings(_)) {
            // All of it is on stdout.
            return ExitCode::from(code(kind));
        }
        if out.is_json() {
            out.json_diagnostic(&json!({"error": {
                "kind": kind.name(), "message": message, "hint": hint,
            }}));
        } else {
            out.remark("error", &message);
            if let Some(hint) = hint {
                out.remark("hint", hint);
            }
        }
        ExitCode::from(code(kind))
    }

    /// A hint that names something.
    fn naming_hint(&self) -> Option<String> {
        let Self::Library(error) = self else {
            return None;
        };
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

    fn hint(&self, kind: ErrorKind) -> Option<&'static str> {
        let specific = match self {
            Self::Unconfirmed(_) => Some("--yes goes on without asking"),
            Self::NotSigned(_) => Some(
                "`alimentar sign REF` signs what is yours; what came from elsewhere, its maker has to sign",
            ),
            Self::Library(Error::NoRows(_) | Error::NotHere(_)) => Some(
                "give a file, a directory with data files, or a dataset that `registry list` shows",
            ),
            Self::Library(Error::Rows { source, .. }) if source.is_damage() => {
                Some("`inspect lint` looks over the rows before the damage")
            }
            Self::Library(Error::NoSuchColumn { .. }) => Some(
                "`alimentar inspect info TARGET` shows the columns; dots lead into nested ones",
            ),
            Self::Library(Error::RowRefused { refusal, .. }) if refusal.is_nan => {
                Some("`--nan null` or `--nan text` says what becomes of such numbers")
            }
            Self::Library(Error::RowRefused { refusal, .. }) if refusal.is_not_utf8 => Some(
                "`--encoding latin-1` or `windows-1252` reads such text; `--skip-malformed` leaves such rows out and says which; nothing was written",
            ),
            Self::Library(Error::RowRefused { .. }) => {
                Some("`--skip-malformed` leaves such rows out and says which; nothing was written")
            }
            Self::Library(Error::ColumnRefused { .. } | Error::TooManyColumns { .. }) => Some(
                "write .jsonl, or name the columns to write with --column; nothing was written",
            ),
            Self::Library(Error::Rows { .. }) if kind == ErrorKind::Unsupported => {
                Some("`spec/rows.md` says what is read")
            }
            Self::Library(Error::Changed(_)) => Some("index it again when nothing writes to it"),
            Self::Library(Error::NotText { .. }) => Some("`inspect lines` reads plain text"),
            Self::Library(Error::Lines { .. }) => Some("run it again when nothing writes to it"),
            Self::Library(Error::Exists(_)) => Some(
                "--yes replaces a plain file; remove anything else first, or name another place",
            ),
            Self::Library(Error::LocalChanges { .. }) => Some(
                "`alimentar registry status DIR` lists all changes; --yes overwrites these files",
            ),
            Self::Library(Error::NotACheckout(_)) => Some(
                "`registry diff REF DIR` compares it with a dataset; `registry checkout REF DIR --update` or `registry index DIR` makes it known",
            ),
            Self::Library(Error::Withdrawn { .. }) => Some("--yes uses it all the same"),
            Self::Library(Error::InsideHome(..)) => Some(
                "index data where it lies; `alimentar registry export` copies what a registry holds",
            ),
            Self::Library(Error::KeyFile(_)) => {
                Some("a key in a dataset is a key that others have; keep it elsewhere")
            }
            Self::Library(Error::Store(StoreError::SharedPacks { .. })) => Some(
                "use that home, or give this one packs of its own; what both need, `registry export` and `import` copy",
            ),
            Self::Library(Error::File { source, .. })
                if source.get_ref().is_some_and(|e| e.is::<NoDirectory>()) =>
            {
                Some("make the directory first, or name another place")
            }
            Self::Library(Error::File { source, .. }) if is_too_large(source) => Some(
                "the file system, or a limit of this process, takes no file so large (FAT: 4 GiB): `registry export --split 4GB` writes volumes",
            ),
            Self::Library(Error::File { .. }) if kind == ErrorKind::NotFound => {
                Some("look whether the path is right")
            }
            Self::Library(Error::Superseded { .. }) => Some(
                "sign with the new key: without --key, key.enc in the registry's directory is used; `registry trust rotate NAME --new` puts it there",
            ),
            Self::Library(Error::NotItsPublisher(_)) => {
                Some("only who signed it may say this of it; --key names another key file")
            }
            Self::Library(Error::BaseMissing { .. }) => {
                Some("import an archive that holds it first, or ask for one made without --since")
            }
            Self::Library(Error::Locked(_)) => {
                Some("`--identity FILE` gives an age identity, `--decrypt` asks for a passphrase")
            }
            Self::Library(Error::Archive(_)) => {
                Some("nothing of it was taken; ask for the archive again")
            }
            Self::Library(Error::SignedLie { .. }) => {
                Some("tell whoever signed it; an import or a pull of it takes nothing")
            }
            Self::Library(Error::FalseClaim { .. }) => {
                Some("ask whoever made it for another; an import or a pull of it takes nothing")
            }
            Self::Library(Error::TooLarge { .. }) => Some(
                "it may be honest, for example many copies of one file; it takes the time and space of all it claims",
            ),
            Self::Library(Error::NoPublisher(_)) => {
                Some("`alimentar registry trust list` shows who is known here")
            }
            Self::Library(Error::Keyring(e)) => key_hint(e),
            Self::Library(e) if e.is_refused() => Some(
                "this program cannot write to the registry's directory (a read-only file system, or missing permission); commands that only read work all the same",
            ),
            Self::Library(Error::Store(_)) if kind == ErrorKind::NoSpace => Some(
                "run `alimentar registry gc --keep-days 0`, or free space on the disk of the registry's directory; what was stored is kept",
            ),
            Self::Library(Error::NotFound(_) | Error::NearMiss { .. }) => {
                Some("`alimentar list` shows what is here")
            }
            Self::Library(Error::NoSuchFile { .. }) => {
                Some("`alimentar ls REF` lists the files of a dataset")
            }
            Self::Library(Error::NoPeer) => {
                Some("name one with --peer HOST:PORT; those that were met are asked without it")
            }
            Self::Library(Error::NotAtPeers(_)) => {
                Some("`alimentar registry list --peer HOST:PORT` shows what a peer has for you")
            }
            Self::Library(Error::Peer {
                source: PeerError::OtherNode { .. },
                ..
            }) => Some(
                "ask whoever runs it; if the node is new, `alimentar registry peers forget HOST:PORT`",
            ),
            Self::Library(Error::Node(NodeError::UnknownReceiver(_))) => Some(
                "the first time, give --for RECEIPT or --recipient age1…, or both: they are kept under the name",
            ),
            Self::Library(Error::Node(NodeError::NoIdentity)) => {
                Some("`alimentar registry identity new` makes one")
            }
            Self::Library(Error::Node(NodeError::HasIdentity(_))) => Some(
                "`registry identity show` shows it; `registry identity new --another` makes another beside it",
            ),
            Self::Library(Error::Node(NodeError::NameTaken { .. })) => {
                Some("`registry peers unname NAME` frees the name")
            }
            Self::Library(Error::AlreadyServing(_)) => {
                Some("`alimentar registry node` shows how it is doing")
            }
            Self::Library(Error::NotListed(_)) => Some("`alimentar registry access list` shows it"),
            Self::Library(Error::UnknownPeer(_)) => {
                Some("`alimentar registry peers` shows who is known")
            }
            Self::Library(Error::EditLost(_)) => {
                Some("look at it with `registry info` and edit it again")
            }
            Self::Library(Error::ClockFull(_)) => {
                Some("index its content again as a new version: that starts a new counter")
            }
            Self::Library(Error::VersionTaken { .. }) => {
                Some("give another --version, or none to get the next")
            }
            Self::Library(Error::Source(e)) => Some(e.hint()),
            Self::Library(Error::Life(e)) => Some(e.hint()),
            Self::Library(Error::Unreadable(_)) => Some(
                "make them readable, or leave them out with --exclude GLOB; nothing was indexed",
            ),
            Self::Library(Error::NameNotUtf8(_)) => {
                Some("rename it, or leave it out with --exclude")
            }
            _ => None,
        };
        specific.or(match kind {
            ErrorKind::Ambiguous => Some("give the version, or more digits of the content id"),
            ErrorKind::Integrity => {
                Some("what is not named is unaffected; `alimentar registry fsck --repair` makes the index anew from the packs, and indexing the source or importing an archive again brings back lost bytes")
            }
            ErrorKind::NoSpace => Some("make room and run it again; what was stored is kept"),
            ErrorKind::Network => {
                Some("what came is kept: run it again when the peer can be reached")
            }
            ErrorKind::Unsupported => Some("use a newer version of alimentar on this registry"),
            ErrorKind::Denied => {
                Some("`alimentar registry trust list` shows who is trusted; `trust add NAME KEY` adds a publisher whose key you have checked")
            }
            _ => None,
        })
    }
}

/// Whether the operating system takes no file of that length.
fn is_too_large(error: &std::io::Error) -> bool {
    // Without an error of this program's own, which is about what it reads.
    error.kind() == std::io::ErrorKind::FileTooLarge && error.get_ref().is_none()
}

fn key_hint(error: &KeyringError) -> Option<&'static str> {
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

/// The exit code of an error kind; the table is in `spec/cli.md`.
pub(crate) fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Conflict | ErrorKind::Io | ErrorKind::NoSpace | ErrorKind::Unsupported => 1,
        ErrorKind::Invalid => 2,
        ErrorKind::NotFound | ErrorKind::Ambiguous => 3,
        ErrorKind::Integrity => 4,
        ErrorKind::Denied => 5,
        ErrorKind::Network => 6,
        ErrorKind::Partial => 7,
        ErrorKind::Interrupted => interrupt::exit_code(),
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}
