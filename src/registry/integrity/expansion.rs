//! Datasets from elsewhere that claim to be far larger than what was sent for them.

use crate::catalog::Dataset;
use crate::ident::TreeId;
use crate::manifest::Manifest;
use crate::manifest::distinct_bytes;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;
use crate::wire::limits::EXPANSION_FREE_BYTES;
use crate::wire::limits::EXPANSION_FREE_TABLE_BYTES;
use crate::wire::limits::EXPANSION_RATIO_MAX;

/// How much larger a dataset is than what it is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expansion {
    /// Bytes that the manifest claims; of the file table where that is what repeats.
    pub claimed_bytes: u64,
    /// Bytes of the different chunks that these are made of.
    pub distinct_bytes: u64,
}

impl Expansion {
    /// Why it is refused, and how to take it all the same.
    pub(crate) fn reason(self) -> String {
        format!(
            "it claims {} bytes, made of {} that repeat; `--allow-large` takes it all the same",
            self.claimed_bytes, self.distinct_bytes
        )
    }

    /// The error for a dataset that is so large.
    pub fn refused(self, manifest: &Manifest) -> Error {
        Error::TooLarge {
            dataset: format!("{}@{}", manifest.name, manifest.dataset_version),
            expansion: self,
        }
    }
}

/// What the data of a dataset may claim without regard to repetition; little in tests.
pub(crate) const FREE_DATA_BYTES: u64 = match cfg!(test) {
    true => 4 << 20,
    false => EXPANSION_FREE_BYTES,
};
/// The same for its file table.
pub(crate) const FREE_TABLE_BYTES: u64 = EXPANSION_FREE_TABLE_BYTES;

/// How many distinct bytes a claim needs in order not to count as repetition.
pub(crate) fn distinct_needed(claimed: u64) -> u64 {
    claimed.div_ceil(EXPANSION_RATIO_MAX)
}

/// What datasets that come together claim by repetition.
#[derive(Debug, Default)]
pub(crate) struct Repeated {
    data: u64,
    tables: u64,
}

impl Repeated {
    /// Adds a dataset whose nodes are here, unless it is beyond what comes unasked: then how large
    /// it is.
    ///
    /// # Errors
    /// [`Error`] when a node is missing or wrong.
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

/// Whether a tree claims too much; what it repeats is added to `sum` where that is free.
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
    /// Whether a dataset came from elsewhere and is beyond what is read or written unasked, and
    /// how large it is then.
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
        Repeated::default().add(&reader, m)
    }
}
