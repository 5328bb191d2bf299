//! Edit of a dataset's metadata.

use std::path::PathBuf;

use crate::ident::VersionAlias;

/// Changes to a dataset's description. Unset fields keep their values.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Edit {
    /// Labels to add.
    pub add_tags: Vec<String>,
    /// Labels to remove.
    pub remove_tags: Vec<String>,
    /// New description. An empty one removes it.
    pub description: Option<String>,
    /// New licence, an SPDX expression. An empty one removes it.
    pub license: Option<String>,
    /// File with the new card.
    pub card: Option<PathBuf>,
    /// Bytes of the new card, if it is read already.
    pub card_bytes: Option<Vec<u8>>,
    /// Alias to add to this version, with its count.
    pub alias: Option<(VersionAlias, u64)>,
    /// Aliases to remove from this version.
    pub drop_aliases: Vec<VersionAlias>,
}
