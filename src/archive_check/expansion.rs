//! Datasets that claim to be far larger than the bytes sent for them.

use crate::blob_store::BlobStore;
use crate::ident::TreeId;
use crate::manifest::Manifest;
use crate::manifest::TreeError;
use crate::manifest::distinct_bytes;
use crate::wire::limits::EXPANSION_FREE_TABLE_BYTES;
use crate::wire::limits::EXPANSION_RATIO_MAX;

/// The claimed size of a dataset and the size of its distinct chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// Bytes that the manifest claims; those of the file table if that is the part that repeats.
    pub claimed_bytes: u64,
    /// Bytes of the distinct chunks of that data.
    pub distinct_bytes: u64,
}

impl Expansion {
    /// Returns the reason for a refusal, with the option that overrides it.
    pub(crate) fn reason(self) -> String {
        format!(
            "it claims {} bytes, made of {} that repeat; `--allow-large` takes it all the same",
            self.claimed_bytes, self.distinct_bytes
        )
    }
}

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
    /// [`TreeError`] when a node is missing or invalid.
    pub(crate) fn add(
        &mut self,
        blobs: &dyn BlobStore,
        m: &Manifest,
    ) -> Result<Option<Expansion>, TreeError> {
        let table = (m.file_table_root, m.file_table_bytes);
        let free = EXPANSION_FREE_TABLE_BYTES;
        let table = expansion(blobs, table, (&mut self.tables, free))?;
        let data = (m.chunk_tree_root, m.size_bytes);
        let data = expansion(blobs, data, (&mut self.data, self.free_data_bytes))?;
        Ok(data.or(table))
    }
}

/// Returns the expansion of a tree that claims too much. Otherwise adds its repeated bytes to
/// `sum`.
fn expansion(
    blobs: &dyn BlobStore,
    (root, claimed): (TreeId, u64),
    (sum, free): (&mut u64, u64),
) -> Result<Option<Expansion>, TreeError> {
    let needed = distinct_needed(claimed);
    let distinct = distinct_bytes(blobs, root, needed)?;
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
