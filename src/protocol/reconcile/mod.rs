//! Comparing catalogues in as few bytes as their difference needs. Equal digests end it; small or
//! mostly different sets go as a list; the rest by coded symbols that are asked for until they
//! suffice (Yang, Gilad and Alizadeh, "Practical Rateless Set Reconciliation", SIGCOMM 2024).
//! Normative: `spec/reconciliation.md`.

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
pub use crate::protocol::reconcile::session::Comparing;
pub use crate::protocol::reconcile::session::SetDifference;
pub use crate::protocol::reconcile::session::Step as CompareStep;
pub use driver::Comparison;
pub use driver::Effort;
pub use driver::Way;
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
