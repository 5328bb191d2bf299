//! Whether all of a dataset is here.

use std::collections::HashSet;

use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::catalog::Dataset;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::manifest::each_node;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::store::disk::BlobReader;

impl LocalRegistry {
    /// Whether everything that a dataset needs has its place in the index.
    pub(crate) fn is_complete(&self, dataset: &Dataset) -> Result<bool, Error> {
        let reader = BlobReader::new(&self.store)?;
        let m = &dataset.manifest;
        for root in [m.file_table_root, m.chunk_tree_root] {
            let (mut keys, mut nodes) = (Vec::new(), HashSet::new());
            // What repeats is walked once.
            let walked = each_node(&reader, root, &mut |key| {
                let first = key.kind != BlobKind::Node || nodes.insert(key);
                keys.extend(first.then_some(key));
                first
            });
            match walked.map_err(Error::from) {
                Err(e) if e.kind() == ErrorKind::Integrity => return Ok(false),
                walked => walked?,
            }
            if reader.has(&keys)?.contains(&false) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
