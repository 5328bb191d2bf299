use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use crate::ident::TreeId;
use crate::inspect::file_stamp::FileStamp;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Opened;
use crate::inspect::table::RowIndex;
use crate::inspect::table::RowKind;
use crate::inspect::table::Selection;
use crate::inspect::table::StoredRowIndex;
use crate::inspect::table::StoredText;
use crate::inspect::table::open_table;
use crate::inspect::table::row_index::Point;
use crate::inspect::table::row_index::is_start;
use crate::read_at::ReadAt;
use crate::wire::DecodeError;

const KINDS: [(RowKind, &str); 3] = [
    (RowKind::Records, "x.csv"),
    (RowKind::Elements, "x.json"),
    (RowKind::Values, "x.json"),
];

/// Makes rows of one kind, with blanks, blank lines, quotes and brackets.
fn text(kind: RowKind, rows: u64) -> Vec<u8> {
    let row = |n: u64| {
        let long = "x,[\\\"".repeat(n as usize % 7);
        let gap = ["", " ", "\r\n", "\n\n\t", "          "][n as usize % 5];
        match kind {
            RowKind::Records => format!("{n},\"a \"\"{}\n{n}\"{}", "y,".repeat(n as usize % 40), {
                ["\n", "\r\n", "\r", "\n\n\n"][n as usize % 4]
            }),
            RowKind::Elements => format!("{gap}{{\"n\":{n},\"t\":\"{long}\"}}{gap},"),
            RowKind::Values => format!("{gap}{{\n\"n\":{n},\"t\":\"{long}\"}}{gap}\n{gap}"),
        }
    };
    let rows: String = (0..rows).map(row).collect();
    match kind {
        RowKind::Records => format!("n,t\n{rows}").into_bytes(),
        RowKind::Elements => format!("[{}]\n", rows.trim_end_matches(',')).into_bytes(),
        RowKind::Values => rows.into_bytes(),
    }
}

fn opened(source: Arc<dyn ReadAt>, name: &str, index: Option<RowIndex>) -> Opened {
    let options = OpenOptions {
        index,
        ..OpenOptions::default()
    };
    open_table(source, name, options).unwrap()
}

/// Reads at most `most` rows from one on, with their offsets.
fn rows(opened: &Opened, from: u64, most: usize) -> Vec<(u64, Vec<u8>)> {
    let selection = Selection {
        from,
        ..Selection::default()
    };
    let batches = Arc::clone(&opened.table).batches(&selection).unwrap();
    let (mut found, mut batch) = (Vec::new(), Batch::default());
    while found.len() < most {
        match batches.next(&mut batch).unwrap() {
            NextBatch::End(_) => break,
            NextBatch::Batch(_) => found.extend(
                batch
                    .rows_and_blanks()
                    .map(|row| (batch.offset() + row.at as u64, row.text.to_vec())),
            ),
        }
    }
    found.truncate(most);
    found
}

fn index_of(text: &[u8], name: &str) -> RowIndex {
    let opened = opened(Arc::new(text.to_vec()), name, None);
    rows(&opened, 0, usize::MAX);
    opened.index.unwrap().now()
}

fn stamp(size: usize) -> FileStamp {
    FileStamp {
        device: 2049,
        inode: 300,
        size: size as u64,
        modified: (1_790_000_000, 5),
        changed: (1_790_000_001, 999_999_999),
    }
}

fn stored(text: &[u8], (kind, name): (RowKind, &str), is_settled: bool) -> StoredRowIndex {
    let seen = (stamp(text.len()), is_settled);
    StoredRowIndex::on_disk(index_of(text, name), kind, seen, &text).unwrap()
}

/// Source that counts the bytes read.
struct Counting(Vec<u8>, AtomicU64);

