//! Splices of rows of columnar files.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::SchemaRef;

use crate::inspect::edits::CellError;
use crate::inspect::edits::FileOverlay;
use crate::inspect::edits::NewSplice;
use crate::inspect::edits::NewValue;
use crate::inspect::edits::RowPlace;
use crate::inspect::edits::SpliceKind;
use crate::inspect::edits::ValueForm;
use crate::inspect::edits::set_cell;
use crate::inspect::edits::typed_json;
use crate::inspect::table::CheckError;
use crate::inspect::table::EditedRow;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::inspect::table::check_row;
use crate::registry::edits::change::CellChange;
use crate::registry::edits::change::no_column;
use crate::registry::edits::error::EditError;
use crate::registry::edits::journal_file::journal_error;
use crate::registry::error::Error;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::wire::DecodeError;

/// One columnar file, read with its edits.
pub(crate) struct ColumnarRows<'a> {
    /// Name of the target, for messages.
    pub(crate) target: &'a str,
    pub(crate) schema: SchemaRef,
    rows: u64,
    overlay: Arc<FileOverlay>,
    /// Path of the journal, for messages.
    journal: &'a Path,
}

impl<'a> ColumnarRows<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// Errors of reading, and a file that is not columnar.
    pub(crate) fn open(
        file: &TargetFile,
        target: &'a str,
        journal: &'a Path,
    ) -> Result<Self, Error> {
        let opened = file.opened()?;
        let columnar = opened.table.columnar().cloned();
        let (columnar, rows) = columnar
            .zip(opened.table.rows())
            .ok_or_else(|| Error::Rows {
                target: target.to_owned(),
                source: TableError::Unsupported("it is not columnar".to_owned()),
            })?;
        let overlay = match &file.place {
            FileLocation::Edited(_, overlay) => Arc::clone(overlay),
            _ => Arc::new(FileOverlay::of_rows(Arc::default())),
        };
        Ok(Self {
            target,
            schema: columnar.schema,
            rows,
            overlay,
            journal,
        })
    }

    /// Returns the splices of new values, one each, in the given order. Each one's positions are those
    /// after the ones before it.
    ///
    /// # Errors
    /// [`EditError::NoRow`], [`EditError::Cell`] and [`Error::NoSuchColumn`].
    pub(crate) fn set(&self, changes: &[CellChange]) -> Result<Vec<NewSplice>, Error> {
        // Text of each changed row, and bytes by which it has grown so far.
        let mut texts: std::collections::BTreeMap<u64, (u64, Vec<u8>, i64)> = Default::default();
        let mut splices = Vec::new();
        for change in changes {
            self.require(change.row)?;
            if !texts.contains_key(&change.row) {
                let (at, text) = self.stored(change.row)?;
                texts.insert(change.row, (at, text, 0));
            }
            let before: i64 = texts.range(..change.row).map(|(_, (_, _, by))| by).sum();
            let Some((at, text, grown)) = texts.get_mut(&change.row) else {
                continue;
            };
            let new = self.with_value(text, change)?;
            let start = at.saturating_add_signed(before);
            splices.push(NewSplice {
                kind: SpliceKind::Change,
                row: change.row,
                rows: 1,
                at: start,
                bytes: text.len() as u64,
                keep_front: 0,
                keep_back: 0,
                text: new.clone(),
            });
            *grown += new.len() as i64 - text.len() as i64;
            *text = new;
        }
        Ok(splices)
    }

    /// Returns the stored text of a row with a new value.
    fn with_value(&self, stored: &[u8], change: &CellChange) -> Result<Vec<u8>, Error> {
        let cell_error = |source| -> Error {
            EditError::Cell {
                target: self.target.to_owned(),
                row: change.row,
                column: change.column.clone(),
                source,
            }
            .into()
        };
        let Ok(field) = self.schema.field_with_name(&change.column) else {
            return Err(self.no_column(&change.column));
        };
        let value = NewValue {
            text: &change.value,
            form: change.form,
            column_type: Some(field.data_type()),
        };
        let json = typed_json(None, &value).map_err(cell_error)?;
        let json = String::from_utf8_lossy(&json).into_owned();
        let value = NewValue {
            text: &json,
            form: ValueForm::Json,
            column_type: Some(field.data_type()),
        };
        let line = stored.strip_suffix(b"\n").unwrap_or(stored);
        let number = match self.overlay.place_of(change.row) {
            RowPlace::Base { row, .. } => row,
            RowPlace::Region { .. } => 0,
        };
        let row = match stored.is_empty() {
            true => EditedRow::Changed(number, b"{}"),
            false => EditedRow::parse(line).ok_or_else(|| self.damaged())?,
        };
        let (object, number) = match row {
            EditedRow::Whole(object) => (object, None),
            EditedRow::Changed(number, object) => (object, Some(number)),
        };
        let object = set_cell(&Shape::Json, object, &change.column, &value).map_err(cell_error)?;
        check_row(&object, &self.schema, number.is_none()).map_err(|error| match error {
            CheckError::NoColumn(name) => self.no_column(&name),
            CheckError::Other(_) => cell_error(CellError::WrongType {
                value: change.value.clone(),
                wanted: format!("of type {}", field.data_type()),
            }),
        })?;
        Ok(match number {
            None => EditedRow::Whole(&object).to_text(),
            Some(number) => EditedRow::Changed(number, &object).to_text(),
        })
    }

    /// Returns the splices that remove ranges of rows, which are in order and do not touch.
    ///
    /// # Errors
    /// [`EditError::NoRow`].
    pub(crate) fn delete(&self, ranges: &[(u64, u64)]) -> Result<Vec<NewSplice>, Error> {
        let splices = ranges.iter().map(|(from, to)| {
            self.require(to - 1)?;
            let (start, end) = (self.stored(*from)?.0, self.start(*to)?);
            Ok(NewSplice::delete((*from, to - from), start, end - start))
        });
        splices.collect()
    }

    /// Returns the splice that inserts rows in front of a row, or behind the last. `rows` are JSON
    /// objects.
    ///
    /// # Errors
    /// [`EditError::NoRow`], [`EditError::Insert`] and [`Error::NoSuchColumn`].
    pub(crate) fn insert(
        &self,
        at: u64,
        rows: &[Vec<u8>],
        from: &str,
    ) -> Result<Vec<NewSplice>, Error> {
        if at > self.rows {
            self.require(at)?;
        }
        let mut text = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            check_row(row, &self.schema, true).map_err(|error| match error {
                CheckError::NoColumn(name) => self.no_column(&name),
                CheckError::Other(why) => EditError::Insert {
                    from: from.to_owned(),
                    row: number as u64,
                    why,
                }
                .into(),
            })?;
            text.extend_from_slice(&EditedRow::Whole(row).to_text());
        }
        let start = self.start(at)?;
        Ok(vec![NewSplice::insert(
            (at, rows.len() as u64),
            start,
            text,
        )])
    }

    fn require(&self, row: u64) -> Result<(), Error> {
        if row < self.rows {
            return Ok(());
        }
        let (target, rows) = (self.target.to_owned(), self.rows);
        Err(EditError::NoRow { target, row, rows }.into())
    }

    fn stored(&self, row: u64) -> Result<(u64, Vec<u8>), Error> {
        let stored = self.overlay.stored_row(row);
        stored.map_err(|source| journal_error(self.journal, source))
    }

    /// Returns the offset of a row, or of the end.
    fn start(&self, row: u64) -> Result<u64, Error> {
        match row < self.rows {
            true => Ok(self.stored(row)?.0),
            false => Ok(self.overlay.bytes()),
        }
    }

    fn damaged(&self) -> Error {
        journal_error(self.journal, DecodeError::Invalid("an edited row"))
    }

    fn no_column(&self, column: &str) -> Error {
        let names = self.schema.fields().iter().map(|f| f.name().clone());
        no_column(self.target, column, names.collect())
    }
}
