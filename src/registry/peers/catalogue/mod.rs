//! Catalogues among registries: comparing, receiving, passing on, following.

pub(crate) mod advertised;
pub(crate) mod follow;
pub(crate) mod receive;
pub(crate) mod reconcile;
pub(crate) mod share;
pub(crate) mod sync;
