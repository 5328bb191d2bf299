//! Datasets out into archives and in again: files, volumes and threads around the pure container.

pub(crate) mod alignment;
mod base;
pub(crate) mod dry_run;
pub(crate) mod encryption;
mod export;
mod identity;
mod import;
pub(crate) mod import_pipeline;
pub(crate) mod input;
mod output;
pub(crate) mod preamble;
mod receivers;
pub(crate) mod volume_sets;

pub use crate::registry::archives::dry_run::Rehearsal;
pub use crate::registry::archives::encryption::Openers;
pub use crate::registry::archives::encryption::Passphrase;
pub use crate::registry::archives::encryption::Recipient;
pub use crate::registry::archives::input::Gathered;
pub use crate::registry::archives::input::Parcel;
pub use crate::registry::archives::input::gathered;
pub use crate::registry::archives::input::opened_parcels;
pub use crate::registry::archives::input::parcels;
pub use crate::registry::archives::receivers::receipt::Received;
pub use export::ExportOptions;
pub use export::ExportReport;
pub use import::ImportOptions;
pub use import::ImportOutcome;
pub use import::ImportReport;
pub use import::Refusal;
pub use receivers::Receiver;
pub use receivers::is_receipt;
pub use receivers::receipts_in;
