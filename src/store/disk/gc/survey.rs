//! How much of every pack is needed.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::blob_store::BlobKey;
use crate::meta_store::Table;
use crate::pack::Found;
use crate::pack::RecordHeader;
use crate::pack::layout::PACK_HEADER_BYTES;
use crate::pack::scan;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::sweep::each_row;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::PackRow;
use crate::store::disk::io::OpenMode;
use crate::store::disk::layout;
use crate::store::disk::pack::file;
use crate::store::disk::pack::reader::PackBytes;

/// Garbage of a pack that makes it worth moving the rest: one part in this many.
const GARBAGE_WORTH_IT: u64 = 50;
/// Of packs shorter than this any garbage is: copying them takes no time.
const PACK_BYTES_SMALL: u64 = 16 << 20;

/// A record of a pack and which of its items the index names.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) offset: u64,
    pub(crate) header: RecordHeader,
    /// Numbers of the items, ascending.
    pub(crate) items: Vec<u16>,
}

impl Used {
    /// The share of the record's bytes that is its needed items'.
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

/// What there is in a pack.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) number: u32,
    pub(crate) row: PackRow,
    /// Records that hold something needed, in order.
    pub(crate) used: Vec<Used>,
    /// Bytes of what is needed.
    pub(crate) live_bytes: u64,
    /// A needed record cannot be read: the pack is left as it is.
    pub(crate) damaged: bool,
}

impl Survey {
    /// Nothing in it is needed.
    pub(crate) fn is_empty(&self) -> bool {
        self.used.is_empty() && !self.damaged
    }

    /// Moving what is needed pays.
    pub(crate) fn is_worth_rewriting(&self) -> bool {
        let filled = (self.row.committed_bytes).saturating_sub(PACK_HEADER_BYTES as u64);
        let garbage = filled.saturating_sub(self.live_bytes);
        let much = garbage * GARBAGE_WORTH_IT > filled;
        let small = filled < PACK_BYTES_SMALL && garbage > 0;
        !self.damaged && !self.is_empty() && (much || small)
    }
}

/// Items that the index names, by pack, then by the offset of their record.
type Named = HashMap<u32, BTreeMap<u32, Vec<u16>>>;

/// Looks at every pack; `needed` says which of the blobs in the index count.
pub(crate) fn survey(
    store: &DiskStore,
    needed: &dyn Fn(&BlobKey) -> bool,
) -> Result<Vec<Survey>, StoreError> {
    // Packs first: what is committed to them later does not fit their committed length.
    let packs = store.read(|t| file::all(t))?;
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
            one(
                store,
                number,
                row,
                named.remove(&number).unwrap_or_default(),
            )
        })
        .collect()
}

fn one(
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
            if let Found::Record { offset, header } = found
                && let Ok(at) = u32::try_from(offset)
                && let Some(mut items) = named.remove(&at)
            {
                items.sort_unstable();
                items.dedup();
                used.push(Used {
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
        live_bytes: used.iter().map(Used::live_bytes).sum(),
        used,
        // What the index names and the scan did not come upon.
        damaged: !named.is_empty(),
    })
}
