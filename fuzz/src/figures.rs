//! Figures of rows of each shape.

use std::sync::Arc;

use alimentar::inspect::stats::StatsOptions;
use alimentar::inspect::stats::stats;
use alimentar::inspect::table::Header;
use alimentar::inspect::table::LineTable;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Shape;
use alimentar::inspect::table::Table;
use alimentar::progress::NoProgress;

/// Statistics of whatever rows these bytes are. One and three threads say the same.
pub fn statistics(data: &[u8]) {
    let header = Header {
        names: vec!["a".to_owned(), "b".to_owned()],
        separator: b',',
        quote: Some(b'"'),
        is_in_file: false,
        repeated: Vec::new(),
        not_utf8: Vec::new(),
        widest: 0,
    };
    for shape in [Shape::Json, Shape::Text, Shape::Delimited(Arc::new(header))] {
        let with = |threads| {
            let table = Arc::new(LineTable::new(Arc::new(data.to_vec()), shape.clone()));
            let batches = table.batches(&Selection::default()).unwrap();
            let mut options = StatsOptions::default();
            options.threads = threads;
            stats(&*batches, &options, &NoProgress).unwrap()
        };
        let report = with(1);
        for column in &report.columns {
            assert!(column.rows <= report.rows);
            let counted: u64 = column.top.iter().map(|v| v.at_least).sum();
            assert!(counted <= column.types.all());
            if let Some(texts) = &column.texts {
                assert_eq!(texts.lengths.count, column.types.text);
                let characters: u64 = texts.scripts.iter().map(|(_, n)| n).sum();
                assert!(characters <= texts.lengths.sum);
            }
        }
        if shape == Shape::Json {
            assert_eq!(with(3), report);
        }
    }
}
