//! The rows of a target by their places: pages forwards and backwards from any of them, without an
//! index.
//!
//! `files.rs` opens files, `lines.rs`, `records.rs` and `numbered.rs` read the three layouts,
//! `landmarks.rs` knows row numbers of offsets, `counting.rs` counts rows, `cells.rs` takes rows
//! apart, and `row.rs` has the values of all of them.

pub(super) mod cells;
pub(super) mod counting;
pub(super) mod files;
mod landmarks;
mod lines;
mod numbered;
mod pages;
mod records;
mod row;
#[cfg(test)]
mod tests;

pub(super) use files::Document;
pub(super) use pages::Page;
pub(super) use pages::PageStart;
pub(super) use row::CancelToken;
pub(super) use row::DocumentError;
pub(super) use row::Row;
pub(super) use row::RowPlace;
