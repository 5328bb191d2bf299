//! File formats: detection, decompression, encodings, type inference and schemas.
//!
//! Open `describe.rs` for the description of a file, `detect.rs` for its format, `infer.rs` and
//! `schema.rs` for types, `encoding.rs`, `decompress.rs` and `gzip.rs` for the bytes of a text,
//! `parquet_footer.rs` and `arrow_header.rs` for binary formats.

pub(crate) mod arrow_header;
pub(crate) mod cell_type;
pub(crate) mod decompress;
pub(crate) mod describe;
pub(crate) mod detect;
pub(crate) mod encoding;
pub(crate) mod gzip;
pub(crate) mod infer;
pub(crate) mod json_rows;
pub(crate) mod parquet_footer;
pub(crate) mod row_counter;
pub(crate) mod schema;
pub(crate) mod times;
