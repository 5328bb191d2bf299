//! Looking inside data: which format a file has, its schema and its rows.

mod arrow;
mod compressed;
mod describe;
mod dialect;
pub mod dup;
mod encoding;
mod file_stamp;
mod format;
pub mod groups;
mod gzip;
mod infer;
mod json;
mod json_columns;
pub mod json_scan;
mod json_text;
pub mod line_index;
pub mod lint;
mod looks;
pub mod output;
mod parquet;
mod profile;
mod profiling;
mod rows;
pub mod sample;
mod schema;
pub mod search;
mod search_escapes;
pub mod split;
pub mod stats;
pub mod table;
#[cfg(test)]
mod tests;
mod times;
#[cfg(feature = "tokens")]
pub mod tokens;

pub use describe::Describer;
pub use describe::Description;
pub use dialect::Dialect;
pub use dialect::ReadOptions;
pub use encoding::TextEncoding;
pub use format::Compression;
pub use format::FileFormat;
pub use format::Format;
pub use json_columns::Orient;
pub use profile::FieldProfile;
pub use profile::Kind;
pub use profile::Profile;
pub use profile::Seen;
pub use profiling::has_profile;
pub use profiling::profile;
pub use profiling::profile_within;
pub use schema::SchemaMessage;
pub use schema::common_schema;
