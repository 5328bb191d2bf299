//! Indexes of rows that are kept, from outside, and their bytes as in `spec/vectors/row-index.txt`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use alimentar::ident::TreeId;
use alimentar::inspect::line_index::FileStamp;
use alimentar::inspect::table::Batch;
use alimentar::inspect::table::NextBatch;
use alimentar::inspect::table::OpenOptions;
use alimentar::inspect::table::RowIndex;
use alimentar::inspect::table::RowKind;
use alimentar::inspect::table::Selection;
use alimentar::inspect::table::StoredRowIndex;
use alimentar::inspect::table::StoredText;
use alimentar::inspect::table::open_table;
use serde_json::Value;

use crate::support::answer;
use crate::support::assert_vectors;
use crate::support::lab::Lab;
use crate::support::run;
use crate::support::wait::settle;

const VECTORS: &str = include_str!("../../../spec/vectors/row-index.txt");

/// Returns the kind and the row index of a text after a reader has read so many batches.
fn learnt(text: &[u8], name: &str, batches: usize) -> (RowKind, RowIndex) {
    let source = Arc::new(text.to_vec());
    let opened = open_table(source, name, OpenOptions::default()).unwrap();
    let all = opened.table.batches(&Selection::default()).unwrap();
    let mut batch = Batch::default();
    for _ in 0..batches {
        if matches!(all.next(&mut batch).unwrap(), NextBatch::End(_)) {
            break;
        }
    }
    let index = opened.index.unwrap();
    (index.kind(), index.now())
}

/// The vectors, by name.
fn vectors() -> Vec<(&'static str, StoredRowIndex)> {
    let records: String = (0..60_000).map(|n| format!("{n},\"{n}\n\"\r\n")).collect();
    let elements: String = (0..60_000).map(|n| format!("{{\"n\":{n}}} ,\n")).collect();
    let elements = format!("[{}]", elements.trim_end_matches(",\n"));
    let values: String = (0..60_000).map(|n| format!("{{\n\"n\": {n}}}\n")).collect();
    let on_disk = |text: &str, name: &str, batches: usize| {
        let stamp = FileStamp {
            device: 2049,
            inode: 300,
            size: text.len() as u64,
            modified: (1_790_000_000, 0),
            changed: (-1, 999_999_999),
        };
        let (kind, index) = learnt(text.as_bytes(), name, batches);
        let seen = (stamp, name != "open.csv");
        StoredRowIndex::on_disk(index, kind, seen, &text.as_bytes()).unwrap()
    };
    let (kind, index) = learnt(records.as_bytes(), "x.csv", usize::MAX);
    let text = StoredText {
        tree: TreeId::new([7; 32]),
        start: 300,
        size: records.len() as u64,
    };
    vec![
        ("empty", on_disk("", "x.csv", 9)),
        ("records", on_disk(&records, "x.csv", usize::MAX)),
        ("begun", on_disk(&records, "open.csv", 3)),
        ("elements", on_disk(&elements, "x.json", usize::MAX)),
        ("values", on_disk(&values, "x.json", usize::MAX)),
        ("stored", StoredRowIndex::in_store(index, kind, text)),
    ]
}

/// Every encoding among the vectors, with its check and without.
pub fn encodings() -> Vec<Vec<u8>> {
    let all: Vec<_> = vectors().iter().map(|(_, v)| v.encode()).collect();
    let without: Vec<_> = all.iter().map(|b| b[..b.len() - 32].to_vec()).collect();
    [all, without].concat()
}

#[test]
fn line_indexes_match_the_vectors() {
    let mut found = String::new();
    for (name, stored) in vectors() {
        let bytes = stored.encode();
        assert_eq!(StoredRowIndex::decode(&bytes), Ok(stored), "{name}");
        found += &format!("{name} {}\n", alimentar::ident::to_hex(&bytes));
    }
    assert_vectors(&found, VECTORS);
}

impl Lab {
    fn rows(&self, target: &str) -> u64 {
        let answer = answer(&self.home(), &["inspect", "info", target]);
        answer["rows"].as_u64().unwrap()
    }

    fn row(&self, target: &str, number: u64) -> String {
        let number = number.to_string();
        let words = ["inspect", "lines", target, "--count=1", "--start", &number];
        let out = run(&self.home(), &words);
        assert!(out.status.success(), "{out:?}");
        match serde_json::from_slice::<Value>(&out.stdout) {
            Ok(line) => line["text"].as_str().unwrap().to_owned(),
            Err(_) => String::new(),
        }
    }

    fn kept_rows(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.home().join("cache/rows"));
        let entries = entries.into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// Keeps in place of a file's index one that says what another text's does.
    fn forge(&self, file: &Path, other: &[u8]) {
        let name = file.to_str().unwrap();
        let (kind, index) = learnt(other, name, usize::MAX);
        let meta = fs::metadata(file).unwrap();
        let stamp = FileStamp {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec() as u32),
            changed: (meta.ctime(), meta.ctime_nsec() as u32),
        };
        let source = fs::read(file).unwrap();
        let stored = StoredRowIndex::on_disk(index, kind, (stamp, true), &source).unwrap();
        fs::write(&self.kept_rows()[0], stored.encode()).unwrap();
    }
}

