//! The packs of a home: those with a row in the index, and the files on the disk.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::meta_store::MetaRead;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::store::disk::error::StoreError;
use crate::store::disk::index::rows;
use crate::store::disk::index::rows::PackRow;
use crate::store::disk::io::Disk;
use crate::store::disk::layout;

/// Returns every pack in the index.
pub(crate) fn all(tables: &dyn MetaRead) -> Result<Vec<(u32, PackRow)>, StoreError> {
    let mut found = Vec::new();
    tables.scan(Table::Packs, &[], &mut |key, value| {
        found.push(rows::decode_pack_key(key).and_then(|n| Ok((n, rows::decode_pack(value)?))));
        Scan::Continue
    })?;
    Ok(found.into_iter().collect::<Result<_, _>>()?)
}

/// Returns the numbers of the existing pack files, ascending.
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

/// Returns the numbers of packs without a row that this index did not give.
pub(crate) fn strange_packs(
    disk: &Arc<dyn Disk>,
    tables: &dyn MetaRead,
) -> Result<BTreeSet<u32>, StoreError> {
    let last = tables.get(Table::Meta, rows::LAST_PACK_KEY)?;
    let last = rows::decode_counter(last, Table::Meta)?;
    let known: BTreeSet<u32> = all(tables)?.into_iter().map(|(n, _)| n).collect();
    let numbers = pack_numbers(disk)?.into_iter();
    Ok(numbers
        .filter(|n| u64::from(*n) > last && !known.contains(n))
        .collect())
}
