//! Rows among which duplicates are looked for.

use std::sync::Arc;

use alimentar::inspect::dedup::DedupOptions;
use alimentar::inspect::dedup::DedupReport;
use alimentar::inspect::dedup::MemorySketches;
use alimentar::inspect::dedup::Method;
use alimentar::inspect::dedup::Shingle;
use alimentar::inspect::dedup::SketchFile;
use alimentar::inspect::dedup::dedup;
use alimentar::inspect::table::LineTable;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Shape;
use alimentar::inspect::table::Table;
use alimentar::progress::NoProgress;

/// The first byte says how they are compared, and whether they are JSON.
pub fn duplicates(data: &[u8]) {
    let Some((choice, rows)) = data.split_first() else {
        return;
    };
    let shape = if choice & 1 == 0 {
        Shape::Text
    } else {
        Shape::Json
    };
    let (method, shingle) = match choice / 2 % 4 {
        0 => (Method::MinHash, Shingle::Words(2)),
        1 => (Method::MinHash, Shingle::Bytes(3)),
        2 => (Method::SimHash { distance: 8 }, Shingle::Bytes(4)),
        _ => (Method::SimHash { distance: 3 }, Shingle::Words(3)),
    };
    let mut options = DedupOptions::default();
    options.method = method;
    options.shingle = Some(shingle);
    options.threads = 1;
    options.budget_bytes = 1 << (choice / 8);
    let table = Arc::new(LineTable::new(Arc::new(rows.to_vec()), shape));
    let open = |selection: &Selection| Arc::clone(&table).batches(selection);
    let report = dedup(&open, &options, &NoProgress).unwrap();
    // The same where rows that may be equal are read again one by one.
    let mut alone = options;
    alone.size_bytes = Some(u64::MAX);
    assert_eq!(dedup(&open, &alone, &NoProgress).unwrap(), report);
    assert_eq!(report.evidence.len() as u64, report.removed.len());
    assert_eq!(report.unique_rows + report.removed.len(), report.rows);
    for evidence in &report.evidence {
        assert!(report.removed.contains(evidence.removed));
        assert!(!report.removed.contains(evidence.kept));
    }
}

const SKETCHED_ROWS: &[u8] = b"one two three four five six\none two three four five six seven\n\
    eight nine ten eleven twelve\nx\nx\n...\nnine ten eleven twelve eight\n";

fn sketched(kept: &MemorySketches) -> DedupReport {
    let mut options = DedupOptions::default();
    options.threads = 1;
    options.sketch_cache = Some(kept);
    let table = Arc::new(LineTable::new(
        Arc::new(SKETCHED_ROWS.to_vec()),
        Shape::Text,
    ));
    let open = |selection: &Selection| Arc::clone(&table).batches(selection);
    dedup(&open, &options, &NoProgress).unwrap()
}

/// The sketch cache of some rows.
pub fn sketch_cache_seeds() -> Vec<Vec<u8>> {
    let kept = MemorySketches::default();
    sketched(&kept);
    kept.files()
}

/// Sketch files, also with the check that they should have.
pub fn sketch_cache(data: &[u8]) {
    sketch_files_of(data.to_vec());
    let Some((before, [f0, f1, f2, f3, c0, c1, c2, c3])) = data.split_last_chunk() else {
        return;
    };
    let front = u32::from_le_bytes([*f0, *f1, *f2, *f3]) as usize;
    let count = u32::from_le_bytes([*c0, *c1, *c2, *c3]) as usize;
    let table = count
        .checked_mul(22)
        .and_then(|n| before.len().checked_sub(n));
    if let (Some(head), Some(table)) = (data.get(..front), table.and_then(|at| data.get(at..))) {
        let check = *alimentar::ident::BlobId::of(&[head, table].concat()).as_bytes();
        sketch_files_of([data, &check].concat());
    }
}

fn sketch_files_of(bytes: Vec<u8>) {
    if let Ok(file) = SketchFile::open(Box::new(bytes.clone()), 1000) {
        for (key, rows) in file.keys() {
            if let Some(run) = file.run(key, rows) {
                assert_eq!(run.states().len(), rows);
            }
        }
    }
    let kept = MemorySketches::default();
    let plain = sketched(&kept);
    kept.replace_all(&bytes);
    let report = sketched(&kept);
    assert_eq!(report.exact_duplicates, plain.exact_duplicates);
    assert!(report.evidence.iter().all(|e| e.similarity >= 0.5));
    assert_eq!(report.unique_rows + report.removed.len(), report.rows);
}
