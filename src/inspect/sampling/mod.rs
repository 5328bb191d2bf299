//! Samples and splits: some rows of a table, reproducible by a seed.

pub mod groups;
pub mod sample;
pub mod split;
