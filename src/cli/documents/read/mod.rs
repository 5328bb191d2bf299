//! Commands that read documents.

pub(super) mod choice;
pub(super) mod export;
pub(super) mod get;
pub(super) mod list;
pub(super) mod scan;
pub(super) mod schema;
pub(super) mod stats;
