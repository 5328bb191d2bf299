//! Mends: changes of rows that certainly repair what a rule finds. `spec/edits.md` lists them.
//!
//! `text.rs` mends texts, `string.rs` JSON strings as written, and `json.rs` rows that are not JSON.

mod json;
mod string;
#[cfg(test)]
mod tests;
mod text;

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::validate;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::mend::string::mended_string;
use crate::inspect::table::Fields;
use crate::inspect::table::Shape;

/// A mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Findings of a rule are repaired.
    Rule(RuleId),
    /// Spaces and tabs at the end of texts are removed.
    TrailingBlanks,
}

/// Names of all mends.
pub const MENDS: [(&str, Mend); 10] = [
    ("malformed-json", Mend::Rule(RuleId::MalformedJson)),
    ("byte-order-mark", Mend::Rule(RuleId::ByteOrderMark)),
    ("nul-character", Mend::Rule(RuleId::NulCharacter)),
    ("mixed-line-ends", Mend::Rule(RuleId::MixedLineEnds)),
    (
        "missing-final-newline",
        Mend::Rule(RuleId::MissingFinalNewline),
    ),
    ("blank-line", Mend::Rule(RuleId::BlankLine)),
    ("zero-width", Mend::Rule(RuleId::ZeroWidth)),
    ("bidi-control", Mend::Rule(RuleId::BidiControl)),
    ("tag-character", Mend::Rule(RuleId::TagCharacter)),
    ("unbalanced-think", Mend::Rule(RuleId::UnbalancedThink)),
];

/// Name of the mend that belongs to no rule.
pub const TRAILING_BLANKS: &str = "trailing-blanks";

/// Result of a mend of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    /// There is nothing to mend.
    Sound,
    /// A fault has no certain mend, or not all faults have one.
    Left,
    /// The new text, and true if a fault is left in it.
    New(Vec<u8>, bool),
}

impl Mend {
    /// Returns the mend with a name.
    pub fn named(name: &str) -> Option<Self> {
        if name == TRAILING_BLANKS {
            return Some(Self::TrailingBlanks);
        }
        let found = MENDS.iter().find(|(known, _)| *known == name);
        found.map(|(_, mend)| *mend)
    }

    /// Returns the names of all mends.
    pub fn names() -> Vec<&'static str> {
        let rules = MENDS.iter().map(|(name, _)| *name);
        rules.chain([TRAILING_BLANKS]).collect()
    }

    /// Returns true if the mend changes line ends or lines instead of texts.
    pub fn is_of_lines(self) -> bool {
        matches!(
            self,
            Self::Rule(RuleId::BlankLine | RuleId::MissingFinalNewline | RuleId::MixedLineEnds)
        )
    }

    /// Mends the text of a row.
    pub fn row(self, shape: &Shape, row: &[u8]) -> Mended {
        match (self, shape) {
            (Self::Rule(RuleId::ByteOrderMark), _) => match row.strip_prefix(b"\xef\xbb\xbf") {
                Some(rest) => Mended::New(rest.to_vec(), false),
                None => Mended::Sound,
            },
            (Self::Rule(RuleId::MalformedJson), Shape::Json) => json::mended(row),
            (Self::Rule(RuleId::MalformedJson), _) => Mended::Sound,
            (_, Shape::Json) => self.strings(row),
            (_, Shape::Delimited(header)) => {
                let mut scratch = Vec::new();
                self.parts(
                    row,
                    Fields::new(row, header.separator, header.quote),
                    &mut |raw| {
                        let is_quoted = raw.first().is_some_and(|b| Some(*b) == header.quote);
                        let content = Fields::content(raw, header.quote, &mut scratch);
                        match text::mended(self, content.bytes()) {
                            Mended::New(text, is_left) => {
                                match header.written_field(&text, is_quoted) {
                                    Ok(field) => Mended::New(field, is_left),
                                    Err(_) => Mended::Left,
                                }
                            }
                            other => other,
                        }
                    },
                )
            }
            (_, Shape::Text) => text::mended(self, row),
        }
    }

    /// Mends the fields of a record.
    fn parts<'a>(
        self,
        row: &'a [u8],
        fields: Fields<'a>,
        each: &mut dyn FnMut(&[u8]) -> Mended,
    ) -> Mended {
        let mut edits = Vec::new();
        let (mut at, mut is_left) = (0, false);
        for raw in fields {
            match each(raw) {
                Mended::Sound => {}
                Mended::Left => is_left = true,
                Mended::New(text, left) => {
                    is_left |= left;
                    edits.push((at, raw.len(), text));
                }
            }
            at += raw.len() + 1;
        }
        joined(row, edits, is_left)
    }

    /// Mends the strings of a row of JSON. Keys stay.
    fn strings(self, row: &[u8]) -> Mended {
        if !text::may_have(self, row) || validate(row).is_err() {
            return Mended::Sound;
        }
        let (mut edits, mut is_left) = (Vec::new(), false);
        let mut scanner = Scanner::new(row);
        while let Ok(Some(event)) = scanner.next_event() {
            let Event::String(text) = event else { continue };
            match mended_string(self, text.raw) {
                Mended::Sound => {}
                Mended::Left => is_left = true,
                Mended::New(new, left) => {
                    is_left |= left;
                    // The token begins with a quote.
                    edits.push((scanner.token_at() + 1, text.raw.len(), new));
                }
            }
        }
        joined(row, edits, is_left)
    }
}

/// Replaces parts of a row: offset, length and new text of each.
fn joined(row: &[u8], edits: Vec<(usize, usize, Vec<u8>)>, is_left: bool) -> Mended {
    if edits.is_empty() {
        return match is_left {
            true => Mended::Left,
            false => Mended::Sound,
        };
    }
    let (mut out, mut end) = (Vec::with_capacity(row.len()), 0);
    for (at, length, text) in edits {
        out.extend_from_slice(row.get(end..at).unwrap_or_default());
        out.extend_from_slice(&text);
        end = at + length;
    }
    out.extend_from_slice(row.get(end..).unwrap_or_default());
    Mended::New(out, is_left)
}
