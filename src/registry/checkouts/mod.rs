//! Directories and files that datasets were written to, or indexed from: what the home remembers of
//! them, what changed in them since, and bringing them to another version.

mod compare;
mod kept;
mod on_disk;
mod plan;
mod record;
mod selection;
mod update;

pub use compare::Change;
pub use compare::ChangeKind;
pub use compare::StatusReport;
pub use update::UpdateReport;

pub(crate) use compare::OneSided;
pub(crate) use compare::renames;
pub(crate) use selection::Chosen;
