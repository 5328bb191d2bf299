//! Which chunks of the whole store a new one resembles, by its super-features. A file in the cache of the
//! home says where chunks lie that have them; it is a hint, which may be lost, torn or out of date: what
//! it leads to is looked up in the store like anything else. Normative: `spec/resemblance.md`.

pub(crate) mod page_cache;
pub(crate) mod received;
mod table;

pub(crate) use crate::registry::delta::similarity::received::ReceivedRecords;

use std::collections::HashMap;
use std::io;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::SuperFeatures;
use crate::chunk::similarity::Place;
use crate::ident::BlobId;
use crate::pack::RecordHeader;
use crate::registry::delta::similarity::table::Table;
use crate::store::disk::BlobReader;
use crate::store::disk::DiskStore;
use crate::store::disk::Location;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;

/// What is known of the chunks of a store, and a reader on it. Several threads may ask.
pub(crate) struct SimilarityIndex {
    /// None where there can be none, and once it failed.
    table: Mutex<Option<Table>>,
    pub(crate) reader: BlobReader,
}

impl SimilarityIndex {
    /// That of a store. A table that cannot be had is none.
    ///
    /// # Errors
    /// [`StoreError`] when the home cannot be read or written.
    pub(crate) fn open(store: &DiskStore) -> Result<Self, StoreError> {
        Ok(Self {
            table: Mutex::new(store.cache_dir().and_then(|dir| Table::open(&dir).ok())),
            reader: BlobReader::new(store)?,
        })
    }

    /// Remembers by what the chunks of a record that was just appended plain, the first of which is this, resemble others.
    pub(crate) fn remember(
        &self,
        session: &WriteSession,
        first: Option<BlobId>,
        chunks: Vec<Option<SuperFeatures>>,
    ) {
        let kind = BlobKind::Chunk;
        let key = first.map(|id| BlobKey { kind, id });
        // All of a record lie where the first does.
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

    /// The chunk that has most of these super-features, as far as is known. Where there is none, that which lies as far
    /// behind the one that was found last as this `number` is behind that one's.
    pub(crate) fn find(
        &self,
        features: &SuperFeatures,
        number: usize,
        headers: &mut Headers,
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
        // The first of those of which there are as many.
        found.iter().rev().max_by_key(|place| count(place)).copied()
    }

    /// Does something with the table, which is no more used once that failed.
    fn with<T>(&self, work: impl FnOnce(&mut Table) -> io::Result<T>) -> Option<T> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work(table.as_mut()?);
        if done.is_err() {
            *table = None;
        }
        done.ok()
    }
}

/// Whether a record did not become shorter by a sixteenth: what it holds is compressed or encrypted already, and of such
/// nothing similar is stored as less.
pub(crate) fn is_dense(payload_bytes: usize, raw_bytes: usize) -> bool {
    payload_bytes * 16 >= raw_bytes * 15
}

/// Headers of records that were looked into last, on one thread: chunks that follow each other resemble
/// such.
#[derive(Default)]
pub(crate) struct Headers {
    kept: HashMap<(u32, u32), Option<RecordHeader>>,
    /// The number of the chunk for which one was found last, and where that lies.
    run: Option<(usize, Place)>,
}

impl Headers {
    /// Other chunks come, which are not behind those before.
    pub(crate) fn leave_run(&mut self) {
        self.run = None;
    }

    fn behind(&self, number: usize) -> Option<Place> {
        let (last, place) = self.run?;
        let ahead = number.checked_sub(last).filter(|n| *n <= RUN_CHUNKS)?;
        let item = place.item.checked_add(u16::try_from(ahead).ok()?)?;
        Some(Place { item, ..place })
    }

    /// The chunk at a place, if there is one.
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
/// How far a chunk may be behind the last for which one was found.
const RUN_CHUNKS: usize = 8;
