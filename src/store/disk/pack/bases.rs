//! What deltas are deltas against. A base is always stored plain, so reading one never
//! leads to another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::ident::BlobId;
use crate::pack::RecordHeader;
use crate::pack::layout::RECORD_FIXED_BYTES;
use crate::store::disk::BlobReader;
use crate::store::disk::Location;
use crate::store::disk::Unpacked;
use crate::store::disk::error::StoreError;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;

/// Where blobs are: by the index, or also in a session.
pub(crate) type Locate<'a> = dyn Fn(&[BlobKey]) -> Result<Vec<Option<Location>>, StoreError> + 'a;

/// A record's pack and offset, and what is in it.
type Kept = ((u32, u32), Arc<Unpacked>);

/// A few records, unpacked, the latest last.
#[derive(Debug)]
pub(crate) struct Recents {
    most: usize,
    kept: Mutex<VecDeque<Kept>>,
}

impl Recents {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            kept: Mutex::default(),
        }
    }

    /// The record at this place, if it is one of them.
    pub(crate) fn find(&self, at: &Location) -> Option<Arc<Unpacked>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept
            .iter()
            .find(|(place, _)| *place == (at.pack, at.offset));
        found.map(|(_, unpacked)| unpacked.clone())
    }

    pub(crate) fn keep(&self, at: &Location, unpacked: Arc<Unpacked>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            kept.pop_front();
        }
        kept.push_back(((at.pack, at.offset), unpacked));
    }
}

impl BlobReader {
    /// The bytes of a delta's bases, one after the other, each checked against its hash. They are where `locate` says.
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

    /// A record that is no delta, kept for others whose bases are in it.
    pub(crate) fn plain(&self, key: &BlobKey, at: &Location) -> Result<Arc<Unpacked>, StoreError> {
        // Were it a delta, whatever the index says, that would be an error.
        let unpacked = self.whole(key, at, |view| Ok(view.unpack()))?;
        self.of_bases.keep(at, unpacked.clone());
        Ok(unpacked)
    }

    /// The header of the record at a location, its payload not read.
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
