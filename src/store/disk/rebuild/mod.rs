//! Index rebuild from the packs. It reads and decompresses every record, and compares every blob with
//! its hash; a blob that does not match gets no row. Before the new index replaces the old one, entries
//! known only to the old one go into a pack and the new index.
//!
//! - `deltas`: records of deltas; `unreadable`: ranges that cannot be read
//! - `old_index`: the replaced index; `put_back`: entries known only to it

pub(crate) mod deltas;
pub(crate) mod old_index;
pub(crate) mod put_back;
pub(crate) mod records;
pub(crate) mod unreadable;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Codec;
use crate::ident::BlobId;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::pack::RecordHeader;
use crate::pack::RecordView;
use crate::pack::ScanItem;
use crate::pack::layout::PACK_HEADER_BYTES;
use crate::pack::layout::decode_pack_header;
use crate::pack::scan;
use crate::store::disk::Entry;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::PackRow;
use crate::store::disk::io::Disk;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::pack::list;
use crate::store::disk::pack::list::pack_numbers;
use crate::store::disk::pack::location::Location;
use crate::store::disk::pack::reader::PackBytes;
use crate::store::disk::pack::records::locations;
use crate::store::disk::rebuild::deltas::DeltaRows;
use crate::store::disk::rebuild::old_index::OldIndex;
use crate::store::disk::rebuild::put_back::put_back;
use crate::store::disk::rebuild::records::RecordPlace;
use crate::store::disk::rebuild::records::put_whole;
use crate::store::disk::rebuild::records::read_exactly;
use crate::store::disk::rebuild::unreadable::Span;
use crate::wire::DecodeError;

/// An envelope, tombstone or statement in a pack.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The kind of the entry.
    pub kind: BlobKind,
    /// The sequence number, which orders entries.
    pub sequence: u64,
    /// The blob id.
    pub id: BlobId,
    /// The bytes; `None` where only the header of the record can be read.
    pub bytes: Option<Vec<u8>>,
    /// On an envelope: the local flags of its dataset.
    pub flags: Flags,
    /// Set if it is in a pack that the old index does not know.
    pub is_news: bool,
}

/// The findings of a rebuild, for the code that fills the tables above the store.
#[derive(Debug)]
pub struct Salvage<'a> {
    /// The entries of the packs, in order of sequence.
    pub recovered: &'a [Recovered],
    /// The old index, where it can be read at all.
    pub old: Option<&'a OldIndex<'a>>,
    /// Set if a blob in the old index cannot be read any more.
    pub has_losses: bool,
}

