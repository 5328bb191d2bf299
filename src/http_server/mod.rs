//! Parts of servers over HTTP that all of them have: `accept.rs` takes connections, `timed_stream.rs` ends those whose
//! clients take no byte, `body.rs` reads bodies of requests, `hosts.rs` knows the names that requests may use.

mod accept;
mod body;
mod hosts;
mod timed_stream;

pub(crate) use accept::accept;
pub(crate) use body::BodyFault;
pub(crate) use body::next_data;
pub(crate) use hosts::HostNames;
pub(crate) use timed_stream::TimedStream;
