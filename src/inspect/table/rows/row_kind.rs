//! What is in the text of a row.

use std::sync::Arc;

/// What is in the text of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A JSON value, mostly an object: rows of JSON Lines and JSON arrays as they are written, and
    /// rows of Parquet and Arrow files as objects, which is how they are shown.
    Json,
    /// Fields with separators between them, quoted as RFC 4180 says.
    Delimited(Arc<Header>),
    /// Anything.
    Text,
}

/// What the fields of delimited rows are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Names of the columns, in their order.
    pub names: Vec<String>,
    /// What stands between fields.
    pub separator: u8,
    /// What quotes a field; none where nothing does.
    pub quote: Option<u8>,
    /// The first record of the file is the names, and no row.
    pub is_in_file: bool,
    /// Names that the file has twice; in `names` they were made unique.
    pub repeated: Vec<String>,
}

impl Shape {
    /// Whether a row that is nothing but white space is none.
    pub fn skips_blank(&self) -> bool {
        matches!(self, Self::Json)
    }
}
