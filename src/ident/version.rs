//! Dataset versions: semantic versioning, <https://semver.org>.

use std::fmt;
use std::str::FromStr;

use crate::ident::digest::IdentError;

/// A semantic version of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetVersion(semver::Version);

impl DatasetVersion {
    /// Returns the default first version of a name.
    pub fn first() -> Self {
        Self(semver::Version::new(0, 1, 0))
    }

    /// Returns the default next version: the last number goes up, and a pre-release becomes its release.
    pub fn next(&self) -> Self {
        let v = &self.0;
        let patch = if v.pre.is_empty() {
            v.patch.saturating_add(1)
        } else {
            v.patch
        };
        Self(semver::Version::new(v.major, v.minor, patch))
    }

    /// Returns the version as a type of the semver crate.
    pub fn as_semver(&self) -> &semver::Version {
        &self.0
    }
}

impl FromStr for DatasetVersion {
    type Err = IdentError;

    /// Parses `1.2.0`, and for convenience `v1.2.0`, `1.2` and `1`.
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        let plain = bare.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let full = match bare.matches('.').count() {
            0 if plain => format!("{bare}.0.0"),
            1 if plain => format!("{bare}.0"),
            _ => bare.to_owned(),
        };
        semver::Version::parse(&full)
            .map(Self)
            .map_err(|_| IdentError::Version(text.to_owned()))
    }
}

impl fmt::Display for DatasetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
