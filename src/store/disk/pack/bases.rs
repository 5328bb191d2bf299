//! Bases of deltas. A base is always stored plain, so reading one never leads to another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::ident::BlobId;
use crate::locks::lock;
use crate::pack::RecordHeader;
use crate::pack::layout::RECORD_FIXED_BYTES;
use crate::store::disk::BlobReader;
use crate::store::disk::Unpacked;
use crate::store::disk::error::StoreError;
use crate::store::disk::pack::location::Location;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;

/// Looks up locations of blobs, in the index or also in a session.
pub(crate) type Locate<'a> = dyn Fn(&[BlobKey]) -> Result<Vec<Option<Location>>, StoreError> + 'a;

/// A record with its pack and offset, decompressed.
type CachedRecord = ((u32, u32), Arc<Unpacked>);

/// A cache of a few decompressed records, the latest last.
#[derive(Debug)]
pub(crate) struct RecordCache {
    most: usize,
    kept: Mutex<VecDeque<CachedRecord>>,
}

impl RecordCache {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// Returns the cached record at this location.
    pub(crate) fn find(&self, at: &Location) -> Option<Arc<Unpacked>> {
        let kept = lock(&self.kept);
        let found = kept
            .iter()
            .find(|(place, _)| *place == (at.pack, at.offset));
        found.map(|(_, unpacked)| unpacked.clone())
    }

    pub(crate) fn keep(&self, at: &Location, unpacked: Arc<Unpacked>) {
        let mut kept = lock(&self.kept);
        if kept.len() >= self.most {
            kept.pop_front();
        }
        kept.push_back(((at.pack, at.offset), unpacked));
    }
}

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
