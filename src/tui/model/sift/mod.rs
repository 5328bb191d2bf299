//! Results of looking: matches, rows that pass filters, their order, faults, duplicates.

mod faults;
pub(in crate::tui) mod filters;
pub(in crate::tui) mod finding;
