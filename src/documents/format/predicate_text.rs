//! Predicates as text: `lang = "en" and not (tokens < 10 or tags contains draft)`.

use std::str::FromStr;

use thiserror::Error;

use crate::documents::format::Literal;
use crate::documents::format::Order;
use crate::documents::format::Path;
use crate::documents::format::Predicate;
use crate::documents::format::limits::PREDICATE_BYTES_MAX;
use crate::documents::format::limits::PREDICATE_DEPTH_MAX;

/// The reason why a text is no predicate.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {at}: {reason}")]
pub struct PredicateError {
    /// Offset of the first byte that does not fit.
    pub at: usize,
    /// The reason.
    pub reason: &'static str,
}

impl FromStr for Predicate {
    type Err = PredicateError;

    fn from_str(text: &str) -> Result<Self, PredicateError> {
        let mut parser = Parser { text, at: 0 };
        if text.len() > PREDICATE_BYTES_MAX {
            return Err(parser.fault("the predicate is too long"));
        }
        let predicate = parser.any_of(0)?;
        parser.skip_space();
        match parser.at == text.len() {
            true => Ok(predicate),
            false => Err(parser.fault("expected `and`, `or` or the end")),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// Signs between a path and a value; longer ones first.
const SIGNS: &[(&str, Sign)] = &[
    ("==", Sign::Equal),
    ("!=", Sign::Unequal),
    ("<=", Sign::Order(Order::AtMost)),
    (">=", Sign::Order(Order::AtLeast)),
    ("=", Sign::Equal),
    ("<", Sign::Order(Order::Less)),
    (">", Sign::Order(Order::Greater)),
    ("~", Sign::Contains),
];

#[derive(Clone, Copy)]
enum Sign {
    Equal,
    Unequal,
    Order(Order),
    Contains,
}

impl<'a> Parser<'a> {
    fn any_of(&mut self, depth: usize) -> Result<Predicate, PredicateError> {
        let mut parts = vec![self.all_of(depth)?];
        while self.take_word("or") {
            parts.push(self.all_of(depth)?);
        }
        Ok(joined(parts, Predicate::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<Predicate, PredicateError> {
        let mut parts = vec![self.one(depth)?];
        while self.take_word("and") {
            parts.push(self.one(depth)?);
        }
        Ok(joined(parts, Predicate::And))
    }

    fn one(&mut self, depth: usize) -> Result<Predicate, PredicateError> {
        if depth > PREDICATE_DEPTH_MAX {
            return Err(self.fault("nested too deeply"));
        }
        if self.take_word("not") || self.take_negation() {
            return Ok(Predicate::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.any_of(depth + 1)?;
            return match self.take(")") {
                true => Ok(inner),
                false => Err(self.fault("expected `)`")),
            };
        }
        if self.take_word("exists") {
            return Ok(Predicate::Exists(self.path()?));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Predicate, PredicateError> {
        let path = self.path()?;
        for (text, sign) in SIGNS {
            if self.take(text) {
                let value = self.value()?;
                return Ok(match sign {
                    Sign::Equal => Predicate::Equal(path, value),
                    Sign::Unequal => Predicate::Not(Box::new(Predicate::Equal(path, value))),
                    Sign::Order(order) => Predicate::Compare(path, *order, value),
                    Sign::Contains => Predicate::Contains(path, value),
                });
            }
        }
        if self.take_word("contains") {
            return Ok(Predicate::Contains(path, self.value()?));
        }
        if self.take_word("in") {
            return Ok(Predicate::In(path, self.list()?));
        }
        // Both `exists path` and `path exists` are read, and a path alone.
        self.take_word("exists");
        Ok(Predicate::Exists(path))
    }

    fn list(&mut self) -> Result<Vec<Literal>, PredicateError> {
        let close = match (self.take("["), self.take("(")) {
            (true, _) => Some("]"),
            (_, true) => Some(")"),
            _ => None,
        };
        let mut values = Vec::new();
        if close.is_some_and(|close| self.take(close)) {
            return Ok(values);
        }
        values.push(self.value()?);
        while self.take(",") {
            values.push(self.value()?);
        }
        match close {
            Some(close) if !self.take(close) => Err(self.fault("expected the end of the list")),
            _ => Ok(values),
        }
    }

    fn path(&mut self) -> Result<Path, PredicateError> {
        self.skip_space();
        if self.rest().starts_with('"') {
            return match self.quoted()? {
                serde_json::Value::String(text) => Ok(Path::new(&text)),
                _ => Err(self.fault("expected a path")),
            };
        }
        let ends = |c: char| c.is_whitespace() || "=!<>~(),\"".contains(c);
        match self.until(ends) {
            "" => Err(self.fault("expected a path")),
            text => Ok(Path::new(text)),
        }
    }

    fn value(&mut self) -> Result<Literal, PredicateError> {
        self.skip_space();
        match self.rest().chars().next() {
            Some('"' | '[' | '{') => self.quoted().map(Literal::Json),
            Some('\'') => {
                self.at += 1;
                let text = self.until(|c| c == '\'').to_owned();
                match self.take("'") {
                    true => Ok(Literal::Json(text.into())),
                    false => Err(self.fault("expected the closing quote")),
                }
            }
            _ => match self.until(|c| c.is_whitespace() || "(),]".contains(c)) {
                "" => Err(self.fault("expected a value")),
                word => Ok(Literal::Word(word.to_owned())),
            },
        }
    }

    /// Takes one JSON value.
    fn quoted(&mut self) -> Result<serde_json::Value, PredicateError> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter();
        match values.next() {
            Some(Ok(value)) => {
                self.at += values.byte_offset();
                Ok(value)
            }
            _ => Err(self.fault("expected a JSON value")),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn until(&mut self, is_end: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(is_end).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn take(&mut self, sign: &str) -> bool {
        self.skip_space();
        let is_there = self.rest().starts_with(sign);
        if is_there {
            self.at += sign.len();
        }
        is_there
    }

    /// Takes `!` in front of a condition.
    fn take_negation(&mut self) -> bool {
        self.skip_space();
        !self.rest().starts_with("!=") && self.take("!")
    }

    /// Takes a word that is not a part of a longer one, nor a path that is compared.
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let Some(after) = self
            .rest()
            .get(..word.len())
            .filter(|front| front.eq_ignore_ascii_case(word))
            .and_then(|_| self.rest().get(word.len()..))
        else {
            return false;
        };
        let is_whole = after.starts_with(|c: char| c.is_whitespace() || "([\"'".contains(c));
        let is_compared = after.trim_start().starts_with(['=', '<', '>', '~'])
            || after.trim_start().starts_with("!=");
        let is_word = (is_whole || after.is_empty()) && !is_compared;
        if is_word {
            self.at += word.len();
        }
        is_word
    }

    fn fault(&self, reason: &'static str) -> PredicateError {
        PredicateError {
            at: self.at,
            reason,
        }
    }
}

fn joined(mut parts: Vec<Predicate>, join: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match (parts.len(), parts.pop()) {
        (1, Some(one)) => one,
        (_, Some(last)) => {
            parts.push(last);
            join(parts)
        }
        (_, None) => join(parts),
    }
}
