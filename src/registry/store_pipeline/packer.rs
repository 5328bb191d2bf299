//! What of a batch is new, put into records: deltas where something like it is here, and
//! neighbours compressed together otherwise.

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

/// A shorter record says nothing about what follows it.
const TELLING_BYTES: usize = 16 << 10;

/// Stores the new chunks of one batch.
pub(crate) struct Packer<'a, 'd> {
    session: &'a WriteSession,
    compressor: &'a mut Compressor,
    deltas: &'a mut DeltaWriter<'d>,
    /// Told by what the chunks resemble others that are stored plain.
    resembling: &'a SimilarityIndex,
    data: &'a [u8],
    /// Whether the last record that was stored plain and not short hardly became shorter.
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
        resembling: &'a SimilarityIndex,
        data: &'a [u8],
    ) -> Self {
        Self {
            session,
            compressor,
            deltas,
            resembling,
            data,
            is_dense: None,
            plain: Segment::default(),
            close: Segment::default(),
            bases: Vec::new(),
        }
    }

    /// The next new chunk, and plain ones that it may resemble.
    pub(crate) fn add(&mut self, chunk: NewChunk, bases: &[BlobId]) -> Result<(), StoreError> {
        if bases.is_empty() || !self.deltas.is_worth_a_try() {
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
        match self.close.raw_bytes >= DIFFERENCE_BYTES {
            true => self.end_close(),
            false => Ok(()),
        }
    }

    /// Stores what is left. Whether what was stored plain last hardly became shorter, if something was.
    pub(crate) fn finish(mut self) -> Result<Option<bool>, StoreError> {
        self.end_close()?;
        self.end_plain()?;
        Ok(self.is_dense)
    }

    fn add_plain(&mut self, chunk: NewChunk) -> Result<(), StoreError> {
        self.plain.add(chunk);
        match self.plain.raw_bytes >= SEGMENT_BYTES {
            true => self.end_plain(),
            false => Ok(()),
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
            self.resembling
                .remember(self.session, first, features.collect());
        }
        Ok(())
    }
}

/// A chunk that is new.
#[derive(Debug)]
pub(crate) struct NewChunk {
    pub(crate) id: BlobId,
    /// Where it is in the batch.
    pub(crate) part: Range<usize>,
    /// What it resembles others by, where that is known already.
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

    /// Where all of them are, when each begins where the one before it ends.
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
