//! Commands about the program itself: completions, man pages, version.

pub(crate) mod completions;
pub(crate) mod man;
pub(crate) mod version;
