//! Full-text search over what is said of datasets. The index on disk is derived: whoever finds it
//! missing, damaged or behind makes it anew or brings it up to date.

mod index;
mod query;
mod stems;
#[cfg(test)]
mod tests;
mod words;

pub use index::Document;
pub use index::Hit;
pub use index::SearchIndex;
pub use query::Clause;
pub use query::Match;
pub use query::Query;
pub use query::QueryError;

use thiserror::Error;

/// Why the index could not be used. It may be deleted and made anew.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SearchError {
    /// Its directory.
    #[error("cannot use the search index")]
    Io(#[from] std::io::Error),
    /// The index itself.
    #[error("the search index failed")]
    Index(#[from] tantivy::TantivyError),
    /// A panic on damaged files.
    #[error("the search index is damaged")]
    Damaged,
}
