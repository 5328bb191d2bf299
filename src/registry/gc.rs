//! What a collection must keep: every dataset's manifest, trees and card.

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::catalog;
use crate::meta_store::MetaRead;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::step::Step;
use crate::store::disk::GcOptions;
use crate::store::disk::GcReport;
use crate::store::disk::StoreError;

impl LocalRegistry {
    /// Removes the bytes that no dataset needs and gives their space back. May run beside
    /// everything else, and may be killed.
    ///
    /// # Errors
    /// [`Error`] when a dataset's tree is damaged, so that what it needs is not known; nothing is
    /// removed then.
    pub fn gc(&self, options: &GcOptions, progress: &dyn Progress) -> Result<GcReport, Error> {
        let _step = Step::begin("collect garbage of", self.home().display());
        self.store.with_reserve(|| {
            let collected = self.store.gc(&roots, options, progress);
            Ok::<_, Error>(collected?)
        })
    }
}

fn roots(tables: &dyn MetaRead) -> Result<Vec<BlobKey>, StoreError> {
    let mut keys = Vec::new();
    for dataset in catalog::all(tables)? {
        let m = &dataset.manifest;
        let key = BlobKey::new;
        keys.push(key(BlobKind::Envelope, *dataset.envelope_id.as_bytes()));
        keys.push(key(BlobKind::Node, *m.chunk_tree_root.as_bytes()));
        keys.push(key(BlobKind::Node, *m.file_table_root.as_bytes()));
        keys.extend(m.card.map(|id| key(BlobKind::Card, *id.as_bytes())));
    }
    for statement in catalog::statements(tables)? {
        keys.push(BlobKey::new(
            BlobKind::Statement,
            *statement.id().as_bytes(),
        ));
    }
    Ok(keys)
}
