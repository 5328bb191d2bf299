//! Integrity: verify, check, collect and rebuild what a registry holds.

pub(crate) mod claims;
pub(crate) mod complete;
pub(crate) mod expansion;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod hashing;
pub(crate) mod rebuild;
pub(crate) mod verify;
