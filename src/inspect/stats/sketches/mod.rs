//! Sketches of columns in bounded memory: distinct values (`hyperloglog.rs`), quantiles
//! (`ddsketch.rs`), heavy hitters (`misra_gries.rs`), and moments (`moments.rs`).

pub(crate) mod ddsketch;
pub(crate) mod hash;
pub(crate) mod hyperloglog;
pub(crate) mod misra_gries;
pub(crate) mod moments;
