//! Rows of files of every format.

use std::sync::Arc;

use alimentar::inspect::table::Batch;
use alimentar::inspect::table::NextBatch;
use alimentar::inspect::table::OpenOptions;
use alimentar::inspect::table::Scratch;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Table;
use alimentar::inspect::table::open_table;

const NAMES: [&str; 10] = [
    "a.jsonl",
    "a.json",
    "a.csv",
    "a.tsv",
    "a.parquet",
    "a.arrow",
    "a.stream",
    "a.json.gz",
    "a.csv.zst",
    "a",
];

/// Files of every format, read as rows; the first byte chooses the name's ending. Rows from one on
/// are the same as all without those before.
pub fn table(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    let source = Arc::new(data.to_vec());
    let Ok(opened) = open_table(source, name, OpenOptions::default()) else {
        return;
    };
    let _ = opened.schema();
    let (all, is_whole) = rows(&opened.table, 0);
    let (later, _) = rows(&opened.table, 2);
    if is_whole {
        let expected: Vec<_> = all.iter().filter(|(n, _)| *n >= 2).collect();
        let found: Vec<_> = later.iter().map(|(n, text)| (n + 2, text)).collect();
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert_eq!((a.0, a.1), (b.0, &b.1));
        }
    }
}

/// The first rows, and whether these are all.
fn rows(table: &Arc<dyn Table>, from: u64) -> (Vec<(u64, Vec<u8>)>, bool) {
    const BATCHES: usize = 16;
    let selection = Selection {
        from,
        ..Selection::default()
    };
    let mut found = Vec::new();
    let Ok(batches) = Arc::clone(table).batches(&selection) else {
        return (found, false);
    };
    let (mut batch, mut scratch, mut first) = (Batch::default(), Scratch::default(), 0);
    for _ in 0..BATCHES {
        match batches.next(&mut batch) {
            Ok(NextBatch::Batch(_)) => {
                for row in batch.rows() {
                    batch
                        .shape()
                        .each_cell(row.text, &mut scratch, &mut |_, _| {});
                    found.push((first + row.index, row.text.to_vec()));
                }
                first += batch.count();
            }
            Ok(NextBatch::End(_)) => return (found, true),
            Err(_) => return (found, false),
        }
    }
    (found, false)
}
