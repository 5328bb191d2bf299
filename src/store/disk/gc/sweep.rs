//! Condemning what nobody needs, and removing the rows of what is still not needed later. Both
//! in small transactions, so that nobody waits long.

use crate::blob_store::BlobKey;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;
use crate::store::disk::gc::mark::Live;
use crate::store::disk::index::rows;

/// Rows looked at or changed while others wait.
const BATCH_ROWS: usize = 20_000;
/// On a disk that is nearly full.
const BATCH_ROWS_FEWEST: usize = 16;

/// Marks everything that is not live as condemned by a new collection.
///
/// The marks carry the number that the last transaction makes the store's epoch: an operation
/// that begins before that counts marked blobs as held, and is waited for; one that begins after
/// it sees every mark.
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

/// Removes the rows of condemned blobs, and takes the marks off those that are live after all.
/// No operation older than the marks may be under way.
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

/// What changes the rows of a key.
type Change<'a> = dyn Fn(&mut dyn MetaWrite, &BlobKey) -> Result<(), StoreError> + 'a;

/// Changes the rows of keys, so many in a transaction; fewer where the disk has no room for that,
/// since a transaction writes every page that it changes anew.
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
    // Without its mark it has been stored again by an operation that took it for absent.
    if tables.delete(Table::Condemned, &row_key)? && !live {
        tables.delete(Table::Blobs, &row_key)?;
    }
    Ok(())
}

/// Visits the keys of a table of blobs, a batch at a time: rows that come or go meanwhile may or
/// may not be seen.
fn each_key(
    store: &DiskStore,
    table: Table,
    visit: &mut dyn FnMut(BlobKey) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    each_row(store, table, &mut |key, _| {
        visit(rows::decode_blob_key(key)?)
    })
}

/// Takes the key and value of a row.
type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// Visits the rows of a table, a batch at a time.
pub(super) fn each_row(
    store: &DiskStore,
    table: Table,
    visit: &mut Visit<'_>,
) -> Result<(), StoreError> {
    let mut from = Vec::new();
    loop {
        let mut batch: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        store.read(|t| {
            t.scan(table, &from, &mut |key, value| {
                batch.push((key.to_vec(), value.to_vec()));
                if batch.len() < BATCH_ROWS {
                    Scan::Continue
                } else {
                    Scan::Stop
                }
            })?;
            Ok::<_, StoreError>(())
        })?;
        for (key, value) in &batch {
            visit(key, value)?;
        }
        match batch.pop() {
            Some((last, _)) if batch.len() + 1 == BATCH_ROWS => {
                from = last;
                from.push(0);
            }
            _ => return Ok(()),
        }
    }
}
