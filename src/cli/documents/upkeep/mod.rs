//! Commands that check, mend and move collections.

pub(super) mod compact;
pub(super) mod pack;
pub(super) mod reindex;
pub(super) mod unpack;
pub(super) mod validate;
