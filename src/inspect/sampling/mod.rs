//! Samples and splits of tables, reproducible by a seed: `sample.rs`, `split.rs`, and `groups.rs`
//! for similar rows.

pub mod groups;
pub mod sample;
pub mod split;
