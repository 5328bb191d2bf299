//! Pages and numbers of rows against the rows of the engine.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use super::CancelToken;
use super::Document;
use super::Page;
use super::PageStart;
use super::Row;
use super::RowPlace;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::registry::Target;

fn document(dir: &Path, name: &str, content: &[u8]) -> Document {
    let path = dir.join(name);
    std::fs::File::create(&path)
        .unwrap()
        .write_all(content)
        .unwrap();
    let home = dir.join("home");
    let target = Target::open(path.to_str().unwrap(), &home).unwrap();
    Document::new(target, &home)
}

fn engine_rows(document: &Document) -> Vec<Vec<u8>> {
    let batches = document.target().batches(&Selection::default()).unwrap();
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    while let NextBatch::Batch(_) = batches.next(&mut batch).unwrap() {
        rows.extend(batch.rows_and_blanks().map(|row| row.text.to_vec()));
    }
    rows
}

fn page(document: &Document, start: &PageStart, count: usize) -> Page {
    let cancel = CancelToken::default();
    document
        .page(start, count, &BTreeSet::new(), &cancel)
        .unwrap()
}

fn texts(rows: &[Row]) -> Vec<Vec<u8>> {
    rows.iter().map(|row| row.text.clone()).collect()
}

/// Walks to the end in pages, and back to the front.
fn walk(document: &Document, count: usize) {
    let wanted = engine_rows(document);
    let mut rows = page(document, &PageStart::Front, count);
    assert!(rows.is_front);
    let mut all = rows.rows.clone();
    while !rows.is_end {
        let last = all.last().unwrap();
        let at = RowPlace {
            key: last.next,
            ..last.place
        };
        rows = page(
            document,
            &PageStart::After(at, last.number.map(|n| n + 1)),
            count,
        );
        all.extend(rows.rows.clone());
    }
    assert_eq!(texts(&all), wanted);
    for (row, n) in all.iter().zip(0..) {
        assert_eq!(row.number, Some(n));
    }
    let mut rows = page(document, &PageStart::End, count);
    assert!(rows.is_end);
    let mut back = rows.rows.clone();
    while !rows.is_front {
        rows = page(document, &PageStart::Before(back[0].place, None), count);
        back.splice(0..0, rows.rows.clone());
    }
    assert_eq!(texts(&back), wanted);
    let places: Vec<RowPlace> = all.iter().map(|row| row.place).collect();
    let behind: Vec<RowPlace> = back.iter().map(|row| row.place).collect();
    assert_eq!(places, behind);
}

/// Finds every row by its number.
fn find_all(document: &Document) {
    let cancel = CancelToken::default();
    let wanted = engine_rows(document);
    for (n, text) in (0..).zip(&wanted) {
        let place = document.find(n, &cancel, &|_| {}).unwrap().unwrap();
        let found = document
            .rows_at(&[(place, None)], &BTreeSet::new(), &cancel)
            .unwrap();
        assert_eq!(&found[0].text, text, "{n}");
    }
    let behind = wanted.len() as u64;
    assert_eq!(document.find(behind, &cancel, &|_| {}).unwrap(), None);
    assert_eq!(document.count(&cancel, &|_| {}).unwrap(), behind);
    assert_eq!(document.rows(), Some(behind));
    for (n, text) in (0..).zip(&wanted) {
        let place = document.find(n, &cancel, &|_| {}).unwrap().unwrap();
        let found = page(document, &PageStart::At(place, None), 1);
        assert_eq!((&found.rows[0].text, found.rows[0].number), (text, Some(n)));
    }
}

fn check(name: &str, content: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    for count in [1, 3, 100] {
        walk(&document(dir.path(), name, content), count);
    }
    find_all(&document(dir.path(), name, content));
}

#[test]
fn lines_forwards_and_backwards_are_those_of_the_engine() {
    check("a.jsonl", b"{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}\n{\"a\":4");
    check("a.jsonl", b"\xef\xbb\xbf{\"a\":1}\n{\"a\":2}\n");
    check("a.txt", b"one\n\n\nlast\r");
    let long: String = (0..3000)
        .map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}\n", "x".repeat(n % 97)))
        .collect();
    let dir = tempfile::tempdir().unwrap();
    walk(&document(dir.path(), "long.jsonl", long.as_bytes()), 200);
}

