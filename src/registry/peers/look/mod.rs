//! Looks: reading a dataset of which only a part is here. Normative: `spec/partial-holdings.md`.
//!
//! `open` begins a look, `handle` is its handle, and `shared` what its threads share. `state` has the windows that were read or are under
//! way, `planner` cuts them, `worker` fetches them, and `keep` stores what came. `nodes` finds tree
//! nodes, `peers` connects to peers. `read_ahead` and `tree_cursor` are pure. `file` reads a file,
//! and `holdings` lists what is here in part.

pub(crate) mod file;
pub(crate) mod handle;
mod holdings;
mod keep;
mod nodes;
pub(crate) mod open;
mod peers;
mod planner;
mod read_ahead;
mod shared;
mod state;
mod tree_cursor;
mod worker;

pub use crate::registry::peers::look::handle::Look;
pub use crate::registry::peers::look::handle::LookReport;
pub use crate::registry::peers::look::keep::NotKept;
pub use crate::registry::peers::look::open::LookOptions;
pub use crate::registry::peers::look::open::PARTIAL_BYTES_MAX;
pub use crate::registry::peers::look::peers::LookPeers;
pub use crate::registry::peers::look::peers::PeerFinder;
