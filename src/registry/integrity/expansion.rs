//! Expansion limit: remote datasets that claim to be far larger than the bytes sent for them.

use crate::catalog::Dataset;
use crate::ident::TreeId;
use crate::manifest::Manifest;
use crate::manifest::distinct_bytes;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::error::expansion::Expansion;
use crate::store::disk::BlobReader;
use crate::wire::limits::EXPANSION_FREE_BYTES;
use crate::wire::limits::EXPANSION_FREE_TABLE_BYTES;
use crate::wire::limits::EXPANSION_RATIO_MAX;

impl Expansion {
    /// Returns the error for a dataset of this size.
    pub fn refused(self, manifest: &Manifest) -> Error {
        Error::TooLarge {
            dataset: format!("{}@{}", manifest.name, manifest.dataset_version),
            expansion: self,
        }
    }
}

/// Bytes that the data of a dataset may claim without a limit on repetition. Tests use a small
/// number.
pub(crate) const FREE_DATA_BYTES: u64 = if cfg!(test) {
    4 << 20
} else {
    EXPANSION_FREE_BYTES
};
/// The same for its file table.
pub(crate) const FREE_TABLE_BYTES: u64 = EXPANSION_FREE_TABLE_BYTES;

/// Returns the number of distinct bytes that a claim needs in order not to count as repetition.
pub(crate) fn distinct_needed(claimed: u64) -> u64 {
    claimed.div_ceil(EXPANSION_RATIO_MAX)
}

/// Repeated bytes claimed so far by datasets that arrive together.
#[derive(Debug, Default)]
pub(crate) struct RepeatedBytes {
    data: u64,
    tables: u64,
}

impl RepeatedBytes {
    /// Adds a dataset whose nodes are held. Returns its expansion, and adds nothing, if it needs
    /// consent.
    ///
    /// # Errors
    /// [`Error`] when a node is missing or invalid.
    pub(crate) fn add(
        &mut self,
        reader: &BlobReader,
        m: &Manifest,
    ) -> Result<Option<Expansion>, Error> {
        let table = (m.file_table_root, m.file_table_bytes);
        let table = expansion(reader, table, (&mut self.tables, FREE_TABLE_BYTES))?;
        let data = (m.chunk_tree_root, m.size_bytes);
        let data = expansion(reader, data, (&mut self.data, FREE_DATA_BYTES))?;
        Ok(data.or(table))
    }
}

/// Returns the expansion of a tree that claims too much. Otherwise adds its repeated bytes to
/// `sum`.
fn expansion(
    reader: &BlobReader,
    (root, claimed): (TreeId, u64),
    (sum, free): (&mut u64, u64),
) -> Result<Option<Expansion>, Error> {
    let needed = distinct_needed(claimed);
    let distinct = distinct_bytes(reader, root, needed)?;
    let repeated = sum.saturating_add(claimed);
    if distinct >= needed {
        return Ok(None);
    }
    if repeated <= free {
        *sum = repeated;
        return Ok(None);
    }
    Ok(Some(Expansion {
        claimed_bytes: claimed,
        distinct_bytes: distinct,
    }))
}

impl LocalRegistry {
    /// Returns the expansion of a dataset that came from elsewhere and needs consent before it is
    /// read or written.
    ///
    /// # Errors
    /// [`Error`] when its tree is missing or damaged.
    pub fn expansion(&self, dataset: &Dataset) -> Result<Option<Expansion>, Error> {
        let m = &dataset.manifest;
        let is_free = m.size_bytes <= FREE_DATA_BYTES && m.file_table_bytes <= FREE_TABLE_BYTES;
        if is_free || !dataset.flags.foreign {
            return Ok(None);
        }
        let reader = BlobReader::new(&self.store)?;
        RepeatedBytes::default().add(&reader, m)
    }
}
