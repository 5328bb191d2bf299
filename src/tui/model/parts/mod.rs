//! Parts of the state.

pub(in crate::tui) mod browser;
pub(in crate::tui) mod jobs;
pub(in crate::tui) mod panes;
pub(in crate::tui) mod prompt;
pub(in crate::tui) mod record;
