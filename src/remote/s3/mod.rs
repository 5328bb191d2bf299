//! Objects of S3: signatures, lists, and the profiles of its own clients.

pub(crate) mod list;
pub mod profile;
pub(crate) mod sign;
pub(crate) mod signature;
pub mod xml;
