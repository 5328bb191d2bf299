//! The viewer at a pseudo-terminal: the real program, keys in, a screen out.

mod faults;
pub mod pty;
mod recording;
mod registry;
mod sessions;
mod terminal;
