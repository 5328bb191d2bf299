//! Pack survey: the needed part of every pack.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::blob_store::BlobKey;
use crate::meta_store::Table;
use crate::pack::RecordHeader;
use crate::pack::ScanItem;
use crate::pack::layout::PACK_HEADER_BYTES;
use crate::pack::scan;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::scan::each_row;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::PackRow;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::pack::list;
use crate::store::disk::pack::reader::PackBytes;

/// Garbage of a pack that makes a rewrite worth its cost: one part in this many.
const GARBAGE_WORTH_IT: u64 = 50;
/// Packs shorter than this are rewritten for any garbage, because copying them is quick.
const PACK_BYTES_SMALL: u64 = 16 << 20;

/// A record of a pack, and its items in the index.
#[derive(Debug)]
pub(crate) struct UsedRecord {
    pub(crate) offset: u64,
    pub(crate) header: RecordHeader,
    /// Numbers of the items, ascending.
    pub(crate) items: Vec<u16>,
}

impl UsedRecord {
    /// Returns the needed items' share of the record's bytes.
    fn live_bytes(&self) -> u64 {
        let raw = |n: &u16| {
            let item = self.header.items.get(usize::from(*n));
            item.map_or(0, |i| u64::from(i.raw_bytes))
        };
        let whole = self.header.record_bytes() as u64;
        match self.header.raw_bytes as u64 {
            0 => whole,
            total => whole * self.items.iter().map(raw).sum::<u64>() / total,
        }
    }
}

/// The survey of one pack.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) number: u32,
    pub(crate) row: PackRow,
    /// Records with needed items, in order.
    pub(crate) used: Vec<UsedRecord>,
    /// Bytes of the needed items.
    pub(crate) live_bytes: u64,
    /// Set if a needed record is unreadable: the pack then stays as it is.
    pub(crate) damaged: bool,
}

impl Survey {
    /// Returns true if no item is needed.
    pub(crate) fn is_empty(&self) -> bool {
        self.used.is_empty() && !self.damaged
    }

    /// Returns true if a rewrite is worth its cost.
    pub(crate) fn is_worth_rewriting(&self) -> bool {
        let filled = (self.row.committed_bytes).saturating_sub(PACK_HEADER_BYTES as u64);
        let garbage = filled.saturating_sub(self.live_bytes);
        let much = garbage * GARBAGE_WORTH_IT > filled;
        let small = filled < PACK_BYTES_SMALL && garbage > 0;
        !self.damaged && !self.is_empty() && (much || small)
    }
}

/// Items in the index, by pack, then by the offset of their record.
type Named = HashMap<u32, BTreeMap<u32, Vec<u16>>>;

/// Surveys every pack. `needed` returns true for the blobs that count.
pub(crate) fn survey(
    store: &DiskStore,
    needed: &dyn Fn(&BlobKey) -> bool,
) -> Result<Vec<Survey>, StoreError> {
    // Packs first: later commits do not fit their committed length.
    let packs = store.read(|t| list::all(t))?;
    let mut named = Named::new();
    each_row(store, Table::Blobs, &mut |key, value| {
        if needed(&rows::decode_blob_key(key)?) {
            let at = rows::decode_location(value)?;
            let records = named.entry(at.pack).or_default();
            records.entry(at.offset).or_default().push(at.item);
        }
        Ok(())
    })?;
    packs
        .into_iter()
        .map(|(number, row)| {
            survey_pack(
                store,
                number,
                row,
                named.remove(&number).unwrap_or_default(),
            )
        })
        .collect()
}

fn survey_pack(
    store: &DiskStore,
    number: u32,
    row: PackRow,
    mut named: BTreeMap<u32, Vec<u16>>,
) -> Result<Survey, StoreError> {
    let mut used = Vec::new();
    let path = layout::pack_path(number);
    if !named.is_empty()
        && let Ok(file) = store.disk.open(&path, OpenMode::Existing)
    {
        scan(&PackBytes(&*file), row.committed_bytes, &mut |found| {
            if let ScanItem::Record { offset, header } = found
                && let Ok(at) = u32::try_from(offset)
                && let Some(mut items) = named.remove(&at)
            {
                items.sort_unstable();
                items.dedup();
                used.push(UsedRecord {
                    offset,
                    header,
                    items,
                });
            }
        })
        .map_err(|e| StoreError::io("read", &path, e))?;
    }
    Ok(Survey {
        number,
        row,
        live_bytes: used.iter().map(UsedRecord::live_bytes).sum(),
        used,
        // Items of the index that the scan did not find.
        damaged: !named.is_empty(),
    })
}
