//! With whom a node exchanges catalogues next, and the rules of what it follows.

pub(crate) mod follow;
pub(crate) mod schedule;
#[cfg(test)]
mod tests;
