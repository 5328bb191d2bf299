//! Datasets out into archives and in again: files, volumes and threads around the pure container.

mod base;
mod export;
mod front;
mod identity;
mod import;
mod intake;
mod output;
mod receipt;
mod receivers;
mod rehearsal;
mod resembled;
mod seal;
mod sets;
mod volumes;

pub use export::ExportOptions;
pub use export::ExportReport;
pub use import::ImportOptions;
pub use import::ImportOutcome;
pub use import::ImportReport;
pub use import::Refusal;
pub use receipt::Received;
pub use receivers::Receiver;
pub use receivers::is_receipt;
pub use receivers::receipts_in;
pub use rehearsal::Rehearsal;
pub use seal::Openers;
pub use seal::Passphrase;
pub use seal::Recipient;
pub use volumes::Gathered;
pub use volumes::Parcel;
pub use volumes::gathered;
pub use volumes::opened_parcels;
pub use volumes::parcels;
