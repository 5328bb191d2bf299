//! Ids of documents and names of collections. Both may become names of files.

use std::fmt;

use thiserror::Error;

use crate::documents::format::limits::ID_BYTES_MAX;
use crate::documents::format::limits::NAME_BYTES_MAX;

/// An id that may be written: 1 to 255 of `A-Z a-z 0-9 _ . -`, without a leading `.` and without `..`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId(String);

/// The reason why a text is no id or no name of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameFault {
    /// It has no characters.
    #[error("it is empty")]
    Empty,
    /// It has more bytes than this limit.
    #[error("it is longer than {0} bytes")]
    Long(usize),
    /// It has a character that is not allowed.
    #[error("{0:?} is not allowed in it; letters, digits, `_`, `.` and `-` are")]
    Character(char),
    /// It begins with a dot, or has two dots in a row.
    #[error("it begins with `.` or has `..`")]
    Dots,
}

impl DocumentId {
    /// Checks an id that will be written.
    ///
    /// # Errors
    /// The first fault.
    pub fn new(text: &str) -> Result<Self, NameFault> {
        check(text, ID_BYTES_MAX, |c| c.is_ascii_alphanumeric())?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a collection, which is also the name of its directory. Letters and digits of every script
/// are allowed, as other programs make such names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CollectionName(String);

impl CollectionName {
    /// Checks a name.
    ///
    /// # Errors
    /// The first fault.
    pub fn new(text: &str) -> Result<Self, NameFault> {
        check(text, NAME_BYTES_MAX, char::is_alphanumeric)?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for CollectionName {
    type Err = NameFault;

    fn from_str(text: &str) -> Result<Self, NameFault> {
        Self::new(text)
    }
}

/// Returns true if a text that was read is safe as the name of a file: what other programs accept.
pub fn is_safe_file_stem(text: &str) -> bool {
    check(text, NAME_BYTES_MAX, char::is_alphanumeric).is_ok()
}

fn check(text: &str, most: usize, is_letter: fn(char) -> bool) -> Result<(), NameFault> {
    if text.is_empty() {
        return Err(NameFault::Empty);
    }
    if text.len() > most {
        return Err(NameFault::Long(most));
    }
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if text.bytes().all(is_plain) {
        return Ok(());
    }
    if let Some(c) = text.chars().find(|c| !is_letter(*c) && !"_.-".contains(*c)) {
        return Err(NameFault::Character(c));
    }
    if text.starts_with('.') || text.contains("..") {
        return Err(NameFault::Dots);
    }
    Ok(())
}
