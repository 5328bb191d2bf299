//! Cutting of text into pieces, which are encoded each by itself.

use std::io;

use regex_automata::Anchored;
use regex_automata::HalfMatch;
use regex_automata::Input;
use regex_automata::meta::Cache;
use regex_automata::meta::Regex;

/// The patterns of an encoding: pieces of text, and white space.
///
/// The published patterns end with `\s+(?!\S)|\s+`. The regex engine has no look-ahead, so the first of these
/// is `\s+\s` here, and the last character of a match belongs to the next piece.
pub(super) struct Pieces {
    patterns: Regex,
}

/// The pattern among [`Pieces::patterns`] that matches one character too many.
const LOOK_AHEAD: usize = 1;

impl Pieces {
    /// Compiles patterns.
    ///
    /// # Errors
    /// [`io::Error`] if they are no regular expressions.
    pub(super) fn new(text: &str) -> io::Result<Self> {
        let patterns = Regex::new_many(&[text, r"\s+\s", r"\s+"]).map_err(io::Error::other)?;
        Ok(Self { patterns })
    }

    /// Returns the working memory of a thread that cuts many texts.
    pub(super) fn cache(&self) -> Cache {
        self.patterns.create_cache()
    }

    /// Returns the pieces of a text in their order.
    pub(super) fn of<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        pieces(text, |input| self.patterns.search_half(input))
    }

    /// Returns the pieces of a text as [`of`](Self::of), without taking turns at a shared cache.
    pub(super) fn of_with<'a>(
        &'a self,
        cache: &'a mut Cache,
        text: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        pieces(text, |input| self.patterns.search_half_with(cache, input))
    }
}

/// Cuts a text into the pieces whose ends `find` finds.
fn pieces(
    text: &str,
    mut find: impl FnMut(&Input<'_>) -> Option<HalfMatch>,
) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let found = find(&Input::new(rest).anchored(Anchored::Yes))?;
        let mut end = found.offset();
        if found.pattern().as_usize() == LOOK_AHEAD {
            let last = rest.get(..end)?.chars().next_back()?;
            end -= last.len_utf8();
        }
        let (piece, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some(piece)
    })
}

/// The pattern for text of `cl100k_base`.
pub(super) const CL100K_BASE: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
    r"|[^\r\n\p{L}\p{N}]?\p{L}+",
    r"|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*",
    r"|\s*[\r\n]+",
    r"|\s+$",
);

/// The pattern for text of `o200k_base`.
pub(super) const O200K_BASE: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r"|\s*[\r\n]+",
    r"|\s+$",
);