#[test]
fn records_with_newlines_inside_are_those_of_the_engine() {
    check(
        "a.csv",
        b"n,text\n1,\"a\nb\"\n2,\"c,\"\"d\"\"\n\n\"\n3,e\n4,\"f\r\ng\"\r\n5,h",
    );
    let mut many = b"id,text,more\n".to_vec();
    for n in 0..2000 {
        let quoted = if n % 3 == 0 { "\"x\n,y\"" } else { "z" };
        many.extend(format!("{n},{quoted},\"q\"\"{n}\"\n").bytes());
    }
    let dir = tempfile::tempdir().unwrap();
    walk(&document(dir.path(), "many.csv", &many), 150);
    find_all(&document(dir.path(), "some.csv", &many[..3000]));
}

#[test]
fn rows_with_numbers_only_are_those_of_the_engine() {
    check("a.json", b"[{\"a\":1},\n {\"a\":[1,2]}, 3, \"x\"]");
    for name in ["three.parquet", "three.arrow", "three.arrows"] {
        let content = std::fs::read(Path::new("tests/data/formats").join(name)).unwrap();
        check(name, &content);
    }
}

#[test]
fn directory_of_files_reads_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("a.jsonl"), "{\"a\":1}\n{\"a\":2}\n").unwrap();
    std::fs::write(data.join("b.csv"), "a,b\n3,4\n5,6\n").unwrap();
    std::fs::write(data.join("c.jsonl"), "").unwrap();
    std::fs::write(data.join("d.json"), "[{\"a\":7},{\"a\":8}]").unwrap();
    let home = dir.path().join("home");
    let open = || Document::new(Target::open(data.to_str().unwrap(), &home).unwrap(), &home);
    for count in [1, 2, 50] {
        walk(&open(), count);
    }
    find_all(&open());
}

#[test]
fn long_row_is_cut_and_its_cells_show_their_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let content = format!(
        "{{\"a\":1,\"t\":\"{}\",\"z\":2}}\n{{\"a\":2}}\n",
        "y".repeat(1 << 20)
    );
    let document = document(dir.path(), "a.jsonl", content.as_bytes());
    let page = page(&document, &PageStart::Front, 10);
    let row = &page.rows[0];
    assert!(row.is_cut && !row.is_broken);
    assert_eq!(row.bytes, Some(content.len() as u64 - 9));
    let columns: Vec<&str> = row.cells.iter().map(|cell| cell.column.as_str()).collect();
    assert_eq!(columns, ["a", "t"]);
    assert!(row.cells[1].text.starts_with("yyy") && row.cells[1].is_cut);
    assert_eq!(page.rows[1].number, Some(1));
}

#[test]
fn cancelled_reading_stops() {
    let dir = tempfile::tempdir().unwrap();
    let document = document(dir.path(), "a.jsonl", b"{}\n");
    let cancel = CancelToken::default();
    cancel.cancel();
    let stopped = document.page(&PageStart::Front, 5, &BTreeSet::new(), &cancel);
    assert!(stopped.is_err());
}

/// Rows up to their first comma.
fn fronts(rows: &[Row]) -> Vec<String> {
    let front = |row: &Row| {
        let text = String::from_utf8_lossy(&row.text).into_owned();
        text.split(',').next().unwrap_or_default().to_owned()
    };
    rows.iter().map(front).collect()
}

#[test]
fn page_of_long_rows_ends_early_and_is_not_the_end() {
    let long = "x".repeat(3 << 20);
    let line = |n: u64| format!("{{\"id\":{n},\"text\":\"{long}\"}}\n");
    let record = |n: u64| format!("{n},{long}\n");
    let lines: String = (0..12).map(line).collect();
    let records: String = (0..12).map(record).collect();
    let files = [
        ("a.jsonl", lines, "{\"id\":"),
        ("a.csv", format!("id,text\n{records}"), ""),
    ];
    for (name, text, before) in files {
        let dir = tempfile::tempdir().unwrap();
        let document = document(dir.path(), name, text.as_bytes());
        let wanted: Vec<String> = (0..12).map(|n| format!("{before}{n}")).collect();
        let mut now = page(&document, &PageStart::Front, 100);
        let mut all = now.rows.clone();
        while !now.is_end {
            assert!((1..7).contains(&now.rows.len()), "{}", now.rows.len());
            let last = all.last().unwrap();
            let place = RowPlace {
                key: last.next,
                ..last.place
            };
            now = page(&document, &PageStart::After(place, None), 100);
            all.extend(now.rows.iter().cloned());
        }
        assert_eq!(fronts(&all), wanted, "{name}");
        let mut now = page(&document, &PageStart::End, 100);
        let mut all = now.rows.clone();
        while !now.is_front {
            assert!((1..7).contains(&now.rows.len()), "{}", now.rows.len());
            now = page(&document, &PageStart::Before(all[0].place, None), 100);
            all.splice(0..0, now.rows.iter().cloned());
        }
        assert_eq!(fronts(&all), wanted, "{name}");
    }
}
