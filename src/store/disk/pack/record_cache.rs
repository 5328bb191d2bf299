//! A cache of decompressed records.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use crate::blob_store::BlobKey;
use crate::locks::lock;
use crate::store::disk::error::StoreError;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::unpacked::Unpacked;

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

    /// Takes a record. One that it has already becomes the latest.
    pub(crate) fn keep(&self, at: &Location, unpacked: Arc<Unpacked>) {
        let mut kept = lock(&self.kept);
        kept.retain(|(place, _)| *place != (at.pack, at.offset));
        if kept.len() >= self.most {
            kept.pop_front();
        }
        kept.push_back(((at.pack, at.offset), unpacked));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Location;
    use super::RecordCache;
    use super::Unpacked;

    #[test]
    fn record_kept_again_takes_no_second_place() {
        let at = |offset| Location {
            pack: 1,
            offset,
            record_bytes: 0,
            item: 0,
            raw_bytes: 0,
            is_delta: false,
        };
        let cache = RecordCache::new(2);
        let keep = |offset| {
            let record = Unpacked::new(Vec::new(), Vec::new());
            cache.keep(&at(offset), Arc::new(record));
        };
        for offset in [1, 2, 1, 1, 3] {
            keep(offset);
        }
        let is_kept = [1, 2, 3].map(|offset| cache.find(&at(offset)).is_some());
        assert_eq!(is_kept, [true, false, true]);
    }
}
