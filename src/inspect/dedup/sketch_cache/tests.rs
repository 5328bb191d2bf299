use std::sync::Arc;

use crate::ident::to_hex;
use crate::inspect::dedup::DedupOptions;
use crate::inspect::dedup::DedupReport;
use crate::inspect::dedup::Keep;
use crate::inspect::dedup::MemorySketches;
use crate::inspect::dedup::Method;
use crate::inspect::dedup::dedup;
use crate::inspect::dedup::sketch_cache::SketchFile;
use crate::inspect::dedup::sketch_cache::SketchHeader;
use crate::inspect::dedup::sketch_cache::SketchRun;
use crate::inspect::dedup::sketch_cache::codec::TableWriter;
use crate::inspect::table::LineTable;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::progress::NoProgress;

const MINHASH: Method = Method::MinHash;
const SIMHASH: Method = Method::SimHash { distance: 6 };

fn run(rows: &[String], method: Method, sketch_cache: Option<&MemorySketches>) -> DedupReport {
    let table = LineTable::new(Arc::new(rows.join("\n").into_bytes()), Shape::Text);
    let table = Arc::new(table);
    let open = move |selection: &Selection| Arc::clone(&table).batches(selection);
    let options = DedupOptions {
        method,
        sketch_cache: sketch_cache.map(|p| p as _),
        ..DedupOptions::default()
    };
    dedup(&open, &options, &NoProgress).unwrap()
}

/// Makes rows of 20 words. Each tenth row is similar to its predecessor, each hundredth equal.
fn rows(count: usize) -> Vec<String> {
    let mut hash = blake3::Hasher::new().finalize_xof();
    let mut word = || {
        let mut bytes = [0; 3];
        hash.fill(&mut bytes);
        to_hex(&bytes)
    };
    let mut rows: Vec<String> = Vec::new();
    for n in 0..count {
        let row = match (n % 100, n % 10) {
            (99, _) => rows[n - 1].clone(),
            (_, 9) => format!("{} {}", rows[n - 1], word()),
            _ => (0..20).map(|_| word()).collect::<Vec<_>>().join(" "),
        };
        rows.push(row);
    }
    rows
}

fn same(a: &DedupReport, b: &DedupReport) {
    let of = |r: &DedupReport| DedupReport {
        sketched: 0,
        ..r.clone()
    };
    assert_eq!(of(a), of(b));
}

#[test]
fn second_search_uses_cached_sketches() {
    let rows = rows(3000);
    for method in [MINHASH, SIMHASH] {
        let kept = MemorySketches::default();
        let plain = run(&rows, method, None);
        assert!(plain.near_duplicates > 200 && plain.exact_duplicates == 30);
        let first = run(&rows, method, Some(&kept));
        let second = run(&rows, method, Some(&kept));
        same(&plain, &first);
        same(&plain, &second);
        assert_eq!((first.sketched, second.sketched), (2970, 0));
    }
}

#[test]
fn changed_runs_alone_are_sketched_again() {
    let old = rows(20_000);
    let mut new = old.clone();
    new.insert(
        40,
        "a row that was not there before and is like none".to_owned(),
    );
    for n in (500..20_000).step_by(1000) {
        new[n] = format!("{} and more", new[n]);
    }
    let removed: Vec<String> = new.drain(7000..7200).collect();
    assert_eq!(removed.len(), 200);
    for method in [MINHASH, SIMHASH] {
        let kept = MemorySketches::default();
        run(&old, method, Some(&kept));
        let plain = run(&new, method, None);
        let next = run(&new, method, Some(&kept));
        same(&plain, &next);
        // 22 changed rows, runs of four rows on average, and different batch boundaries.
        assert!(next.sketched >= 20, "{}", next.sketched);
        assert!(next.sketched < 800, "{}", next.sketched);
        let again = run(&new, method, Some(&kept));
        assert_eq!(again.sketched, 0);
    }
}

#[test]
fn sketch_cache_separates_parameters() {
    let rows = rows(500);
    let kept = MemorySketches::default();
    run(&rows, MINHASH, Some(&kept));
    assert_eq!(run(&rows, SIMHASH, Some(&kept)).sketched, 495);
    assert_eq!(kept.files().len(), 2);
    // The distance does not affect fingerprints.
    let near = Method::SimHash { distance: 1 };
    assert_eq!(run(&rows, near, Some(&kept)).sketched, 0);
}

