//! Metadata that a new version takes from the one before.

use crate::ident::DatasetVersion;

/// Metadata that a new version inherited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inherited {
    /// The older version.
    pub version: DatasetVersion,
    /// Names of the inherited fields: `license`, `description`, `tags`, `card`, `private`.
    pub fields: Vec<&'static str>,
}
