//! Catalogues between registries.
//!
//! `sync` compares and pulls, `reconcile` answers comparisons, `receive` checks items of a peer,
//! `advertised` selects the items to forward, `share` marks datasets as public, and `follow`
//! applies the follow rules.

pub(crate) mod advertised;
pub(crate) mod follow;
pub(crate) mod receive;
pub(crate) mod reconcile;
pub(crate) mod share;
pub(crate) mod sync;
