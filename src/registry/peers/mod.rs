//! Between this registry and others: what peers may see and are answered, what they are asked
//! for, and pulling.

mod accepted;
#[cfg(test)]
mod admission_tests;
mod ahead;
#[cfg(test)]
mod ahead_tests;
mod answers;
mod chunks;
#[cfg(test)]
mod claims_tests;
mod comparing;
#[cfg(test)]
mod comparing_tests;
#[cfg(test)]
mod difference_tests;
mod differing;
mod fetch;
mod following;
mod hearing;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod near;
mod node_differences;
mod nodes;
mod offers;
mod passing;
#[cfg(test)]
mod passing_tests;
mod pull;
mod resembling;
mod share;
mod shared;
mod straight;
mod supply;
mod sync;
#[cfg(test)]
mod tests;
mod visible;
mod windows;

pub use accepted::AcceptedOffer;
pub use answers::Answering;
pub use answers::Asking;
pub use following::Followed;
pub use following::Wanted;
pub use offers::Offer;
pub use passing::Bodies;
pub use passing::Items;
pub use pull::PullOptions;
pub use pull::PullReport;
pub use supply::SourceReport;
pub use sync::Compared;
pub use sync::SyncOptions;
pub use sync::SyncReport;
pub use visible::Showing;
