//! A terminal program over the rows of a target and over the registry. Contract: `spec/view.md`.
//!
//! - `model/`: the state, and its changes by actions; pure
//! - `draw/`: the state on the screen; it changes nothing
//! - `work/`: jobs on threads of their own, whose answers are actions
//! - `document/`: rows of a target by their places
//! - `viewer.rs`, `session.rs`, `terminal.rs`: a session, its loop and its terminal; `event.rs`: what happens to it
//! - `commands/`: the table of commands and their keys; `job.rs`, `pane.rs`, `browse.rs`: values between the parts

mod browse;
mod command_line;
mod commands;
mod document;
mod draw;
mod event;
mod job;
mod limits;
mod model;
mod pane;
mod session;
mod terminal;
#[cfg(test)]
mod testing;
mod text;
mod viewer;
mod work;

pub use crate::tui::browse::DatasetEntry;
pub use crate::tui::browse::PeerEntry;
pub use crate::tui::browse::Peers;
pub use crate::tui::commands::Keymap;
pub use crate::tui::commands::KeymapError;
pub use crate::tui::event::Shown;
pub use crate::tui::event::Steered;
pub use crate::tui::event::Steering;
pub use crate::tui::event::Wish;
pub use crate::tui::event::steering;
pub use crate::tui::viewer::ViewError;
pub use crate::tui::viewer::ViewOptions;
pub use crate::tui::viewer::dataset_entry;
pub use crate::tui::viewer::keys_as_json;
pub use crate::tui::viewer::keys_as_text;
pub use crate::tui::viewer::view;
