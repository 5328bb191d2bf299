//! What people type into a search. Words and beginnings of words, "phrases", prefi*, -without, and
//! field:value.

use std::str::FromStr;

use thiserror::Error;

use crate::wire::limits::QUERY_BYTES_MAX;
use crate::wire::limits::QUERY_CLAUSES_MAX;

/// A search: every clause has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// In the order they were typed.
    pub clauses: Vec<Clause>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Datasets that match are left out.
    pub negated: bool,
    /// Where to look; everywhere when it is not said.
    pub field: Option<String>,
    /// What to look for.
    pub what: Match,
}

/// What a clause looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// A word, or several next to each other; the last one may be only begun.
    Text(String),
    /// The same where it is quoted: no word is only begun.
    Phrase(String),
    /// The beginning of a word.
    Prefix(String),
    /// One of several whole values.
    OneOf(Vec<String>),
    /// A number at least this.
    AtLeast(u64),
    /// A number at most this.
    AtMost(u64),
}

/// Why a query is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A quote that is opened and not closed.
    #[error("the quote in `{0}` is not closed")]
    Unclosed(String),
    /// A field there is not.
    #[error("there is no field `{0}`; fields are {fields}", fields = FIELDS.join(", "))]
    Field(String),
    /// A number that is none.
    #[error("`{0}` is not a number")]
    Number(String),
    /// Longer than queries may be.
    #[error("the query is too long")]
    TooLong,
}

/// The fields that may be named.
pub(super) const FIELDS: [&str; 9] = [
    "name",
    "tag",
    "license",
    "publisher",
    "lang",
    "schema",
    "text",
    "rows",
    "size",
];

impl Query {
    /// With every publisher named in it replaced by that publisher's keys, by which they are
    /// indexed.
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

    /// With the condition that a column has this path, added.
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

/// The clause at the front, if it asks for anything, and what follows it.
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
    // Operators of other languages and lone punctuation ask for nothing.
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

/// A word or a quoted text at the front, whether it was quoted, and what follows.
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

/// `>10000`, `>=10000`, `<5`, `10k`, `1.5M`; a number alone is the least.
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
    // Saturates where a number is beyond 64 bits.
    let value = (value * factor) as u64;
    Ok(match (at_most, strict) {
        (false, false) => Match::AtLeast(value),
        (false, true) => Match::AtLeast(value.saturating_add(1)),
        (true, false) => Match::AtMost(value),
        (true, true) => Match::AtMost(value.saturating_sub(1)),
    })
}
