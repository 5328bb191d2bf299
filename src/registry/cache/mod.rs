//! Cache of a home: files that only save time, and may be lost at any moment. `files` stores them,
//! `row_indexes` and `sketches` are kinds of them, `collections` are stores of documents, and `spill` is for
//! temporary data.

pub(crate) mod collections;
pub(crate) mod files;
pub(crate) mod row_indexes;
pub(crate) mod sketches;
pub(crate) mod spill;
