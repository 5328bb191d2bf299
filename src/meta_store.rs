//! The seam between the small ordered tables of a registry (which blob is where, which datasets
//! there are) and what keeps them: redb on disk, a map in memory. Rows are bytes; the meaning of
//! each table belongs to the module that owns it.

use thiserror::Error;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::wire::DecodeError;

/// Every table of a registry. Names carry the version of the rows' form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Facts about the store itself: format version, counters, node id.
    Meta,
    /// Blob key → where it is.
    Blobs,
    /// Blob key → the collection that condemned it.
    Condemned,
    /// Pack number → its committed length and state.
    Packs,
    /// Envelope id → its bytes.
    Envelopes,
    /// Register key → the dataset's state here.
    Datasets,
    /// Name, zero byte, register key → nothing.
    Names,
    /// Content id, register key → nothing.
    Contents,
    /// Hash of an absolute path → what was seen there when it was indexed.
    Sources,
    /// Statement id → its bytes.
    Statements,
    /// Envelope id → a manifest that a peer showed, whose data is not here.
    Known,
    /// Node id, kind, id → what that peer showed and is not passed on.
    Aside,
    /// Envelope id → when it was pulled because somebody here follows it.
    Followed,
    /// Pack number and offset → bytes that a rebuild could not read, and what is known of them.
    Unreadable,
    /// Name, zero byte, register key → a dataset that was removed, or had that name.
    Removed,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 15] = [
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
        Self::Aside,
        Self::Followed,
        Self::Unreadable,
        Self::Removed,
    ];

    /// The table's name in the database.
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
            Self::Aside => "aside-1",
            Self::Followed => "followed-1",
            Self::Unreadable => "unreadable-1",
            Self::Removed => "removed-1",
        }
    }
}

/// Why the tables could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MetaError {
    /// The database's own pages are damaged.
    #[error("the index `registry.redb` is damaged")]
    Damaged,
    /// A row is not what its table holds.
    #[error("a row of the table `{table}` is damaged")]
    Row {
        /// Which table.
        table: &'static str,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The database failed.
    #[error("the index `registry.redb` failed")]
    Backend {
        /// What kind of failure.
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

/// What a scan's visitor wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// The next row too.
    Continue,
    /// No more.
    Stop,
}

/// One consistent view of the tables.
pub trait MetaRead {
    /// The value of a key.
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

/// A transaction: sees its own writes; all of them become visible and durable, or none.
pub trait MetaWrite: MetaRead {
    /// Sets a key's value.
    ///
    /// # Errors
    /// [`MetaError`] when the database failed.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), MetaError>;

    /// Removes a key; whether it was there.
    ///
    /// # Errors
    /// [`MetaError`] when the database failed.
    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, MetaError>;
}
