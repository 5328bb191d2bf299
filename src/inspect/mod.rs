//! Inspection of data files. It detects formats, and reads rows. It computes statistics, finds
//! duplicates and faults, and writes rows in other formats.
//!
//! Start with [`rows`] for the rows of a file, or with `table/` for parallel batches. `format/`
//! detects formats and schemas, `dialect/` the dialect of delimited files, `profile/` types of
//! values. `chat.rs` reads messages. `stats/`, `tokens.rs`, `lint/`, `dedup/`, `search/` and `sampling/` are passes over rows;
//! `output/` writes rows. `json/` is the scanner below them, `line_index/` finds lines by number,
//! and `file_stamp.rs` detects changed files.

pub mod chat;
pub mod dedup;
mod dialect;
pub mod edits;
#[cfg(unix)]
mod file_rows;
mod file_stamp;
pub(crate) mod format;
pub mod json;
pub mod line_index;
pub mod lint;
pub mod output;
mod profile;
mod row_json;
pub mod sampling;
pub mod search;
pub mod stats;
pub mod table;
#[cfg(test)]
mod tests;
#[cfg(feature = "tokens")]
pub mod tokens;

pub use crate::inspect::format::describe::Describer;
pub use crate::inspect::format::describe::Description;
pub use crate::inspect::format::detect::Compression;
pub use crate::inspect::format::detect::FileFormat;
pub use crate::inspect::format::detect::Format;
pub use crate::inspect::format::encoding::TextEncoding;
pub use crate::inspect::format::schema::SchemaMessage;
pub use crate::inspect::format::schema::common_schema;
pub use crate::inspect::json::columns::Orient;
pub use crate::inspect::profile::file::has_profile;
pub use crate::inspect::profile::file::profile;
pub use crate::inspect::profile::file::profile_front;
pub use crate::inspect::profile::file::profile_within;
pub use dialect::Dialect;
pub use dialect::ReadOptions;
#[cfg(unix)]
pub use file_rows::FileRow;
#[cfg(unix)]
pub use file_rows::rows;
pub use profile::FieldKind;
pub use profile::FieldProfile;
pub use profile::KindCount;
pub use profile::Profile;
pub use row_json::row_json;
