//! Petnames: local names of publishers and nodes.

use std::fmt;
use std::str::FromStr;

use crate::ident::digest::IdentError;
use crate::ident::name::DatasetName;
use crate::wire::limits::NAME_BYTES_MAX;

/// Characters with a meaning in references, addresses, globs or quoting.
const RESERVED: [char; 9] = ['/', '\\', '@', ':', '"', '\'', '`', '*', '#'];

/// A local name of a publisher or a node.
/// It holds letters of any script, digits, signs and single blanks between them, begins with a letter or
/// digit, and has at most [`NAME_BYTES_MAX`] bytes. Parsing trims white space and folds each run of it
/// inside to one blank.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Alias(String);

impl Alias {
    /// Returns the alias as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Alias {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let alias = words.join(" ");
        let starts_well = alias.chars().next().is_some_and(char::is_alphanumeric);
        let is_allowed =
            |c: char| !c.is_control() && !is_hidden(c) && !RESERVED.contains(&c) && c != '\u{fffd}';
        // A line break or tab inside is a mistake of copying, not a blank.
        let is_one_line = !text.trim().contains(char::is_control);
        if starts_well
            && is_one_line
            && alias.len() <= NAME_BYTES_MAX
            && alias.chars().all(is_allowed)
        {
            Ok(Self(alias))
        } else {
            let shown = text.chars().take(NAME_BYTES_MAX + 1).collect();
            Err(IdentError::Alias(shown))
        }
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<DatasetName> for Alias {
    /// Converts a dataset name; each is an alias too.
    fn from(name: DatasetName) -> Self {
        Self(name.as_str().to_owned())
    }
}

/// Returns true for characters that are invisible or change the display of others: DEL and C1 controls,
/// characters of the bidirectional algorithm, zero-width characters, tags.
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
