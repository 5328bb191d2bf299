//! Rows among which duplicates are looked for.

use std::sync::Arc;

use alimentar::inspect::dup::DedupOptions;
use alimentar::inspect::dup::Method;
use alimentar::inspect::dup::Shingle;
use alimentar::inspect::dup::dedup;
use alimentar::inspect::table::Lines;
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
    let options = DedupOptions {
        method,
        shingle: Some(shingle),
        threads: 1,
        budget_bytes: 1 << (choice / 8),
        ..DedupOptions::default()
    };
    let table = Arc::new(Lines::new(Arc::new(rows.to_vec()), shape));
    let open = |selection: &Selection| Arc::clone(&table).batches(selection);
    let report = dedup(&open, &options, &NoProgress).unwrap();
    assert_eq!(report.evidence.len() as u64, report.removed.len());
    assert_eq!(report.unique_rows + report.removed.len(), report.rows);
    for evidence in &report.evidence {
        assert!(report.removed.contains(evidence.removed));
        assert!(!report.removed.contains(evidence.kept));
    }
}
