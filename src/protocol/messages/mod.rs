//! Messages of `alimentar/1` and their bytes.

pub(crate) mod delta;
pub(crate) mod element;
pub(crate) mod frame;
pub(crate) mod hello;
pub(crate) mod item;
pub(crate) mod request;
pub(crate) mod response;
