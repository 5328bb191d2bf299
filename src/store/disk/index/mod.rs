//! The index of blob locations, in redb.
//!
//! - `database`: transactions, locks and repair; `tables`: the tables; `rows`: their encoding
//! - `backend`: file access of redb

pub(crate) mod backend;
pub(crate) mod database;
pub(crate) mod rows;
pub(crate) mod tables;
