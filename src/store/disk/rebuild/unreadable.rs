//! Unreadable ranges of packs, found by a rebuild. The index remembers them. A check reports them, and a
//! collection keeps their packs, until the user decides otherwise.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::blob_store::BlobKey;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::pack::RecordHeader;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::pack::list::strange_packs;
use crate::store::disk::pack::location::Location;
use crate::store::disk::rebuild::records::RecordPlace;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// An unreadable range of a pack, and the blobs known to be lost with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of the pack.
    pub pack: u32,
    /// The offset of the range.
    pub offset: u64,
    /// Length of the range.
    pub bytes: u64,
    /// Blobs that were in it.
    pub lost: Vec<BlobKey>,
    /// Set if the list of blobs is complete.
    pub is_known: bool,
}

impl Span {
    /// Makes the span of a record with a readable header and an unreadable payload.
    pub(crate) fn of_record(pack: u32, offset: u64, header: &RecordHeader) -> Self {
        let keys = header.kind.map(|kind| {
            let items = header.items.iter();
            items.map(|item| BlobKey { kind, id: item.id }).collect()
        });
        Self {
            pack,
            offset,
            bytes: header.record_bytes() as u64,
            is_known: keys.is_some(),
            lost: keys.unwrap_or_default(),
        }
    }

    /// Makes the span of a record with unknown content.
    pub(crate) fn of_unknown(extent: &RecordPlace) -> Self {
        Self {
            pack: extent.pack,
            offset: extent.offset,
            bytes: extent.record_bytes as u64,
            lost: Vec::new(),
            is_known: false,
        }
    }

    /// Makes the span of a whole pack that the index does not know.
    fn of_pack(pack: u32) -> Self {
        Self {
            pack,
            offset: 0,
            bytes: 0,
            lost: Vec::new(),
            is_known: false,
        }
    }

    /// Returns true if the range may hide a dataset, or the removal of one, that no other data mentions.
    /// Then the needed blobs are unknown.
    pub fn may_hide_datasets(&self) -> bool {
        !self.is_known || self.lost.iter().any(|key| key.kind.is_entry())
    }

    fn key(&self) -> Vec<u8> {
        let mut key = rows::pack_key(self.pack).to_vec();
        // Big-endian, so that keys sort.
        key.extend(self.offset.to_le_bytes().iter().rev());
        key
    }

    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u64(self.bytes).u8(u8::from(self.is_known));
        for key in &self.lost {
            w.bytes(&rows::blob_key(key));
        }
        w.into_bytes()
    }

    fn decode(key: &[u8], row: &[u8]) -> Result<Self, MetaError> {
        let damaged = |source| rows::damaged(Table::Unreadable)(source);
        let (pack, offset) = key
            .split_first_chunk::<4>()
            .ok_or_else(|| damaged(DecodeError::Truncated))?;
        let mut offset: [u8; 8] = offset
            .try_into()
            .map_err(|_| damaged(DecodeError::Invalid("offset")))?;
        offset.reverse();
        let mut r = Reader::new(row);
        let bytes = r.u64().map_err(damaged)?;
        let is_known = r.u8().map_err(damaged)?;
        let keys = r.bytes(r.remaining()).map_err(damaged)?;
        let lost = keys.chunks(rows::BLOB_KEY_BYTES).map(rows::decode_blob_key);
        Ok(Self {
            pack: rows::decode_pack_key(pack)?,
            offset: u64::from_le_bytes(offset),
            bytes,
            lost: lost.collect::<Result<_, _>>()?,
            is_known: is_known == 1,
        })
    }
}

/// Returns the spans in which a whole index names lost blobs, each with its blobs.
pub(crate) fn of_lost(lost: Vec<(BlobKey, Location)>, spans: &[Span]) -> Vec<Span> {
    let read: BTreeMap<(u32, u64), &Span> = spans
        .iter()
        .map(|span| ((span.pack, span.offset), span))
        .collect();
    let mut found: BTreeMap<(u32, u64), Span> = BTreeMap::new();
    for (key, at) in lost {
        let offset = u64::from(at.offset);
        let before = read.range(..=(at.pack, offset)).next_back();
        let around = before
            .map(|(_, span)| span)
            .filter(|span| span.pack == at.pack && offset < span.offset + span.bytes);
        let extent = around.map_or((offset, u64::from(at.record_bytes)), |span| {
            (span.offset, span.bytes)
        });
        let span = found.entry((at.pack, extent.0)).or_insert_with(|| Span {
            pack: at.pack,
            offset: extent.0,
            bytes: extent.1,
            lost: Vec::new(),
            is_known: true,
        });
        span.lost.push(key);
    }
    found.into_values().collect()
}

