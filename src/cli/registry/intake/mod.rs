//! Commands that take data in, from paths and from URLs.

pub(crate) mod index;
mod indexed;
pub(crate) mod refresh;
