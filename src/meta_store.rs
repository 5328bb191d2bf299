//! Metadata storage: the trait for the small ordered tables of a registry.
//! redb implements it on disk, and a map in memory. Rows are bytes; the module that owns a table defines
//! their meaning.

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::wire::DecodeError;

/// A table of a registry. Its name carries the version of the row format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Facts about the store itself: format version, counters, node id.
    Meta,
    /// Blob key → its location.
    Blobs,
    /// Blob key → the collection that condemned it.
    Condemned,
    /// Pack number → its committed length and state.
    Packs,
    /// Envelope id → its bytes.
    Envelopes,
    /// Register key → the local state of the dataset.
    Datasets,
    /// Name, zero byte, register key → nothing.
    Names,
    /// Content id, register key → nothing.
    Contents,
    /// Hash of an absolute path → metadata of the file when it was indexed.
    Sources,
    /// Statement id → its bytes.
    Statements,
    /// Envelope id → a manifest that a peer sent and whose data is not here.
    Known,
    /// Node id, kind, id → an item that the peer sent and this node does not forward.
    Suppressed,
    /// Envelope id → the time of the pull, for datasets pulled because this node follows them.
    Followed,
    /// Pack number and offset → a byte range that a rebuild could not read, and its known contents.
    Unreadable,
    /// Name, zero byte, register key → a removed dataset, or one that had this name.
    Removed,
    /// Register key → a dataset of which some nodes and chunks are here.
    Partial,
    /// Hash of a place, run, part → how far a run is that takes in files from there.
    Intakes,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 17] = [
        Self::Meta,
        Self::Blobs,
        Self::Condemned,
        Self::Packs,
        Self::Envelopes,
        Self::Datasets,
        Self::Names,
        Self::Contents,
        Self::Sources,
        Self::Statements,
        Self::Known,
        Self::Suppressed,
        Self::Followed,
        Self::Unreadable,
        Self::Removed,
        Self::Partial,
        Self::Intakes,
    ];

    /// Returns the table's name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta-1",
            Self::Blobs => "blobs-1",
            Self::Condemned => "doomed-1",
            Self::Packs => "packs-1",
            Self::Envelopes => "envelopes-1",
            Self::Datasets => "datasets-1",
            Self::Names => "names-1",
            Self::Contents => "contents-1",
            Self::Sources => "sources-1",
            Self::Statements => "statements-1",
            Self::Known => "known-2",
            Self::Suppressed => "aside-1",
            Self::Followed => "followed-1",
            Self::Unreadable => "unreadable-1",
            Self::Removed => "removed-1",
            Self::Partial => "partial-1",
            Self::Intakes => "intakes-1",
        }
    }
}

/// Failure to read or write the tables.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetaError {
    /// The database's own pages are damaged.
    #[error("the index `registry.redb` is damaged")]
    Damaged,
    /// A row does not decode.
    #[error("a row of the table `{table}` is damaged")]
    Row {
        /// The table's name.
        table: &'static str,
        /// The decoder's error.
        source: DecodeError,
    },
    /// The database failed.
    #[error("the index `registry.redb` failed")]
    Backend {
        /// The kind of failure.
        kind: ErrorKind,
        /// The database's own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Classify for MetaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Damaged | Self::Row { .. } => ErrorKind::Integrity,
            Self::Backend { kind, .. } => *kind,
        }
    }
}

/// A visitor's answer to a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// Visit the next row too.
    Continue,
    /// End the scan.
    Stop,
}

/// A consistent view of the tables.
pub trait MetaRead {
    /// Returns the value of a key.
    ///
    /// # Errors
    /// [`MetaError`] when the database failed.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, MetaError>;

    /// Visits rows in key order, from the first key not less than `from`.
    ///
    /// # Errors
    /// [`MetaError`] when the database failed.
    fn scan(
        &self,
        table: Table,
        from: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Scan,
    ) -> Result<(), MetaError>;
}

/// A transaction. It sees its own writes. A commit makes all of them visible and durable, or none.
pub trait MetaWrite: MetaRead {
    /// Sets a key's value.
    ///
    /// # Errors
    /// [`MetaError`] when the database failed.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), MetaError>;

    /// Removes a key and returns true if it was present.
    ///
    /// # Errors
    /// [`MetaError`] when the database failed.
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, MetaError>;
}
