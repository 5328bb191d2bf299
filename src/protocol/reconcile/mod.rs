//! Set reconciliation: compares catalogues with an effort that depends on their difference.
//! Equal digests end it. Small or mostly different sets go as a list. All others go as coded symbols, a
//! rateless IBLT (Yang, Gilad and Alizadeh, "Practical Rateless Set Reconciliation", SIGCOMM 2024).
//! Normative: `spec/reconciliation.md`.
//!
//! - `driver`: the blocking loop; `session`: its state machine; `estimate`: the size of the difference
//! - `riblt_encode`, `riblt_decode`, `symbol`, `mapping`, `keys`: the rateless IBLT
//! - `message`: the messages

mod driver;
mod estimate;
mod keys;
mod mapping;
mod message;
pub(crate) mod riblt_decode;
pub(crate) mod riblt_encode;
pub(crate) mod session;
mod symbol;
#[cfg(test)]
mod tests;

pub use crate::protocol::reconcile::riblt_decode::peel;
pub use crate::protocol::reconcile::riblt_encode::Encoder;
pub use crate::protocol::reconcile::session::CompareStep;
pub use crate::protocol::reconcile::session::Reconciler;
pub use crate::protocol::reconcile::session::SetDifference;
pub use driver::Comparison;
pub use driver::ReconcileCost;
pub use driver::ReconcileMethod;
pub use driver::compare_catalogues;
pub use keys::CatalogDigest;
pub use keys::Keys;
pub use mapping::Mapping;
pub use message::Symbols;
pub use message::SymbolsRequest;
pub use message::WantedRequest;
pub use symbol::Symbol;

pub(in crate::protocol) use message::put_elements;
pub(in crate::protocol) use message::read_elements;
