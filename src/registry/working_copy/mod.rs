//! Directories and files that datasets were written to, or indexed from: what the home remembers of
//! them, what changed in them since, and bringing them to another version.

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
pub(crate) use selection::Chosen;