impl ReadAt for Counting {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let n = self.0.read_at(buf, offset)?;
        self.1.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

#[test]
fn row_start_check_accepts_real_starts() {
    for (kind, name) in KINDS {
        let text = text(kind, 3000);
        let opened = opened(Arc::new(text.clone()), name, None);
        assert_eq!(opened.index.as_ref().unwrap().kind(), kind);
        let rows = rows(&opened, 0, usize::MAX);
        assert_eq!(rows.len(), 3000, "{kind:?}");
        for (at, row) in &rows[1..] {
            assert!(is_start(&text, kind, *at).unwrap(), "{kind:?} {at}");
            assert!(!is_start(&text, kind, at + row.len() as u64).unwrap());
            // Inside a row, a false start is rare.
            assert!(!is_start(&text, kind, at + 1).unwrap(), "{kind:?} {at}");
        }
        let size = text.len() as u64;
        for at in [size, size + 1, u64::MAX] {
            assert!(!is_start(&text, kind, at).unwrap());
        }
    }
    let cases: [(RowKind, &[u8], bool); 10] = [
        (RowKind::Records, b"a\n", false),
        (RowKind::Records, b"\na", true),
        (RowKind::Records, b"\n\n", false),
        (RowKind::Elements, b"[ a", true),
        (RowKind::Elements, b"a a", false),
        (RowKind::Elements, b",\n}", false),
        (RowKind::Values, b"a a", false),
        (RowKind::Values, b"a\ta", false),
        (RowKind::Values, b"a\n a", true),
        (RowKind::Values, b"\n\n ", false),
    ];
    for (kind, text, can) in cases {
        let at = text.len() as u64 - 1;
        assert_eq!(is_start(&text, kind, at).unwrap(), can, "{kind:?} {text:?}");
    }
}

#[test]
fn stored_row_index_skips_earlier_rows() {
    for (kind, name) in KINDS {
        let text = text(kind, 60_000);
        let first = opened(Arc::new(text.clone()), name, None);
        let all = rows(&first, 0, usize::MAX);
        let stored = stored(&text, (kind, name), true);
        let stored = StoredRowIndex::decode(&stored.encode()).unwrap();
        let index = stored.for_disk(kind, &stamp(text.len()), &text);
        let source = Arc::new(Counting(text, AtomicU64::new(0)));
        let again = opened(source.clone(), name, index.unwrap());
        source.1.store(0, Ordering::Relaxed);
        assert_eq!(again.table.rows(), Some(60_000));
        assert_eq!(source.1.load(Ordering::Relaxed), 0);
        for from in [59_999, 31_234, 40_000] {
            source.1.store(0, Ordering::Relaxed);
            assert_eq!(
                rows(&again, from, 3),
                all[from as usize..][..3.min(60_000 - from as usize)]
            );
            let read = source.1.load(Ordering::Relaxed);
            assert!(read < 1 << 20, "{kind:?} {read} of {}", source.len());
        }
        assert_eq!(again.index.unwrap().take_if_changed(), None);
    }
}

#[test]
fn stored_row_index_detects_file_change() {
    for (kind, name) in KINDS {
        let text = text(kind, 60_000);
        let now = stamp(text.len());
        let found = |settled, now: &FileStamp, text_now: &[u8]| {
            let stored = stored(&text, (kind, name), settled);
            stored.for_disk(kind, now, &text_now).unwrap()
        };
        let index = found(true, &now, &text).unwrap();
        assert_eq!(index.rows().map(|n| n / 60_000), Some(1));
        assert!(index.points.len() > 6);
        assert_eq!(found(false, &now, &text), None);
        for change in [
            |s: &mut FileStamp| s.modified.1 += 1,
            |s: &mut FileStamp| s.changed.0 += 1,
            |s: &mut FileStamp| s.inode += 1,
            |s: &mut FileStamp| s.size -= 1,
        ] {
            let mut other = now;
            change(&mut other);
            assert_eq!(found(true, &other, &text), None);
        }
        // Longer: existing records stay in place.
        let longer = [text.as_slice(), b"1,2\n"].concat();
        let later = FileStamp {
            modified: (1_790_000_009, 0),
            ..stamp(longer.len())
        };
        for settled in [true, false] {
            let grown = (kind == RowKind::Records).then(|| RowIndex {
                rows: None,
                ..index.clone()
            });
            assert_eq!(found(settled, &later, &longer), grown);
        }
        for at in [0, text.len() - 1, index.points[5].at as usize - 1] {
            let mut rewritten = longer.clone();
            rewritten[at] ^= 0x40;
            let is_seen = at == 0 || at == text.len() - 1 || index.points.len() <= 16;
            assert!(
                !is_seen || found(true, &later, &rewritten).is_none(),
                "{at}"
            );
        }
        // An index of another kind, or of a file in a dataset, does not match.
        let other = KINDS.map(|(k, _)| k).into_iter().find(|k| *k != kind);
        let whole = stored(&text, (kind, name), true);
        let found = whole.for_disk(other.unwrap(), &now, &text);
        assert_eq!(found.unwrap(), None);
        let place = StoredText {
            tree: TreeId::new([7; 32]),
            start: 5,
            size: text.len() as u64,
        };
        let held = StoredRowIndex::in_store(index.clone(), kind, place);
        assert_eq!(StoredRowIndex::decode(&held.encode()), Ok(held.clone()));
        assert_eq!(held.clone().for_disk(kind, &now, &text).unwrap(), None);
        let elsewhere = StoredText { start: 6, ..place };
        assert_eq!(held.clone().for_store(kind, &elsewhere), None);
        assert_eq!(held.for_store(kind, &place), Some(index));
    }
}

#[test]
fn row_index_of_another_text_is_cleared() {
    for (kind, name) in KINDS {
        let text = text(kind, 60_000);
        let mut wrong = index_of(&text, name);
        for point in &mut wrong.points {
            point.at += 1;
        }
        wrong.rows = Some(5);
        let expected = rows(&opened(Arc::new(text.clone()), name, None), 0, usize::MAX);
        let opened = opened(Arc::new(text), name, Some(wrong));
        assert_eq!(rows(&opened, 50_000, 9), expected[50_000..50_009]);
        assert_eq!(rows(&opened, 0, usize::MAX), expected);
        assert_eq!(opened.table.rows(), Some(60_000));
        let index = opened.index.unwrap();
        assert!(index.take_if_changed().is_some() && index.take_if_changed().is_none());
    }
}

#[test]
fn row_index_thins_points_beyond_limit() {
    let mut index = RowIndex::default();
    for n in 0..(1 << 19) {
        index.add_point(Point {
            row: n * 40,
            at: n * 70_000,
        });
    }
    assert!(index.points.len() <= 1 << 18 && index.step > 1 << 16);
    let place = StoredText {
        tree: TreeId::new([1; 32]),
        start: 0,
        size: 1 << 40,
    };
    let stored = StoredRowIndex::in_store(index, RowKind::Records, place);
    let bytes = stored.encode();
    assert!(bytes.len() < 2 << 20, "{}", bytes.len());
    assert_eq!(StoredRowIndex::decode(&bytes), Ok(stored));
}

#[test]
fn stored_row_index_with_changed_bit_is_refused() {
    let text = text(RowKind::Records, 6000);
    let stored = stored(&text, KINDS[0], true);
    let bytes = stored.encode();
    assert_eq!(StoredRowIndex::decode(&bytes), Ok(stored));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            assert!(
                matches!(
                    StoredRowIndex::decode(&bytes),
                    Err(DecodeError::Checksum { .. }
                        | DecodeError::Magic { .. }
                        | DecodeError::Version { .. })
                ),
                "{at} {bit}"
            );
        }
        assert!(matches!(
            StoredRowIndex::decode(&bytes[..at]),
            Err(DecodeError::Checksum { .. } | DecodeError::Truncated)
        ));
    }
    assert!(matches!(
        StoredRowIndex::decode(&[bytes.as_slice(), &[0]].concat()),
        Err(DecodeError::Checksum { .. })
    ));
}

