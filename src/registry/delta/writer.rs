//! Delta writer: stores new chunks as deltas against held ones if that saves space.

use std::collections::HashMap;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Codec;
use crate::chunk::Compressor;
use crate::chunk::DeltaEncoder;
use crate::ident::BlobId;
use crate::pack::Flags;
use crate::pack::Item;
use crate::pack::Record;
use crate::pack::RecordHeader;
use crate::pack::layout::BASE_BYTES;
use crate::store::disk::BlobReader;
use crate::store::disk::Location;
use crate::store::disk::StoreError;
use crate::store::disk::WriteSession;
use crate::wire::limits::RECORD_BASES_MAX;

/// A delta is certainly worth storing if it is shorter than the raw data divided by this.
pub(crate) const SURELY_PAYS: usize = 8;
/// Number of chunks stored without a try after a delta that did not save space. It grows fourfold
/// after each further one, up to the maximum.
const PAUSE_CHUNKS: usize = 16;
const PAUSE_CHUNKS_MAX: usize = 4096;

/// Encodes deltas, on one thread.
pub(crate) struct DeltaWriter<'a> {
    session: &'a WriteSession,
    reader: &'a BlobReader,
    differ: DeltaEncoder,
    plain: Compressor,
    /// Remaining chunks to store without a try, and the length of the next pause.
    pause: usize,
    next_pause: usize,
}

impl<'a> DeltaWriter<'a> {
    pub(crate) fn new(session: &'a WriteSession, reader: &'a BlobReader) -> Self {
        Self {
            session,
            reader,
            differ: DeltaEncoder::new(),
            plain: Compressor::new(),
            pause: 0,
            next_pause: PAUSE_CHUNKS,
        }
    }

    /// Returns true if the next chunk is worth a try, and counts it otherwise.
    pub(crate) fn should_try(&mut self) -> bool {
        let paused = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        !paused
    }

    /// Skips these chunks if none of them is worth a try. Returns true if it did.
    pub(crate) fn skip_if_paused(&mut self, chunks: usize) -> bool {
        let passes = self.pause >= chunks;
        if passes {
            self.pause -= chunks;
        }
        passes
    }

    /// Returns the plain bases for a delta against each of these blobs. For a plain blob that is
    /// the blob itself. For a delta these are those of its bases that overlap it.
    pub(crate) fn plain_bases(
        &self,
        kind: BlobKind,
        wanted: &[BlobId],
    ) -> Result<HashMap<BlobId, Vec<BlobId>>, StoreError> {
        let mut found = HashMap::new();
        // No blob needs a lookup.
        if wanted.is_empty() {
            return Ok(found);
        }
        let mut headers: HashMap<(u32, u32), Option<RecordHeader>> = HashMap::new();
        let located = self.session.locate(&keys_of(kind, wanted))?;
        for (id, at) in wanted.iter().zip(located) {
            let Some(at) = at else { continue };
            if !at.is_delta {
                found.insert(*id, vec![*id]);
                continue;
            }
            let header = headers.entry((at.pack, at.offset)).or_insert_with(|| {
                let key = BlobKey { kind, id: *id };
                // An unreadable base only means less compression.
                self.reader.header(&key, &at).ok()
            });
            if let Some(header) = header {
                found.insert(*id, self.overlapping_bases(kind, header, &at)?);
            }
        }
        Ok(found)
    }

    /// Returns the bases of a delta at the position of one of its items, by their share of the
    /// bytes.
    fn overlapping_bases(
        &self,
        kind: BlobKind,
        header: &RecordHeader,
        item: &Location,
    ) -> Result<Vec<BlobId>, StoreError> {
        let before = header.items.iter().take(usize::from(item.item));
        let start: u64 = before.map(|i| u64::from(i.raw_bytes)).sum();
        let end = start + u64::from(item.raw_bytes);
        let located = self.session.locate(&keys_of(kind, &header.bases))?;
        let length = |at: &Option<Location>| at.map_or(0, |at| u64::from(at.raw_bytes));
        let total: u64 = located.iter().map(length).sum();
        let raw = (header.raw_bytes as u64).max(1);
        let (start, end) = (start * total / raw, end * total / raw);
        let mut bases = Vec::new();
        let mut next = 0;
        for (id, at) in header.bases.iter().zip(&located) {
            let (from, to) = (next, next + length(at));
            next = to;
            let shared = to.min(end).saturating_sub(from.max(start));
            if at.is_some_and(|at| !at.is_delta) && shared * 8 > end - start {
                bases.push(*id);
            }
        }
        Ok(bases)
    }

