//! The choice of rows and columns of a scan.

use alimentar::documents::DocumentError;
use alimentar::documents::format::Predicate;
use alimentar::inspect::search::Pattern;
use alimentar::inspect::search::PatternOptions;
use alimentar::inspect::table::Batch;
use alimentar::inspect::table::Cell;
use alimentar::inspect::table::Row;
use alimentar::inspect::table::Scratch;
use alimentar::inspect::table::Shape;
use alimentar::registry::Error;
use alimentar::registry::TargetError;
use serde_json::Value;

use crate::failure::Failure;

/// Columns and rows of a scan.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Names of columns; all if empty.
    pub(crate) columns: Vec<String>,
    /// Number of the first row.
    pub(crate) from: u64,
    /// Number of the row after the last one.
    pub(crate) to: Option<u64>,
    pub(crate) filter: Filter,
}

/// A condition on rows.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    /// Every row fulfils it.
    None,
    /// Conditions on values.
    Predicate(Box<Predicate>),
    /// A regular expression.
    Pattern(Box<Pattern>),
}

impl Filter {
    /// Reads conditions, such as `age >= 18 and not tags contains "draft"`.
    pub(crate) fn of_predicate(text: &str) -> Result<Self, Failure> {
        let parsed = text.parse().map_err(|source| DocumentError::Predicate {
            text: text.chars().take(200).collect(),
            source,
        })?;
        Ok(Self::Predicate(Box::new(parsed)))
    }

    /// Compiles a regular expression.
    pub(crate) fn of_pattern(
        pattern: &str,
        column: Option<String>,
        (ignores_case, is_inverted): (bool, bool),
    ) -> Result<Self, Failure> {
        let mut options = PatternOptions::default();
        options.ignores_case = ignores_case;
        options.column = column;
        options.is_inverted = is_inverted;
        let compiled = Pattern::new(pattern, options).map_err(|source| {
            Error::Target(TargetError::Regex {
                pattern: pattern.to_owned(),
                source,
            })
        })?;
        Ok(Self::Pattern(Box::new(compiled)))
    }

    /// Returns true if it needs no row.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Returns true if a row fulfils it.
    ///
    /// # Errors
    /// The reason why the row is no JSON.
    pub(crate) fn holds(
        &self,
        batch: &Batch,
        row: &Row<'_>,
        scratch: &mut Scratch,
    ) -> Result<bool, String> {
        let predicate = match self {
            Self::None => return Ok(true),
            Self::Pattern(pattern) => return Ok(pattern.is_hit(batch, row, scratch)),
            Self::Predicate(predicate) => predicate,
        };
        let found = match batch.shape() {
            Shape::Json => predicate.matches(row.text),
            shape => predicate.matches(&object(shape, row.text, scratch)),
        };
        found.map_err(|error| error.to_string())
    }
}

/// Returns a row of fields as an object. A field that is written as a number is one.
fn object(shape: &Shape, row: &[u8], scratch: &mut Scratch) -> Vec<u8> {
    let mut members = Vec::new();
    shape.each_cell(row, scratch, &mut |name, cell| {
        if !members.is_empty() {
            members.push(b',');
        }
        members.extend_from_slice(Value::from(name).to_string().as_bytes());
        members.push(b':');
        match cell {
            Cell::Null => members.extend_from_slice(b"null"),
            Cell::Text(text) if !is_number(text) => {
                let text = String::from_utf8_lossy(text);
                members.extend_from_slice(Value::from(text).to_string().as_bytes());
            }
            other => members.extend_from_slice(other.bytes()),
        }
    });
    let mut object = Vec::with_capacity(members.len() + 2);
    object.push(b'{');
    object.append(&mut members);
    object.push(b'}');
    object
}

fn is_number(text: &[u8]) -> bool {
    let starts = matches!(text.first(), Some(b'-' | b'0'..=b'9'));
    starts && serde_json::from_slice::<serde_json::Number>(text).is_ok()
}
