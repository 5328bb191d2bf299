//! The state of the viewer, and its changes. Nothing here reads a file, a clock or a terminal: an
//! action changes the state and returns tasks.
//!
//! `state.rs` is the state, made of `parts/`, of the `window/` over the rows, and of what it looks for
//! (`sift/`). `update.rs` takes actions, `keys.rs` keys, `answers.rs` answers of workers. `reading.rs`
//! has the commands of records, `browsing.rs` those of the registry, `giving.rs` copies and writes,
//! `editing.rs` asks for edits, and `steering.rs` fulfils wishes from elsewhere in the program.

mod answers;
mod browsing;
mod editing;
mod giving;
mod keys;
pub(super) mod parts;
mod reading;
pub(super) mod sift;
mod state;
mod steering;
#[cfg(test)]
mod tests;
mod update;
pub(super) mod window;

pub(super) use state::Action;
pub(super) use state::State;