/// Fills the tables above the store. Returns the entries to write to a pack, because their pack is lost
/// or damaged.
pub type Refill = dyn Fn(&mut dyn MetaWrite, &Salvage<'_>) -> Result<Vec<Entry>, StoreError>;

/// Fills empty tables from the packs and from the old index. `made` receives the path of a pack that the
/// rebuild creates.
pub(crate) fn rebuild(
    disk: &Arc<dyn Disk>,
    tables: &mut dyn MetaWrite,
    old: Option<&OldIndex<'_>>,
    refill: &Refill,
    made: &mut dyn FnMut(String),
) -> Result<(), StoreError> {
    let mut packs = Packs::new(old)?;
    for number in pack_numbers(disk)? {
        packs.last = packs.last.max(number);
        packs.one(disk, number, tables)?;
    }
    // Their bases may be in a later pack.
    let deltas = std::mem::take(&mut packs.deltas);
    packs
        .spans
        .extend(DeltaRows::new(disk).put(deltas, tables)?);
    let lost = match old.filter(|old| old.is_whole) {
        Some(old) => lost_blobs(old, tables)?,
        None => Vec::new(),
    };
    let mut found = std::mem::take(&mut packs.found);
    found.sort_by_key(|r| r.sequence);
    let salvage = Salvage {
        recovered: &found,
        old,
        has_losses: lost.iter().any(|(key, _)| !key.kind.is_entry()),
    };
    let entries = refill(tables, &salvage)?;
    let mut sequence = found.last().map_or(0, |r| r.sequence);
    sequence = sequence.max(old_counter(old, rows::SEQUENCE_KEY)?);
    let mut last_pack = u64::from(packs.last).max(old_counter(old, rows::LAST_PACK_KEY)?);
    if !entries.is_empty() {
        last_pack += 1;
        let number = u32::try_from(last_pack).unwrap_or(u32::MAX);
        made(layout::PACK_ASIDE.to_owned());
        made(layout::pack_path(number));
        sequence = put_back(disk, tables, &entries, number, sequence)?;
    }
    put_counter(tables, rows::SEQUENCE_KEY, sequence)?;
    put_counter(tables, rows::LAST_PACK_KEY, last_pack)?;
    let epoch = old_counter(old, rows::EPOCH_KEY)?;
    if epoch > 0 {
        put_counter(tables, rows::EPOCH_KEY, epoch)?;
    }
    let spans = match old.is_some_and(|old| old.is_whole) {
        true => {
            // A whole index knows the removals, so the packs get them again.
            let needed = lost.into_iter();
            let needed = needed.filter(|(key, _)| key.kind != BlobKind::Tombstone);
            let mut noted = unreadable::of_lost(needed.collect(), &packs.spans);
            if let Some(old) = old {
                noted.extend(packs.still_noted(unreadable::all(old.tables)?));
            }
            noted.extend(
                packs
                    .spans
                    .into_iter()
                    .filter(|s| packs.news.contains(&s.pack)),
            );
            noted
        }
        false => packs.spans,
    };
    unreadable::put(tables, &spans)
}

fn put_counter(tables: &mut dyn MetaWrite, key: &[u8], value: u64) -> Result<(), StoreError> {
    Ok(tables.put(Table::Meta, key, &value.to_le_bytes())?)
}

/// Returns a counter of the old index; 0 where it cannot be read.
fn old_counter(old: Option<&OldIndex<'_>>, key: &[u8]) -> Result<u64, StoreError> {
    let Some(old) = old else { return Ok(0) };
    let read = || rows::decode_counter(old.tables.get(Table::Meta, key)?, Table::Meta);
    match read() {
        Err(error) if old.is_whole => Err(error.into()),
        other => Ok(other.unwrap_or(0)),
    }
}

/// Returns the blobs in the old index that are not in the new one.
fn lost_blobs(
    old: &OldIndex<'_>,
    tables: &dyn MetaRead,
) -> Result<Vec<(BlobKey, Location)>, StoreError> {
    let mut lost = Vec::new();
    let mut failed = None;
    old.tables.scan(Table::Blobs, &[], &mut |key, value| {
        let mut look = || {
            if tables.get(Table::Blobs, key)?.is_none() {
                lost.push((rows::decode_blob_key(key)?, rows::decode_location(value)?));
            }
            Ok::<_, StoreError>(())
        };
        match look() {
            Ok(()) => Scan::Continue,
            Err(error) => {
                failed = Some(error);
                Scan::Stop
            }
        }
    })?;
    failed.map_or(Ok(lost), Err)
}

/// Reads packs one after the other.
struct Packs {
    /// The packs in the old index, where it is whole.
    known: Option<BTreeMap<u32, PackRow>>,
    found: Vec<Recovered>,
    deltas: Vec<RecordPlace>,
    spans: Vec<Span>,
    /// The existing packs, and those that the old index does not know.
    present: BTreeSet<u32>,
    news: BTreeSet<u32>,
    /// The last pack number that the old index gave.
    given_out: u64,
    /// The packs with unreadable ranges in the old index.
    noted: BTreeSet<u32>,
    last: u32,
    /// The sequence number of the last whole record of an entry.
    last_records: BTreeMap<BlobKey, u64>,
}

impl Packs {
    fn new(old: Option<&OldIndex<'_>>) -> Result<Self, StoreError> {
        let known = match old.filter(|old| old.is_whole) {
            Some(old) => Some(list::all(old.tables)?.into_iter().collect()),
            None => None,
        };
        let noted = match old.filter(|old| old.is_whole) {
            Some(old) => unreadable::packs(old.tables)?,
            None => BTreeSet::new(),
        };
        Ok(Self {
            known,
            noted,
            found: Vec::new(),
            deltas: Vec::new(),
            spans: Vec::new(),
            present: BTreeSet::new(),
            news: BTreeSet::new(),
            given_out: old_counter(old, rows::LAST_PACK_KEY)?,
            last: 0,
            last_records: BTreeMap::new(),
        })
    }

    fn one(
        &mut self,
        disk: &Arc<dyn Disk>,
        number: u32,
        tables: &mut dyn MetaWrite,
    ) -> Result<(), StoreError> {
        let path = layout::pack_path(number);
        let fail = |e| StoreError::io("read", &path, e);
        let file = disk.open(&path, OpenMode::Existing).map_err(fail)?;
        refuse_newer(&*file, number)?;
        let size = file.size().map_err(fail)?;
        let mut records: Vec<(u64, RecordHeader)> = Vec::new();
        let mut damage: Vec<(u64, u64)> = Vec::new();
        scan(&PackBytes(&*file), size, &mut |f| match f {
            ScanItem::Record { offset, header } => records.push((offset, header)),
            ScanItem::Damage { offset, end } => damage.push((offset, end)),
        })
        .map_err(fail)?;
        // A pack with a number from the old index and without a row was removed. Its file may outlive a
        // power cut, and its entries are superseded.
        let is_news = self.known.as_ref().is_some_and(|known| {
            let is_noted = self.noted.contains(&number);
            !known.contains_key(&number) && (is_noted || u64::from(number) > self.given_out)
        });
        self.present.insert(number);
        self.news.extend(is_news.then_some(number));
        let header_bytes = (PACK_HEADER_BYTES as u64).min(size);
        let mut committed_bytes = header_bytes;
        for (offset, header) in records {
            committed_bytes = offset + header.record_bytes() as u64;
            if header.codec == Some(Codec::Delta) {
                let record_bytes = header.record_bytes();
                self.deltas.push(RecordPlace {
                    pack: number,
                    offset,
                    record_bytes,
                });
                continue;
            }
            let found = index_record(&*file, number, offset, &header, tables)?;
            if found.is_none() {
                self.spans.push(Span::of_record(number, offset, &header));
            }
            let at = (number, offset);
            self.take_entry(found.flatten(), header, is_news, at, tables)?;
        }
        let spans = damage.into_iter().map(|(start, end)| Span {
            pack: number,
            offset: start,
            bytes: end - start,
            lost: Vec::new(),
            is_known: false,
        });
        self.spans.extend(spans);
        // Bytes of a known pack past its committed length are the leftover of a writer. Without an index
        // they cannot be told from damage, so they stay.
        let before = self.known.as_ref().and_then(|known| known.get(&number));
        let committed_bytes = match before {
            Some(row) => committed_bytes.max(row.committed_bytes.min(size)),
            None => size,
        };
        let row = PackRow {
            committed_bytes: committed_bytes.max(header_bytes),
            retired: false,
        };
        let key = rows::pack_key(number);
        tables.put(Table::Packs, &key, &rows::encode_pack(row))?;
        Ok(())
    }

    /// Returns the ranges that an earlier rebuild could not read and that still cannot be read.
    fn still_noted(&self, noted: Vec<Span>) -> Vec<Span> {
        let is_unread = |noted: &Span| {
            let overlaps = |span: &Span| {
                let (start, end) = (noted.offset, noted.offset + noted.bytes);
                span.pack == noted.pack && span.offset < end && start < span.offset + span.bytes
            };
            !self.present.contains(&noted.pack) || self.spans.iter().any(overlaps)
        };
        noted.into_iter().filter(is_unread).collect()
    }

    /// Keeps the part of a record that the layer above needs: its blob, or its header alone. If an entry
    /// was written several times, its row leads to the last record, which has the valid flags. A
    /// collection removes the others.
    fn take_entry(
        &mut self,
        raw: Option<Vec<u8>>,
        header: RecordHeader,
        is_news: bool,
        (pack, offset): (u32, u64),
        tables: &mut dyn MetaWrite,
    ) -> Result<(), StoreError> {
        let Some(kind) = header.kind.filter(|kind| kind.is_entry()) else {
            return Ok(());
        };
        let Some(item) = header.items.first() else {
            return Ok(());
        };
        let key = BlobKey { kind, id: item.id };
        let last = self.last_records.get(&key);
        if raw.is_some() && last.is_none_or(|sequence| *sequence < header.sequence) {
            self.last_records.insert(key, header.sequence);
            // Records end below 4 GiB, as packs do.
            let place = (offset as u32, header.record_bytes() as u32);
            for (_, location) in locations(pack, place, &header.items, false) {
                let row = rows::encode_location(&location);
                tables.put(Table::Blobs, &rows::blob_key(&key), &row)?;
            }
        }
        self.found.push(Recovered {
            kind,
            sequence: header.sequence,
            id: item.id,
            bytes: raw,
            flags: header.flags,
            is_news,
        });
        Ok(())
    }
}

/// Refuses a pack of a newer version. A damaged header does not stop the rebuild, because it
/// checks each record.
fn refuse_newer(file: &dyn DiskFile, number: u32) -> Result<(), StoreError> {
    let Some(header) = read_exactly(file, number, 0, PACK_HEADER_BYTES)? else {
        return Ok(());
    };
    match decode_pack_header(&header) {
        Err(source @ DecodeError::Version(_)) => Err(StoreError::Pack { number, source }),
        _ => Ok(()),
    }
}

/// Writes the rows of a record's blobs, and returns the bytes that the layer above needs; `None` when
/// the record is damaged.
fn index_record(
    file: &dyn DiskFile,
    number: u32,
    offset: u64,
    header: &RecordHeader,
    tables: &mut dyn MetaWrite,
) -> Result<Option<Option<Vec<u8>>>, StoreError> {
    let Some(bytes) = read_exactly(file, number, offset, header.record_bytes())? else {
        return Ok(None);
    };
    let (Ok(view), Some(kind)) = (RecordView::decode(&bytes), header.kind) else {
        return Ok(None);
    };
    let Some(raw) = view
        .payload_is_intact()
        .then(|| view.unpack().ok())
        .flatten()
    else {
        return Ok(None);
    };
    // Records end below 4 GiB, as packs do.
    let place = (offset as u32, bytes.len() as u32);
    let items = locations(number, place, &header.items, false);
    if !put_whole(kind, items, &raw, tables)? {
        return Ok(None);
    }
    Ok(Some(kind.is_entry().then_some(raw)))
}
