//! Feature tables: columns of rows for batches of keys, in microseconds. `spec/features.md` is the specification.
//!
//! A table comes from Parquet partitions of a folder, a bucket or a dataset, or from rows that clients write. It is
//! loaded into an immutable segment, a checksummed file that is mapped, and replaced as a whole.
//!
//! - `config/`: the YAML file; `schema/`: types of columns and casts; `keys.rs`, `answer.rs`: a request and its answer
//! - `segment/`: bytes of a segment; `build/`: rows to a segment; `table/`: lookups
//! - `source/`: partitions of folders and buckets; `serving/`: the tables of a configuration, their loads and reloads

mod answer;
mod build;
pub mod config;
mod error;
mod keys;
pub mod limits;
mod schema;
mod segment;
pub mod serving;
pub mod source;
mod table;

pub use crate::features::answer::Answer;
pub use crate::features::answer::Status;
pub use crate::features::build::BuildInput;
pub use crate::features::build::BuildOptions;
pub use crate::features::build::BuildReport;
pub use crate::features::build::build_segment;
pub use crate::features::error::FeatureError;
#[cfg(feature = "registry")]
pub use crate::features::keys::Keys;
pub use crate::features::schema::ColumnSpec;
pub use crate::features::schema::DataType;
pub use crate::features::schema::Number;
pub use crate::features::schema::TableSchema;
pub use crate::features::segment::Origin;
#[doc(hidden)]
pub use crate::features::segment::assemble_segment;
pub use crate::features::table::FeatureTable;
pub use crate::features::table::MaxAge;
pub use crate::features::table::MemoryMode;
