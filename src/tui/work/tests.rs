//! Places of scanned rows against the rows of pages; and the room of memory.

use std::collections::BTreeSet;

use crate::registry::Target;
use crate::tui::document::CancelToken;
use crate::tui::document::Document;
use crate::tui::document::PageStart;
use crate::tui::testing::Headless;

/// Filters by `.` and compares places and numbers with those of a page.
fn scanned_places_are_those_of_pages(name: &str, content: &[u8]) {
    let mut session = Headless::of(name, content, (80, 24));
    session.keys("& . Enter");
    let path = session.dir.path().join(name);
    let home = session.dir.path().join("home");
    let document = Document::new(Target::open(path.to_str().unwrap(), &home).unwrap(), &home);
    let cancel = CancelToken::default();
    let page = document
        .page(&PageStart::Front, 100, &BTreeSet::new(), &cancel)
        .unwrap();
    let rows = page.rows.iter().filter(|row| !row.text.is_empty());
    let wanted: Vec<_> = rows.map(|row| (row.place, row.number.unwrap())).collect();
    let list = session.state.sifting.list().unwrap();
    let found: Vec<_> = list.iter().map(|row| (row.place, row.number)).collect();
    assert_eq!(found, wanted, "{name}");
}

#[test]
fn places_of_filtered_rows_are_those_of_pages() {
    let quoted = b"n,text\n1,\"a\nb\"\n2,c\n3,\"d\"\"e\"\n".as_slice();
    scanned_places_are_those_of_pages("a.csv", quoted);
    scanned_places_are_those_of_pages(
        "a.jsonl",
        b"\xef\xbb\xbf{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}",
    );
    scanned_places_are_those_of_pages("a.json", b"[{\"a\":1}, {\"a\":2},\n{\"a\":3}]");
    scanned_places_are_those_of_pages("a.txt", b"one\ntwo\n\nthree");
    let columnar = std::fs::read("tests/data/formats/three.parquet").unwrap();
    scanned_places_are_those_of_pages("a.parquet", &columnar);
}

#[test]
fn sorted_rows_are_read_from_their_places() {
    let content: String = (0..500)
        .map(|n| format!("{n},\"x\n{}\"\n", n * 37 % 500))
        .collect();
    let mut session = Headless::of("a.csv", format!("n,t\n{content}").as_bytes(), (80, 24));
    session.keys("]");
    assert_eq!(session.here(), "499");
    session.keys("1 0 j");
    assert_eq!(session.here(), "489");
}
