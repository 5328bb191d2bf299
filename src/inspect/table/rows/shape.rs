//! Syntax of a row's text.

use std::sync::Arc;

/// Syntax of a row's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A JSON value, mostly an object. Rows of JSON Lines and JSON arrays are as written; rows of
    /// Parquet and Arrow files are rendered as objects.
    Json,
    /// Fields with separators between them, quoted per RFC 4180.
    Delimited(Arc<Header>),
    /// Any text.
    Text,
}

/// Columns of delimited rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Names of the columns, in order.
    pub names: Vec<String>,
    /// Byte between fields.
    pub separator: u8,
    /// Quote byte; `None` without quoting.
    pub quote: Option<u8>,
    /// True if the first record of the file contains the names, and is no row.
    pub is_in_file: bool,
    /// Names that the file uses twice; `names` has unique ones.
    pub repeated: Vec<String>,
    /// Names that are not UTF-8 in the file; in `names` they have U+FFFD in place of what is not.
    pub not_utf8: Vec<String>,
    /// The largest number of fields of a record at the beginning of the file.
    pub widest: usize,
}

impl Shape {
    /// Returns true if rows of white space are ignored.
    pub fn skips_blank(&self) -> bool {
        matches!(self, Self::Json)
    }
}
