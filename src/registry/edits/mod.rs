//! Edits of files and datasets without a copy. Normative: `spec/edits.md`.
//!
//! Open `session.rs` for the edits of one target, `rows.rs`, `change.rs` and `columnar.rs` for their splices,
//! `fix.rs` for mends of lint rules, `overview.rs` for lists, `attach.rs` for targets read with
//! their edits, `apply.rs` for the result as a file, `base.rs` for the content that edits hold for,
//! `commit/` for the next version of a dataset, and `journal_file.rs` for the journals on disk.

pub(crate) mod apply;
pub(crate) mod attach;
pub(crate) mod base;
pub(crate) mod change;
pub(crate) mod columnar;
pub(crate) mod commit;
pub(crate) mod error;
pub(crate) mod fix;
pub(crate) mod inserted;
pub(crate) mod journal_file;
pub(crate) mod overview;
pub(crate) mod rows;
pub(crate) mod session;
