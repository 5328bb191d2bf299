//! What of a batch is new, put into records: differences where something like it is here, and
//! neighbours compressed together otherwise.

use std::ops::Range;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::chunk::params::DIFFERENCE_BYTES;
use crate::chunk::params::SEGMENT_BYTES;
use crate::ident::BlobId;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::registry::differences::Differences;
use crate::store::disk::Session;
use crate::store::disk::StoreError;
use crate::wire::limits::RECORD_BASES_MAX;

/// Stores the new chunks of one batch.
pub(crate) struct Segments<'a, 'd> {
    session: &'a Session,
    compressor: &'a mut Compressor,
    differences: Option<&'a mut Differences<'d>>,
    data: &'a [u8],
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
            plain: Segment::default(),
            close: Segment::default(),
            bases: Vec::new(),
        }
    }

    /// The next new chunk, where it is in the batch, and plain ones that it may resemble.
    pub(crate) fn add(
        &mut self,
        key: &BlobKey,
        part: Range<usize>,
        bases: &[BlobId],
    ) -> Result<(), StoreError> {
        let is_tried = !bases.is_empty()
            && self
                .differences
                .as_mut()
                .is_some_and(|d| d.is_worth_a_try());
        if !is_tried {
            return self.add_plain(key.id, part);
        }
        if self.bases.len() + bases.len() > RECORD_BASES_MAX {
            self.end_close()?;
        }
        for base in bases {
            if !self.bases.contains(base) {
                self.bases.push(*base);
            }
        }
        self.close.add(key.id, part);
        match self.close.raw_bytes >= DIFFERENCE_BYTES {
            true => self.end_close(),
            false => Ok(()),
        }
    }

    /// Stores what is left.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        self.end_close()?;
        self.end_plain()
    }

    fn add_plain(&mut self, id: BlobId, part: Range<usize>) -> Result<(), StoreError> {
        self.plain.add(id, part);
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
            None => {
                (segment.chunks.into_iter()).try_for_each(|(id, part)| self.add_plain(id, part))
            }
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
        self.session.append(&Record {
            kind: BlobKind::Chunk,
            codec,
            flags: Flags::default(),
            sequence: 0,
            items: segment.items(),
            bases: Vec::new(),
            payload,
        })
    }
}

/// Chunks for one record, and where they are in the batch.
#[derive(Default)]
struct Segment {
    chunks: Vec<(BlobId, Range<usize>)>,
    raw_bytes: usize,
}

impl Segment {
    fn add(&mut self, id: BlobId, part: Range<usize>) {
        self.raw_bytes += part.len();
        self.chunks.push((id, part));
    }

    fn items(&self) -> Vec<Item> {
        let chunks = self.chunks.iter();
        chunks
            .map(|(id, part)| Item {
                id: *id,
                // At most CHUNK_BYTES_MAX.
                raw_bytes: part.len() as u32,
            })
            .collect()
    }

    /// Where all of them are, when each begins where the one before it ends.
    fn only_part(&self) -> Option<Range<usize>> {
        let ((_, first), (_, last)) = (self.chunks.first()?, self.chunks.last()?);
        let touch = |pair: &[(BlobId, Range<usize>)]| match pair {
            [(_, before), (_, after)] => before.end == after.start,
            _ => false,
        };
        let together = self.chunks.windows(2).all(touch);
        together.then_some(first.start..last.end)
    }

    fn bytes(&self, data: &[u8]) -> Vec<u8> {
        let parts = self.chunks.iter();
        let parts: Vec<&[u8]> = parts
            .map(|(_, part)| data.get(part.clone()).unwrap_or_default())
            .collect();
        parts.concat()
    }
}
