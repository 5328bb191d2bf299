//! Integrity of a registry.
//!
//! `verify` proves one dataset, `claims` compares manifests with file tables, `fsck` checks
//! everything, `gc_roots` finds what a collection keeps, `rebuild` restores a lost index, and `expansion` limits repetition.

pub(crate) mod blame;
pub(crate) mod claims;
pub(crate) mod complete;
pub(crate) mod expansion;
pub(crate) mod fsck;
pub(crate) mod gc_roots;
pub(crate) mod rebuild;
pub(crate) mod verify;
