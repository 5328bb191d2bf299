//! Making the index anew from the packs alone. Every record is read whole, unpacked, and every
//! blob compared with its hash; what does not fit gets no row.

use std::sync::Arc;

use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::chunk::Codec;
use crate::ident::BlobId;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::pack::Flags;
use crate::pack::Found;
use crate::pack::Item;
use crate::pack::RecordHeader;
use crate::pack::RecordView;
use crate::pack::layout::PACK_HEADER_BYTES;
use crate::pack::layout::decode_pack_header;
use crate::pack::scan;
use crate::store::disk::Location;
use crate::store::disk::Unpacked;
use crate::store::disk::error::StoreError;
use crate::store::disk::io::Disk;
use crate::store::disk::io::DiskFile;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::reader::PackBytes;
use crate::store::disk::reader::locate;
use crate::store::disk::records::locations;
use crate::store::disk::rows;
use crate::store::disk::rows::PackRow;
use crate::wire::DecodeError;
use crate::wire::limits::RECORD_BASE_BYTES_MAX;

/// An envelope, tombstone or statement found in a pack.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// Which of them.
    pub kind: BlobKind,
    /// Orders them.
    pub sequence: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// On an envelope: what its dataset is here.
    pub flags: Flags,
}

/// Fills the tables above the store from what was recovered, which comes in order of sequence.
pub type Refill = dyn Fn(&mut dyn MetaWrite, &[Recovered]) -> Result<(), StoreError>;

/// Fills empty tables from the packs.
pub(crate) fn rebuild(
    disk: &Arc<dyn Disk>,
    tables: &mut dyn MetaWrite,
    refill: &Refill,
) -> Result<(), StoreError> {
    let mut found = Vec::new();
    let mut last_pack = 0;
    let mut differences = Vec::new();
    for number in pack_numbers(disk)? {
        last_pack = last_pack.max(number);
        one_pack(disk, number, tables, &mut found, &mut differences)?;
    }
    // What they need may lie in a later pack.
    Differences::new(disk).put(&differences, tables)?;
    found.sort_by_key(|r| r.sequence);
    let sequence = found.last().map_or(0, |r| r.sequence);
    tables.put(Table::Meta, rows::SEQUENCE_KEY, &sequence.to_le_bytes())?;
    let last_pack = u64::from(last_pack).to_le_bytes();
    tables.put(Table::Meta, rows::LAST_PACK_KEY, &last_pack)?;
    refill(tables, &found)
}

/// The numbers of the pack files there are, ascending.
pub(crate) fn pack_numbers(disk: &Arc<dyn Disk>) -> Result<Vec<u32>, StoreError> {
    let names = disk
        .list(layout::PACKS_DIR)
        .map_err(|e| StoreError::io("read", layout::PACKS_DIR, e))?;
    let mut numbers: Vec<u32> = names
        .iter()
        .filter_map(|n| layout::pack_number(n))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn one_pack(
    disk: &Arc<dyn Disk>,
    number: u32,
    tables: &mut dyn MetaWrite,
    entries: &mut Vec<Recovered>,
    differences: &mut Vec<Place>,
) -> Result<(), StoreError> {
    let path = layout::pack_path(number);
    let fail = |e| StoreError::io("read", &path, e);
    let file = disk.open(&path, OpenMode::Existing).map_err(fail)?;
    refuse_newer(&*file, number)?;
    let size = file.size().map_err(fail)?;
    let mut records: Vec<(u64, RecordHeader)> = Vec::new();
    scan(&PackBytes(&*file), size, &mut |f| {
        if let Found::Record { offset, header } = f {
            records.push((offset, header));
        }
    })
    .map_err(fail)?;
    // Nothing past the last good record is kept; damage before it stays, and is garbage.
    let mut committed_bytes = (PACK_HEADER_BYTES as u64).min(size);
    for (offset, header) in records {
        let end = offset + header.record_bytes() as u64;
        if header.codec == Some(Codec::Difference) {
            differences.push(Place {
                pack: number,
                offset,
                record_bytes: header.record_bytes(),
            });
            committed_bytes = end;
            continue;
        }
        if let Some(entry) = one_record(&*file, number, offset, &header, tables)? {
            entries.extend(entry);
            committed_bytes = end;
        }
    }
    let row = PackRow {
        committed_bytes,
        retired: false,
    };
    let key = rows::pack_key(number);
    tables.put(Table::Packs, &key, &rows::encode_pack(row))?;
    Ok(())
}

/// A pack of a newer version is not taken apart. A damaged header is no reason not to read the
/// records, which are checked one by one.
fn refuse_newer(file: &dyn DiskFile, number: u32) -> Result<(), StoreError> {
    let mut header = [0; PACK_HEADER_BYTES];
    if file.read_exact_at(&mut header, 0).is_err() {
        return Ok(());
    }
    match decode_pack_header(&header) {
        Err(source @ DecodeError::Version(_)) => Err(StoreError::Pack { number, source }),
        _ => Ok(()),
    }
}

/// Names the blobs of a record; `None` when it is damaged, else what the layer above needs of it.
fn one_record(
    file: &dyn DiskFile,
    number: u32,
    offset: u64,
    header: &RecordHeader,
    tables: &mut dyn MetaWrite,
) -> Result<Option<Option<Recovered>>, StoreError> {
    let mut bytes = vec![0; header.record_bytes()];
    if file.read_exact_at(&mut bytes, offset).is_err() {
        return Ok(None);
    }
    let (Ok(view), Some(kind)) = (RecordView::decode(&bytes), header.kind) else {
        return Ok(None);
    };
    let Some(raw) = view
        .payload_is_whole()
        .then(|| view.unpack().ok())
        .flatten()
    else {
        return Ok(None);
    };
    // Records lie below 4 GiB, as packs do.
    let place = (offset as u32, bytes.len() as u32);
    let items = locations(number, place, &header.items, false);
    if !put_whole(kind, items, &raw, tables)? {
        return Ok(None);
    }
    let is_entry = kind.is_entry();
    Ok(Some(is_entry.then_some(Recovered {
        kind,
        sequence: header.sequence,
        flags: header.flags,
        bytes: raw,
    })))
}

/// Names the blobs that are what their ids say, unless they have a row; `false` when the record
/// does not hold the items that it names.
fn put_whole(
    kind: BlobKind,
    items: impl Iterator<Item = (Item, Location)>,
    raw: &[u8],
    tables: &mut dyn MetaWrite,
) -> Result<bool, StoreError> {
    let mut rest = raw;
    for (item, location) in items {
        let length = usize::try_from(item.raw_bytes).unwrap_or(usize::MAX);
        let Some((blob, after)) = rest.split_at_checked(length) else {
            return Ok(false);
        };
        rest = after;
        if BlobId::of(blob) != item.id {
            continue;
        }
        let key = rows::blob_key(&BlobKey { kind, id: item.id });
        if tables.get(Table::Blobs, &key)?.is_none() {
            tables.put(Table::Blobs, &key, &rows::encode_location(&location))?;
        }
    }
    Ok(true)
}

/// Where a record is.
struct Place {
    pack: u32,
    offset: u64,
    record_bytes: usize,
}

/// Names the blobs of differences whose bases are whole.
struct Differences<'a> {
    disk: &'a Arc<dyn Disk>,
    /// The last record that a base was in: neighbours are often in the same.
    recent: Option<(u32, u32, Unpacked)>,
}

