mod damage;
mod pages;
mod readers;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Cell;
use crate::inspect::table::Chain;
use crate::inspect::table::Header;
use crate::inspect::table::LineTable;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Scan;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::rows::cells::Scratch;
use crate::inspect::table::text::lines::PART_BYTES;
use crate::progress::NoProgress;
use crate::testing::Random;
use crate::wire::limits::ROW_BYTES_MAX;

/// All rows with their numbers, read by several threads.
pub(super) fn all_rows(batches: &dyn Batches, threads: usize) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    let scan = Scan {
        batches,
        threads,
        progress: &NoProgress,
    };
    let done: Result<(), TableError> = scan.run(
        || (),
        |(), batch| {
            Ok(batch
                .rows()
                .map(|r| (r.index, r.text.to_vec()))
                .collect::<Vec<_>>())
        },
        |made| {
            found.extend(made.value.into_iter().map(|(n, t)| (made.first + n, t)));
            Ok(ControlFlow::Continue(()))
        },
    );
    done.unwrap();
    found
}

fn naive(text: &[u8], skips_blank: bool) -> Vec<(u64, Vec<u8>)> {
    let mut lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let last = lines.pop().unwrap();
    let whole = lines
        .into_iter()
        .map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    let rows = whole.chain((!last.is_empty()).then_some(last));
    let kept = rows
        .enumerate()
        .filter(|(_, l)| !skips_blank || !l.trim_ascii().is_empty());
    kept.map(|(n, l)| (n as u64, l.to_vec())).collect()
}

#[test]
fn lines_are_the_same_in_parts() {
    let mut random = Random::new(7);
    for size in [0, 1, 2, 1000, 300_000, 1_200_000] {
        let mut text = Vec::new();
        while text.len() < size {
            let length = match random.below(16) {
                0 => 0,
                1 => 300_000,
                n => n * 37,
            };
            text.extend((0..length).map(|n| b'a' + (n % 23) as u8));
            text.extend_from_slice([&b"\n"[..], b"\r\n", b"\n\n", b" \n"][random.index(4)]);
        }
        text.truncate(size);
        for shape in [Shape::Text, Shape::Json] {
            let table = Arc::new(LineTable::new(Arc::new(text.clone()), shape.clone()));
            let expected = naive(&text, shape.skips_blank());
            for from in [0, 1, 5, 1000] {
                let selection = Selection {
                    from,
                    ..Selection::default()
                };
                let batches = Arc::clone(&table).batches(&selection).unwrap();
                let found = all_rows(&*batches, 3);
                let behind = expected.iter().filter(|(n, _)| *n >= from);
                let behind: Vec<_> = behind.map(|(n, t)| (n - from, t.clone())).collect();
                assert_eq!(found, behind, "{size} from {from}");
                each_alone(&*Arc::clone(&table).batches(&selection).unwrap(), &text);
            }
        }
    }
}

/// A row belongs to one part wherever the parts and the reads behind them end.
#[test]
fn lines_that_end_at_ends_of_parts_are_read_once() {
    let part = usize::try_from(PART_BYTES).unwrap();
    for behind in [0, 4 << 10, 12 << 10] {
        for ends in part + behind - 3..part + behind + 3 {
            for end in ["\n", "\nb", "\n\n", "\nb\n"] {
                let text = ["a".repeat(ends), end.to_owned()].concat().into_bytes();
                let table = Arc::new(LineTable::new(Arc::new(text.clone()), Shape::Text));
                let batches = table.batches(&Selection::default()).unwrap();
                assert!(
                    all_rows(&*batches, 2) == naive(&text, false),
                    "{ends} {end:?}"
                );
            }
        }
    }
}

/// Checks that every row is at its position, and equal when read alone.
fn each_alone(batches: &dyn Batches, text: &[u8]) {
    let (mut batch, mut alone) = (Batch::default(), Batch::default());
    while let NextBatch::Batch(number) = batches.next(&mut batch).unwrap() {
        for row in batch.rows() {
            let place = batch.place_of(&row);
            assert!(batches.row(number, place, &mut alone).unwrap());
            let found: Vec<&[u8]> = alone.rows_and_blanks().map(|r| r.text).collect();
            assert_eq!(found, [row.text]);
            let at = usize::try_from(batch.offset()).unwrap() + row.at;
            assert!(text[at..].starts_with(row.text));
        }
    }
}

