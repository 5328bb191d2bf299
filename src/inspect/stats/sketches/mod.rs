//! Sketches of columns in bounded memory: distinct values, quantiles, heavy hitters.

pub(crate) mod ddsketch;
pub(crate) mod hash;
pub(crate) mod hyperloglog;
pub(crate) mod misra_gries;
pub(crate) mod moments;