impl<'a> Differences<'a> {
    fn new(disk: &'a Arc<dyn Disk>) -> Self {
        Self { disk, recent: None }
    }

    fn put(&mut self, places: &[Place], tables: &mut dyn MetaWrite) -> Result<(), StoreError> {
        // Rows that this makes are of differences, and so no bases.
        for place in places {
            let Some(bytes) = self.read(place.pack, place.offset, place.record_bytes)? else {
                continue;
            };
            let Ok(view) = RecordView::decode(&bytes) else {
                continue;
            };
            let Some(kind) = view.header.kind.filter(|_| view.payload_is_whole()) else {
                continue;
            };
            let Some(bases) = self.bases(kind, &view.header, tables)? else {
                continue;
            };
            // Records lie below 4 GiB, as packs do.
            let at = (place.offset as u32, bytes.len() as u32);
            if let Ok(raw) = view.unpack_on(bases) {
                let items = locations(place.pack, at, &view.header.items, true);
                put_whole(kind, items, &raw, tables)?;
            }
        }
        Ok(())
    }

    /// The bytes of the bases; `None` where one is missing, or a difference.
    fn bases(
        &mut self,
        kind: BlobKind,
        header: &RecordHeader,
        tables: &dyn MetaRead,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut joined = Vec::new();
        for id in &header.bases {
            let key = BlobKey { kind, id: *id };
            let at = locate(tables, &key)?.filter(|at| !at.is_difference);
            let Some(at) = at else { return Ok(None) };
            let is_recent = |r: &(u32, u32, Unpacked)| (r.0, r.1) == (at.pack, at.offset);
            if !self.recent.as_ref().is_some_and(is_recent) {
                let length = usize::try_from(at.record_bytes).unwrap_or(usize::MAX);
                let bytes = self.read(at.pack, u64::from(at.offset), length)?;
                let view = bytes.as_deref().map(RecordView::decode);
                let Some(Ok(view)) = view else {
                    return Ok(None);
                };
                let Ok(raw) = view.unpack() else {
                    return Ok(None);
                };
                let unpacked = Unpacked::new(view.header.items, raw);
                self.recent = Some((at.pack, at.offset, unpacked));
            }
            // Its hash was compared when it got its row.
            let bytes = self.recent.as_ref().and_then(|r| r.2.item(&key, at.item));
            let Some(bytes) = bytes else { return Ok(None) };
            joined.extend_from_slice(bytes);
            if joined.len() > RECORD_BASE_BYTES_MAX {
                return Ok(None);
            }
        }
        Ok(Some(joined))
    }

    fn read(&self, pack: u32, offset: u64, length: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let path = layout::pack_path(pack);
        let file = self.disk.open(&path, OpenMode::Existing);
        let file = file.map_err(|e| StoreError::io("read", &path, e))?;
        let mut bytes = vec![0; length];
        let read = file.read_exact_at(&mut bytes, offset);
        Ok(read.is_ok().then_some(bytes))
    }
}