#[test]
fn chain_reads_files_in_order() {
    let texts: Vec<Vec<u8>> = vec![b"a\nb".to_vec(), vec![], b"c\n".to_vec()];
    let files = texts.clone();
    let chain = Chain::new(Box::new(move |n| {
        let table = Arc::new(LineTable::new(Arc::new(files.get(n)?.clone()), Shape::Text));
        Some(table.batches(&Selection::default()))
    }));
    let rows: Vec<_> = all_rows(&chain, 4).into_iter().map(|(_, t)| t).collect();
    assert_eq!(rows, [b"a", b"b", b"c"]);
    // Rows already passed can be read again, one by one.
    let mut alone = Batch::default();
    for (number, place, text) in [(0, 0, "a"), (1, 0, "c"), (0, 2, "b")] {
        assert!(chain.row(number, place, &mut alone).unwrap());
        assert_eq!(alone.rows().next().unwrap().text, text.as_bytes());
    }
    assert!(!chain.row(2, 0, &mut alone).unwrap());
}

#[test]
fn long_row_is_cut_equally_when_read_alone() {
    let long = "x".repeat(ROW_BYTES_MAX + 5);
    let text = format!("a\n{long}\nb\n").into_bytes();
    let table = Arc::new(LineTable::new(Arc::new(text), Shape::Text));
    let batches = table.batches(&Selection::default()).unwrap();
    let mut alone = Batch::default();
    assert!(batches.row(0, 2, &mut alone).unwrap());
    assert_eq!(alone.truncated(), 1);
    let lengths: Vec<usize> = alone.rows().map(|r| r.text.len()).collect();
    assert_eq!(lengths, [ROW_BYTES_MAX]);
}

#[test]
fn scan_stops_when_fold_breaks() {
    let text = b"line\n".repeat(1_000_000);
    let table = Arc::new(LineTable::new(Arc::new(text), Shape::Text));
    let batches = table.batches(&Selection::default()).unwrap();
    let scan = Scan {
        batches: &*batches,
        threads: 2,
        progress: &NoProgress,
    };
    let mut batches_seen = 0;
    let done: Result<(), TableError> = scan.run(
        || (),
        |(), _| Ok(()),
        |_| {
            batches_seen += 1;
            Ok(match batches_seen {
                3 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        },
    );
    done.unwrap();
    assert_eq!(batches_seen, 3);
}

#[test]
fn cells_return_unescaped_values() {
    let mut scratch = Scratch::default();
    let row = br#"{"a":"x\ny","b":{"c":[1,2.5]},"d.e":null,"t":true}"#;
    let mut seen = Vec::new();
    assert!(Shape::Json.each_cell(row, &mut scratch, &mut |name, cell| {
        seen.push(format!("{name}={}", String::from_utf8_lossy(cell.bytes())));
    }));
    assert_eq!(seen, ["a=x\ny", "b={\"c\":[1,2.5]}", "d.e=", "t=true"]);
    let found = Shape::Json.cell(row, "b.c.1", &mut scratch);
    assert_eq!(found, Some(Cell::Number(b"2.5")));
    assert_eq!(Shape::Json.cell(row, "d.e", &mut scratch), Some(Cell::Null));
    assert_eq!(Shape::Json.cell(row, "z", &mut scratch), None);
    let header = Header {
        names: vec!["one".to_owned(), "two".to_owned()],
        separator: b',',
        quote: Some(b'"'),
        is_in_file: true,
        repeated: Vec::new(),
        not_utf8: Vec::new(),
        widest: 0,
    };
    let csv = Shape::Delimited(Arc::new(header));
    let row = b"\"a,\"\"b\"\"\nc\",d,";
    assert_eq!(
        csv.cell(row, "one", &mut scratch),
        Some(Cell::Text(b"a,\"b\"\nc"))
    );
    assert_eq!(csv.cell(row, "two", &mut scratch), Some(Cell::Text(b"d")));
    let mut out = Vec::new();
    assert!(csv.text_into(row, &[], &mut scratch, &mut out));
    assert_eq!(out, b"a,\"b\"\nc\nd\n");
}
