//! Formats of files: detection, decompression, encodings, types of values, schemas.

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
