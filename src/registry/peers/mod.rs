//! Exchange with other registries.
//!
//! `server` answers requests, `client` sends them and pulls, `catalogue` reconciles manifests,
//! `select`
//! chooses peers, `tree_nodes` finds and fetches tree nodes, and `node_names` names other nodes.

pub(crate) mod catalogue;
pub(crate) mod client;
pub(crate) mod node_names;
pub mod select;
pub(crate) mod server;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod tree_nodes;

pub use crate::registry::peers::catalogue::advertised::ItemBytes;
pub use crate::registry::peers::catalogue::advertised::ReconcileItems;
pub use crate::registry::peers::catalogue::follow::FollowPlan;
pub use crate::registry::peers::catalogue::follow::WantedDataset;
pub use crate::registry::peers::catalogue::sync::Compared;
pub use crate::registry::peers::catalogue::sync::SyncOptions;
pub use crate::registry::peers::catalogue::sync::SyncReport;
pub use crate::registry::peers::client::accepted_offer::AcceptedOffer;
pub use crate::registry::peers::client::consent::ConsentOutcome;
pub use crate::registry::peers::client::consent::ConsentQuestion;
pub use crate::registry::peers::client::consent::GivenConsent;
pub use crate::registry::peers::client::offers::Offer;
pub use crate::registry::peers::client::peer_state::SourceReport;
pub use crate::registry::peers::client::pull::PullOptions;
pub use crate::registry::peers::client::pull::PullReport;
pub use crate::registry::peers::select::PeerCandidate;
pub use crate::registry::peers::select::SourceState;
pub use crate::registry::peers::server::request_context::RequestContext;
pub use crate::registry::peers::server::responses::ResponseFrames;
pub use crate::registry::peers::server::visibility::Showing;
