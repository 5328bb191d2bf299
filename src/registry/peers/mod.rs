//! Exchange with other registries.
//!
//! `server` answers requests, `client` sends them and pulls, `look` reads what is not here, `catalogue` reconciles manifests,
//! `select`
//! chooses peers, `tree_nodes` finds and fetches tree nodes, and `node_names` names other nodes.

pub(crate) mod catalogue;
pub(crate) mod client;
pub(crate) mod look;
pub(crate) mod node_names;
pub mod select;
pub(crate) mod server;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod tree_nodes;

use crate::registry::LocalRegistry;

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
pub use crate::registry::peers::look::Look;
pub use crate::registry::peers::look::LookOptions;
pub use crate::registry::peers::look::LookPeers;
pub use crate::registry::peers::look::LookReport;
pub use crate::registry::peers::look::NotKept;
pub use crate::registry::peers::look::PARTIAL_BYTES_MAX;
pub use crate::registry::peers::look::PeerFinder;
pub use crate::registry::peers::select::PeerCandidate;
pub use crate::registry::peers::select::SourceState;
pub use crate::registry::peers::server::request_context::RequestContext;
pub use crate::registry::peers::server::responses::ResponseFrames;
pub use crate::registry::peers::server::visibility::Showing;

/// The exchange of a registry with other nodes: requests and responses, pulls, reconciliation,
/// following, and local names of nodes.
#[derive(Clone, Copy, Debug)]
pub struct Peers<'a> {
    registry: &'a LocalRegistry,
}

impl LocalRegistry {
    /// Returns the exchange with other nodes.
    pub fn peers(&self) -> Peers<'_> {
        Peers { registry: self }
    }
}
