//! Query syntax: words and beginnings of words, "phrases", prefi*, -without, and field:value.

use std::str::FromStr;

use thiserror::Error;

use crate::wire::limits::QUERY_BYTES_MAX;
use crate::wire::limits::QUERY_CLAUSES_MAX;

/// A search query. Every clause has to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Clauses in the order of the text.
    pub clauses: Vec<Clause>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// True if matching datasets are excluded.
    pub negated: bool,
    /// The field to search; `None` for all.
    pub field: Option<String>,
    /// The value to search for.
    pub what: Match,
}

/// Kind of match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// A word, or several adjacent ones. The last one may be incomplete.
    Text(String),
    /// A quoted text, whose words are all complete.
    Phrase(String),
    /// The beginning of a word.
    Prefix(String),
    /// One of several whole values.
    OneOf(Vec<String>),
    /// A number that is at least this.
    AtLeast(u64),
    /// A number that is at most this.
    AtMost(u64),
}

/// Options of matching words.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordOptions {
    /// One letter may differ.
    pub(super) lenient: bool,
    /// The last word may be incomplete.
    pub(super) may_be_begun: bool,
}

/// Reason that a query is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A quote is not closed.
    #[error("the quote in `{0}` is not closed")]
    Unclosed(String),
    /// The field does not exist.
    #[error("there is no field `{0}`; fields are {fields}", fields = FIELDS.join(", "))]
    Field(String),
    /// The number is invalid.
    #[error("`{0}` is not a number")]
    Number(String),
    /// The query is longer than the limit.
    #[error("the query is too long")]
    TooLong,
}

/// Names of the fields.
pub(super) const FIELDS: [&str; 10] = [
    "name",
    "tag",
    "license",
    "publisher",
    "lang",
    "schema",
    "text",
    "source",
    "rows",
    "size",
];

impl Query {
    /// Replaces every publisher in the query by that publisher's keys, which the index contains.
    #[must_use]
    pub fn with_publishers(mut self, keys: impl Fn(&str) -> Vec<String>) -> Self {
        for clause in &mut self.clauses {
            let what = (clause.field.as_deref(), &clause.what);
            if let (Some("publisher"), Match::Text(name) | Match::Phrase(name)) = what {
                clause.what = Match::OneOf(keys(name));
            }
        }
        self
    }

    /// Adds the condition that a column has this path.
    #[must_use]
    pub fn with_column(mut self, path: &str) -> Self {
        self.clauses.push(Clause {
            negated: false,
            field: Some("schema".to_owned()),
            what: Match::Text(path.to_owned()),
        });
        self
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        let mut clauses = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (clause, after) = one(rest)?;
            clauses.extend(clause);
            if clauses.len() > QUERY_CLAUSES_MAX {
                return Err(QueryError::TooLong);
            }
            rest = after.trim_start();
        }
        Ok(Self { clauses })
    }
}

/// Parses the first clause, if it has a condition. Returns it with the rest of the text.
fn one(text: &str) -> Result<(Option<Clause>, &str), QueryError> {
    let (negated, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let end = body
        .find(|c: char| c.is_whitespace() || c == '"' || c == ':')
        .unwrap_or(body.len());
    let (head, tail) = body.split_at(end);
    let (field, value) = match tail.strip_prefix(':') {
        Some(value) if is_field(head) => (Some(head.to_ascii_lowercase()), value),
        Some(_) if !head.is_empty() => return Err(QueryError::Field(head.to_owned())),
        _ => (None, body),
    };
    let (value, quoted, after) = value_of(value)?;
    let wanted = |what| {
        Some(Clause {
            negated,
            field: field.clone(),
            what,
        })
    };
    // Operators of other query languages and lone punctuation have no condition.
    let empty = !value.chars().any(char::is_alphanumeric);
    let operator = !quoted && field.is_none() && matches!(value, "AND" | "OR" | "NOT");
    if empty || operator {
        return Ok((None, after));
    }
    if matches!(field.as_deref(), Some("rows" | "size")) {
        return Ok((wanted(number(value)?), after));
    }
    let what = match value.strip_suffix('*') {
        Some(prefix) if !quoted => Match::Prefix(prefix.to_owned()),
        _ if quoted => Match::Phrase(value.to_owned()),
        _ => Match::Text(value.to_owned()),
    };
    Ok((wanted(what), after))
}

fn is_field(head: &str) -> bool {
    FIELDS.contains(&head.to_ascii_lowercase().as_str())
}

/// Parses a word or a quoted text. Returns it, true if it was quoted, and the rest.
fn value_of(text: &str) -> Result<(&str, bool, &str), QueryError> {
    if let Some(inner) = text.strip_prefix('"') {
        return match inner.split_once('"') {
            Some((value, after)) => Ok((value, true, after)),
            None => Err(QueryError::Unclosed(text.chars().take(40).collect())),
        };
    }
    let end = text
        .find(|c: char| c.is_whitespace() || c == '"')
        .unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    Ok((value, false, after))
}

/// Parses `>10000`, `>=10000`, `<5`, `10k`, `1.5M`. A number alone is a minimum.
fn number(text: &str) -> Result<Match, QueryError> {
    let wrong = || QueryError::Number(text.to_owned());
    let (at_most, strict, digits) = if let Some(n) = text.strip_prefix(">=") {
        (false, false, n)
    } else if let Some(n) = text.strip_prefix("<=") {
        (true, false, n)
    } else if let Some(n) = text.strip_prefix('>') {
        (false, true, n)
    } else if let Some(n) = text.strip_prefix('<') {
        (true, true, n)
    } else {
        (false, false, text)
    };
    let (digits, factor) = match digits.char_indices().last() {
        Some((at, 'k' | 'K')) => (digits.get(..at), 1e3),
        Some((at, 'm' | 'M')) => (digits.get(..at), 1e6),
        Some((at, 'g' | 'G')) => (digits.get(..at), 1e9),
        _ => (Some(digits), 1.0),
    };
    let value: f64 = digits.unwrap_or_default().parse().map_err(|_| wrong())?;
    if !value.is_finite() || value < 0.0 {
        return Err(wrong());
    }
    // Saturates if a number exceeds 64 bits.
    let value = (value * factor) as u64;
    Ok(match (at_most, strict) {
        (false, false) => Match::AtLeast(value),
        (false, true) => Match::AtLeast(value.saturating_add(1)),
        (true, false) => Match::AtMost(value),
        (true, true) => Match::AtMost(value.saturating_sub(1)),
    })
}
