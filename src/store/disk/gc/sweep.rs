//! Sweep phase: condemns unneeded blobs, and later removes the rows of those still unneeded. Small
//! transactions keep other writers from waiting long.

use crate::blob_store::BlobKey;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::meta_store::MetaWrite;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::mark::Live;
use crate::store::disk::gc::scan::BATCH_ROWS;
use crate::store::disk::gc::scan::each_row;
use crate::store::disk::index::rows;

/// Number of rows in one transaction on a nearly full disk.
const BATCH_ROWS_FEWEST: usize = 16;

/// Marks all blobs that are not live as condemned by a new collection.
///
/// The marks carry the number that the last transaction makes the store's epoch. An operation that
/// begins before it counts marked blobs as held, and the collection waits for it. One that begins later
/// sees every mark.
pub(crate) fn condemn(store: &DiskStore, live: &Live) -> Result<(), StoreError> {
    let mut unneeded = Vec::new();
    each_key(store, Table::Blobs, &mut |key| {
        if !live.holds(&key) {
            unneeded.push(key);
        }
        Ok(())
    })?;
    let epoch = store.read(|t| {
        let row = t.get(Table::Meta, rows::EPOCH_KEY)?;
        Ok::<_, StoreError>(rows::decode_counter(row, Table::Meta)?)
    })?;
    let collection = (epoch + 1).to_le_bytes();
    change_each(store, &unneeded, BATCH_ROWS, &|t, key| {
        Ok(t.put(Table::Condemned, &rows::blob_key(key), &collection)?)
    })?;
    store.write(|t| Ok::<_, StoreError>(t.put(Table::Meta, rows::EPOCH_KEY, &collection)?))
}

/// Removes the rows of condemned blobs, and unmarks those that are live after all. No operation older
/// than the marks may be running.
pub(crate) fn sweep(store: &DiskStore, live: &Live) -> Result<(), StoreError> {
    let mut condemned = Vec::new();
    each_key(store, Table::Condemned, &mut |key| {
        condemned.push(key);
        Ok(())
    })?;
    change_each(store, &condemned, BATCH_ROWS, &|t, key| {
        sweep_one(t, key, live.holds(key))
    })
}

/// Changes the rows of a key.
type Change<'a> = dyn Fn(&mut dyn MetaWrite, &BlobKey) -> Result<(), StoreError> + 'a;

/// Changes the rows of keys, a number of them in each transaction. On a full disk the number shrinks,
/// because a transaction rewrites every page that it changes.
fn change_each(
    store: &DiskStore,
    keys: &[BlobKey],
    at_once: usize,
    change: &Change<'_>,
) -> Result<(), StoreError> {
    for batch in keys.chunks(at_once) {
        let changed = store.write(|t| batch.iter().try_for_each(|key| change(t, key)));
        match changed {
            Err(e) if e.kind() == ErrorKind::NoSpace && at_once > BATCH_ROWS_FEWEST => {
                let fewer = (at_once / 16).max(BATCH_ROWS_FEWEST);
                change_each(store, batch, fewer, change)?;
            }
            other => other?,
        }
    }
    Ok(())
}

fn sweep_one(tables: &mut dyn MetaWrite, key: &BlobKey, live: bool) -> Result<(), StoreError> {
    let row_key = rows::blob_key(key);
    // Without its mark, an operation that took it for absent has stored it again.
    if tables.delete(Table::Condemned, &row_key)? && !live {
        tables.delete(Table::Blobs, &row_key)?;
    }
    Ok(())
}

/// Visits the keys of a table of blobs in batches. It may or may not see rows that come or go meanwhile.
fn each_key(
    store: &DiskStore,
    table: Table,
    visit: &mut dyn FnMut(BlobKey) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    each_row(store, table, &mut |key, _| {
        visit(rows::decode_blob_key(key)?)
    })
}
