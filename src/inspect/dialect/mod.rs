//! Dialect of a delimited file: separator, quote, and header. A window at the front of the file
//! decides it once; no other separator or quote counts afterwards.

mod header;
mod options;
mod sniff;
#[cfg(test)]
mod tests;

use arrow_schema::Schema;

pub use options::Dialect;
pub use options::ReadOptions;

use crate::inspect::dialect::header::HeaderCheck;
use crate::inspect::dialect::sniff::sniff;
use crate::inspect::format::detect::Format;
use crate::inspect::format::infer::InferredType;
use crate::inspect::format::infer::Object;
use crate::inspect::table::Cell;
use crate::inspect::table::Fields;
use crate::inspect::table::records_of;
use crate::inspect::table::unique_names;

/// Table as detected from the front of a file.
#[derive(Debug)]
pub(crate) struct DelimitedTable {
    pub(crate) dialect: Dialect,
    /// Names of the columns, possibly with repetitions; the schema renames those.
    pub(crate) names: Vec<String>,
    /// Those of the names that have bytes that are not UTF-8, with U+FFFD in their place.
    pub(crate) not_utf8: Vec<String>,
    /// The largest number of fields of a record that was looked at.
    pub(crate) widest: usize,
    /// Types of the columns; `None` without a record.
    pub(crate) schema: Option<Schema>,
}

/// Detects the separator and the quote of a text from its beginning.
pub(crate) fn detect_marks(
    format: Format,
    text: &[u8],
    is_whole: bool,
    options: &ReadOptions,
) -> (u8, Option<u8>) {
    sniff(format, text, is_whole, options)
}

/// Analyses the front of a file. The last record counts only if the text `is_whole`.
pub(crate) fn detect_table(
    format: Format,
    text: &[u8],
    is_whole: bool,
    options: &ReadOptions,
) -> DelimitedTable {
    let (separator, quote) = detect_marks(format, text, is_whole, options);
    let mut records = records_of(text, separator, quote, is_whole);
    let mut dialect = Dialect {
        separator,
        quote,
        has_header: options.has_header.unwrap_or(false),
    };
    let Some(first) = records.next() else {
        return DelimitedTable {
            dialect,
            names: Vec::new(),
            not_utf8: Vec::new(),
            widest: 0,
            schema: None,
        };
    };
    let first = cells(first, separator, quote);
    let mut columns = vec![InferredType::Null; first.len()];
    let mut check = HeaderCheck::new(&first);
    let mut widest = first.len();
    let mut buffer = Vec::new();
    for record in records {
        check.begin_row();
        for (n, raw) in Fields::new(record, separator, quote).enumerate() {
            widest = widest.max(n + 1);
            let Some(column) = columns.get_mut(n) else {
                continue;
            };
            let field = content(raw, quote, &mut buffer);
            column.merge(InferredType::of_cell(field));
            check.add(n, field);
        }
    }
    dialect.has_header = options
        .has_header
        .unwrap_or_else(|| check.finds_header(&columns));
    if !dialect.has_header {
        for (column, cell) in columns.iter_mut().zip(&first) {
            column.merge(InferredType::of_cell(cell));
        }
    }
    let names = names(&first, dialect.has_header);
    let not_utf8 = match dialect.has_header {
        true => names_not_utf8(&first, &names),
        false => Vec::new(),
    };
    let mut object = Object::default();
    let unique = unique_names(names.iter().cloned());
    for (name, shape) in unique.iter().zip(columns) {
        object.add(name, as_cells(shape));
    }
    DelimitedTable {
        dialect,
        names,
        not_utf8,
        widest,
        schema: InferredType::Object(object).schema(),
    }
}

/// Names of the columns: from the header, otherwise numbered.
fn names(first: &[Vec<u8>], has_header: bool) -> Vec<String> {
    let named = first.iter().enumerate().map(|(n, cell)| {
        let name = String::from_utf8_lossy(cell);
        match name.trim() {
            "" => format!("column_{}", n + 1),
            _ if !has_header => format!("column_{}", n + 1),
            name => name.to_owned(),
        }
    });
    named.collect()
}

/// The names of columns whose cell in the header is not UTF-8.
fn names_not_utf8(header: &[Vec<u8>], names: &[String]) -> Vec<String> {
    let cells = header.iter().zip(names);
    let broken = cells.filter(|(cell, _)| std::str::from_utf8(cell).is_err());
    broken.map(|(_, name)| name.clone()).collect()
}

/// Splits a record into the contents of its fields.
fn cells(record: &[u8], separator: u8, quote: Option<u8>) -> Vec<Vec<u8>> {
    let mut buffer = Vec::new();
    let fields = Fields::new(record, separator, quote);
    fields
        .map(|raw| content(raw, quote, &mut buffer).to_vec())
        .collect()
}

fn content<'a>(raw: &'a [u8], quote: Option<u8>, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    match Fields::content(raw, quote, buffer) {
        Cell::Text(text) => text,
        _ => b"",
    }
}

/// Maps a cell type to a column type. Mixed cells are text, and a column without values accepts
/// anything.
fn as_cells(shape: InferredType) -> InferredType {
    match shape {
        InferredType::Mixed => InferredType::Text,
        other => other,
    }
}
