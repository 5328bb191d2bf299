//! Hints: the next step for a person, by the error.

use std::borrow::Cow;

use crate::archive::ArchiveError;
use crate::archive_check::words;
use crate::documents::DocumentError;
use crate::documents::format::zip::ZipError;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::features::FeatureError;
use crate::file_io::NoDirectory;
use crate::keyring::KeyringError;
use crate::protocol::PeerError;
use crate::registry::EditError;
use crate::registry::Error;
use crate::remote::RemoteError;
use crate::store::disk::StoreError;
use crate::trust::KeyFileError;

impl Error {
    /// Returns the next step, if one is known. Commands and options in it are those of the program.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        hint_of_error(self).or_else(|| hint_of_kind(self.kind()).map(Cow::Borrowed))
    }
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
        EditError::NotEditable { .. } => {
            "JSON Lines, delimited text, lines of text, Parquet and Arrow can be edited"
        }
        EditError::TooFew { .. } => "`inspect edits list` shows the edits",
        _ => return None,
    })
}

/// The hint for an error of the library.
fn hint_of_error(error: &Error) -> Option<Cow<'static, str>> {
    let hint = match error {
        Error::Metadata(e) => return e.hint(),
        Error::Source(e) => e.hint(),
        Error::Target(e) => e.hint(),
        Error::Edit(e) => hint_of_edit(e),
        Error::Checkout(e) => Some(e.hint()),
        Error::Dataset(e) => e.hint(),
        Error::Integrity(e) => e.hint(),
        Error::SignedLie { .. } => Some(words::SIGNED_LIE_HINT),
        Error::Transfer(e) => e.hint(),
        Error::Publisher(e) => e.hint(),
        Error::Node(e) => e.hint(),
        Error::Keyring(e) => hint_of_key(e),
        Error::File { source, .. } => hint_of_file(source),
        Error::Archive(ArchiveError::Frame(_)) => Some(words::FRAME_HINT),
        Error::Archive(_) => Some(words::ARCHIVE_HINT),
        Error::Store(StoreError::SharedPacks { .. }) => Some(
            "use that home, or give this one packs of its own; what both need, `registry export` and `import` copy",
        ),
        e if e.is_refused() => Some(
            "this program cannot write to the registry's directory (a read-only file system, or missing permission); commands that only read work all the same",
        ),
        Error::Store(e) if e.kind() == ErrorKind::NoSpace => Some(
            "run `alimentar registry gc --keep-days 0`, or free space on the disk of the registry's directory; what was stored is kept",
        ),
        Error::Offline(_) | Error::Remote(RemoteError::Offline(_)) => Some(
            "leave out --offline, and unset ALIMENTAR_OFFLINE and HF_HUB_OFFLINE, to allow connections",
        ),
        Error::Remote(RemoteError::Denied { .. }) => Some(
            "HF_TOKEN is for hf://, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for s3://, https://USER:PASSWORD@HOST/ for others",
        ),
        Error::Remote(RemoteError::Changed(_)) => Some("run it again: it opens the new state"),
        Error::Peer {
            source: PeerError::UnknownHost(_),
            ..
        } => Some("check the name of the host, or give its IP address"),
        Error::Peer {
            source: PeerError::OtherNode { .. },
            ..
        } => Some(
            "ask its operator; if the node is new, `alimentar registry peers forget HOST:PORT`",
        ),
        Error::Intake(e) => Some(e.hint()),
        Error::Documents(e) => hint_of_documents(e),
        Error::Features(e) => hint_of_features(e),
        _ => None,
    };
    hint.map(Cow::Borrowed)
}

/// The hint for an error of a collection.
fn hint_of_documents(error: &DocumentError) -> Option<&'static str> {
    Some(match error {
        DocumentError::Archive { source, .. } => match source {
            // Its message says the way out.
            ZipError::Io(_) | ZipError::Bomb { .. } => return None,
            _ => "nothing of it was unpacked; ask for the archive again",
        },
        DocumentError::Damaged { .. } => {
            "`alimentar documents reindex` makes derived files anew; `documents validate` shows what is wrong"
        }
        DocumentError::Changed(_) | DocumentError::Failed(_) => {
            "run it again: what was reported stored is there"
        }
        _ => return None,
    })
}

/// The hint for an error of a table of features.
fn hint_of_features(error: &FeatureError) -> Option<&'static str> {
    Some(match error {
        FeatureError::Config { .. } => {
            "docs/howto/serve-features.md has an example of each setting"
        }
        FeatureError::File { source, .. } => return hint_of_file(source),
        FeatureError::NoTable(_) => "`alimentar features list -c FILE` names the tables",
        FeatureError::NoColumn { .. } => "`alimentar features check -c FILE` shows the columns",
        FeatureError::NoData { .. } => "`alimentar features load -c FILE` loads it",
        FeatureError::NoPartition { .. } | FeatureError::Source { .. } => {
            "`alimentar features check -c FILE` shows what is wrong with each partition"
        }
        FeatureError::Damaged { .. } => {
            "`alimentar features load -c FILE --force` builds it again from its source"
        }
        _ => return None,
    })
}

/// The hint for an error of a file outside the registry.
fn hint_of_file(source: &std::io::Error) -> Option<&'static str> {
    if source.get_ref().is_some_and(|e| e.is::<NoDirectory>()) {
        Some("make the directory first, or name another place")
    } else if is_too_large(source) {
        Some(
            "the file system, or a limit of this process, takes no file so large (FAT: 4 GiB): `registry export --split 4GB` writes volumes",
        )
    } else if ErrorKind::of_io(source) == ErrorKind::NotFound {
        Some("check the path")
    } else {
        None
    }
}

/// Returns the next step after any error of a kind.
pub fn hint_of_kind(kind: ErrorKind) -> Option<&'static str> {
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
        KeyringError::TokenExists(_) => {
            Some("`alimentar registry token revoke NAME` ends the old one")
        }
        KeyringError::NoToken(_) => Some("`alimentar registry token list` has the names"),
        KeyringError::Tokens { .. } => {
            Some("restore it from a copy; without the file there are no tokens")
        }
        KeyringError::NoPassphrase => {
            Some("line ends and a byte order mark do not count; type at least one character")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hint_for_unknown_host_is_about_its_name() {
        let error = Error::Peer {
            address: "lab-a.invalid:8765".to_owned(),
            source: PeerError::UnknownHost("no such name".to_owned()),
        };
        let kind = error.kind();
        assert_eq!(kind, ErrorKind::Network);
        let hint = error.hint().unwrap();
        assert!(hint.contains("name of the host"), "{hint}");
    }
}
