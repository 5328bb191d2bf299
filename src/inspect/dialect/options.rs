//! Dialect of a delimited file, and the choices of a caller.

use crate::inspect::format::encoding::TextEncoding;

/// Dialect of a delimited file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// Byte between fields.
    pub separator: u8,
    /// Quote byte, doubled within a quoted field; `None` without quoting.
    pub quote: Option<u8>,
    /// True if the first record names the columns and is no row.
    pub has_header: bool,
}

/// Caller's choices for reading a file; the front of the file decides the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// Byte between fields.
    pub separator: Option<u8>,
    /// Quote byte; `Some(None)` for no quoting.
    pub quote: Option<Option<u8>>,
    /// True if the first record names the columns.
    pub has_header: Option<bool>,
    /// Character encoding, for any text format.
    pub encoding: Option<TextEncoding>,
    /// True to verify optional checksums, such as those of Parquet pages.
    pub verify: bool,
}
