//! Which columns rows have, and what is in them.

use std::collections::HashMap;

use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::wire::limits::SCHEMA_FIELDS_MAX;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnKind {
    /// There are none.
    #[default]
    Nothing,
    /// True and false.
    Bool,
    /// Integers of 64 bits.
    Int,
    /// Numbers.
    Float,
    /// Texts, or values of several kinds; arrays and objects are JSON text.
    Text,
}

impl ColumnKind {
    /// What both are.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            _ => Self::Text,
        }
    }

    fn of(cell: &Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Nothing,
            Cell::Bool(_) => Self::Bool,
            Cell::Number(raw) => match std::str::from_utf8(raw).unwrap_or_default() {
                text if text.parse::<i64>().is_ok() => Self::Int,
                // What a float cannot hold stays as it is written.
                text if text.bytes().all(|b| b.is_ascii_digit() || b == b'-') => Self::Text,
                text if text.parse::<f64>().is_ok_and(f64::is_finite) => Self::Float,
                _ => Self::Text,
            },
            Cell::Text(_) | Cell::Nested(_) => Self::Text,
        }
    }
}

/// The columns of some rows, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    columns: Vec<(String, ColumnKind)>,
    places: HashMap<String, usize>,
    /// A row had more columns than are kept.
    is_full: bool,
}

impl Plan {
    /// A plan of the columns named, whatever else rows have.
    pub fn of_columns(names: &[String]) -> Self {
        let mut plan = Self::default();
        for name in names {
            plan.add(name, ColumnKind::Nothing);
        }
        plan.is_full = !names.is_empty();
        plan
    }

    /// The columns.
    pub fn columns(&self) -> &[(String, ColumnKind)] {
        &self.columns
    }

    /// Where a column is.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Takes note of a row. A malformed one counts as far as it goes.
    pub fn learn(&mut self, shape: &Shape, row: &[u8], scratch: &mut Scratch) {
        shape.each_cell(row, scratch, &mut |name, cell| {
            self.add(name, ColumnKind::of(&cell));
        });
    }

    /// Takes note of what was learnt of the rows behind.
    pub fn merge(&mut self, behind: &Self) {
        for (name, kind) in &behind.columns {
            self.add(name, *kind);
        }
    }

    fn add(&mut self, name: &str, kind: ColumnKind) {
        let known = self
            .places
            .get(name)
            .and_then(|at| self.columns.get_mut(*at));
        if let Some((_, known)) = known {
            *known = known.with(kind);
        } else if !self.is_full {
            self.places.insert(name.to_owned(), self.columns.len());
            self.columns.push((name.to_owned(), kind));
            self.is_full = self.columns.len() >= SCHEMA_FIELDS_MAX;
        }
    }
}
