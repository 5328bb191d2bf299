//! Workers: a thread for each job, with a token to stop it. Answers go to the loop of the program.
//!
//! `workers.rs` runs jobs in their `surroundings.rs`, `reporter.rs` sends answers, `rows.rs` reads pages and records, `scans.rs` searches and sorts,
//! `analysis.rs` makes statistics, findings and duplicates, `layout/` lays records out, `export.rs`
//! writes rows, `editing.rs` changes them, and `registry.rs` works for the browser.

mod analysis;
mod editing;
mod export;
mod layout;
mod registry;
mod reporter;
mod rows;
mod scans;
mod surroundings;
#[cfg(test)]
mod tests;
mod workers;

pub(super) use export::write_rows;
pub(super) use registry::entry;
pub(super) use surroundings::Surroundings;
pub(super) use workers::Workers;
