//! How a delimited file is written: what stands between its fields, what quotes them, and whether
//! its first record names the columns. This is decided once, from the records of a window at the
//! file's front; from then on only that separator and that quote count.

mod header;
mod sniff;
#[cfg(test)]
mod tests;

use arrow_schema::Schema;

use crate::inspect::dialect::header::HeaderCheck;
use crate::inspect::dialect::sniff::sniff;
use crate::inspect::format::detect::Format;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::infer::Object;
use crate::inspect::format::infer::Shape;
use crate::inspect::table::Cell;
use crate::inspect::table::Fields;
use crate::inspect::table::records_of;
use crate::inspect::table::unique_names;

/// How a delimited file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between fields.
    pub separator: u8,
    /// What quotes a field, and is doubled within one; none where nothing does.
    pub quote: Option<u8>,
    /// The first record names the columns, and is no row.
    pub has_header: bool,
}

/// What somebody says of how a file is to be read; the rest is decided from its front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What stands between fields.
    pub separator: Option<u8>,
    /// What quotes a field; `Some(None)` where nothing does.
    pub quote: Option<Option<u8>>,
    /// Whether the first record names the columns.
    pub has_header: Option<bool>,
    /// How the characters of the text are written; of any format of text.
    pub encoding: Option<TextEncoding>,
    /// Whether checksums that readers may pass over are compared: those of Parquet pages.
    pub verify: bool,
}

/// What the beginning of a file says of it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) dialect: Dialect,
    /// What the columns are called; a name may be there twice, which in the schema has others then.
    pub(crate) names: Vec<String>,
    /// The types of the columns; none where there is no record.
    pub(crate) schema: Option<Schema>,
}

/// The separator and the quote of a text that begins so.
pub(crate) fn marks(
    format: Format,
    text: &[u8],
    is_whole: bool,
    options: &ReadOptions,
) -> (u8, Option<u8>) {
    sniff(format, text, is_whole, options)
}

/// Looks at the beginning of a file; the last record counts only when the text `is_whole`.
pub(crate) fn table(format: Format, text: &[u8], is_whole: bool, options: &ReadOptions) -> Table {
    let (separator, quote) = marks(format, text, is_whole, options);
    let mut records = records_of(text, separator, quote, is_whole);
    let mut dialect = Dialect {
        separator,
        quote,
        has_header: options.has_header.unwrap_or(false),
    };
    let Some(first) = records.next() else {
        return Table {
            dialect,
            names: Vec::new(),
            schema: None,
        };
    };
    let first = cells(first, separator, quote);
    let mut columns = vec![Shape::Null; first.len()];
    let mut check = HeaderCheck::new(&first);
    let mut buffer = Vec::new();
    for record in records {
        check.begin_row();
        for (n, raw) in Fields::new(record, separator, quote).enumerate() {
            let Some(column) = columns.get_mut(n) else {
                break;
            };
            let said = said(raw, quote, &mut buffer);
            column.merge(Shape::of_cell(said));
            check.add(n, said);
        }
    }
    dialect.has_header = options
        .has_header
        .unwrap_or_else(|| check.finds_header(&columns));
    if !dialect.has_header {
        for (column, cell) in columns.iter_mut().zip(&first) {
            column.merge(Shape::of_cell(cell));
        }
    }
    let names = names(&first, dialect.has_header);
    let mut object = Object::default();
    let unique = unique_names(names.iter().cloned());
    for (name, shape) in unique.iter().zip(columns) {
        object.add(name, as_cells(shape));
    }
    Table {
        dialect,
        names,
        schema: Shape::Object(object).schema(),
    }
}

/// What the columns are called: as the first record says where it is a header, else by number.
fn names(first: &[Vec<u8>], has_header: bool) -> Vec<String> {
    let named = first.iter().enumerate().map(|(n, cell)| {
        let said = String::from_utf8_lossy(cell);
        match said.trim() {
            "" => format!("column_{}", n + 1),
            _ if !has_header => format!("column_{}", n + 1),
            said => said.to_owned(),
        }
    });
    named.collect()
}

/// What the fields of a record say.
fn cells(record: &[u8], separator: u8, quote: Option<u8>) -> Vec<Vec<u8>> {
    let mut buffer = Vec::new();
    let fields = Fields::new(record, separator, quote);
    fields
        .map(|raw| said(raw, quote, &mut buffer).to_vec())
        .collect()
}

fn said<'a>(raw: &'a [u8], quote: Option<u8>, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    match Fields::said(raw, quote, buffer) {
        Cell::Text(text) => text,
        _ => b"",
    }
}

/// Cells without a type in common are text, and a column without any value may hold anything.
fn as_cells(shape: Shape) -> Shape {
    match shape {
        Shape::Mixed => Shape::Text,
        other => other,
    }
}
