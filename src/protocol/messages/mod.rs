//! Messages of `alimentar/1` and their bytes.
//!
//! - `frame`: kind, length, body
//! - `hello`, `request`, `response`: what the two sides send
//! - `tree_request`, `delta`: requests for nodes and chunks, plain or as deltas
//! - `element`, `item`: entries of a catalogue

pub(crate) mod delta;
pub(crate) mod element;
pub(crate) mod frame;
pub(crate) mod hello;
pub(crate) mod item;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod tree_request;
