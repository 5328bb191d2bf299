//! Commands about datasets on this machine.

pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod listed;
pub(crate) mod log;
pub(crate) mod ls;
pub(crate) mod resolve;
pub(crate) mod restore;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod unindex;
pub(crate) mod versions;
