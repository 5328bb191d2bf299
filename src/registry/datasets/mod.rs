//! Datasets of a registry.
//!
//! `lookup` lists and resolves, `edit`, `rename` and `replace` publish revisions, `removal` and
//! `restore` take out and bring back, `forget` applies retention rules, and `version_numbers`
//! assigns numbers.

pub(crate) mod edit;
pub(crate) mod forget;
pub(crate) mod lookup;
pub(crate) mod ranking;
pub(crate) mod removal;
pub(crate) mod rename;
pub(crate) mod replace;
pub(crate) mod restore;
pub(crate) mod version_numbers;
