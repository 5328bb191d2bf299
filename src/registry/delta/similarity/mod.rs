//! Similarity index: finds stored chunks that resemble a new one, by super-features.
//!
//! A file in the cache of the home maps super-features to locations of chunks. It is only a hint
//! that may be lost, torn or outdated, so every result is looked up in the store. Normative:
//! `spec/resemblance.md`.

pub(crate) mod page_cache;
pub(crate) mod received;
mod table;

pub(crate) use crate::registry::delta::similarity::received::ReceivedRecords;

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::SuperFeatures;
use crate::chunk::similarity::Place;
use crate::ident::BlobId;
use crate::locks::lock;
use crate::pack::RecordHeader;
use crate::registry::delta::similarity::table::FeatureTable;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::Location;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

/// Similarity index of a store, with a reader. Several threads may use it.
pub(crate) struct SimilarityIndex {
    /// `None` if the table cannot be opened, and after an error.
    table: Mutex<Option<FeatureTable>>,
    pub(crate) reader: BlobReader,
}

impl SimilarityIndex {
    /// Opens the index of a store. A table that cannot be opened is skipped.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be read or written.
    pub(crate) fn open(store: &DiskStore) -> Result<Self, StoreError> {
        Ok(Self {
            table: Mutex::new(
                store
                    .cache_dir()
                    .and_then(|dir| FeatureTable::open(&dir).ok()),
            ),
            reader: BlobReader::new(store)?,
        })
    }

    /// Adds the super-features of the chunks of a plain record that was just appended. `first` is
    /// its first chunk.
    pub(crate) fn insert_record(
        &self,
        session: &WriteSession,
        first: Option<BlobId>,
        chunks: Vec<Option<SuperFeatures>>,
    ) {
        let kind = BlobKind::Chunk;
        let key = first.map(|id| BlobKey { kind, id });
        // All chunks of a record have the location of the first.
        let Some(at) = key.and_then(|key| session.pending(&key)) else {
            return;
        };
        let _ = self.with(|table| {
            for (item, features) in (0..).zip(chunks) {
                let place = Place {
                    pack: at.pack,
                    offset: at.offset,
                    item,
                };
                for feature in features.into_iter().flatten() {
                    table.put(feature, place)?;
                }
            }
            Ok(())
        });
    }

    /// Returns the chunk that shares most of these super-features.
    ///
    /// If there is none, returns the chunk that follows the last match at the same distance as
    /// `number` follows that match's number.
    pub(crate) fn find(
        &self,
        features: &SuperFeatures,
        number: usize,
        headers: &mut HeaderCache,
    ) -> Option<BlobId> {
        let place = self.place(features);
        let place = match place {
            Some(place) => {
                headers.run = Some((number, place));
                place
            }
            None => headers.behind(number)?,
        };
        headers.item(&self.reader, place)
    }

    fn place(&self, features: &SuperFeatures) -> Option<Place> {
        let mut found: Vec<Place> = Vec::new();
        self.with(|table| {
            for feature in features {
                found.extend(table.find(*feature)?);
            }
            Ok(())
        })?;
        let count = |place: &Place| found.iter().filter(|other| *other == place).count();
        // The first of several with equal counts.
        found.iter().rev().max_by_key(|place| count(place)).copied()
    }

    /// Runs `work` on the table, and drops the table on an error.
    fn with<T>(&self, work: impl FnOnce(&mut FeatureTable) -> io::Result<T>) -> Option<T> {
        let mut table = lock(&self.table);
        let done = work(table.as_mut()?);
        if done.is_err() {
            *table = None;
        }
        done.ok()
    }
}

/// Returns true if a record compresses by less than a sixteenth. Such data is compressed or
/// encrypted already, and a delta to similar data saves nothing.
pub(crate) fn is_dense(payload_bytes: usize, raw_bytes: usize) -> bool {
    payload_bytes * 16 >= raw_bytes * 15
}

/// Cache of the record headers read last by one thread. Consecutive chunks often resemble
/// consecutive chunks.
#[derive(Default)]
pub(crate) struct HeaderCache {
    kept: HashMap<(u32, u32), Option<RecordHeader>>,
    /// Number of the last chunk with a match, and the match's location.
    run: Option<(usize, Place)>,
}

impl HeaderCache {
    /// Ends the run, because the next chunks do not follow the last ones.
    pub(crate) fn reset_run(&mut self) {
        self.run = None;
    }

    fn behind(&self, number: usize) -> Option<Place> {
        let (last, place) = self.run?;
        let ahead = number.checked_sub(last).filter(|n| *n <= RUN_CHUNKS)?;
        let item = place.item.checked_add(u16::try_from(ahead).ok()?)?;
        Some(Place { item, ..place })
    }

    /// Returns the chunk at a location, if there is one.
    fn item(&mut self, reader: &BlobReader, place: Place) -> Option<BlobId> {
        if self.kept.len() >= HEADERS_KEPT {
            self.kept.clear();
        }
        let header = self
            .kept
            .entry((place.pack, place.offset))
            .or_insert_with(|| {
                let at = Location {
                    pack: place.pack,
                    offset: place.offset,
                    record_bytes: 0,
                    item: place.item,
                    raw_bytes: 0,
                    is_delta: false,
                };
                let nobody = BlobKey::new(BlobKind::Chunk, [0; 32]);
                reader.header(&nobody, &at).ok()
            });
        let header = header
            .as_ref()
            .filter(|h| h.kind == Some(BlobKind::Chunk))?;
        let item = header.items.get(usize::from(place.item));
        item.map(|item| item.id)
    }
}

const HEADERS_KEPT: usize = 32;
/// Maximum distance of a chunk from the last match.
const RUN_CHUNKS: usize = 8;
