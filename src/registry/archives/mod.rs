//! Archives of datasets, written and read around the pure container format.
//!
//! `export` and `output` write, `input` and `import` read, `encryption` and `identity` hold keys,
//! `receivers` remembers the other side, and `dry_run` only checks.

pub(crate) mod alignment;
mod base;
pub(crate) mod dry_run;
pub(crate) mod encryption;
mod export;
mod identity;
mod import;
pub(crate) mod import_pipeline;
pub(crate) mod input;
mod options;
mod output;
mod receivers;
pub(crate) mod volume_sets;

use crate::registry::LocalRegistry;

pub use crate::registry::archives::dry_run::DryRun;
pub use crate::registry::archives::encryption::DecryptionKeys;
pub use crate::registry::archives::encryption::Passphrase;
pub use crate::registry::archives::encryption::Recipient;
pub use crate::registry::archives::input::ArchiveInput;
pub use crate::registry::archives::input::FoundArchives;
pub use crate::registry::archives::input::archive_inputs;
pub use crate::registry::archives::input::find_archives;
pub use crate::registry::archives::input::open_archive_inputs;
pub use crate::registry::archives::receivers::receipt::ReceiptContent;
pub use export::ExportReport;
pub use import::ImportOutcome;
pub use import::ImportReport;
pub use import::Refusal;
pub use options::ExportOptions;
pub use options::ImportOptions;
pub use receivers::Receiver;
pub use receivers::is_receipt;
pub use receivers::receipts_in;

/// The archives of a registry: export, import, receivers and their receipts, and identities that
/// decrypt.
#[derive(Clone, Copy, Debug)]
pub struct Archives<'a> {
    registry: &'a LocalRegistry,
}

impl LocalRegistry {
    /// Returns the archives: export, import, receivers and identities.
    pub fn archives(&self) -> Archives<'_> {
        Archives { registry: self }
    }
}
