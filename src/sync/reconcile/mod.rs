//! Comparing catalogues in as few bytes as their difference needs. Equal digests end it; small or
//! mostly different sets go as a list; the rest by coded symbols that are asked for until they
//! suffice (Yang, Gilad and Alizadeh, "Practical Rateless Set Reconciliation", SIGCOMM 2024).
//! Normative: `spec/reconciliation.md`.

mod asking;
mod decode;
mod driver;
#[cfg(test)]
mod driver_tests;
mod encode;
mod estimate;
#[cfg(test)]
mod hostile_tests;
mod keys;
mod mapping;
mod message;
mod symbol;
#[cfg(test)]
mod tests;

pub use asking::Comparing;
pub use asking::Difference;
pub use asking::Step as CompareStep;
pub use decode::peel;
pub use driver::Comparison;
pub use driver::Effort;
pub use driver::Way;
pub use driver::compare_catalogues;
pub use encode::Encoder;
pub use keys::CatalogDigest;
pub use keys::Keys;
pub use mapping::Mapping;
pub use message::Symbols;
pub use message::SymbolsRequest;
pub use message::WantedRequest;
pub use symbol::Symbol;

pub(in crate::sync) use message::put_elements;
pub(in crate::sync) use message::read_elements;
