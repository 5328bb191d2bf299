//! Which columns rows have, and what fits all their values: found by going over the rows once
//! before they are written.

use std::collections::HashMap;

use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::wire::limits::SCHEMA_FIELDS_MAX;

/// What fits the values of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnKind {
    /// There are none but null.
    #[default]
    Nothing,
    /// True and false.
    Bool,
    /// Whole numbers of 64 bits.
    Int,
    /// Numbers, as the nearest of 64 bits.
    Float,
    /// Text, and everything else by how it is written.
    Text,
}

/// The columns of rows in the order in which they came, at most as many as a schema may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnPlan {
    columns: Vec<(String, ColumnKind)>,
    places: HashMap<String, usize>,
}

impl ColumnPlan {
    /// Columns that are all text.
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Self {
        let mut plan = Self::default();
        for name in names {
            plan.add(&name, ColumnKind::Text);
        }
        plan
    }

    /// Looks at a row.
    pub fn see(&mut self, shape: &Shape, row: &[u8], scratch: &mut Scratch) {
        shape.each_cell(row, scratch, &mut |name, cell| self.add(name, kind(cell)));
    }

    /// Adds what somebody else saw in rows behind these.
    pub fn merge(&mut self, other: &Self) {
        for (name, kind) in &other.columns {
            self.add(name, *kind);
        }
    }

    /// The columns.
    pub fn columns(&self) -> &[(String, ColumnKind)] {
        &self.columns
    }

    /// The place of a column.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    fn add(&mut self, name: &str, kind: ColumnKind) {
        if let Some((_, known)) = self.place(name).and_then(|n| self.columns.get_mut(n)) {
            *known = known.and(kind);
        } else if self.columns.len() < SCHEMA_FIELDS_MAX {
            self.places.insert(name.to_owned(), self.columns.len());
            self.columns.push((name.to_owned(), kind));
        }
    }
}

impl ColumnKind {
    /// What fits both.
    fn and(self, other: Self) -> Self {
        let (less, more) = (self.min(other), self.max(other));
        match (less, more) {
            (Self::Nothing, _) | (Self::Int, Self::Float) => more,
            _ if less == more => more,
            _ => Self::Text,
        }
    }
}

fn kind(cell: Cell<'_>) -> ColumnKind {
    match cell {
        Cell::Null => ColumnKind::Nothing,
        Cell::Bool(_) => ColumnKind::Bool,
        Cell::Number(raw) => match number::<i64>(raw) {
            Some(_) => ColumnKind::Int,
            // One that no float of 64 bits comes near stays as it is written.
            None if number::<f64>(raw).is_some_and(f64::is_finite) => ColumnKind::Float,
            None => ColumnKind::Text,
        },
        Cell::Text(_) | Cell::Nested(_) => ColumnKind::Text,
    }
}

/// A number as it is written.
pub(super) fn number<T: std::str::FromStr>(raw: &[u8]) -> Option<T> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}
