//! Bytes of a segment: an immutable, checksummed file with the rows of a table in the order of their hashes.

/// The place that the rows of a segment came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// The name of the table.
    pub table: String,
    /// The partition, such as `2024-01-14`; the version of a dataset.
    pub partition: Option<String>,
    /// The content id of the dataset.
    pub content_id: Option<String>,
    /// The public key of the dataset's publisher, in hex.
    pub publisher: Option<String>,
    /// Hash of the names, sizes and validators of the files, and of the configuration of the table.
    pub fingerprint: String,
    /// The time of the load, in microseconds since 1970-01-01 UTC.
    pub loaded_at: i64,
}
