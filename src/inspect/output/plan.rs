//! Output plan: names and types of the columns, collected from all rows.

use std::collections::HashMap;

use crate::inspect::output::ColumnKind;
use crate::inspect::output::Refusal;
use crate::inspect::output::check::each_writable_cell;
use crate::inspect::output::kinds::KindSet;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::wire::limits::WRITTEN_COLUMNS_MAX;

/// Columns of some rows, in order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct OutputPlan {
    columns: Vec<(String, KindSet)>,
    places: HashMap<String, usize>,
    /// True if the columns are selected by name; other columns of rows are dropped.
    is_fixed: bool,
    /// True after the first row that cannot be written.
    has_refusals: bool,
    /// A name that occurs twice in one row.
    repeated: Option<String>,
    marks: RowMarks,
}

/// Columns present in the current row.
#[derive(Clone, Debug, Default)]
struct RowMarks {
    row: u64,
    /// The last row with each column.
    last: Vec<u64>,
    /// Number of repetitions of a column in the row.
    again: HashMap<usize, u64>,
}

/// Error: a column beyond the limit of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooManyColumns {
    /// Name of the column.
    pub name: String,
}

impl OutputPlan {
    /// Creates a plan for selected columns; for all if empty.
    pub fn of_columns(names: &[String]) -> Self {
        let mut plan = Self::default();
        for name in names {
            plan.place_of(name);
        }
        plan.is_fixed = !names.is_empty();
        plan
    }

    /// Adds columns that the source declares, even if no row has them.
    ///
    /// # Errors
    /// [`TooManyColumns`].
    pub fn add_declared(&mut self, names: &[String]) -> Result<(), TooManyColumns> {
        if self.is_fixed {
            return Ok(());
        }
        for name in names {
            self.room_for(name)?;
            self.place_of(name);
        }
        Ok(())
    }

