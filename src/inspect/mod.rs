//! Looking inside data: which format a file has, its schema and its rows.

pub mod dedup;
mod dialect;
mod file_stamp;
pub(crate) mod format;
pub mod json;
pub mod line_index;
pub mod lint;
pub mod output;
mod profile;
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
pub use crate::inspect::profile::file::profile_within;
pub use dialect::Dialect;
pub use dialect::ReadOptions;
pub use profile::FieldProfile;
pub use profile::Kind;
pub use profile::Profile;
pub use profile::Seen;
