//! Dataset names.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::ident::digest::IdentError;
use crate::wire::limits::NAME_BYTES_MAX;
use crate::wire::limits::NAME_MARKS_MAX;

/// A dataset name that can be typed and stored on any file system.
/// It holds letters, digits and marks of any script, `.`, `_` and `-`, and begins with a letter or
/// digit. It is in normalisation form C and has at most [`NAME_BYTES_MAX`] bytes. `spec/identifiers.md`
/// gives the exact set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetName(String);

/// File name extensions that are no part of a dataset's name.
const ENDINGS: [&str; 14] = [
    ".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet", ".arrow",
    ".arrows", ".feather", ".ipc", ".bin",
];

impl DatasetName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes a dataset name of a file's name.
    /// It drops known extensions, and dots, dashes and underscores at the front.
    ///
    /// # Errors
    /// The nearest name, where the rest is no valid name and a part of it would be lost.
    pub fn of_file(file_name: &str) -> Result<Self, Self> {
        let mut stem = file_name;
        while let Some(shorter) = ENDINGS.iter().find_map(|e| stem.strip_suffix(e)) {
            stem = shorter;
        }
        let stem = stem.trim_start_matches(['.', '_', '-']);
        stem.parse().map_err(|_| Self::nearest(stem))
    }

    /// Returns the nearest name to a file's name, without known extensions and with `-`
    /// for invalid characters.
    pub fn suggest(file_name: &str) -> Self {
        Self::of_file(file_name).unwrap_or_else(|nearest| nearest)
    }

    fn nearest(stem: &str) -> Self {
        let mut name = String::new();
        let mut marks = 0;
        for c in stem.nfc() {
            let is_mark = is_combining_mark(c);
            marks = if is_mark { marks + 1 } else { 0 };
            let is_kept = is_allowed(c) && marks <= NAME_MARKS_MAX && !(is_mark && name.is_empty());
            let next = if is_kept { c } else { '-' };
            if name.len() + next.len_utf8() > NAME_BYTES_MAX {
                break;
            }
            if is_kept || !name.ends_with('-') {
                name.push(next);
            }
        }
        let name = name
            .trim_start_matches(['.', '_', '-'])
            .trim_end_matches('-');
        // The name may begin with a mark now.
        let name = name.parse();
        name.unwrap_or_else(|_| Self("dataset".to_owned()))
    }
}

/// Returns true if a name may have this character.
fn is_allowed(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    }
    let is_word = c.is_alphanumeric() || is_combining_mark(c);
    is_word && !is_invisible(c) && !std::iter::once(c).nfkc().all(|c| c.is_ascii())
}

/// Returns true for letters and marks that show nothing.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180d}'
        | '\u{180f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{16fe4}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Returns true if a normalised text is a name.
fn is_name(text: &str) -> bool {
    if text.is_ascii() {
        let starts_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        return starts_well && text.len() <= NAME_BYTES_MAX && text.chars().all(is_allowed);
    }
    let first = text.chars().next();
    let starts_well = first.is_some_and(|c| {
        let is_sign = matches!(c, '.' | '_' | '-');
        is_allowed(c) && !is_sign && !is_combining_mark(c)
    });
    let mut marks = 0;
    let mut fits = |c| {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        is_allowed(c) && marks <= NAME_MARKS_MAX
    };
    starts_well && text.len() <= NAME_BYTES_MAX && text.chars().all(&mut fits)
}

impl FromStr for DatasetName {
    type Err = IdentError;

    /// Parses a name in any normalisation form.
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let wrong = || IdentError::Name(text.chars().take(NAME_BYTES_MAX + 1).collect());
        // No form of a valid name is longer than three times its form C.
        if text.len() > NAME_BYTES_MAX * 3 {
            return Err(wrong());
        }
        let normal: String = if text.is_ascii() {
            text.to_owned()
        } else {
            text.nfc().collect()
        };
        if is_name(&normal) {
            Ok(Self(normal))
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
