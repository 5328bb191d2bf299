//! Identifiers: digests of content, dataset names and versions, and references to datasets.
//! Each is a type of its own, and a value of it is always well-formed.
//!
//! - `digest`: hashes, keys and random ids; `key_text`, `hex`: their spellings
//! - `name`, `version`, `alias`, `petname`: names that people choose
//! - `reference`, `version_text`: the text by which a command names a dataset
//! - `visible`: text in which nothing hides

mod alias;
mod digest;
mod hex;
mod key_text;
mod name;
mod petname;
mod reference;
mod version;
mod version_text;
mod visible;

pub use alias::RESERVED_TAG;
pub use alias::VersionAlias;
pub use alias::labels;
pub use digest::BlobId;
pub use digest::ChunkId;
pub use digest::ContentId;
pub use digest::EnvelopeId;
pub use digest::HexPrefix;
pub use digest::IdentError;
pub use digest::NodeId;
pub use digest::PublisherKey;
pub use digest::SeriesId;
pub use digest::Signature;
pub use digest::StatementId;
pub use digest::TreeId;
pub use hex::from_hex;
pub use hex::to_hex;
pub use name::DatasetName;
pub use petname::Alias;
pub use petname::is_hidden;
pub use reference::Reference;
pub use reference::VersionPick;
pub use reference::VersionRange;
pub use version::DatasetVersion;
pub use visible::visible;

#[cfg(test)]
mod tests;
