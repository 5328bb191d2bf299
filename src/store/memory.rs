//! The memory store: for wasm, for tests, and as the oracle for the disk store.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::ident::BlobId;
use crate::locks::lock;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;

/// Blobs in a map.
#[derive(Debug, Default)]
pub struct MemoryBlobs {
    blobs: Mutex<BTreeMap<BlobKey, Vec<u8>>>,
}

impl MemoryBlobs {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl BlobStore for MemoryBlobs {
    fn get(&self, key: &BlobKey) -> Result<Vec<u8>, BlobError> {
        let blobs = lock(&self.blobs);
        let bytes = blobs.get(key).cloned().ok_or(BlobError::Missing(*key))?;
        if BlobId::of(&bytes) == key.id {
            Ok(bytes)
        } else {
            Err(BlobError::Corrupt(*key))
        }
    }

    fn has(&self, keys: &[BlobKey]) -> Result<Vec<bool>, BlobError> {
        let blobs = lock(&self.blobs);
        Ok(keys.iter().map(|k| blobs.contains_key(k)).collect())
    }

    fn put(&self, kind: BlobKind, bytes: &[u8]) -> Result<BlobKey, BlobError> {
        let key = BlobKey {
            kind,
            id: BlobId::of(bytes),
        };
        let mut blobs = lock(&self.blobs);
        blobs.insert(key, bytes.to_vec());
        Ok(key)
    }
}

/// Tables in maps. A transaction is all changes between two reads.
#[derive(Clone, Debug, Default)]
pub struct MemoryMeta {
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryMeta {
    /// Makes empty tables.
    pub fn new() -> Self {
        Self::default()
    }
}

impl MetaRead for MemoryMeta {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, MetaError> {
        Ok(self.tables.get(&table).and_then(|t| t.get(key)).cloned())
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Scan,
    ) -> Result<(), MetaError> {
        let rows = self
            .tables
            .get(&table)
            .into_iter()
            .flat_map(|t| t.range(from.to_vec()..));
        for (key, value) in rows {
            if visit(key, value) == Scan::Stop {
                break;
            }
        }
        Ok(())
    }
}

impl MetaWrite for MemoryMeta {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), MetaError> {
        self.tables
            .entry(table)
            .or_default()
            .insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, MetaError> {
        Ok(self
            .tables
            .get_mut(&table)
            .and_then(|t| t.remove(key))
            .is_some())
    }
}
