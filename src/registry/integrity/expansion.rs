//! Expansion limit: remote datasets that claim to be far larger than the bytes sent for them.

use crate::catalog::Dataset;
use crate::ident::TreeId;
use crate::manifest::Manifest;
use crate::manifest::distinct_bytes;
use crate::registry::error::Error;
use crate::registry::error::expansion::Expansion;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::views::Maintenance;
use crate::store::disk::BlobReader;
use crate::wire::limits::EXPANSION_FREE_TABLE_BYTES;
use crate::wire::limits::EXPANSION_RATIO_MAX;

impl Expansion {
    /// Returns the error for a dataset of this size.
    pub fn refused(self, manifest: &Manifest) -> Error {
        Error::Integrity(IntegrityError::TooLarge {
            dataset: format!("{}@{}", manifest.name, manifest.dataset_version),
            expansion: self,
        })
    }
}

/// Bytes that the file table of a dataset may claim without a limit on repetition.
pub(crate) const FREE_TABLE_BYTES: u64 = EXPANSION_FREE_TABLE_BYTES;

/// Returns the number of distinct bytes that a claim needs in order not to count as repetition.
pub(crate) fn distinct_needed(claimed: u64) -> u64 {
    claimed.div_ceil(EXPANSION_RATIO_MAX)
}

/// Repeated bytes claimed so far by datasets that arrive together.
#[derive(Debug)]
pub(crate) struct RepeatedBytes {
    free_data_bytes: u64,
    data: u64,
    tables: u64,
}

impl RepeatedBytes {
    /// Creates a sum of zero with a limit for data.
    pub(crate) const fn new(free_data_bytes: u64) -> Self {
        Self {
            free_data_bytes,
            data: 0,
            tables: 0,
        }
    }

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
        let data = expansion(reader, data, (&mut self.data, self.free_data_bytes))?;
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

impl Maintenance<'_> {
    /// Returns the expansion of a dataset that came from elsewhere and needs consent before it is
    /// read or written.
    ///
    /// # Errors
    /// [`Error`] when its tree is missing or damaged.
    pub fn expansion(&self, dataset: &Dataset) -> Result<Option<Expansion>, Error> {
        let m = &dataset.manifest;
        let free_data_bytes = self.registry.sizes.free_data_bytes;
        let is_free = m.size_bytes <= free_data_bytes && m.file_table_bytes <= FREE_TABLE_BYTES;
        if is_free || !dataset.flags.foreign {
            return Ok(None);
        }
        let reader = BlobReader::new(&self.registry.store)?;
        RepeatedBytes::new(free_data_bytes).add(&reader, m)
    }
}
