//! Stored indexes of rows.

use std::sync::Arc;

use alimentar::ident::BlobId;
use alimentar::inspect::table::Batch;
use alimentar::inspect::table::NextBatch;
use alimentar::inspect::table::OpenOptions;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::StoredRowIndex;
use alimentar::inspect::table::open_table;

/// Stored indexes of rows. The check behind them would turn away nearly everything, so the bytes
/// are also tried with the right one. With any index, the rows of another text can be read.
pub fn row_index(data: &[u8]) {
    let check = *BlobId::of(data).as_bytes();
    for bytes in [data.to_vec(), [data, &check].concat()] {
        let Ok(stored) = StoredRowIndex::decode(&bytes) else {
            continue;
        };
        assert_eq!(stored.encode(), bytes);
        let index = stored.into_index();
        let last = index.last();
        for name in ["a.csv", "a.json"] {
            let mut options = OpenOptions::default();
            options.index = Some(index.clone());
            let Ok(opened) = open_table(Arc::new(bytes.clone()), name, options) else {
                continue;
            };
            for from in [0, last.row, u64::MAX] {
                let selection = Selection {
                    from,
                    ..Selection::default()
                };
                let Ok(batches) = Arc::clone(&opened.table).batches(&selection) else {
                    continue;
                };
                let mut batch = Batch::default();
                while let Ok(NextBatch::Batch(_)) = batches.next(&mut batch) {}
            }
        }
    }
}
