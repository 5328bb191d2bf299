//! Tables and settings.

use std::path::PathBuf;
use std::time::Duration;

use crate::features::schema::ColumnSpec;
use crate::features::table::MemoryMode;

/// The tables of a configuration, and the server's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The settings of the server.
    pub server: ServerConfig,
    /// The tables, in the order of the file.
    pub tables: Vec<TableConfig>,
}

/// Settings of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The host or address of HTTP.
    pub host: String,
    /// The port of HTTP.
    pub port: u16,
    /// The port of Arrow Flight, where it is served.
    pub flight_port: Option<u16>,
    /// The directory of segments; without one, the cache of the registry's directory.
    pub data_dir: Option<PathBuf>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableConfig {
    /// The name.
    pub name: String,
    /// The source of its partitions; a table without one is written to by clients.
    pub source: Option<SourceConfig>,
    /// The names of the columns of the key.
    pub key: Vec<String>,
    /// Time between two looks at the source.
    pub poll_interval: Duration,
    /// Hash partitions, which are built in parallel.
    pub parts: u32,
    /// The columns; none for those of the files.
    pub columns: Vec<ColumnSpec>,
    /// The memory of its segment.
    pub memory: MemoryMode,
    /// The name of the column with the time of a row.
    pub timestamp: Option<String>,
    /// Age at which rows count as expired.
    pub ttl: Option<Duration>,
}

/// The source of a table's partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceConfig {
    /// A directory with a directory for each partition.
    Local {
        /// The directory. A relative path is relative to the working directory.
        path: PathBuf,
    },
    /// A dataset of the registry, each version of which is a partition.
    Registry {
        /// The name, `name` or `publisher/name`.
        name: String,
        /// The requirement of the version, such as `^1`; without one, the newest.
        version: Option<String>,
        /// The directory or file inside of the dataset; without one, all of it.
        path: Option<String>,
    },
    /// A prefix of a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix of keys.
        prefix: String,
        /// The endpoint, for other services than AWS.
        endpoint: Option<String>,
        /// The region; without one, that of the environment, or `us-east-1`.
        region: Option<String>,
    },
}
