//! A cache of decompressed records.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use crate::blob_store::BlobKey;
use crate::locks::lock;
use crate::store::disk::error::StoreError;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::unpacked::Unpacked;

/// Looks up locations of blobs, in the index or also in a session.
pub(crate) type Locate<'a> = dyn Fn(&[BlobKey]) -> Result<Vec<Option<Location>>, StoreError> + 'a;

/// A record with its pack and offset.
type CachedRecord = ((u32, u32), Arc<Slot>);

/// A decompressed record, or room for one.
#[derive(Debug, Default)]
struct Slot {
    record: OnceLock<Arc<Unpacked>>,
    /// Held by the thread that decompresses it, while others wait.
    making: Mutex<()>,
}

/// A cache of a few decompressed records, those used last at the end.
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
        let found = kept.iter().find(|(place, _)| *place == place_of(at));
        found.and_then(|(_, slot)| slot.record.get().cloned())
    }

    /// Takes a record. One that it has already becomes the latest.
    pub(crate) fn keep(&self, at: &Location, unpacked: Arc<Unpacked>) {
        let slot = Slot::default();
        let _ = slot.record.set(unpacked);
        let mut kept = lock(&self.kept);
        kept.retain(|(place, _)| *place != place_of(at));
        if kept.len() >= self.most {
            kept.pop_front();
        }
        kept.push_back((place_of(at), Arc::new(slot)));
    }

    /// Returns the cached record at this location, or that of `unpack`. Threads that want the same record at the same
    /// time share one decompression.
    ///
    /// # Errors
    /// That of `unpack`, which the next caller tries again.
    pub(crate) fn get_or_unpack(
        &self,
        at: &Location,
        unpack: impl FnOnce() -> Result<Arc<Unpacked>, StoreError>,
    ) -> Result<Arc<Unpacked>, StoreError> {
        let slot = self.slot(at);
        if let Some(record) = slot.record.get() {
            return Ok(Arc::clone(record));
        }
        let _making = lock(&slot.making);
        if let Some(record) = slot.record.get() {
            return Ok(Arc::clone(record));
        }
        let record = unpack()?;
        Ok(Arc::clone(slot.record.get_or_init(|| record)))
    }

    fn slot(&self, at: &Location) -> Arc<Slot> {
        let mut kept = lock(&self.kept);
        let known = kept.iter().position(|(place, _)| *place == place_of(at));
        let slot = match known.and_then(|known| kept.remove(known)) {
            Some((_, slot)) => slot,
            None => {
                if kept.len() >= self.most {
                    kept.pop_front();
                }
                Arc::default()
            }
        };
        kept.push_back((place_of(at), Arc::clone(&slot)));
        slot
    }
}

fn place_of(at: &Location) -> (u32, u32) {
    (at.pack, at.offset)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;

    use crate::blob_store::BlobError;
    use crate::blob_store::BlobKey;
    use crate::blob_store::BlobKind;

    use super::Location;
    use super::RecordCache;
    use super::StoreError;
    use super::Unpacked;

    fn at(offset: u32) -> Location {
        Location {
            pack: 1,
            offset,
            record_bytes: 0,
            item: 0,
            raw_bytes: 0,
            is_delta: false,
        }
    }

    fn record() -> Arc<Unpacked> {
        Arc::new(Unpacked::new(Vec::new(), Vec::new()))
    }

    #[test]
    fn record_wanted_by_many_is_unpacked_once_and_again_after_a_failure() {
        let cache = RecordCache::new(2);
        let missing = BlobKey::new(BlobKind::Chunk, [0; 32]);
        let failing = || Err(StoreError::Blob(BlobError::Missing(missing)));
        assert!(matches!(
            cache.get_or_unpack(&at(1), failing),
            Err(StoreError::Blob(BlobError::Missing(_)))
        ));
        assert!(cache.find(&at(1)).is_none());
        let (begin, unpacked) = (std::sync::Barrier::new(4), AtomicUsize::new(0));
        let one = || {
            begin.wait();
            let unpack = || {
                unpacked.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
                Ok(record())
            };
            cache.get_or_unpack(&at(1), unpack).unwrap()
        };
        let records: Vec<_> = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            begun.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(records.iter().all(|r| Arc::ptr_eq(r, &records[0])));
        assert_eq!(unpacked.into_inner(), 1);
    }

    #[test]
    fn record_kept_again_takes_no_second_place() {
        let cache = RecordCache::new(2);
        let keep = |offset| cache.keep(&at(offset), record());
        for offset in [1, 2, 1, 1, 3] {
            keep(offset);
        }
        let is_kept = [1, 2, 3].map(|offset| cache.find(&at(offset)).is_some());
        assert_eq!(is_kept, [true, false, true]);
    }
}
