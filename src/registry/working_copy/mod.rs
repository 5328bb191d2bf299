//! Working copies: directories and files that a dataset was checked out to, or indexed from.
//!
//! `record` and `records` store their state in the home, `compare` finds changes, and `update`
//! brings them to another version.

mod compare;
pub(crate) mod disk_state;
mod plan;
mod record;
pub(crate) mod records;
mod selection;
mod update;

pub use compare::Change;
pub use compare::ChangeKind;
pub use compare::StatusReport;
pub use update::UpdateReport;

pub(crate) use compare::OneSided;
pub(crate) use compare::renames;
pub(crate) use selection::FileSelection;