#[test]
fn stored_row_index_breaking_rule_is_refused_with_valid_checksum() {
    let place = StoredText {
        tree: TreeId::new([1; 32]),
        start: 9,
        size: 1_000_000,
    };
    let of = |tail: &[u8]| {
        let empty = StoredRowIndex::in_store(RowIndex::default(), RowKind::Values, place);
        let bytes = empty.encode();
        // Without rows, step, number of points, and checksum.
        let front = &bytes[..bytes.len() - 32 - 3];
        let bytes = [front, tail].concat();
        let check = *blake3::hash(&bytes).as_bytes();
        let bytes = [bytes.as_slice(), &check].concat();
        let decoded = StoredRowIndex::decode(&bytes);
        if let Ok(stored) = &decoded {
            assert_eq!(stored.encode(), bytes);
        }
        decoded.map(|stored| stored.into_index())
    };
    let point = Point {
        row: 32,
        at: 65_536,
    };
    let index = RowIndex {
        points: vec![point],
        step: 65_536,
        rows: Some(33),
    };
    assert_eq!(of(&[34, 0, 1, 0, 0]), Ok(index));
    let rows = Err(DecodeError::Invalid("number of rows"));
    assert_eq!(of(&[33, 0, 1, 0, 0]), rows);
    assert_eq!(of(&[0xc2, 0x84, 0x3d, 0, 0]), rows);
    assert!(of(&[0xc1, 0x84, 0x3d, 0, 0]).is_ok());
    let step = Err(DecodeError::Invalid("distance of points"));
    assert_eq!(of(&[0, 48, 0]), step);
    assert!(of(&[0, 47, 0]).is_ok());
    let invalid = Err(DecodeError::Invalid("point"));
    // Beyond the end, more rows than bytes, beyond 64 bits.
    assert_eq!(of(&[0, 4, 1, 0, 0]), invalid);
    assert_eq!(of(&[0, 0, 1, 0xe1, 0xff, 3, 0]), invalid);
    let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(of(&[[0, 0, 1, 0].as_slice(), &most].concat()), invalid);
    assert_eq!(of(&[[0, 0, 1].as_slice(), &most, &[0]].concat()), invalid);
    let many = of(&[[0, 0].as_slice(), &most].concat());
    assert!(matches!(many, Err(DecodeError::Limit { .. })));
    assert_eq!(of(&[0, 0, 2, 0, 0]), Err(DecodeError::Truncated));
    assert_eq!(of(&[0, 0, 0, 0]), Err(DecodeError::Trailing(1)));
}
