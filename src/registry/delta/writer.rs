//! Storing what is new as a delta against what is here, where that pays.

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

/// A delta that is shorter than one part in this many of what it stands for pays.
pub(crate) const SURELY_PAYS: usize = 8;
/// After deltas that did not pay, so many chunks are stored without a try; four times as many
/// after every further one, up to the most.
const PAUSE_CHUNKS: usize = 16;
const PAUSE_CHUNKS_MAX: usize = 4096;

/// Makes deltas, on one thread.
pub(crate) struct DeltaWriter<'a> {
    session: &'a WriteSession,
    reader: &'a BlobReader,
    differ: DeltaEncoder,
    plain: Compressor,
    /// Chunks still to be stored without a try, and how many after the next that does not pay.
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

    /// Whether a chunk is worth a try now.
    pub(crate) fn is_worth_a_try(&mut self) -> bool {
        let paused = self.pause > 0;
        self.pause = self.pause.saturating_sub(1);
        !paused
    }

    /// Whether none of so many chunks is worth a try now; they are counted as stored without one.
    pub(crate) fn passes_over(&mut self, chunks: usize) -> bool {
        let passes = self.pause >= chunks;
        if passes {
            self.pause -= chunks;
        }
        passes
    }

    /// For each of these blobs the plain ones that a delta against it can be made against:
    /// itself, or, where it is a delta, those of its bases that lie where it lies.
    pub(crate) fn plain_bases(
        &self,
        kind: BlobKind,
        wanted: &[BlobId],
    ) -> Result<HashMap<BlobId, Vec<BlobId>>, StoreError> {
        let mut found = HashMap::new();
        // The index is not looked at for nothing.
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
                // One that cannot be read is only no help.
                self.reader.header(&key, &at).ok()
            });
            if let Some(header) = header {
                found.insert(*id, self.beside(kind, header, &at)?);
            }
        }
        Ok(found)
    }

    /// The bases of a delta that are where one of its items is, by their share of the bytes.
    fn beside(
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

    /// A record of these blobs as a delta against plain ones, if that pays.
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
        // Where a base cannot be read, nothing is to depend on it.
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

/// Keeps chunks that came as a delta: as it is, where its bases are plain here and all of it is
/// new, and else as one that is made here, or plain.
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

/// The items that are new, and their bytes.
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

/// Chunks in a record of their own.
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
