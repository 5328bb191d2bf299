//! Commands that check the store and free its space.

pub(crate) mod forget;
pub(crate) mod fsck;
pub(crate) mod gc;
pub(crate) mod stats;
pub(crate) mod verify;
