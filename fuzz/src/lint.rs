//! Rows that are looked over.

use std::sync::Arc;

use alimentar::inspect::lint::LintOptions;
use alimentar::inspect::lint::RuleId;
use alimentar::inspect::lint::lint as look_over;
use alimentar::inspect::lint::sarif::RowLocation;
use alimentar::inspect::lint::sarif::sarif;
use alimentar::inspect::table::Header;
use alimentar::inspect::table::LineTable;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::Shape;
use alimentar::inspect::table::Table;
use alimentar::progress::NoProgress;

/// Lint, of lines in each shape.
pub fn lint(data: &[u8]) {
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
        let table = Arc::new(LineTable::new(Arc::new(data.to_vec()), shape.clone()));
        for columns in [vec![], vec!["text".to_owned(), "a".to_owned()]] {
            let mut options = LintOptions::default();
            options.columns = columns;
            let batches = Arc::clone(&table).batches(&Selection::default()).unwrap();
            let report = look_over(&*batches, &options, &NoProgress).unwrap();
            for rule in &report.rules {
                assert!(rule.examples.len() as u64 <= rule.count.min(5));
                let is_of_file = rule.rule.id == RuleId::MissingFinalNewline;
                assert!(!is_of_file || rule.count <= 1);
            }
            let log = sarif(&report, "a.jsonl", RowLocation::Lines, "1.0.0");
            assert_eq!(log["version"], "2.1.0");
        }
    }
}
