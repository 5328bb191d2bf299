//! Commands about datasets as files on disk.

pub(crate) mod cat;
mod changes;
pub(crate) mod checkout;
pub(crate) mod commit;
pub(crate) mod diff;
pub(crate) mod status;
