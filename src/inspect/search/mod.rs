//! Rows that a regular expression matches, found on all cores and told in their order.
//!
//! Lines are not cut apart before they are searched: the pattern's literals are looked for in
//! whole batches, and only what is found is looked at closer. That, and the engine, are
//! ripgrep's (`grep-regex`).

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

/// A regular expression that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// It is none, or it is too large once it is compiled.
    #[error("it is no regular expression that can be used: {0}")]
    Invalid(String),
    /// It is longer than `PATTERN_BYTES_MAX`.
    #[error("it is longer than {PATTERN_BYTES_MAX} bytes")]
    TooLong,
}

impl Classify for PatternError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A regular expression in the syntax of the `regex` crate. Time is linear in what is searched,
/// whatever it is.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// For texts without newlines; none where the pattern names one.
    line: Option<RegexMatcher>,
    /// For any text.
    any: RegexMatcher,
    column: Option<String>,
    is_inverted: bool,
    /// It names characters that JSON may have as escapes.
    names_unicode: bool,
}

/// How a pattern is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatternOptions {
    /// Letters match in either case.
    pub ignores_case: bool,
    /// What this column says is searched, not the row as it is written.
    pub column: Option<String>,
    /// Rows count that do not match.
    pub is_inverted: bool,
}

/// A row that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its number.
    pub number: u64,
    /// Its text.
    pub text: Vec<u8>,
    /// What was searched in it, where that is not its text: what the column says, or the row with
    /// characters in place of their escapes.
    pub cell: Option<Vec<u8>>,
    /// Where in what was searched the matches are, in bytes.
    pub spans: Vec<(usize, usize)>,
}

/// How many rows match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Rows that match.
    pub matches: u64,
    /// Rows that were looked at, blank ones among them.
    pub rows: u64,
    /// Rows that were too long, of which only the beginning was looked at.
    pub truncated: u64,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError`], with the place of the mistake.
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
        // `crlf` sets a line terminator, with which a pattern must not name one.
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

    /// Whether the row counts.
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

    /// Whether it is in what a row of JSON says, and not in how that is written.
    fn is_in_escapes(&self, batch: &Batch, row: &[u8]) -> bool {
        let looks = self.names_unicode && *batch.shape() == Shape::Json;
        let said = looks.then(|| unescaped(row)).flatten();
        said.is_some_and(|said| self.is_in(&said))
    }

    fn is_in(&self, text: &[u8]) -> bool {
        // These matchers have no errors.
        self.any.is_match(text).unwrap_or(false)
    }

    /// How many rows of a batch count.
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

    /// Whether lines may be searched before they are cut apart.
    fn is_quick(&self, batch: &Batch) -> bool {
        let is_plain = self.column.is_none() && batch.is_lines() && !self.is_inverted;
        is_plain && !(self.names_unicode && has_escapes(batch.text()))
    }

    /// Shows the rows of a batch that count to `each`, until it breaks off.
    pub fn each_hit<'b>(
        &self,
        batch: &'b Batch,
        scratch: &mut Scratch,
        each: &mut dyn FnMut(Row<'b>) -> ControlFlow<()>,
    ) {
        match &self.line {
            Some(line) if self.is_quick(batch) => {
                // Rows are numbered as far as the last one that was found.
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

    /// Everything of a row that is told of a hit; its number is that within the batch.
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

/// Matches of one row that are told.
const SPANS_MAX: usize = 10_000;

/// Shows the lines of a batch that match to `each`, with where they begin.
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
        // A match of nothing behind the last newline is on no line.
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

/// Counts the rows that match.
///
/// # Errors
/// What reading meets.
pub fn count_matches(scan: &Scan<'_>, pattern: &Pattern) -> Result<Counted, TableError> {
    let mut sum = Counted::default();
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

/// Shows the rows that match to `each` in their order, at most so many. Numbers count from the
/// first row of the scan.
///
/// # Errors
/// What reading meets, and what `each` says.
pub fn find_matches<E: From<TableError> + Send>(
    scan: &Scan<'_>,
    pattern: &Pattern,
    limit: u64,
    each: &mut (dyn FnMut(Hit) -> Result<(), E> + Send),
) -> Result<Counted, E> {
    let mut sum = Counted::default();
    if limit == 0 {
        return Ok(sum);
    }
    scan.run::<_, _, E>(
        || (Scratch::default(), Scratch::default()),
        |(scratch, other), batch| {
            let mut hits = Vec::new();
            pattern.each_hit(batch, scratch, &mut |row| {
                hits.push(pattern.hit(batch, &row, other));
                match (hits.len() as u64) < limit {
                    true => ControlFlow::Continue(()),
                    false => ControlFlow::Break(()),
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
