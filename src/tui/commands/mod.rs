//! The commands of the viewer and their keys.
//!
//! `table.rs` is the table; `keymap.rs` has the keys, bound or not; `lists.rs` makes lists of them.

mod keymap;
pub(super) mod lists;
mod table;

pub use crate::tui::commands::keymap::Keymap;
pub use crate::tui::commands::keymap::KeymapError;
pub(super) use crate::tui::commands::table::Act;
pub(super) use crate::tui::commands::table::COMMANDS;
pub(super) use crate::tui::commands::table::Command;
pub(super) use crate::tui::commands::table::Place;
pub(super) use crate::tui::commands::table::key_name;
pub(super) use crate::tui::commands::table::matching;
pub(super) use crate::tui::commands::table::score;
