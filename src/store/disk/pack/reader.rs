//! Blob reader: finds a blob in the index, reads and decompresses its record, and checks the blob
//! against its hash. It caches records for adjacent blobs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use crate::blob_store::BlobError;
use crate::blob_store::BlobKey;
use crate::chunk::Codec;
use crate::chunk::CodecError;
use crate::ident::BlobId;
use crate::locks::lock;
use crate::pack::RecordView;
use crate::read_at::ReadAt;
use crate::store::disk::DiskStore;
use crate::store::disk::EpochGuard;
use crate::store::disk::error::StoreError;
pub(crate) use crate::store::disk::index::rows::locate;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::record_cache::Locate;
use crate::store::disk::pack::record_cache::RecordCache;
use crate::store::disk::pack::unpacked::Unpacked;
use crate::wire::limits::RECORD_STORED_BYTES_MAX;

/// Reads blobs of a store. While it lives, no collection removes a blob that it finds.
#[derive(Debug)]
pub struct BlobReader {
    store: DiskStore,
    _operation: EpochGuard,
    packs: Mutex<HashMap<u32, Arc<dyn DiskFile>>>,
    recent: RecordCache,
    pub(in crate::store::disk) of_bases: RecordCache,
}

/// Number of cached records: about as many as one walk down a tree and along its chunks touches.
const RECENT_RECORDS: usize = 12;
/// Number of cached records with bases. A delta may need several, and adjacent deltas need the same, as
/// do readers of the blobs in between.
const RECENT_BASES: usize = 24;

impl BlobReader {
    /// Makes a reader on a store.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be read or written.
    pub fn new(store: &DiskStore) -> Result<Self, StoreError> {
        Ok(Self::under(store, EpochGuard::begin(store)?))
    }

    /// Makes a reader that is part of an operation.
    pub(crate) fn under(store: &DiskStore, operation: EpochGuard) -> Self {
        Self {
            store: store.clone(),
            _operation: operation,
            packs: Mutex::default(),
            recent: RecordCache::new(RECENT_RECORDS),
            of_bases: RecordCache::new(RECENT_BASES),
        }
    }

    /// Makes another reader on the same store.
    ///
    /// # Errors
    /// As [`BlobReader::new`].
    pub fn reopen(&self) -> Result<Self, StoreError> {
        Self::new(&self.store)
    }

    /// Looks up the locations of blobs in one read of the index.
    ///
    /// # Errors
    /// [`StoreError`] when the index cannot be read.
    pub fn locate(&self, keys: &[BlobKey]) -> Result<Vec<Option<Location>>, StoreError> {
        self.store
            .read(|t| keys.iter().map(|k| locate(t, k)).collect())
    }

    /// Returns the bytes that these blobs take in packs: their share of the bytes of their records.
    ///
    /// # Errors
    /// [`StoreError`] when the index or a pack cannot be read.
    pub fn stored_bytes(&self, keys: &[BlobKey]) -> Result<u64, StoreError> {
        let mut records: HashMap<(u32, u32), (BlobKey, Location, u64)> = HashMap::new();
        for (key, location) in keys.iter().zip(self.locate(keys)?) {
            if let Some(at) = location {
                let entry = records.entry((at.pack, at.offset)).or_insert((*key, at, 0));
                entry.2 += u64::from(at.raw_bytes);
            }
        }
        let mut stored = 0;
        for (key, at, used) in records.values() {
            let header = RecordView::decode(&self.record_bytes(key, at)?)
                .map_err(|_| StoreError::Blob(BlobError::Corrupt(*key)))?
                .header;
            let raw = (header.raw_bytes as u64).max(1);
            stored += u64::from(at.record_bytes) * *used / raw;
        }
        Ok(stored)
    }

    /// Returns the record with a valid checksum at a location, from the cache or from its pack.
    ///
    /// # Errors
    /// [`StoreError`] when the pack cannot be read, or the record or a base of it is damaged.
    pub fn record(&self, key: &BlobKey, at: &Location) -> Result<Arc<Unpacked>, StoreError> {
        self.recent.get_or_unpack(at, || self.unpack(key, at))
    }

    /// Returns the record at a location, from its pack or from the cache of bases.
    ///
    /// # Errors
    /// As [`BlobReader::record`].
    pub fn unpack(&self, key: &BlobKey, at: &Location) -> Result<Arc<Unpacked>, StoreError> {
        self.unpack_by(key, at, &|keys| self.locate(keys))
    }