#[test]
fn row_whose_equal_was_removed_is_sketched() {
    let mut rows = rows(400);
    let kept = MemorySketches::default();
    run(&rows, MINHASH, Some(&kept));
    // Row 99 equals row 98, which had the sketch.
    rows[98] = "something else, so that the other of the two is unique".to_owned();
    let plain = run(&rows, MINHASH, None);
    same(&plain, &run(&rows, MINHASH, Some(&kept)));
}

#[test]
fn damaged_sketch_file_does_not_change_result() {
    let rows = rows(70);
    let kept = MemorySketches::default();
    let plain = run(&rows, MINHASH, Some(&kept));
    let file = kept.files().remove(0);
    let mut resketched = 0;
    for at in (0..file.len()).step_by(97) {
        let mut bytes = file.clone();
        bytes[at] ^= 0x10;
        kept.replace_all(&bytes);
        let report = run(&rows, MINHASH, Some(&kept));
        same(&plain, &report);
        resketched += u64::from(report.sketched > 0);
    }
    assert!(
        resketched as usize >= file.len() / 97,
        "every change is seen"
    );
    for length in [0, 39, 40, 100, file.len() - 1] {
        kept.replace_all(&file[..length]);
        same(&plain, &run(&rows, MINHASH, Some(&kept)));
    }
}

#[test]
fn cached_search_that_keeps_longest_has_same_result() {
    let rows = rows(300);
    let kept = MemorySketches::default();
    let table = Arc::new(LineTable::new(
        Arc::new(rows.join("\n").into_bytes()),
        Shape::Text,
    ));
    let open = move |selection: &Selection| Arc::clone(&table).batches(selection);
    let options = DedupOptions {
        keep: Keep::Longest,
        sketch_cache: Some(&kept),
        ..DedupOptions::default()
    };
    let first = dedup(&open, &options, &NoProgress).unwrap();
    let second = dedup(&open, &options, &NoProgress).unwrap();
    same(&first, &second);
    assert_eq!(second.sketched, 0);
}

/// The example of `spec/vectors/prints.txt`.
fn example() -> Vec<u8> {
    let header = SketchHeader {
        parameters: [7; 32],
        width: 4,
        common: vec![0, 5, 300, u32::MAX],
    };
    let mut bytes = header.encode();
    let mut table = TableWriter::new(&bytes);
    let runs = [
        (9, 3, vec![2, 0, 1, 0xaa, 0xbb, 0xcc, 0xdd]),
        (1, 1, vec![2, 1, 2, 3, 4]),
    ];
    for (key, rows, states) in runs {
        let run = SketchRun {
            rows,
            bytes: states,
        };
        bytes.extend_from_slice(&run.bytes);
        table.push(key, &run);
    }
    bytes.extend(table.finish());
    bytes
}

#[test]
fn sketch_file_matches_vectors() {
    let vectors = include_str!("../../../../spec/vectors/prints.txt");
    let wanted = vectors.lines().find(|l| !l.starts_with('#')).unwrap();
    assert_eq!(to_hex(&example()), wanted);
}

#[test]
fn sketch_file_rejects_foreign_runs() {
    let open = |bytes: Vec<u8>, runs| SketchFile::open(Box::new(bytes), runs);
    let file = open(example(), 2).unwrap();
    assert_eq!(file.header().common, [0, 5, 300, u32::MAX]);
    let run = file.run(9, 3).unwrap();
    assert_eq!(run.states(), [2, 0, 1]);
    assert_eq!(run.prints(), [0xaa, 0xbb, 0xcc, 0xdd]);
    assert!(file.run(9, 2).is_none() && file.run(2, 3).is_none());
    assert!(
        open(example(), 1).is_err(),
        "more runs than there is room for"
    );
    let bytes = example();
    for n in 0..bytes.len() {
        assert!(
            matches!(open(bytes[..n].to_vec(), 9), Err(e) if e.kind() == std::io::ErrorKind::InvalidData),
            "{n} bytes of it"
        );
        let mut bad = bytes.clone();
        bad[n] ^= 1;
        // Damage inside a run shows only on reading that run.
        if let Ok(file) = open(bad, 9) {
            assert!(file.run(9, 3).is_none() || file.run(1, 1).is_none());
        }
    }
}
