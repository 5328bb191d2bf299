//! Chunks that come whole from elsewhere, kept: as they came, or as deltas where the store has what they
//! resemble.

use std::cell::RefCell;

use crate::blob_store::BlobKind;
use crate::chunk::SuperFeatures;
use crate::chunk::super_features;
use crate::ident::BlobId;
use crate::pack::Item;
use crate::pack::Record;
use crate::registry::delta::similarity::Headers;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::delta::similarity::is_dense;
use crate::registry::delta::writer::DeltaWriter;
use crate::registry::delta::writer::keys_of;
use crate::registry::delta::writer::only_fresh;
use crate::registry::delta::writer::packed;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;
use crate::wire::limits::RECORD_BASES_MAX;

/// Keeps records of chunks, on one thread.
pub(crate) struct ReceivedRecords<'a> {
    session: &'a WriteSession,
    resembling: &'a SimilarityIndex,
    state: RefCell<(Headers, DeltaWriter<'a>)>,
}

impl<'a> ReceivedRecords<'a> {
    pub(crate) fn new(session: &'a WriteSession, resembling: &'a SimilarityIndex) -> Self {
        let deltas = DeltaWriter::new(session, &resembling.reader);
        Self {
            session,
            resembling,
            state: RefCell::new((Headers::default(), deltas)),
        }
    }

    /// Keeps the chunks of a record, of which `raw` is what it unpacks to and `bytes` all of it: it as it came where
    /// all are new and nothing like them is here.
    pub(crate) fn keep(&self, items: &[Item], raw: &[u8], bytes: &[u8]) -> Result<(), StoreError> {
        let ids: Vec<BlobId> = items.iter().map(|i| i.id).collect();
        let fresh = self.session.claim(&keys_of(BlobKind::Chunk, &ids))?;
        if fresh.contains(&false) {
            let (kept, some) = only_fresh(items, raw, &fresh);
            return match kept.is_empty() {
                true => Ok(()),
                false => self.session.append(&packed(kept, &some)),
            };
        }
        let features = match is_dense(bytes.len(), raw.len()) {
            true => Vec::new(),
            false => features(items, raw),
        };
        if let Some(record) = self.delta(items, raw, &features)? {
            return self.session.append(&record);
        }
        self.session.append_encoded(BlobKind::Chunk, items, bytes)?;
        self.resembling
            .remember(self.session, ids.first().copied(), features);
        Ok(())
    }

    /// The chunks as a delta, where most of them resemble some that are here.
    fn delta(
        &self,
        items: &[Item],
        raw: &[u8],
        features: &[Option<SuperFeatures>],
    ) -> Result<Option<Record>, StoreError> {
        let mut state = self.state.borrow_mut();
        let (headers, deltas) = &mut *state;
        if deltas.passes_over(items.len()) {
            return Ok(None);
        }
        headers.leave_run();
        let mut near: Vec<BlobId> = Vec::new();
        for (n, features) in features.iter().enumerate() {
            let found = features.and_then(|f| self.resembling.find(&f, n, headers));
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
