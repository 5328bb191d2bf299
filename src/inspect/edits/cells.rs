//! New values of cells, written into the text of a row.

use arrow_schema::DataType;
use thiserror::Error;

use crate::inspect::format::cell_type::CellType;
use crate::inspect::format::cell_type::look;
use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;
use crate::inspect::json::field;
use crate::inspect::json::field_at;
use crate::inspect::json::validate;
use crate::inspect::json::write::text_into;
use crate::inspect::table::Fields;
use crate::inspect::table::Header;
use crate::inspect::table::Shape;
use crate::inspect::table::TEXT_COLUMN;
use crate::inspect::table::VALUE_COLUMN;

/// Form of a given value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueForm {
    /// Text where the cell is text, and JSON elsewhere.
    #[default]
    OfCell,
    /// The text is JSON.
    Json,
    /// The text is the value itself.
    Text,
}

/// A new value of a cell.
#[derive(Clone, Copy, Debug)]
pub struct NewValue<'a> {
    /// The value as given.
    pub text: &'a str,
    /// Its form.
    pub form: ValueForm,
    /// Type of the column, if the file declares one or its front has one.
    pub column_type: Option<&'a DataType>,
}

/// Reason why a cell cannot get a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CellError {
    /// Neither the row nor the file has the column.
    #[error("there is no such column")]
    NoColumn,
    /// The path leads to several values.
    #[error("the path leads to several values; name one by its number, as in `messages.0.content`")]
    Several,
    /// The value has another type than the cell or the column.
    #[error("`{value}` is not {wanted}")]
    WrongType {
        /// The value as given.
        value: String,
        /// The type of the cell or column.
        wanted: String,
    },
    /// The value is no JSON.
    #[error("`{0}` is not JSON")]
    NotJson(String),
    /// The row cannot be parsed.
    #[error("the row is malformed: {0}")]
    Malformed(String),
    /// The format has no form for the value.
    #[error("the value has a line break, and the file has no form for one")]
    LineBreak,
    /// The dialect cannot quote the value.
    #[error("the value has a separator, a quote or a line break, and the file has no quotes")]
    NoQuote,
}

/// Returns the text of a row with a new value in one cell. All other bytes stay.
///
/// # Errors
/// [`CellError`] if the row has no such cell, or it cannot have the value.
pub fn set_cell(
    shape: &Shape,
    row: &[u8],
    column: &str,
    value: &NewValue<'_>,
) -> Result<Vec<u8>, CellError> {
    match shape {
        Shape::Json => set_json(row, &plain_path(column)?, value),
        Shape::Delimited(header) => set_field(header, row, column, value),
        Shape::Text if column != TEXT_COLUMN => Err(CellError::NoColumn),
        Shape::Text if value.text.contains(['\n', '\r']) => Err(CellError::LineBreak),
        Shape::Text => Ok(value.text.as_bytes().to_vec()),
    }
}

/// Turns `a[0].b` into `a.0.b`.
fn plain_path(column: &str) -> Result<String, CellError> {
    if column.contains("[]") {
        return Err(CellError::Several);
    }
    Ok(column.replace('[', ".").replace(']', ""))
}

fn find<'a>(row: &'a [u8], path: &str) -> Result<Option<Value<'a>>, CellError> {
    // A key may contain dots, so the whole path is first tried as one key.
    match field_at(row, &[path]) {
        Ok(Some(value)) => Ok(Some(value)),
        _ => field(row, path).map_err(|e| CellError::Malformed(e.to_string())),
    }
}

fn set_json(row: &[u8], path: &str, value: &NewValue<'_>) -> Result<Vec<u8>, CellError> {
    validate(row).map_err(|e| CellError::Malformed(e.to_string()))?;
    let is_alone = path == VALUE_COLUMN && !row.trim_ascii_start().starts_with(b"{");
    let found = match is_alone {
        true => Scanner::new(row).skip_value().ok().flatten(),
        false => find(row, path)?,
    };
    let new = typed_json(found.map(|v| v.kind), value)?;
    if let Some(found) = found {
        let span = found.span();
        let front = row.get(..span.start).unwrap_or_default();
        let back = row.get(span.end..).unwrap_or_default();
        return Ok([front, new.as_slice(), back].concat());
    }
    // Only a column that other rows have may be missing in this one.
    if value.column_type.is_none() || path.is_empty() {
        return Err(CellError::NoColumn);
    }
    add_member(row, path, &new)
}

/// Appends a member to the object of a row.
fn add_member(row: &[u8], key: &str, value: &[u8]) -> Result<Vec<u8>, CellError> {
    let mut scanner = Scanner::new(row);
    let is_object = matches!(scanner.next_event(), Ok(Some(Event::Object)));
    let end = row.iter().rposition(|b| *b == b'}');
    let (true, Some(end)) = (is_object, end) else {
        return Err(CellError::NoColumn);
    };
    let is_empty = matches!(scanner.next_event(), Ok(Some(Event::ObjectEnd)));
    let (front, back) = row.split_at_checked(end).unwrap_or((row, &[]));
    let front = front.trim_ascii_end();
    let is_spaced = memchr::memmem::find(front, b"\": ").is_some();
    let mut out = front.to_vec();
    match (is_empty, is_spaced) {
        (true, _) => {}
        (false, true) => out.extend_from_slice(b", "),
        (false, false) => out.push(b','),
    }
    text_into(key.as_bytes(), &mut out);
    out.extend_from_slice(if is_spaced { b": " } else { b":" });
    out.extend_from_slice(value);
    out.extend_from_slice(back);
    Ok(out)
}