    /// Returns the record at a location; `locate` gives the locations of bases.
    pub(in crate::store::disk) fn unpack_by(
        &self,
        key: &BlobKey,
        at: &Location,
        locate: &Locate<'_>,
    ) -> Result<Arc<Unpacked>, StoreError> {
        self.read_record(key, at, |view| match view.header.codec {
            Some(Codec::Delta) => {
                let bases = self.bases(key, &view.header.bases, locate)?;
                Ok(view.unpack_on(bases))
            }
            _ => Ok(view.unpack()),
        })
    }

    /// Returns the record with a valid checksum at a location, decoded by `unpack`, or from the cache of bases.
    pub(in crate::store::disk) fn read_record(
        &self,
        key: &BlobKey,
        at: &Location,
        unpack: impl FnOnce(&RecordView<'_>) -> Result<Result<Vec<u8>, CodecError>, StoreError>,
    ) -> Result<Arc<Unpacked>, StoreError> {
        if let Some(kept) = self.of_bases.find(at) {
            return Ok(kept);
        }
        let bytes = self.record_bytes(key, at)?;
        let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
        let view = RecordView::decode(&bytes).map_err(|_| corrupt())?;
        if view.header.kind != Some(key.kind) || !view.payload_is_intact() {
            return Err(corrupt());
        }
        let raw = unpack(&view)?.map_err(|_| corrupt())?;
        Ok(Arc::new(Unpacked::new(view.header.items, raw)))
    }

    /// Reads the encoded record at a location, unchecked.
    pub(crate) fn record_bytes(&self, key: &BlobKey, at: &Location) -> Result<Vec<u8>, StoreError> {
        let corrupt = || StoreError::Blob(BlobError::Corrupt(*key));
        let length = usize::try_from(at.record_bytes).unwrap_or(usize::MAX);
        // A record's header is at most as long as its items need; the limit bounds both.
        if length > 2 * RECORD_STORED_BYTES_MAX {
            return Err(corrupt());
        }
        let file = self.pack(key, at.pack)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, u64::from(at.offset))
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::UnexpectedEof => corrupt(),
                _ => StoreError::io("read", layout::pack_path(at.pack), e),
            })?;
        Ok(bytes)
    }

    fn pack(&self, key: &BlobKey, number: u32) -> Result<Arc<dyn DiskFile>, StoreError> {
        let mut packs = lock(&self.packs);
        if let Some(open) = packs.get(&number) {
            return Ok(open.clone());
        }
        let path = layout::pack_path(number);
        let file = self
            .store
            .disk
            .open(&path, OpenMode::Existing)
            .map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => StoreError::Blob(BlobError::Missing(*key)),
                _ => StoreError::io("open", &path, e),
            })?;
        let file: Arc<dyn DiskFile> = file.into();
        if packs.len() >= PACKS_OPEN_MAX {
            packs.clear();
        }
        packs.insert(number, file.clone());
        Ok(file)
    }

    /// Returns the store that it reads.
    pub(in crate::store::disk) fn store(&self) -> &DiskStore {
        &self.store
    }

    /// Returns the verified bytes of a blob.
    pub(in crate::store::disk) fn find(&self, key: &BlobKey) -> Result<Vec<u8>, StoreError> {
        let at = self.store.read(|t| locate(t, key))?;
        let at = at.ok_or(StoreError::Blob(BlobError::Missing(*key)))?;
        let record = self.record(key, &at)?;
        let bytes = record
            .item(key, at.item)
            .filter(|b| BlobId::of(b) == key.id);
        bytes
            .map(<[u8]>::to_vec)
            .ok_or(StoreError::Blob(BlobError::Corrupt(*key)))
    }
}

/// Number of files kept open at a time.
const PACKS_OPEN_MAX: usize = 128;

/// A pack's bytes, for a scan.
#[derive(Debug)]
pub(crate) struct PackBytes<'a>(pub(crate) &'a dyn DiskFile);

impl ReadAt for PackBytes<'_> {
    fn len(&self) -> u64 {
        self.0.size().unwrap_or(0)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        // An unknown length is no end of the pack: data that cannot be read now is not lost.
        let left = self.0.size()?.saturating_sub(offset);
        let n = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match buf.get_mut(..n) {
            Some(part) => self.0.read_exact_at(part, offset).map(|()| n),
            None => Ok(0),
        }
    }
}
