//! Commands that write documents.

pub(super) mod bulk;
pub(super) mod delete;
pub(super) mod import;
pub(super) mod init;
pub(super) mod put;
