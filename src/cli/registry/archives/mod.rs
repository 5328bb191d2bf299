//! Commands about archives: datasets as files, for registries that no network joins.

pub(crate) mod export;
pub(crate) mod import;
mod import_report;
mod receipts;
