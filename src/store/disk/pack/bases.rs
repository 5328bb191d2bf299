//! Bases of deltas. A base is always stored plain, so reading one never leads to another.

use std::sync::Arc;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::ident::BlobId;
use crate::pack::RecordHeader;
use crate::pack::layout::RECORD_FIXED_BYTES;
use crate::store::disk::BlobReader;
use crate::store::disk::error::StoreError;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::record_cache::Locate;
use crate::store::disk::pack::unpacked::Unpacked;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;

impl BlobReader {
    /// Returns the bytes of a delta's bases, one after the other, each checked against its hash.
    /// `locate` gives their locations.
    pub(crate) fn bases(
        &self,
        key: &BlobKey,
        ids: &[BlobId],
        locate: &Locate<'_>,
    ) -> Result<Vec<u8>, StoreError> {
        let base_key = |id: &BlobId| BlobKey {
            kind: key.kind,
            id: *id,
        };
        let keys: Vec<BlobKey> = ids.iter().map(base_key).collect();
        let mut joined = Vec::new();
        for (base, at) in keys.iter().zip(locate(&keys)?) {
            let unreadable = || {
                StoreError::Blob(BlobError::Base {
                    key: *key,
                    base: *base,
                })
            };
            let at = at.filter(|at| !at.is_delta).ok_or_else(unreadable)?;
            let record = match self.plain(base, &at) {
                Err(StoreError::Blob(BlobError::Missing(_) | BlobError::Corrupt(_))) => {
                    return Err(unreadable());
                }
                other => other?,
            };
            let bytes = record.item(base, at.item);
            let bytes = bytes.filter(|b| BlobId::of(b) == base.id);
            joined.extend_from_slice(bytes.ok_or_else(unreadable)?);
            if joined.len() > RECORD_BASE_BYTES_MAX {
                return Err(StoreError::Blob(BlobError::Corrupt(*key)));
            }
        }
        Ok(joined)
    }

    /// Returns a plain record, and caches it for other deltas with bases in it.
    pub(crate) fn plain(&self, key: &BlobKey, at: &Location) -> Result<Arc<Unpacked>, StoreError> {
        // A delta here is an error, whatever the index says.
        let unpacked = self.read_record(key, at, |view| Ok(view.unpack()))?;
        self.of_bases.keep(at, unpacked.clone());
        Ok(unpacked)
    }

    /// Reads the header of the record at a location, without its payload.
    pub(crate) fn header(&self, key: &BlobKey, at: &Location) -> Result<RecordHeader, StoreError> {
        let corrupt = |_| StoreError::Blob(BlobError::Corrupt(*key));
        let part = |bytes: usize| {
            let record_bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            self.record_bytes(
                key,
                &Location {
                    record_bytes,
                    ..*at
                },
            )
        };
        let fixed = part(RECORD_FIXED_BYTES)?;
        let tail = RecordHeader::tail_bytes(&fixed).map_err(corrupt)?;
        RecordHeader::decode(&part(RECORD_FIXED_BYTES + tail)?).map_err(corrupt)
    }
}
