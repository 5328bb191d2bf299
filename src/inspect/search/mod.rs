//! Parallel regular-expression search over rows, with results in row order.
//!
//! The search finds the pattern's literals in whole batches, and splits only matching parts into
//! lines. This technique and the engine are those of ripgrep (`grep-regex`).

pub(crate) mod escapes;

use std::ops::ControlFlow;

use grep_matcher::LineMatchKind;
use grep_matcher::Matcher;
use grep_regex::RegexMatcher;
use grep_regex::RegexMatcherBuilder;
use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::inspect::search::escapes::has_escapes;
use crate::inspect::search::escapes::names_unicode;
use crate::inspect::search::escapes::unescaped;
use crate::inspect::table::Batch;
use crate::inspect::table::Row;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::wire::limits::PATTERN_BYTES_MAX;
use crate::wire::limits::PATTERN_PROGRAM_BYTES_MAX;

/// Errors of an unusable pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// A syntax error, or a compiled size beyond the limit.
    #[error("invalid regular expression: {0}")]
    Invalid(String),
    /// The pattern exceeds `PATTERN_BYTES_MAX`.
    #[error("it is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong,
}

impl Classify for PatternError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A compiled regular expression in the syntax of the `regex` crate. Search time is linear for
/// every pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Matcher for texts without newlines; `None` if the pattern names one.
    line: Option<RegexMatcher>,
    /// Matcher for any text.
    any: RegexMatcher,
    column: Option<String>,
    is_inverted: bool,
    /// True if the pattern names characters that JSON may escape.
    names_unicode: bool,
}

/// Options of a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatternOptions {
    /// True to ignore letter case.
    pub ignores_case: bool,
    /// Column to search; the raw row if `None`.
    pub column: Option<String>,
    /// True to select rows that do not match.
    pub is_inverted: bool,
}

/// A selected row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Row number.
    pub number: u64,
    /// Text of the row.
    pub text: Vec<u8>,
    /// Searched text, if it differs from the row: the column's value, or the row with characters
    /// unescaped.
    pub cell: Option<Vec<u8>>,
    /// Byte ranges of the matches in the searched text.
    pub spans: Vec<(usize, usize)>,
}

