//! The end of a command that failed: its message and its exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::Value;
use serde_json::json;

use crate::cli::interrupt;
use crate::cli::output::out::Out;
use crate::documents::DocumentError;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::error_kind::message_with_causes;
use crate::features::FeatureError;
use crate::ident::IdentError;
use crate::registry::Error;

/// The reason why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of the output has gone, which is no error.
    BrokenPipe,
    /// A check found damage.
    Damaged(String),
    /// A check found faults, which stdout lists.
    Findings(String),
    /// The sides of a comparison differ, as stdout shows.
    Differs,
    /// The trust policy refuses a dataset.
    NotTrusted(String),
    /// The trust policy refuses a dataset without a signature.
    NotSigned(String),
    /// A passphrase is missing, and there is no terminal to ask on.
    NoPassphrase {
        /// The option that gives it.
        flag: &'static str,
        /// The variable that gives it.
        variable: &'static str,
    },
    /// Other users have access to the registry's directory.
    InsecureHome {
        /// The access that others have.
        message: String,
        /// The command that ends their access.
        hint: String,
    },
    /// Some items failed, others succeeded.
    Partial(String),
    /// The command needs consent, and there is no terminal to ask on.
    Unasked(String),
    /// The command line makes no sense.
    Usage(&'static str),
    /// The command destroys something, and there is no terminal to ask on.
    Unconfirmed(String),
    /// The person at the terminal said no.
    Declined,
    /// The command line makes no sense, and a hint says how to mend it.
    Misused {
        /// The mistake.
        message: String,
        /// The words to type instead.
        hint: String,
    },
    /// There is no registry at this path, and the command makes none.
    NoHome(PathBuf),
    /// An error of the library.
    Library(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let broken = matches!(&error, Error::File { source, .. }
            | Error::Machine { source, .. }
            | Error::Documents(DocumentError::File { source, .. })
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

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Error::from(error).into()
    }
}

impl From<FeatureError> for Failure {
    fn from(error: FeatureError) -> Self {
        Error::from(error).into()
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Error::machine("write to standard output", error).into()
    }
}

impl Failure {
    /// A mistake in the command line.
    pub(crate) fn usage(message: &'static str) -> Self {
        Self::Usage(message)
    }

    /// The message for the person; empty if there is none.
    pub(crate) fn message(&self) -> String {
        self.kind_and_message()
            .map_or_else(String::new, |(_, message)| message)
    }

    fn kind_and_message(&self) -> Option<(ErrorKind, String)> {
        Some(match self {
            Self::BrokenPipe | Self::Differs => return None,
            Self::Partial(message) => (ErrorKind::Partial, message.clone()),
            // Findings are no error; the kind gives exit code 1.
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
            Self::Library(error) => (error.kind(), message_with_causes(error)),
        })
    }

    /// Writes the message and the hint to stderr, and returns the exit code.
    pub(crate) fn report(&self, out: Out) -> ExitCode {
        let Some((kind, message)) = self.kind_and_message() else {
            return match self {
                Self::Differs => ExitCode::FAILURE,
                _ => ExitCode::SUCCESS,
            };
        };
        let hint = self.hint(kind);
        if out.is_json() && matches!(self, Self::Findings(_)) {
            // Stdout has all findings.
            return ExitCode::from(exit_code(kind));
        }
        if out.is_json() {
            out.json_diagnostic(&error_object(kind.name(), &message, hint.as_deref()));
        } else {
            out.remark("error", &message);
            if let Some(hint) = hint {
                out.remark("hint", &hint);
            }
        }
        ExitCode::from(exit_code(kind))
    }
}

/// The JSON that describes an error on stderr.
pub(crate) fn error_object(kind: &str, message: &str, hint: Option<&str>) -> Value {
    json!({"error": {"kind": kind, "message": message, "hint": hint}})
}

/// The exit code of an error kind; the table is in `spec/cli.md`.
fn exit_code(kind: ErrorKind) -> u8 {
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
