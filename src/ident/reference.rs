//! References: the text by which a command names a dataset. `spec/identifiers.md` has the grammar; the
//! registry resolves references.

use std::fmt;
use std::str::FromStr;

use crate::ident::Alias;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::HexPrefix;
use crate::ident::IdentError;
use crate::ident::VersionAlias;
use crate::ident::version_text::condition;
use crate::ident::version_text::is_full;
use crate::ident::version_text::looks_like_version;

/// Conditions on a version, all of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRange {
    text: String,
    conditions: semver::VersionReq,
}

/// A choice among the versions of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionPick {
    /// Exactly this version.
    Exact(DatasetVersion),
    /// The greatest version.
    Latest,
    /// The greatest version within this range.
    Range(VersionRange),
    /// The version that has this alias.
    Alias(VersionAlias),
}

impl VersionPick {
    /// Returns true if the choice admits a version with these tags.
    /// If several versions carry an alias, only one of them has it. This function does not look which.
    pub fn admits(&self, version: &DatasetVersion, tags: &[String]) -> bool {
        match self {
            Self::Exact(v) => v == version,
            Self::Latest => true,
            Self::Range(range) => range.conditions.matches(version.as_semver()),
            Self::Alias(alias) => alias.count_in(tags).is_some(),
        }
    }
}

impl FromStr for VersionPick {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let wrong = || IdentError::Pick(text.to_owned());
        if text == "latest" {
            return Ok(Self::Latest);
        }
        if !looks_like_version(text) {
            return text.parse().map(Self::Alias).map_err(|_| wrong());
        }
        if is_full(text) {
            return text.parse().map(Self::Exact).map_err(|_| wrong());
        }
        let conditions: Vec<String> = text.split(',').map(|c| condition(c.trim())).collect();
        let conditions = semver::VersionReq::parse(&conditions.join(",")).map_err(|_| wrong())?;
        Ok(Self::Range(VersionRange {
            text: text.to_owned(),
            conditions,
        }))
    }
}

impl fmt::Display for VersionPick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => version.fmt(f),
            Self::Latest => f.write_str("latest"),
            Self::Range(range) => f.write_str(&range.text),
            Self::Alias(alias) => alias.fmt(f),
        }
    }
}

/// A parsed reference to a dataset.
///
/// ```
/// use alimentar::ident::Reference;
/// use alimentar::ident::VersionPick;
///
/// let reference: Reference = "lab/speech@1.2.0".parse()?;
/// let Reference::Name { publisher, name, version, .. } = reference else {
///     return Err("not a name".into());
/// };
/// assert_eq!((publisher.as_deref(), name.as_str()), (Some("lab"), "speech"));
/// assert_eq!(version, VersionPick::Exact("1.2.0".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Content, by an id or a prefix of it: `alimentar:` and digits.
    Content(HexPrefix),
    /// A name. If its text can also be the digits of a content id, `or_content` holds them.
    Name {
        /// The publisher's alias in the trust store.
        publisher: Option<String>,
        /// The dataset's name.
        name: DatasetName,
        /// The wanted versions.
        version: VersionPick,
        /// The same text, parsed as digits of a content id.
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
            Some((name, version)) => (name, version.parse()?),
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
                    VersionPick::Latest => write!(f, "{name}"),
                    other => write!(f, "{name}@{other}"),
                }
            }
        }
    }
}
