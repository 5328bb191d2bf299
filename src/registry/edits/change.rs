//! Splices of rows that are text.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_schema::DataType;
use arrow_schema::Schema;

use crate::inspect::edits::CellError;
use crate::inspect::edits::NewSplice;
use crate::inspect::edits::NewValue;
use crate::inspect::edits::ValueForm;
use crate::inspect::edits::set_cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;
use crate::progress::Progress;
use crate::read_at::ReadAt;
use crate::registry::edits::error::EditError;
use crate::registry::edits::rows::each_row;
use crate::registry::edits::rows::line_end;
use crate::registry::error::Error;
use crate::registry::error::target::TargetError;
use crate::registry::targets::columns::nearest;
use crate::registry::targets::file::RowCountError;
use crate::registry::targets::file::TargetFile;
use crate::wire::limits::ROW_BYTES_MAX;

/// A new value of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellChange {
    /// Number of the row.
    pub row: u64,
    /// Column, or path in a row of JSON.
    pub column: String,
    /// The value as given.
    pub value: String,
    /// Form of the value.
    pub form: ValueForm,
}

impl CellChange {
    /// Reads a change as it is typed: `ROW.COLUMN=VALUE`.
    ///
    /// # Errors
    /// The form that it should have.
    pub fn parse(text: &str, form: ValueForm) -> Result<Self, String> {
        let usage = || "it has the form ROW.COLUMN=VALUE, as in 3.label=2".to_owned();
        let (row, rest) = text.split_once('.').ok_or_else(usage)?;
        let (column, value) = rest.split_once('=').ok_or_else(usage)?;
        let row = row.parse().map_err(|_| usage())?;
        match column.is_empty() {
            true => Err(usage()),
            false => Ok(Self {
                row,
                column: column.to_owned(),
                value: value.to_owned(),
                form,
            }),
        }
    }
}

/// One file whose rows are text, read with its edits.
pub(crate) struct TextRows<'a> {
    pub(crate) file: &'a TargetFile,
    pub(crate) home: &'a Path,
    pub(crate) progress: &'a dyn Progress,
    /// Name of the target, for messages.
    pub(crate) target: &'a str,
    pub(crate) shape: Shape,
    pub(crate) schema: Option<Schema>,
    pub(crate) source: Arc<dyn ReadAt>,
}

/// A row with its place.
struct PlacedRow {
    at: u64,
    text: Vec<u8>,
    line_end: Vec<u8>,
}

impl<'a> TextRows<'a> {
    /// Opens the rows of a file.
    ///
    /// # Errors
    /// Errors of reading.
    pub(crate) fn open(
        (file, home): (&'a TargetFile, &'a Path),
        target: &'a str,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let opened = file.opened()?;
        let source = file.source().map_err(|e| {
            Error::Target(TargetError::Rows {
                target: target.to_owned(),
                source: e,
            })
        })?;
        Ok(Self {
            file,
            home,
            progress,
            target,
            shape: opened.table.shape().clone(),
            schema: opened.schema(),
            source,
        })
    }

    /// Returns the type of a column at the top of the schema.
    fn column_type(&self, column: &str) -> Option<&DataType> {
        let field = self.schema.as_ref()?.field_with_name(column);
        field.ok().map(arrow_schema::Field::data_type)
    }

