//! Between this registry and others: what peers may see and are answered, what they are asked
//! for, and pulling.

pub(crate) mod catalogue;
pub(crate) mod client;
pub(crate) mod node_names;
pub(crate) mod server;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod tree_nodes;

pub use crate::registry::peers::catalogue::advertised::Bodies;
pub use crate::registry::peers::catalogue::advertised::Items;
pub use crate::registry::peers::catalogue::follow::Followed;
pub use crate::registry::peers::catalogue::follow::Wanted;
pub use crate::registry::peers::catalogue::sync::Compared;
pub use crate::registry::peers::catalogue::sync::SyncOptions;
pub use crate::registry::peers::catalogue::sync::SyncReport;
pub use crate::registry::peers::client::accepted_offer::AcceptedOffer;
pub use crate::registry::peers::client::offers::Offer;
pub use crate::registry::peers::client::peer_state::SourceReport;
pub use crate::registry::peers::client::pull::PullOptions;
pub use crate::registry::peers::client::pull::PullReport;
pub use crate::registry::peers::server::responses::RequestContext;
pub use crate::registry::peers::server::responses::ResponseFrames;
pub use crate::registry::peers::server::visibility::Showing;
