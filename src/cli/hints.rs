//! Hints: the next step for a person whose command failed.

use std::borrow::Cow;

use crate::cli::exit::Failure;
use crate::error_kind::ErrorKind;
use crate::registry::hint_of_kind;

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
            Self::Library(error) => return error.hint(),
            _ => None,
        };
        specific.or_else(|| hint_of_kind(kind).map(Cow::Borrowed))
    }
}