    /// Encodes a record of these blobs as a delta against plain ones, if it saves space.
    pub(crate) fn record(
        &mut self,
        kind: BlobKind,
        items: &[Item],
        raw: &[u8],
        bases: &[BlobId],
    ) -> Option<Record> {
        let first = items.first()?;
        if bases.is_empty() || bases.len() > RECORD_BASES_MAX {
            return None;
        }
        let key = BlobKey { kind, id: first.id };
        // No record may depend on a base that cannot be read.
        let locate = |keys: &[BlobKey]| self.session.locate(keys);
        let bytes = self.reader.bases(&key, bases, &locate).ok()?;
        let payload = self.differ.encode(raw, bytes)?;
        let cost = payload.len() + bases.len() * BASE_BYTES;
        let pays = cost * SURELY_PAYS < raw.len() || {
            let (_, plain) = self.plain.compress(raw);
            cost * 4 < plain.len() * 3
        };
        if !pays {
            self.pause = self.next_pause;
            self.next_pause = (self.next_pause * 4).min(PAUSE_CHUNKS_MAX);
            return None;
        }
        self.next_pause = PAUSE_CHUNKS;
        Some(Record {
            kind,
            codec: Codec::Delta,
            flags: Flags::default(),
            sequence: 0,
            items: items.to_vec(),
            bases: bases.to_vec(),
            payload,
        })
    }
}

pub(crate) fn keys_of(kind: BlobKind, ids: &[BlobId]) -> Vec<BlobKey> {
    ids.iter().map(|id| BlobKey { kind, id: *id }).collect()
}

/// Stores chunks that arrived as a delta. The delta is stored as it is if its bases are held plain
/// and all chunks are new. Otherwise a new delta or a plain record is made.
pub(crate) fn keep_delta(
    session: &WriteSession,
    reader: &BlobReader,
    record: Record,
    raw: &[u8],
) -> Result<(), StoreError> {
    let ids: Vec<BlobId> = record.items.iter().map(|i| i.id).collect();
    let fresh = session.claim(&keys_of(BlobKind::Chunk, &ids))?;
    let located = session.locate(&keys_of(BlobKind::Chunk, &record.bases))?;
    let mut located = located.into_iter();
    let are_plain = located.all(|at| at.is_some_and(|at| !at.is_delta));
    if are_plain && !fresh.contains(&false) {
        return session.append(&record);
    }
    let (kept, some) = only_fresh(&record.items, raw, &fresh);
    if kept.is_empty() {
        return Ok(());
    }
    let mut deltas = DeltaWriter::new(session, reader);
    let found = deltas.plain_bases(BlobKind::Chunk, &record.bases)?;
    let mut plain: Vec<BlobId> = Vec::new();
    for base in (record.bases.iter())
        .filter_map(|id| found.get(id))
        .flatten()
    {
        if !plain.contains(base) {
            plain.push(*base);
        }
    }
    match deltas.record(BlobKind::Chunk, &kept, &some, &plain) {
        Some(record) => session.append(&record),
        None => session.append(&packed(kept, &some)),
    }
}

/// Returns the new items and their bytes.
pub(crate) fn only_fresh(items: &[Item], raw: &[u8], fresh: &[bool]) -> (Vec<Item>, Vec<u8>) {
    let (mut kept, mut some) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (item, fresh) in items.iter().zip(fresh) {
        let end = at + item.raw_bytes as usize;
        if *fresh {
            kept.push(*item);
            some.extend_from_slice(raw.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    (kept, some)
}

/// Packs chunks into a record of their own.
pub(crate) fn packed(items: Vec<Item>, raw: &[u8]) -> Record {
    let (codec, payload) = Compressor::new().compress(raw);
    Record {
        kind: BlobKind::Chunk,
        codec,
        flags: Flags::default(),
        sequence: 0,
        items,
        bases: Vec::new(),
        payload,
    }
}
