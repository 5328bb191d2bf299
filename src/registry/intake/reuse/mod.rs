//! Bytes that are here already (`bases`), and files that need not even be read (`known`).

pub(super) mod bases;
pub(super) mod known;
