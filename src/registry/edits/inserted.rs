//! Rows of another file, as texts of an edited one.

use arrow_schema::Schema;

use crate::inspect::edits::NewValue;
use crate::inspect::edits::ValueForm;
use crate::inspect::edits::typed_json;
use crate::inspect::json::validate;
use crate::inspect::json::write::text_into;
use crate::inspect::table::Cell;
use crate::inspect::table::Header;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TEXT_COLUMN;
use crate::progress::Progress;
use crate::registry::Target;
use crate::registry::edits::change::no_column;
use crate::registry::edits::change::row_too_long;
use crate::registry::edits::error::EditError;
use crate::registry::error::Error;
use crate::wire::limits::EDIT_RECORD_BYTES_MAX;
use crate::wire::limits::ROW_BYTES_MAX;

/// Form of the rows of an edited file.
pub(crate) struct RowShape<'a> {
    /// Name of the edited target, for messages.
    pub(crate) target: &'a str,
    pub(crate) shape: &'a Shape,
    pub(crate) schema: Option<&'a Schema>,
}

impl RowShape<'_> {
    /// Returns the rows of a target as texts without line ends.
    ///
    /// # Errors
    /// [`EditError::Insert`] for a row that has no form here, [`Error::NoSuchColumn`],
    /// [`EditError::TooLong`], and errors of reading.
    pub(crate) fn rows_of(
        &self,
        from: &Target,
        progress: &dyn Progress,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let batches = from.all(Selection::default());
        let mut batch = crate::inspect::table::Batch::default();
        let (mut rows, mut first, mut bytes) = (Vec::new(), 0, 0);
        loop {
            if progress.cancelled() {
                return Err(Error::Interrupted);
            }
            if let NextBatch::End(_) = batches.next(&mut batch).map_err(|e| from.blame(e))? {
                return Ok(rows);
            }
            for row in batch.rows() {
                if batch.long(&row).is_some() {
                    return Err(row_too_long());
                }
                let number = first + row.index;
                let text = self.converted(batch.shape(), row.text, (from.name(), number))?;
                bytes += text.len() + 1;
                if text.len() > ROW_BYTES_MAX {
                    return Err(row_too_long());
                }
                if bytes > EDIT_RECORD_BYTES_MAX {
                    return Err(EditError::TooLong {
                        what: "the inserted rows",
                        limit: EDIT_RECORD_BYTES_MAX as u64,
                        name: "edit_record_bytes_max",
                    }
                    .into());
                }
                rows.push(text);
            }
            first += batch.count();
        }
    }

    fn converted(
        &self,
        shape: &Shape,
        row: &[u8],
        (from, number): (&str, u64),
    ) -> Result<Vec<u8>, Error> {
        let refused = |why: String| -> Error {
            let (from, row) = (from.to_owned(), number);
            EditError::Insert { from, row, why }.into()
        };
        match (self.shape, shape) {
            (Shape::Json, Shape::Json) => match validate(row) {
                // Line breaks between tokens would end the row.
                Ok(()) => Ok(one_line(row.trim_ascii())),
                Err(e) => Err(refused(e.to_string())),
            },
            (Shape::Json, shape) => self.as_json(shape, row).map_err(refused),
            (Shape::Delimited(header), shape) => self.as_record(header, shape, row, &refused),
            (Shape::Text, Shape::Text) => Ok(row.to_vec()),
            (Shape::Text, Shape::Json) => {
                validate(row).map_err(|e| refused(e.to_string()))?;
                Ok(one_line(row.trim_ascii()))
            }
            (Shape::Text, Shape::Delimited(_)) => {
                let mut scratch = Scratch::default();
                let cell = shape.cell(row, TEXT_COLUMN, &mut scratch);
                let text = cell.map(|cell| cell.bytes().to_vec());
                let text = text.ok_or_else(|| refused("it has no column `text`".to_owned()))?;
                match text.contains(&b'\n') {
                    true => Err(refused("its text has a line break".to_owned())),
                    false => Ok(text),
                }
            }
        }
    }

    /// Returns a record or a line as a JSON object. Values get the types that the columns have here.
    fn as_json(&self, shape: &Shape, row: &[u8]) -> Result<Vec<u8>, String> {
        let mut json = vec![b'{'];
        let mut done = Ok(());
        let mut scratch = Scratch::default();
        shape.each_cell(row, &mut scratch, &mut |name, cell| {
            if json.len() > 1 {
                json.push(b',');
            }
            text_into(name.as_bytes(), &mut json);
            json.push(b':');
            match self.typed(name, cell) {
                Ok(value) => json.extend_from_slice(&value),
                Err(why) => done = Err(why),
            }
        });
        json.push(b'}');
        done.map(|()| json)
    }

    fn typed(&self, name: &str, cell: Cell<'_>) -> Result<Vec<u8>, String> {
        let Cell::Text(text) = cell else {
            return Ok(match cell {
                Cell::Null => b"null".to_vec(),
                other => other.bytes().to_vec(),
            });
        };
        let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
        let field = self.schema.and_then(|s| s.field_with_name(name).ok());
        let value = NewValue {
            text,
            form: match field {
                Some(_) => ValueForm::OfCell,
                None => ValueForm::Text,
            },
            column_type: field.map(arrow_schema::Field::data_type),
        };
        typed_json(None, &value).map_err(|e| format!("`{name}`: {e}"))
    }

    /// Returns a row as a record with the columns of a header.
    fn as_record(
        &self,
        header: &Header,
        shape: &Shape,
        row: &[u8],
        refused: &dyn Fn(String) -> Error,
    ) -> Result<Vec<u8>, Error> {
        let mut fields: Vec<Vec<u8>> = vec![Vec::new(); header.names.len()];
        let mut unknown = None;
        let mut failed = None;
        let mut scratch = Scratch::default();
        let is_whole = shape.each_cell(row, &mut scratch, &mut |name, cell| {
            let place = header.names.iter().position(|known| known == name);
            match place.and_then(|n| fields.get_mut(n)) {
                None => unknown = Some(name.to_owned()),
                Some(field) => match header.written_field(cell.bytes(), false) {
                    Ok(text) => *field = text,
                    Err(e) => failed = Some(format!("`{name}`: {e}")),
                },
            }
        });
        if let Some(name) = unknown {
            return Err(no_column(self.target, &name, header.names.clone()));
        }
        if let Some(why) = failed {
            return Err(refused(why));
        }
        match is_whole {
            true => Ok(fields.join(&header.separator)),
            false => Err(refused("it is malformed".to_owned())),
        }
    }
}

/// Replaces line breaks between the tokens of a JSON text.
fn one_line(json: &[u8]) -> Vec<u8> {
    let is_break = |b: u8| matches!(b, b'\n' | b'\r');
    json.iter()
        .map(|b| if is_break(*b) { b' ' } else { *b })
        .collect()
}
