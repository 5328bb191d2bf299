//! Questions to the person at the terminal.
//!
//! - `confirm.rs`: yes or no
//! - `passphrase.rs`: passphrases, also from files and variables
//! - `dataset.rs`: datasets that are withdrawn, or far larger than the data sent for them

pub(crate) mod confirm;
pub(crate) mod dataset;
pub(crate) mod passphrase;
