//! Lint pass: `worker.rs` applies the rules to the rows of a batch, `markers.rs` finds suspicious
//! positions, `findings.rs` and `excerpt.rs` keep the findings.

pub(crate) mod escapes;
pub(crate) mod excerpt;
pub(crate) mod findings;
pub(crate) mod markers;
pub(crate) mod worker;
