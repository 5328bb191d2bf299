//! The index: which blob lies where, in redb.

pub(crate) mod backend;
pub(crate) mod database;
pub(crate) mod rows;
pub(crate) mod tables;