/// Counts of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatchCounts {
    /// Number of selected rows.
    pub matches: u64,
    /// Number of rows searched, blank rows included.
    pub rows: u64,
    /// Number of overlong rows, of which only the beginning was searched.
    pub truncated: u64,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError`], with the position of a syntax error.
    pub fn new(pattern: &str, options: PatternOptions) -> Result<Self, PatternError> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        let mut builder = RegexMatcherBuilder::new();
        builder
            .multi_line(true)
            .crlf(true)
            .case_insensitive(options.ignores_case)
            .size_limit(PATTERN_PROGRAM_BYTES_MAX)
            .dfa_size_limit(PATTERN_PROGRAM_BYTES_MAX);
        let invalid = |e: grep_regex::Error| PatternError::Invalid(e.to_string());
        // `crlf` sets a line terminator, which the pattern must not name.
        let line = builder.build(pattern).ok();
        builder.crlf(false).line_terminator(None);
        Ok(Self {
            any: builder.build(pattern).map_err(invalid)?,
            line,
            column: options.column,
            is_inverted: options.is_inverted,
            names_unicode: names_unicode(pattern),
        })
    }

    /// Returns true if the row is selected.
    pub fn is_hit(&self, batch: &Batch, row: &Row<'_>, scratch: &mut Scratch) -> bool {
        let found = match &self.column {
            None => self.is_in(row.text) || self.is_in_escapes(batch, row.text),
            Some(column) => match batch.shape().cell(row.text, column, scratch) {
                Some(cell) => self.is_in(cell.bytes()),
                None => return false,
            },
        };
        found != self.is_inverted
    }

    /// Returns true if the pattern matches the unescaped JSON, but not the raw row.
    fn is_in_escapes(&self, batch: &Batch, row: &[u8]) -> bool {
        let looks = self.names_unicode && *batch.shape() == Shape::Json;
        let content = looks.then(|| unescaped(row)).flatten();
        content.is_some_and(|content| self.is_in(&content))
    }

    fn is_in(&self, text: &[u8]) -> bool {
        // These matchers have no errors.
        self.any.is_match(text).unwrap_or(false)
    }

    /// Returns the byte ranges of at most `most` matches in a text, whatever the column.
    pub fn spans(&self, text: &[u8], most: usize) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        let _ = self.any.find_iter(text, |m| {
            spans.push((m.start(), m.end()));
            spans.len() < most
        });
        spans
    }

    /// Counts the selected rows of a batch.
    pub fn count(&self, batch: &Batch, scratch: &mut Scratch) -> u64 {
        let mut found = 0;
        match &self.line {
            Some(line) if self.is_quick(batch) => each_line(line, batch, &mut |_, _| {
                found += 1;
                ControlFlow::Continue(())
            }),
            _ => {
                let hits = batch.rows().filter(|row| self.is_hit(batch, row, scratch));
                found = hits.count() as u64;
            }
        }
        found
    }

    /// Returns true if whole batches can be searched before they are split into lines.
    fn is_quick(&self, batch: &Batch) -> bool {
        let is_plain = self.column.is_none() && batch.is_lines() && !self.is_inverted;
        is_plain && !(self.names_unicode && has_escapes(batch.text()))
    }

    /// Passes the selected rows of a batch to `each`, until it breaks.
    pub fn each_hit<'b>(
        &self,
        batch: &'b Batch,
        scratch: &mut Scratch,
        each: &mut dyn FnMut(Row<'b>) -> ControlFlow<()>,
    ) {
        match &self.line {
            Some(line) if self.is_quick(batch) => {
                // Rows are numbered only up to the last match.
                let (mut index, mut counted) = (0, 0);
                each_line(line, batch, &mut |at, text| {
                    let between = batch.text().get(counted..at).unwrap_or_default();
                    index += memchr::memchr_iter(b'\n', between).count() as u64;
                    counted = at;
                    each(Row { index, at, text })
                });
            }
            _ => {
                for row in batch.rows() {
                    if self.is_hit(batch, &row, scratch) && each(row).is_break() {
                        return;
                    }
                }
            }
        }
    }

    /// Collects the details of a selected row; its number is the index in the batch.
    pub fn hit(&self, batch: &Batch, row: &Row<'_>, scratch: &mut Scratch) -> Hit {
        let cell = match &self.column {
            Some(column) => {
                let cell = batch.shape().cell(row.text, column, scratch);
                Some(cell.map_or_else(Vec::new, |c| c.bytes().to_vec()))
            }
            None if self.is_inverted || self.is_in(row.text) => None,
            None => unescaped(row.text),
        };
        let mut spans = Vec::new();
        if !self.is_inverted {
            let searched = cell.as_deref().unwrap_or(row.text);
            let _ = self.any.find_iter(searched, |m| {
                spans.push((m.start(), m.end()));
                spans.len() < SPANS_MAX
            });
        }
        Hit {
            number: row.index,
            text: row.text.to_vec(),
            cell,
            spans,
        }
    }
}

/// Largest number of match ranges reported per row.
const SPANS_MAX: usize = 10_000;

/// Passes the matching lines of a batch to `each`, with their offsets.
fn each_line<'b>(
    line: &RegexMatcher,
    batch: &'b Batch,
    each: &mut dyn FnMut(usize, &'b [u8]) -> ControlFlow<()>,
) {
    let (text, skips_blank) = (batch.text(), batch.shape().skips_blank());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let Ok(Some(found)) = line.find_candidate_line(rest) else {
            return;
        };
        let (place, is_sure) = match found {
            LineMatchKind::Confirmed(place) => (at + place, true),
            LineMatchKind::Candidate(place) => (at + place, false),
        };
        let before = text.get(..place).unwrap_or_default();
        let start = memchr::memrchr(b'\n', before).map_or(0, |n| n + 1).max(at);
        let behind = text.get(place..).unwrap_or_default();
        let end = memchr::memchr(b'\n', behind).map_or(text.len(), |n| place + n);
        at = end + 1;
        let whole = text.get(start..end).unwrap_or_default();
        let has_newline = end < text.len();
        let row = match whole.strip_suffix(b"\r") {
            Some(row) if has_newline => row,
            _ => whole,
        };
        // An empty match after the last newline is on no line.
        if start >= text.len() {
            return;
        }
        let is_row = !skips_blank || !row.trim_ascii().is_empty();
        let is_match = is_sure || line.is_match(row).unwrap_or(false);
        if is_row && is_match && each(start, row).is_break() {
            return;
        }
    }
}

/// Counts the selected rows.
///
/// # Errors
/// Errors of reading the rows.
pub fn count_matches(scan: &Scan<'_>, pattern: &Pattern) -> Result<MatchCounts, TableError> {
    let mut sum = MatchCounts::default();
    scan.run::<_, _, TableError>(
        Scratch::default,
        |scratch, batch| Ok((pattern.count(batch, scratch), batch.count_rows())),
        |made| {
            let (matches, rows) = made.value;
            sum.matches += matches;
            sum.rows += rows;
            sum.truncated += made.truncated;
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(sum)
}

/// Passes at most `limit` selected rows to `each`, in order. Numbers count from the first row of
/// the scan.
///
/// # Errors
/// Errors of reading the rows, and errors of `each`.
pub fn find_matches<E: From<TableError> + Send>(
    scan: &Scan<'_>,
    pattern: &Pattern,
    limit: u64,
    each: &mut (dyn FnMut(Hit) -> Result<(), E> + Send),
) -> Result<MatchCounts, E> {
    let mut sum = MatchCounts::default();
    if limit == 0 {
        return Ok(sum);
    }
    scan.run::<_, _, E>(
        || (Scratch::default(), Scratch::default()),
        |(scratch, other), batch| {
            let mut hits = Vec::new();
            pattern.each_hit(batch, scratch, &mut |row| {
                hits.push(pattern.hit(batch, &row, other));
                if (hits.len() as u64) < limit {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            Ok((hits, batch.count_rows()))
        },
        |made| {
            let (hits, rows) = made.value;
            sum.rows += rows;
            sum.truncated += made.truncated;
            for mut hit in hits {
                hit.number += made.first;
                each(hit)?;
                sum.matches += 1;
                if sum.matches == limit {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(sum)
}
