//! What of a batch is new, put into records: differences where something like it is here, and
//! neighbours compressed together otherwise.

use std::ops::Range;

use crate::blob_store::BlobKey;
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
use crate::registry::differences::Differences;
use crate::registry::resembling::Resembling;
use crate::store::disk::Session;
use crate::store::disk::StoreError;
use crate::wire::limits::RECORD_BASES_MAX;

/// Stores the new chunks of one batch.
pub(crate) struct Segments<'a, 'd> {
    session: &'a Session,
    compressor: &'a mut Compressor,
    differences: Option<&'a mut Differences<'d>>,
    data: &'a [u8],
    resembling: Option<&'a Resembling>,
    /// Whether the last record that was stored plain did not become shorter by a sixteenth.
    is_dense: Option<bool>,
    plain: Segment,
    close: Segment,
    bases: Vec<BlobId>,
}

impl<'a, 'd> Segments<'a, 'd> {
    pub(crate) fn new(
        session: &'a Session,
        compressor: &'a mut Compressor,
        differences: Option<&'a mut Differences<'d>>,
        data: &'a [u8],
    ) -> Self {
        Self {
            session,
            compressor,
            differences,
            data,
            resembling: None,
            is_dense: None,
            plain: Segment::default(),
            close: Segment::default(),
            bases: Vec::new(),
        }
    }

    /// The same that remembers by what the chunks resemble others that it stores plain.
    pub(crate) fn remembering(self, resembling: Option<&'a Resembling>) -> Self {
        Self { resembling, ..self }
    }

    /// The next new chunk, and plain ones that it may resemble.
    pub(crate) fn add(&mut self, chunk: NewChunk, bases: &[BlobId]) -> Result<(), StoreError> {
        let is_tried = !bases.is_empty()
            && self
                .differences
                .as_mut()
                .is_some_and(|d| d.is_worth_a_try());
        if !is_tried {
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
        let made = self
            .differences
            .as_mut()
            .and_then(|d| d.record(BlobKind::Chunk, &items, &raw, &bases));
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
        let is_dense = payload.len() * 16 >= segment.raw_bytes * 15;
        self.is_dense = Some(is_dense);
        self.session.append(&Record {
            kind: BlobKind::Chunk,
            codec,
            flags: Flags::default(),
            sequence: 0,
            items: segment.items(),
            bases: Vec::new(),
            payload,
        })?;
        // Of what is compressed or encrypted already, nothing similar is stored as less.
        if let Some(resembling) = self.resembling.filter(|_| !is_dense) {
            self.remember(resembling, &segment);
        }
        Ok(())
    }

    fn remember(&self, resembling: &Resembling, stored: &Segment) {
        let features = |chunk: &NewChunk| {
            let bytes = || self.data.get(chunk.part.clone()).unwrap_or_default();
            chunk.features.or_else(|| super_features(bytes()))
        };
        let key = |chunk: &NewChunk| BlobKey {
            kind: BlobKind::Chunk,
            id: chunk.id,
        };
        let first = stored.chunks.first();
        // All of a record lie where the first does.
        if let Some(at) = first.and_then(|chunk| self.session.pending(&key(chunk))) {
            let features: Vec<_> = stored.chunks.iter().map(features).collect();
            resembling.put(&at, features.into_iter());
        }
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