    /// Returns the splices of new values, one each, in the given order. Each one's positions are those
    /// after the ones before it.
    ///
    /// # Errors
    /// [`EditError::NoRow`], [`EditError::Cell`], [`EditError::TooLong`], and errors of reading.
    pub(crate) fn set(&self, changes: &[CellChange]) -> Result<Vec<NewSplice>, Error> {
        let mut rows: Vec<u64> = changes.iter().map(|change| change.row).collect();
        rows.sort_unstable();
        rows.dedup();
        let mut found: BTreeMap<u64, PlacedRow> = BTreeMap::new();
        let there = each_row((self.file, self.home), &rows, self.progress, &mut |row| {
            if row.is_cut {
                return Err(row_too_long());
            }
            let end = row.at + row.text.len() as u64;
            let placed = PlacedRow {
                at: row.at,
                text: row.text.to_vec(),
                line_end: line_end(self.file, &*self.source, end)?,
            };
            found.insert(row.number, placed);
            Ok(())
        })?;
        if let Some(missing) = rows.get(there) {
            return Err(self.no_row(*missing));
        }
        // Bytes by which each row has grown so far.
        let mut grown: BTreeMap<u64, i64> = BTreeMap::new();
        let mut splices = Vec::with_capacity(changes.len());
        for change in changes {
            let Some(row) = found.get_mut(&change.row) else {
                return Err(self.no_row(change.row));
            };
            let new = self.with_value(&row.text, change)?;
            let before: i64 = grown.range(..change.row).map(|(_, by)| by).sum();
            let at = row.at.saturating_add_signed(before);
            let whole = |text: &[u8]| [text, row.line_end.as_slice()].concat();
            let (old, text) = (whole(&row.text), whole(&new));
            splices.push(NewSplice::change((change.row, 1), at, &old, &text));
            let by = text.len() as i64 - old.len() as i64;
            *grown.entry(change.row).or_default() += by;
            row.text = new;
        }
        Ok(splices)
    }

    fn with_value(&self, row: &[u8], change: &CellChange) -> Result<Vec<u8>, Error> {
        let value = NewValue {
            text: &change.value,
            form: change.form,
            column_type: self.column_type(&change.column),
        };
        let new = set_cell(&self.shape, row, &change.column, &value);
        let new = new.map_err(|error| self.cell_error(row, change, error))?;
        match new.len() > ROW_BYTES_MAX {
            true => Err(row_too_long()),
            false => Ok(new),
        }
    }

    fn cell_error(&self, row: &[u8], change: &CellChange, source: CellError) -> Error {
        if source == CellError::NoColumn {
            let mut names = self.file.opened().map_or(Vec::new(), |o| o.column_names());
            let schema = self.schema.iter().flat_map(|schema| schema.fields());
            names.extend(schema.map(|field| field.name().clone()));
            let mut scratch = Scratch::default();
            self.shape.each_cell(row, &mut scratch, &mut |name, _| {
                names.push(name.to_owned());
            });
            return no_column(self.target, &change.column, names);
        }
        EditError::Cell {
            target: self.target.to_owned(),
            row: change.row,
            column: change.column.clone(),
            source,
        }
        .into()
    }

    /// Returns the splices that remove ranges of rows, which are in order and do not touch.
    ///
    /// # Errors
    /// [`EditError::NoRow`], and errors of reading.
    pub(crate) fn delete(&self, ranges: &[(u64, u64)]) -> Result<Vec<NewSplice>, Error> {
        let bounds: Vec<u64> = ranges.iter().flat_map(|(from, to)| [*from, *to]).collect();
        let starts = self.starts(&bounds)?;
        let pairs = ranges.iter().zip(starts.chunks_exact(2));
        let splices = pairs.map(|((from, to), starts)| match starts {
            [start, end] => NewSplice::delete((*from, to - from), *start, end - start),
            _ => NewSplice::delete((*from, to - from), 0, 0),
        });
        Ok(splices.collect())
    }

    /// Returns the offsets of rows in ascending order; the end of the file for the row behind the
    /// last.
    fn starts(&self, rows: &[u64]) -> Result<Vec<u64>, Error> {
        let mut starts = Vec::with_capacity(rows.len());
        let there = each_row((self.file, self.home), rows, self.progress, &mut |row| {
            starts.push(row.at);
            Ok(())
        })?;
        if let Some(missing) = rows.get(there) {
            let count = self.count()?;
            if *missing > count || there + 1 < rows.len() {
                return Err(self.no_row_of(missing.saturating_sub(1).max(count), count));
            }
            starts.push(self.source.len());
        }
        Ok(starts)
    }

