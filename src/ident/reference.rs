//! The references people type wherever a command takes a dataset. Grammar in
//! `spec/identifiers.md`; finding what a reference means is the registry's business.

use std::fmt;
use std::str::FromStr;

use crate::ident::Alias;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::HexPrefix;
use crate::ident::IdentError;

/// Which versions of a name are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionPick {
    /// Exactly this one.
    Exact(DatasetVersion),
    /// The greatest there is.
    Latest,
    /// The greatest within this range.
    Range(semver::VersionReq),
}

impl VersionPick {
    /// Whether a version is among those meant.
    pub fn admits(&self, version: &DatasetVersion) -> bool {
        match self {
            Self::Exact(v) => v == version,
            Self::Latest => true,
            Self::Range(range) => range.matches(version.as_semver()),
        }
    }
}

/// What somebody typed to name a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `alimentar:` and digits: content, by id or prefix of it.
    Content(HexPrefix),
    /// A name; where it could also be the bare digits of a content id, those are in `or_content`.
    Name {
        /// The trust store's alias of the publisher.
        publisher: Option<String>,
        /// The dataset's name.
        name: DatasetName,
        /// Which versions.
        version: VersionPick,
        /// The same text read as the digits of a content id.
        or_content: Option<HexPrefix>,
    },
}

impl FromStr for Reference {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        if let Some(digits) = text.strip_prefix("alimentar:") {
            return HexPrefix::parse(digits)
                .map(Self::Content)
                .ok_or_else(|| IdentError::Hex(text.to_owned()));
        }
        let bad = || IdentError::Reference(text.to_owned());
        let (publisher, rest) = match text.split_once('/') {
            Some((publisher, rest)) => {
                let alias = Alias::from_str(publisher).map_err(|_| bad())?;
                (Some(alias.as_str().to_owned()), rest)
            }
            None => (None, text),
        };
        let (name, version) = match rest.split_once('@') {
            Some((name, version)) => (name, pick(version)?),
            None => (rest, VersionPick::Latest),
        };
        let name = DatasetName::from_str(name).map_err(|_| bad())?;
        Ok(Self::Name {
            or_content: HexPrefix::parse(text),
            publisher,
            name,
            version,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(digits) => write!(f, "alimentar:{}", digits.as_str()),
            Self::Name {
                publisher,
                name,
                version,
                ..
            } => {
                if let Some(publisher) = publisher {
                    write!(f, "{publisher}/")?;
                }
                match version {
                    VersionPick::Exact(v) => write!(f, "{name}@{v}"),
                    VersionPick::Latest => write!(f, "{name}"),
                    VersionPick::Range(range) => write!(f, "{name}@{range}"),
                }
            }
        }
    }
}

fn pick(text: &str) -> Result<VersionPick, IdentError> {
    if text == "latest" {
        return Ok(VersionPick::Latest);
    }
    let ranged = text.starts_with(['^', '~', '>', '<', '=', '*']) || text.contains(['*', ',']);
    if ranged {
        let range = semver::VersionReq::parse(text);
        return range
            .map(VersionPick::Range)
            .map_err(|_| IdentError::Version(text.to_owned()));
    }
    text.parse().map(VersionPick::Exact)
}
