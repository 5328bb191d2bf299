//! Packer: puts the new chunks of a batch into records, as deltas if a similar chunk is held, and
//! otherwise compressed together with their neighbours.

use std::ops::Range;

use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::chunk::SuperFeatures;
use crate::chunk::params::DIFFERENCE_BYTES;
use crate::chunk::params::SEGMENT_BYTES;
use crate::chunk::super_features;
use crate::ident::BlobId;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::registry::delta::similarity::SimilarityIndex;
use crate::registry::delta::similarity::is_dense;
use crate::registry::delta::writer::DeltaWriter;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;
use crate::wire::limits::RECORD_BASES_MAX;

/// Minimum size of a record whose compression predicts that of the next chunks.
const TELLING_BYTES: usize = 16 << 10;

/// Stores the new chunks of one batch.
pub(crate) struct Packer<'a, 'd> {
    session: &'a WriteSession,
    compressor: &'a mut Compressor,
    deltas: &'a mut DeltaWriter<'d>,
    /// Index that learns the super-features of chunks stored plain.
    similarity: &'a SimilarityIndex,
    data: &'a [u8],
    /// True if the last plain record of sufficient size hardly compressed.
    is_dense: Option<bool>,
    plain: Segment,
    close: Segment,
    bases: Vec<BlobId>,
}

impl<'a, 'd> Packer<'a, 'd> {
    pub(crate) fn new(
        session: &'a WriteSession,
        compressor: &'a mut Compressor,
        deltas: &'a mut DeltaWriter<'d>,
        similarity: &'a SimilarityIndex,
        data: &'a [u8],
    ) -> Self {
        Self {
            session,
            compressor,
            deltas,
            similarity,
            data,
            is_dense: None,
            plain: Segment::default(),
            close: Segment::default(),
            bases: Vec::new(),
        }
    }

    /// Adds the next new chunk, with plain chunks that it may resemble.
    pub(crate) fn add(&mut self, chunk: NewChunk, bases: &[BlobId]) -> Result<(), StoreError> {
        if bases.is_empty() || !self.deltas.should_try() {
            return self.add_plain(chunk);
        }
        if self.bases.len() + bases.len() > RECORD_BASES_MAX {
            self.end_close()?;
        }
        for base in bases {
            if !self.bases.contains(base) {
                self.bases.push(*base);
            }
        }
        self.close.add(chunk);
        if self.close.raw_bytes >= DIFFERENCE_BYTES {
            self.end_close()
        } else {
            Ok(())
        }
    }

    /// Stores the remaining chunks. Returns true if the last plain record hardly compressed, or
    /// `None` if there was none.
    pub(crate) fn finish(mut self) -> Result<Option<bool>, StoreError> {
        self.end_close()?;
        self.end_plain()?;
        Ok(self.is_dense)
    }

    fn add_plain(&mut self, chunk: NewChunk) -> Result<(), StoreError> {
        self.plain.add(chunk);
        if self.plain.raw_bytes >= SEGMENT_BYTES {
            self.end_plain()
        } else {
            Ok(())
        }
    }

    fn end_close(&mut self) -> Result<(), StoreError> {
        let (segment, bases) = (
            std::mem::take(&mut self.close),
            std::mem::take(&mut self.bases),
        );
        let raw = segment.bytes(self.data);
        let items = segment.items();
        let made = self.deltas.record(BlobKind::Chunk, &items, &raw, &bases);
        match made {
            Some(record) => self.session.append(&record),
            None => segment
                .chunks
                .into_iter()
                .try_for_each(|chunk| self.add_plain(chunk)),
        }
    }

    fn end_plain(&mut self) -> Result<(), StoreError> {
        let segment = std::mem::take(&mut self.plain);
        if segment.chunks.is_empty() {
            return Ok(());
        }
        let (codec, payload) = match segment.only_part() {
            Some(part) => self
                .compressor
                .compress(self.data.get(part).unwrap_or_default()),
            None => self.compressor.compress(&segment.bytes(self.data)),
        };
        let is_dense = is_dense(payload.len(), segment.raw_bytes);
        if segment.raw_bytes >= TELLING_BYTES {
            self.is_dense = Some(is_dense);
        }
        self.session.append(&Record {
            kind: BlobKind::Chunk,
            codec,
            flags: Flags::default(),
            sequence: 0,
            items: segment.items(),
            bases: Vec::new(),
            payload,
        })?;
        if !is_dense {
            let features = segment.chunks.iter().map(|chunk| {
                let bytes = || self.data.get(chunk.part.clone()).unwrap_or_default();
                chunk.features.or_else(|| super_features(bytes()))
            });
            let first = segment.chunks.first().map(|chunk| chunk.id);
            self.similarity
                .insert_record(self.session, first, features.collect());
        }
        Ok(())
    }
}

/// A new chunk.
#[derive(Debug)]
pub(crate) struct NewChunk {
    pub(crate) id: BlobId,
    /// Its range in the batch.
    pub(crate) part: Range<usize>,
    /// Its super-features, if they are computed already.
    pub(crate) features: Option<SuperFeatures>,
}

/// Chunks for one record.
#[derive(Default)]
struct Segment {
    chunks: Vec<NewChunk>,
    raw_bytes: usize,
}

impl Segment {
    fn add(&mut self, chunk: NewChunk) {
        self.raw_bytes += chunk.part.len();
        self.chunks.push(chunk);
    }

    fn items(&self) -> Vec<Item> {
        let chunks = self.chunks.iter();
        chunks
            .map(|chunk| Item {
                id: chunk.id,
                // At most CHUNK_BYTES_MAX.
                raw_bytes: chunk.part.len() as u32,
            })
            .collect()
    }

    /// Returns the range of all chunks if they are adjacent.
    fn only_part(&self) -> Option<Range<usize>> {
        let (first, last) = (self.chunks.first()?, self.chunks.last()?);
        let touch = |pair: &[NewChunk]| match pair {
            [before, after] => before.part.end == after.part.start,
            _ => false,
        };
        let together = self.chunks.windows(2).all(touch);
        together.then_some(first.part.start..last.part.end)
    }

    fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let parts = self.chunks.iter();
        let parts: Vec<&[u8]> = parts
            .map(|chunk| data.get(chunk.part.clone()).unwrap_or_default())
            .collect();
        parts.concat()
    }
}