    /// Iterates over the columns and their types.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, ColumnKind)> {
        let all = self.columns.iter();
        all.map(|(name, kinds)| (name.as_str(), kinds.column()))
    }

    /// Returns true if only selected columns are written.
    pub fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Returns true if some row cannot be written.
    pub fn has_refusals(&self) -> bool {
        self.has_refusals
    }

    /// Returns a name that occurs twice in some row.
    pub fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }

    /// Records a row that cannot be written.
    pub fn record_refusal(&mut self) {
        self.has_refusals = true;
    }

    /// Adds a row. A row that cannot be written only counts as a refusal.
    ///
    /// # Errors
    /// [`TooManyColumns`].
    pub fn add_row(
        &mut self,
        shape: &Shape,
        row: &[u8],
        scratch: &mut Scratch,
    ) -> Result<Option<Refusal>, TooManyColumns> {
        if self.is_fixed {
            return Ok(self.learn_fixed(shape, row, scratch));
        }
        self.marks.begin();
        let mut over = Ok(());
        let done = each_writable_cell(shape, row, scratch, &mut |name, cell| {
            if over.is_ok() {
                over = self.learn_cell(name, KindSet::of(shape, cell));
            }
        });
        over?;
        self.has_refusals |= done.is_err();
        Ok(done.err())
    }

    fn learn_cell(&mut self, name: &str, kinds: KindSet) -> Result<(), TooManyColumns> {
        let at = match self.places.get(name) {
            Some(at) => *at,
            None => {
                self.room_for(name)?;
                self.place_of(name)
            }
        };
        let at = if self.marks.take(at) {
            at
        } else {
            if self.repeated.is_none() {
                self.repeated = Some(name.to_owned());
            }
            self.repeated_column(at)?
        };
        if let Some((_, known)) = self.columns.get_mut(at) {
            *known = known.with(kinds);
        }
        Ok(())
    }

    /// Returns the column for a name that the row has already used.
    fn repeated_column(&mut self, mut at: usize) -> Result<usize, TooManyColumns> {
        loop {
            let name = self.marks.next_name(&self.columns, at);
            self.room_for(&name)?;
            at = self.place_of(&name);
            if self.marks.take(at) {
                return Ok(at);
            }
        }
    }

    fn learn_fixed(&mut self, shape: &Shape, row: &[u8], scratch: &mut Scratch) -> Option<Refusal> {
        let refusal = each_writable_cell(shape, row, scratch, &mut |_, _| {}).err();
        self.has_refusals |= refusal.is_some();
        for (name, known) in &mut self.columns {
            if let Some(cell) = shape.cell(row, name, scratch) {
                *known = known.with(KindSet::of(shape, &cell));
            }
        }
        refusal
    }

    /// Merges the plan of the following rows.
    ///
    /// # Errors
    /// [`TooManyColumns`].
    pub fn merge(&mut self, behind: &Self) -> Result<(), TooManyColumns> {
        self.has_refusals |= behind.has_refusals;
        if self.repeated.is_none() {
            self.repeated.clone_from(&behind.repeated);
        }
        for (name, kinds) in &behind.columns {
            if self.is_fixed && !self.places.contains_key(name) {
                continue;
            }
            self.room_for(name)?;
            let at = self.place_of(name);
            if let Some((_, known)) = self.columns.get_mut(at) {
                *known = known.with(*kinds);
            }
        }
        Ok(())
    }

    /// Passes the cells of a row to `each`, with their column numbers.
    ///
    /// # Errors
    /// The [`Refusal`] of a row that cannot be written, or that the plan has not seen.
    pub(super) fn each_cell(
        &mut self,
        shape: &Shape,
        row: &[u8],
        scratch: &mut Scratch,
        each: &mut dyn FnMut(usize, &Cell<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.is_fixed {
            for (at, (name, _)) in self.columns.iter().enumerate() {
                if let Some(cell) = shape.cell(row, name, scratch) {
                    each(at, &cell)?;
                }
            }
            return Ok(());
        }
        self.marks.begin();
        let mut done = Ok(());
        let is_whole = shape.each_cell(row, scratch, &mut |name, cell| {
            if done.is_err() {
                return;
            }
            done = match self.slot(name) {
                Some(at) => each(at, &cell),
                None => Err(Refusal::of_column(name, "the rows changed meanwhile")),
            };
        });
        done?;
        if is_whole {
            Ok(())
        } else {
            Err(Refusal::of_row("the rows changed meanwhile"))
        }
    }

    fn slot(&mut self, name: &str) -> Option<usize> {
        let mut at = *self.places.get(name)?;
        while !self.marks.take(at) {
            let name = self.marks.next_name(&self.columns, at);
            at = *self.places.get(&name)?;
        }
        Some(at)
    }

    fn room_for(&self, name: &str) -> Result<(), TooManyColumns> {
        let is_known = self.places.contains_key(name);
        if is_known || self.columns.len() < WRITTEN_COLUMNS_MAX {
            Ok(())
        } else {
            Err(TooManyColumns {
                name: name.to_owned(),
            })
        }
    }

    fn place_of(&mut self, name: &str) -> usize {
        if let Some(at) = self.places.get(name) {
            return *at;
        }
        self.places.insert(name.to_owned(), self.columns.len());
        self.columns.push((name.to_owned(), KindSet::default()));
        self.columns.len() - 1
    }
}

impl RowMarks {
    fn begin(&mut self) {
        self.row += 1;
        if !self.again.is_empty() {
            self.again.clear();
        }
    }

    /// Marks a column; true on its first occurrence in the row.
    fn take(&mut self, at: usize) -> bool {
        if self.last.len() <= at {
            self.last.resize(at + 1, 0);
        }
        let Some(last) = self.last.get_mut(at) else {
            return false;
        };
        let is_first = *last != self.row;
        *last = self.row;
        is_first
    }

    /// Returns the name for a repeated column of a row, as in
    /// [`unique_names`](crate::inspect::table::unique_names).
    fn next_name(&mut self, columns: &[(String, KindSet)], at: usize) -> String {
        let times = self.again.entry(at).or_default();
        *times += 1;
        let name = columns.get(at).map(|(name, _)| name.as_str());
        format!("{}_{times}", name.unwrap_or_default())
    }
}
