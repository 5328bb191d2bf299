//! The blob store trait over a reader of a home.

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::pack::reader::BlobReader;
use crate::store::disk::session::WriteSession;

impl BlobStore for BlobReader {
    fn get(&self, key: &BlobKey) -> Result<Vec<u8>, BlobError> {
        Ok(self.find(key)?)
    }

    fn has(&self, keys: &[BlobKey]) -> Result<Vec<bool>, BlobError> {
        Ok(self.locate(keys)?.iter().map(Option::is_some).collect())
    }

    fn put(&self, kind: BlobKind, bytes: &[u8]) -> Result<BlobKey, BlobError> {
        let session = WriteSession::begin(self.store())?;
        let key = session.add(kind, bytes)?;
        session.commit(|_, _| Ok::<_, StoreError>(()))?;
        Ok(key)
    }
}
