//! Visits to the rows of a table, in batches.

use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::store::disk::DiskStore;
use crate::store::disk::error::StoreError;

/// Number of rows in one transaction.
pub(super) const BATCH_ROWS: usize = 20_000;

/// Takes the key and value of a row.
type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), StoreError> + 'a;

/// Visits the rows of a table in batches.
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
