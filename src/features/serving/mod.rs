//! The tables of a configuration: loads, reloads, lookups and writes. It has no thread and no clock of its own.
//!
//! - `tables.rs`: all tables; `slot.rs`: one table; `state.rs`: states and reports
//! - `loading.rs`: loads from sources; `fingerprint.rs`: what was loaded; `schedule.rs`: when to look again; `looking.rs`: looks that change nothing
//! - `written/`: tables that clients write to; `directory.rs`: files and locks

mod directory;
mod fingerprint;
mod loading;
mod looking;
mod schedule;
mod slot;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod written;

pub use crate::features::serving::looking::CheckReport;
pub use crate::features::serving::state::LoadReport;
pub use crate::features::serving::state::Served;
pub use crate::features::serving::state::TableState;
pub use crate::features::serving::tables::FeatureTables;
