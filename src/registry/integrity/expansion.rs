//! Expansion limit: remote datasets that claim to be far larger than the bytes sent for them.

use crate::archive_check::Expansion;
use crate::catalog::Dataset;
use crate::manifest::Manifest;
use crate::registry::error::Error;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::views::Maintenance;
use crate::store::disk::BlobReader;
use crate::wire::limits::EXPANSION_FREE_TABLE_BYTES;

pub(crate) use crate::archive_check::expansion::RepeatedBytes;
pub(crate) use crate::archive_check::expansion::distinct_needed;

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
        Ok(RepeatedBytes::new(free_data_bytes).add(&reader, m)?)
    }
}
