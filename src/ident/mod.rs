//! Names for things: digests of content, dataset names and versions, and the references people
//! type. Each is a type of its own that cannot exist unless it is well-formed.

mod alias;
mod digest;
mod key_text;
mod name;
mod petname;
mod reference;
mod version;

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
pub use digest::from_hex;
pub use digest::to_hex;
pub use name::DatasetName;
pub use petname::Alias;
pub use petname::is_hidden;
pub use reference::Reference;
pub use reference::VersionPick;
pub use reference::VersionRange;
pub use version::DatasetVersion;

#[cfg(test)]
mod tests;
