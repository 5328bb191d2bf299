//! The viewer at a pseudo-terminal: the real program, keys in, a screen out.

pub mod pty;
mod recording;
mod registry;
mod sessions;
mod terminal;
