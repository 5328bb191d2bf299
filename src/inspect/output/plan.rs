//! Which columns rows have, and what is in them.

use std::collections::HashMap;

use crate::inspect::output::ColumnKind;
use crate::inspect::output::Refusal;
use crate::inspect::output::check::each_sound_cell;
use crate::inspect::output::kinds::Kinds;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::wire::limits::WRITTEN_COLUMNS_MAX;

/// The columns of some rows, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    columns: Vec<(String, Kinds)>,
    places: HashMap<String, usize>,
    /// The columns are those that were named, whatever else rows have.
    is_fixed: bool,
    /// The first row that cannot be written was seen.
    has_refusals: bool,
    /// A name that was there twice in a row.
    repeated: Option<String>,
    marks: Marks,
}

/// Which columns the row at hand has shown.
#[derive(Clone, Debug, Default)]
struct Marks {
    row: u64,
    /// The last row that had each column.
    last: Vec<u64>,
    /// How often a column was there again in the row.
    again: HashMap<usize, u64>,
}

/// A column beyond those that a file may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooManyColumns {
    /// Its name.
    pub name: String,
}

impl Plan {
    /// A plan of the columns named, whatever else rows have; none for all.
    pub fn of_columns(names: &[String]) -> Self {
        let mut plan = Self::default();
        for name in names {
            plan.place_of(name);
        }
        plan.is_fixed = !names.is_empty();
        plan
    }

    /// Takes note of columns that the source says it has, whether or not a row shows them.
    ///
    /// # Errors
    /// [`TooManyColumns`].
    pub fn announce(&mut self, names: &[String]) -> Result<(), TooManyColumns> {
        if self.is_fixed {
            return Ok(());
        }
        for name in names {
            self.room_for(name)?;
            self.place_of(name);
        }
        Ok(())
    }

    /// The columns with their types.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, ColumnKind)> {
        let all = self.columns.iter();
        all.map(|(name, kinds)| (name.as_str(), kinds.column()))
    }

    /// Whether only the columns that were named are written.
    pub fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Whether some row cannot be written.
    pub fn has_refusals(&self) -> bool {
        self.has_refusals
    }

    /// A name that some row has twice.
    pub fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }

    /// Takes note of a row that cannot be written.
    pub fn refuse(&mut self) {
        self.has_refusals = true;
    }

    /// Takes note of a row. One that cannot be written counts for nothing but that.
    ///
    /// # Errors
    /// [`TooManyColumns`].
    pub fn learn(
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
        let done = each_sound_cell(shape, row, scratch, &mut |name, cell| {
            if over.is_ok() {
                over = self.learn_cell(name, Kinds::of(shape, cell));
            }
        });
        over?;
        self.has_refusals |= done.is_err();
        Ok(done.err())
    }

    fn learn_cell(&mut self, name: &str, kinds: Kinds) -> Result<(), TooManyColumns> {
        let at = match self.places.get(name) {
            Some(at) => *at,
            None => {
                self.room_for(name)?;
                self.place_of(name)
            }
        };
        let at = match self.marks.take(at) {
            true => at,
            false => {
                if self.repeated.is_none() {
                    self.repeated = Some(name.to_owned());
                }
                self.learn_again(at)?
            }
        };
        if let Some((_, known)) = self.columns.get_mut(at) {
            *known = known.with(kinds);
        }
        Ok(())
    }

    /// The column for a name that the row has shown before.
    fn learn_again(&mut self, mut at: usize) -> Result<usize, TooManyColumns> {
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
        let refusal = each_sound_cell(shape, row, scratch, &mut |_, _| {}).err();
        self.has_refusals |= refusal.is_some();
        for (name, known) in &mut self.columns {
            if let Some(cell) = shape.cell(row, name, scratch) {
                *known = known.with(Kinds::of(shape, &cell));
            }
        }
        refusal
    }

    /// Takes note of what was learnt of the rows behind.
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

    /// Shows the cells of a row to `each` with the number of their column.
    ///
    /// # Errors
    /// The [`Refusal`] of a row that cannot be written, or that is not one that the plan was made of.
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
        match is_whole {
            true => Ok(()),
            false => Err(Refusal::of_row("the rows changed meanwhile")),
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
        match is_known || self.columns.len() < WRITTEN_COLUMNS_MAX {
            true => Ok(()),
            false => Err(TooManyColumns {
                name: name.to_owned(),
            }),
        }
    }

    fn place_of(&mut self, name: &str) -> usize {
        if let Some(at) = self.places.get(name) {
            return *at;
        }
        self.places.insert(name.to_owned(), self.columns.len());
        self.columns.push((name.to_owned(), Kinds::default()));
        self.columns.len() - 1
    }
}

impl Marks {
    fn begin(&mut self) {
        self.row += 1;
        if !self.again.is_empty() {
            self.again.clear();
        }
    }

    /// Whether the row shows a column for the first time.
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

    /// What a column is called that has the name of another in the same row, as in
    /// [`unique_names`](crate::inspect::table::unique_names).
    fn next_name(&mut self, columns: &[(String, Kinds)], at: usize) -> String {
        let times = self.again.entry(at).or_default();
        *times += 1;
        let name = columns.get(at).map(|(name, _)| name.as_str());
        format!("{}_{times}", name.unwrap_or_default())
    }
}
