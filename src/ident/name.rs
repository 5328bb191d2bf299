//! Dataset names.

use std::fmt;
use std::str::FromStr;

use crate::ident::digest::IdentError;
use crate::wire::limits::NAME_BYTES_MAX;

/// A name that can be typed in any shell and stored on any file system: ASCII letters, digits,
/// `.`, `_`, `-`; a letter or digit first; at most [`NAME_BYTES_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetName(String);

impl DatasetName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest name to a file's name: its known endings go, what is not allowed becomes `-`.
    pub fn suggest(file_name: &str) -> Self {
        const ENDINGS: [&str; 14] = [
            ".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet",
            ".arrow", ".arrows", ".feather", ".ipc", ".bin",
        ];
        let mut stem = file_name;
        while let Some(shorter) = ENDINGS.iter().find_map(|e| stem.strip_suffix(e)) {
            stem = shorter;
        }
        let mut name = String::new();
        for c in stem.chars().take(NAME_BYTES_MAX) {
            let keep = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            if keep {
                name.push(c);
            } else if !name.ends_with('-') {
                name.push('-');
            }
        }
        let name = name
            .trim_start_matches(['.', '_', '-'])
            .trim_end_matches('-');
        Self(if name.is_empty() {
            "dataset".to_owned()
        } else {
            name.to_owned()
        })
    }
}

impl FromStr for DatasetName {
    type Err = IdentError;

    fn from_str(text: &str) -> Result<Self, IdentError> {
        let first_ok = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        let rest_ok = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
        if first_ok && rest_ok && text.len() <= NAME_BYTES_MAX {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentError::Name(
                text.chars().take(NAME_BYTES_MAX + 1).collect(),
            ))
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
