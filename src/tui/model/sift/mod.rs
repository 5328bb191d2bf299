//! Looking for rows: matches, rows that pass filters, their order, faults, duplicates.
//!
//! `search.rs` and `filters.rs` are the values, `finding.rs` and `sifting.rs` the commands.

mod faults;
pub(in crate::tui) mod filters;
mod finding;
pub(in crate::tui) mod search;
mod sifting;
