//! Received chunks: stored as they arrived, or as deltas against similar chunks of the store.

use std::cell::RefCell;

use crate::blob_store::BlobKind;
use crate::chunk::SuperFeatures;
use crate::chunk::super_features;
use crate::ident::BlobId;
use crate::pack::Item;
use crate::pack::Record;
use crate::registry::delta::similarity::HeaderCache;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::delta::similarity::is_dense;
use crate::registry::delta::writer::DeltaWriter;
use crate::registry::delta::writer::keys_of;
use crate::registry::delta::writer::only_fresh;
use crate::registry::delta::writer::packed;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;
use crate::wire::limits::RECORD_BASES_MAX;

/// Stores records of chunks, on one thread.
pub(crate) struct ReceivedRecords<'a> {
    session: &'a WriteSession,
    similarity: &'a SimilarityIndex,
    state: RefCell<(HeaderCache, DeltaWriter<'a>)>,
}

impl<'a> ReceivedRecords<'a> {
    pub(crate) fn new(session: &'a WriteSession, similarity: &'a SimilarityIndex) -> Self {
        let deltas = DeltaWriter::new(session, &similarity.reader);
        Self {
            session,
            similarity,
            state: RefCell::new((HeaderCache::default(), deltas)),
        }
    }

    /// Stores the chunks of a record. `raw` is its decompressed data and `bytes` its encoding. The
    /// record is stored as it is if all chunks are new and no similar one is held.
    pub(crate) fn keep(&self, items: &[Item], raw: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        let ids: Vec<BlobId> = items.iter().map(|i| i.id).collect();
        let fresh = self.session.claim(&keys_of(BlobKind::Chunk, &ids))?;
        if fresh.contains(&false) {
            let (kept, some) = only_fresh(items, raw, &fresh);
            return if kept.is_empty() {
                Ok(())
            } else {
                self.session.append(&packed(kept, &some))
            };
        }
        let features = if is_dense(bytes.len(), raw.len()) {
            Vec::new()
        } else {
            features(items, raw)
        };
        if let Some(record) = self.delta(items, raw, &features)? {
            return self.session.append(&record);
        }
        self.session.append_encoded(BlobKind::Chunk, items, bytes)?;
        self.similarity
            .insert_record(self.session, ids.first().copied(), features);
        Ok(())
    }

    /// Encodes the chunks as a delta if most of them resemble stored ones.
    fn delta(
        &self,
        items: &[Item],
        raw: &[u8],
        features: &[Option<SuperFeatures>],
    ) -> Result<Option<Record>, StoreError> {
        let mut state = self.state.borrow_mut();
        let (headers, deltas) = &mut *state;
        if deltas.skip_if_paused(items.len()) {
            return Ok(None);
        }
        headers.reset_run();
        let mut near: Vec<BlobId> = Vec::new();
        for (n, features) in features.iter().enumerate() {
            let found = features.and_then(|f| self.similarity.find(&f, n, headers));
            near.extend(found);
        }
        if near.len() * 2 <= items.len() {
            return Ok(None);
        }
        let found = deltas.plain_bases(BlobKind::Chunk, &near)?;
        let mut bases: Vec<BlobId> = Vec::new();
        for base in near.iter().filter_map(|id| found.get(id)).flatten() {
            if !bases.contains(base) && bases.len() < RECORD_BASES_MAX {
                bases.push(*base);
            }
        }
        Ok(deltas.record(BlobKind::Chunk, items, raw, &bases))
    }
}

fn features(items: &[Item], raw: &[u8]) -> Vec<Option<SuperFeatures>> {
    let mut rest = raw;
    let each = items.iter().map(|item| {
        let length = usize::try_from(item.raw_bytes).unwrap_or(usize::MAX);
        let (chunk, after) = rest.split_at_checked(length)?;
        rest = after;
        super_features(chunk)
    });
    each.collect()
}
