//! Full-text search over dataset metadata.
//!
//! `query` parses queries, `words` and `stems` translate them, and `index` stores documents. The
//! index is derived data: a missing or damaged one is rebuilt, and an outdated one is updated.

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

/// Reason that the index could not be used. It may be deleted and rebuilt.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The index directory could not be read or written.
    #[error("cannot use the search index")]
    Io(#[from] std::io::Error),
    /// Tantivy failed.
    #[error("the search index failed")]
    Index(#[from] tantivy::TantivyError),
    /// Tantivy panicked on damaged files.
    #[error("the search index is damaged")]
    Damaged,
}
