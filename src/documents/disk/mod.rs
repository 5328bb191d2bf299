//! Files of collections: places, locks, and what is read when a collection opens.

pub(crate) mod aside;
pub(crate) mod data_file;
mod foreign;
pub(crate) mod index_writer;
pub(crate) mod layout;
pub(crate) mod lines;
pub(crate) mod live_lines;
pub(crate) mod load;
pub(crate) mod loaded;
pub(crate) mod lock;
pub(crate) mod manifest;
pub(crate) mod resume;
pub(crate) mod side_file;