/// Records the spans with blobs that are still lost.
pub(crate) fn put(tables: &mut dyn MetaWrite, spans: &[Span]) -> Result<(), StoreError> {
    for span in spans {
        if let Some(span) = still_lost(tables, span.clone())? {
            tables.put(Table::Unreadable, &span.key(), &span.encode())?;
        }
    }
    Ok(())
}

/// Records packs that the index does not know.
pub(crate) fn put_strange(
    tables: &mut dyn MetaWrite,
    packs: &BTreeSet<u32>,
) -> Result<(), StoreError> {
    for pack in packs {
        let span = Span::of_pack(*pack);
        tables.put(Table::Unreadable, &span.key(), &span.encode())?;
    }
    Ok(())
}

/// Returns the span without the blobs held elsewhere by now; `None` where that is all of them.
fn still_lost(tables: &dyn MetaRead, mut span: Span) -> Result<Option<Span>, StoreError> {
    let mut lost = Vec::new();
    for key in std::mem::take(&mut span.lost) {
        if tables.get(Table::Blobs, &rows::blob_key(&key))?.is_none() {
            lost.push(key);
        }
    }
    span.lost = lost;
    Ok(Some(span).filter(|span| !span.is_known || !span.lost.is_empty()))
}

/// Returns every recorded span with blobs that are still lost.
pub(crate) fn all(tables: &dyn MetaRead) -> Result<Vec<Span>, StoreError> {
    let mut rows = Vec::new();
    tables.scan(Table::Unreadable, &[], &mut |key, row| {
        rows.push(Span::decode(key, row));
        Scan::Continue
    })?;
    let mut spans = Vec::new();
    for row in rows {
        spans.extend(still_lost(tables, row?)?);
    }
    Ok(spans)
}

/// Returns the packs that a rebuild could not read completely, whether or not that still matters.
pub(crate) fn packs(tables: &dyn MetaRead) -> Result<BTreeSet<u32>, StoreError> {
    let mut found = BTreeSet::new();
    let mut wrong = None;
    tables.scan(Table::Unreadable, &[], &mut |key, _| {
        match rows::decode_pack_key(key.get(..4).unwrap_or_default()) {
            Ok(number) => drop(found.insert(number)),
            Err(error) => wrong = Some(error),
        }
        Scan::Continue
    })?;
    wrong.map_or(Ok(found), |error| Err(error.into()))
}

/// Forgets the spans of some packs.
pub(crate) fn forget(
    tables: &mut dyn MetaWrite,
    is_forgotten: &dyn Fn(&Span) -> bool,
) -> Result<(), StoreError> {
    let mut keys = Vec::new();
    tables.scan(Table::Unreadable, &[], &mut |key, row| {
        // A row that cannot be decoded says nothing.
        if Span::decode(key, row).map_or(true, |span| is_forgotten(&span)) {
            keys.push(key.to_vec());
        }
        Scan::Continue
    })?;
    for key in keys {
        tables.delete(Table::Unreadable, &key)?;
    }
    Ok(())
}

impl DiskStore {
    /// Returns the ranges that were unreadable when the index was made, and packs that the index does
    /// not know. Blobs held elsewhere by now do not count.
    ///
    /// # Errors
    /// [`StoreError`] when the index cannot be read.
    pub fn unreadable(&self) -> Result<Vec<Span>, StoreError> {
        self.read(|t| {
            let mut spans = all(t)?;
            for pack in strange_packs(&self.disk, t)? {
                let path = layout::pack_path(pack);
                let size = self.disk.open(&path, OpenMode::Existing);
                let size = size.and_then(|file| file.size());
                spans.push(Span {
                    // A pack that cannot be opened is no better known for it.
                    bytes: size.unwrap_or(0),
                    ..Span::of_pack(pack)
                });
            }
            Ok(spans)
        })
    }
}