/// Returns the JSON of a value for a cell that has a value of this kind, or none.
///
/// # Errors
/// [`CellError::WrongType`], or [`CellError::NotJson`].
pub fn typed_json(now: Option<ValueKind>, value: &NewValue<'_>) -> Result<Vec<u8>, CellError> {
    let text = value.text;
    let quoted = || {
        let mut out = Vec::new();
        text_into(text.as_bytes(), &mut out);
        out
    };
    let json = || match validate(text.as_bytes()) {
        // Line breaks between tokens would end the row.
        Ok(()) => Some(text.trim().replace(['\n', '\r'], " ").into_bytes()),
        Err(_) => None,
    };
    let wrong = |wanted: &str| CellError::WrongType {
        value: text.to_owned(),
        wanted: wanted.to_owned(),
    };
    match value.form {
        ValueForm::Json => return json().ok_or_else(|| CellError::NotJson(text.to_owned())),
        ValueForm::Text => return Ok(quoted()),
        ValueForm::OfCell => {}
    }
    let now = now.filter(|kind| *kind != ValueKind::Null);
    let wanted = match (now, value.column_type) {
        (Some(kind), _) => kind_name(kind),
        (None, Some(of)) => type_name(of),
        (None, None) => None,
    };
    match wanted {
        Some(TEXT) => Ok(quoted()),
        Some(wanted) => {
            let found = json().ok_or_else(|| wrong(wanted))?;
            let kind = Scanner::new(&found).skip_value().ok().flatten();
            let kind = kind.map_or(ValueKind::Null, |v| v.kind);
            match kind == ValueKind::Null || kind_name(kind) == Some(wanted) {
                true => Ok(found),
                false => Err(wrong(wanted)),
            }
        }
        None => Ok(json().unwrap_or_else(quoted)),
    }
}

const TEXT: &str = "text";

fn kind_name(kind: ValueKind) -> Option<&'static str> {
    match kind {
        ValueKind::Null => None,
        ValueKind::Bool => Some("a Boolean"),
        ValueKind::Number => Some("a number"),
        ValueKind::String => Some(TEXT),
        ValueKind::Array => Some("an array"),
        ValueKind::Object => Some("an object"),
    }
}

fn type_name(of: &DataType) -> Option<&'static str> {
    match of {
        DataType::Boolean => Some("a Boolean"),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            Some("an array")
        }
        DataType::Struct(_) | DataType::Map(..) => Some("an object"),
        of if of.is_numeric() => Some("a number"),
        DataType::Null => None,
        // Times and binary data are text in JSON.
        _ => Some(TEXT),
    }
}

fn set_field(
    header: &Header,
    row: &[u8],
    column: &str,
    value: &NewValue<'_>,
) -> Result<Vec<u8>, CellError> {
    let number = header.names.iter().position(|name| name == column);
    let number = number.ok_or(CellError::NoColumn)?;
    check_field(value)?;
    let mut at = 0;
    let mut fields = 0;
    let mut old: Option<(usize, &[u8])> = None;
    for raw in Fields::new(row, header.separator, header.quote) {
        if fields == number {
            old = Some((at, raw));
        }
        fields += 1;
        at += raw.len() + 1;
    }
    let was_quoted = old.is_some_and(|(_, raw)| raw.first().copied() == header.quote.or(Some(0)));
    let was_quoted = was_quoted && header.quote.is_some();
    let new = header.written_field(value.text.as_bytes(), was_quoted)?;
    let Some((at, raw)) = old else {
        // The record is shorter than the header.
        let mut out = row.to_vec();
        out.extend(std::iter::repeat_n(header.separator, number + 1 - fields));
        out.extend_from_slice(&new);
        return Ok(out);
    };
    let front = row.get(..at).unwrap_or_default();
    let back = row.get(at + raw.len()..).unwrap_or_default();
    Ok([front, new.as_slice(), back].concat())
}

fn check_field(value: &NewValue<'_>) -> Result<(), CellError> {
    let (Some(of), false) = (value.column_type, value.text.is_empty()) else {
        return Ok(());
    };
    let found = look(value.text.as_bytes());
    let wanted = match of {
        DataType::Boolean if !matches!(found, CellType::Bool(_)) => "true or false",
        of if of.is_integer() && found != CellType::Number(true) => "an integer",
        of if of.is_floating() && !matches!(found, CellType::Number(_)) => "a number",
        _ => return Ok(()),
    };
    if value.form == ValueForm::Text {
        return Ok(());
    }
    Err(CellError::WrongType {
        value: value.text.to_owned(),
        wanted: wanted.to_owned(),
    })
}

impl Header {
    /// Returns the text of a field in the dialect of the file. A field that was quoted stays so.
    ///
    /// # Errors
    /// [`CellError::NoQuote`] if it needs quotes, and the dialect has none.
    pub fn written_field(&self, bytes: &[u8], was_quoted: bool) -> Result<Vec<u8>, CellError> {
        let is_special =
            |b: &u8| *b == self.separator || matches!(b, b'\n' | b'\r') || Some(*b) == self.quote;
        // A blank record of one column would be no record.
        let is_blank = self.names.len() == 1 && bytes.is_empty();
        let needs = is_blank || bytes.iter().any(is_special);
        let quote = match self.quote {
            None if needs => return Err(CellError::NoQuote),
            Some(quote) if needs || was_quoted => quote,
            _ => return Ok(bytes.to_vec()),
        };
        let mut out = vec![quote];
        for byte in bytes {
            if *byte == quote {
                out.push(quote);
            }
            out.push(*byte);
        }
        out.push(quote);
        Ok(out)
    }
}