    /// Returns the splices that insert rows in front of a row, or behind the last one. `rows` are
    /// texts without line ends.
    ///
    /// # Errors
    /// [`EditError::NoRow`], and errors of reading.
    pub(crate) fn insert(&self, at: u64, rows: &[Vec<u8>]) -> Result<Vec<NewSplice>, Error> {
        let before = at.checked_sub(1);
        let wanted: Vec<u64> = before.into_iter().chain([at]).collect();
        let mut found: Vec<(u64, u64, Vec<u8>)> = Vec::new();
        let there = each_row((self.file, self.home), &wanted, self.progress, &mut |row| {
            // The end of a cut row is the beginning of the next.
            let end = row.at + row.text.len() as u64;
            let line_end = match row.is_cut {
                true => b"\n".to_vec(),
                false => line_end(self.file, &*self.source, end)?,
            };
            found.push((row.number, row.at, line_end));
            Ok(())
        })?;
        let count = |missing: u64| match self.count()? {
            count if missing > count => Err(self.no_row_of(missing, count)),
            count => Ok(count),
        };
        if there < wanted.len() {
            count(at)?;
        }
        let size = self.source.len();
        let of_end = found.iter().find(|(_, _, end)| !end.is_empty());
        let newline = of_end.map_or_else(|| b"\n".to_vec(), |(_, _, end)| end.clone());
        let start = found.iter().find(|(number, ..)| *number == at);
        let start = start.map_or(size, |(_, start, _)| *start);
        let mut splices = Vec::new();
        let mut text = Vec::new();
        if start == size && size > 0 && !self.ends_in_newline()? {
            match found.iter().find(|(number, ..)| Some(*number) == before) {
                Some((number, row_at, _)) => {
                    let bytes = size - row_at;
                    splices.push(NewSplice::end_row(*number, *row_at, bytes, &newline));
                }
                // A header without a line end.
                None if matches!(self.shape, Shape::Delimited(_)) => {
                    text.extend_from_slice(&newline);
                }
                None => {}
            }
        }
        for row in rows {
            text.extend_from_slice(row);
            text.extend_from_slice(&newline);
        }
        splices.push(NewSplice::insert((at, rows.len() as u64), start, text));
        Ok(splices)
    }

    fn ends_in_newline(&self) -> Result<bool, Error> {
        let last = self.source.len().saturating_sub(1);
        let end = line_end(self.file, &*self.source, last)?;
        Ok(!end.is_empty())
    }

    fn count(&self) -> Result<u64, Error> {
        let counted = self.file.count(self.home, self.progress);
        counted.map_err(|error| match error {
            RowCountError::Complete(error) => error,
            RowCountError::Rows(source) => Error::Target(TargetError::Rows {
                target: self.target.to_owned(),
                source,
            }),
        })
    }

    fn no_row(&self, row: u64) -> Error {
        match self.count() {
            Ok(rows) => self.no_row_of(row, rows),
            Err(error) => error,
        }
    }

    fn no_row_of(&self, row: u64, rows: u64) -> Error {
        let target = self.target.to_owned();
        EditError::NoRow { target, row, rows }.into()
    }
}

/// Returns the error for a column that is not there, with similar names.
pub(crate) fn no_column(target: &str, column: &str, names: Vec<String>) -> Error {
    Error::Target(TargetError::NoSuchColumn {
        target: target.to_owned(),
        column: column.to_owned(),
        near: nearest(column, &names.into_iter().collect()),
    })
}

/// Returns the error for a row beyond the limit.
pub(crate) fn row_too_long() -> Error {
    EditError::TooLong {
        what: "a row",
        limit: ROW_BYTES_MAX as u64,
        name: "row_bytes_max",
    }
    .into()
}
