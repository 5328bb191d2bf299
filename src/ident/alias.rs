//! Movable names of versions, and the tags that store them.
//! Normative: `spec/identifiers.md`, `spec/manifest.md`.

use std::fmt;
use std::str::FromStr;

use crate::ident::DatasetName;
use crate::ident::IdentError;
use crate::ident::version_text::looks_like_version;
use crate::wire::limits::ALIAS_BYTES_MAX;
use crate::wire::limits::CLOCK_EDITS_MAX;

/// The first character of a tag that no user can set.
pub const RESERVED_TAG: char = '@';

/// A movable name of a version, such as `prod`. It never parses as a version or a range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionAlias(String);

impl VersionAlias {
    /// Returns the alias as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tag that stores the alias. Among several versions with it, the highest
    /// count holds it.
    pub fn to_tag(&self, count: u64) -> String {
        format!("{RESERVED_TAG}{}={count}", self.0)
    }

    /// Returns the alias and count that a tag stores; `None` for an ordinary tag.
    pub fn of_tag(tag: &str) -> Option<(Self, u64)> {
        let (alias, digits) = tag.strip_prefix(RESERVED_TAG)?.rsplit_once('=')?;
        let count = digits
            .parse()
            .ok()
            .filter(|n| (1..=CLOCK_EDITS_MAX).contains(n));
        let alias: Self = alias.parse().ok()?;
        let found = (alias, count?);
        // An alias and a count have exactly one spelling.
        (found.0.to_tag(found.1) == tag).then_some(found)
    }

    /// Returns the count with which these tags store the alias; `None` where they do not.
    pub fn count_in(&self, tags: &[String]) -> Option<u64> {
        let carried = tags.iter().filter_map(|tag| Self::of_tag(tag));
        carried.filter(|(a, _)| a == self).map(|(_, n)| n).max()
    }
}

/// Returns the tags that are labels and store no alias.
pub fn labels(tags: &[String]) -> Vec<String> {
    let labels = tags.iter().filter(|t| VersionAlias::of_tag(t).is_none());
    labels.cloned().collect()
}

impl FromStr for VersionAlias {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let wrong = || IdentError::VersionAlias(text.chars().take(ALIAS_BYTES_MAX + 1).collect());
        let name: DatasetName = text.parse().map_err(|_| wrong())?;
        let name = name.as_str();
        let starts_well = name.chars().next().is_some_and(char::is_alphabetic);
        if starts_well && name.len() <= ALIAS_BYTES_MAX && !looks_like_version(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for VersionAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