/// Rows of a width, so many bytes in all.
fn csv(width: usize, bytes: usize) -> Vec<u8> {
    let rows = (0..bytes / width).map(|n| format!("{n:>0$}\n", width - 1));
    rows.collect::<String>().into_bytes()
}

#[test]
fn line_index_reads_a_file_once() {
    let lab = Lab::new();
    let text = csv(32, 4 << 20);
    let count = text.len() as u64 / 32;
    let file = lab.file("f.csv", &text);
    let name = file.to_str().unwrap();
    settle();
    assert_eq!(lab.rows(name), count);
    assert_eq!(lab.kept_rows().len(), 1);
    assert_eq!(lab.row(name, 100_000), format!("{:>31}", 100_000));
    // An index that says something else is believed, so the file is not read.
    lab.forge(&file, &csv(64, 4 << 20));
    assert_eq!(lab.rows(name), count / 2);
    let wrong: u64 = lab.row(name, 50_000).trim().parse().unwrap();
    assert!((99_000..=100_000).contains(&wrong), "{wrong}");
    // One that cannot be right is not: no record begins at its places.
    lab.forge(&file, &csv(65, 4 << 20));
    assert_eq!(lab.row(name, 100_000), format!("{:>31}", 100_000));
    // A damaged index counts as absent.
    fs::write(&lab.kept_rows()[0], b"damaged").unwrap();
    assert_eq!(lab.rows(name), count);
    assert!(fs::read(&lab.kept_rows()[0]).unwrap().len() > 200);
}

#[test]
fn row_index_keeps_rows_passed_on_the_way() {
    let lab = Lab::new();
    let rows: String = (0..80_000)
        .map(|n| format!("{{\"n\": {n:>30}}},\n"))
        .collect();
    let text = format!("[{}]", rows.trim_end_matches(",\n"));
    let file = lab.file("f.json", text.as_bytes());
    let name = file.to_str().unwrap();
    settle();
    let row = |n: u64| format!("{{\"n\": {n:>30}}}");
    assert_eq!(lab.row(name, 100), row(100));
    // Opening it reads as much.
    assert!(lab.kept_rows().is_empty());
    assert_eq!(lab.row(name, 60_000), row(60_000));
    let kept = fs::read(&lab.kept_rows()[0]).unwrap();
    assert_eq!(lab.row(name, 60_001), row(60_001));
    assert_eq!(fs::read(&lab.kept_rows()[0]).unwrap(), kept);
    assert_eq!(lab.rows(name), 80_000);
    assert!(fs::read(&lab.kept_rows()[0]).unwrap().len() > kept.len());
    // Records of the same file, the first of them a header, are something else.
    let other = lab.dir.path().join("f.csv");
    fs::hard_link(&file, &other).unwrap();
    settle();
    assert_eq!(lab.rows(other.to_str().unwrap()), 79_999);
    assert_eq!(lab.kept_rows().len(), 2);
}

#[test]
fn row_index_of_a_changed_file_is_rebuilt() {
    let lab = Lab::new();
    let mut text = csv(32, 4 << 20);
    let count = text.len() as u64 / 32;
    let file = lab.file("f.csv", &text);
    let name = file.to_str().unwrap();
    settle();
    assert_eq!(lab.rows(name), count);

    // Appended to: the places count, and the rows are counted from the last of them.
    let mut open = fs::OpenOptions::new().append(true).open(&file).unwrap();
    open.write_all(&csv(32, 3200)).unwrap();
    drop(open);
    settle();
    assert_eq!(lab.row(name, count + 99), format!("{:>31}", 99));
    assert_eq!(lab.rows(name), count + 100);
    assert_eq!(lab.row(name, count + 100), "");
    text.extend(csv(32, 3200));

    // Of the same length and with the same time, but rewritten.
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    text[1 << 20..][..64].fill(b'x');
    fs::write(&file, &text).unwrap();
    let open = fs::OpenOptions::new().write(true).open(&file).unwrap();
    open.set_modified(time).unwrap();
    settle();
    assert_eq!(lab.rows(name), count + 98);

    // Shorter.
    fs::write(&file, &text[..2 << 20]).unwrap();
    settle();
    assert_eq!(lab.rows(name), (2 << 20) / 32 - 2);
    assert_eq!(lab.row(name, count), "");
    assert_eq!(lab.kept_rows().len(), 1);
}

#[test]
fn row_index_of_a_dataset_file_is_kept() {
    let lab = Lab::new();
    let file = lab.file("f.csv", &csv(32, 4 << 20));
    let words = [
        "registry",
        "index",
        file.to_str().unwrap(),
        "--name",
        "held",
    ];
    answer(&lab.home(), &words);
    let count = (4 << 20) / 32;
    assert_eq!(lab.rows("held"), count);
    assert_eq!(lab.kept_rows().len(), 1);
    let kept = fs::read(&lab.kept_rows()[0]).unwrap();
    assert_eq!(lab.rows("held:f.csv"), count);
    assert_eq!(lab.row("held", 120_000), format!("{:>31}", 120_000));
    assert_eq!(fs::read(&lab.kept_rows()[0]).unwrap(), kept);
}

#[test]
fn line_index_in_a_read_only_home_is_not_kept() {
    let lab = Lab::new();
    fs::write(lab.home(), b"a file").unwrap();
    let file = lab.file("f.csv", &csv(32, 2 << 20));
    assert_eq!(lab.rows(file.to_str().unwrap()), (2 << 20) / 32);
}
