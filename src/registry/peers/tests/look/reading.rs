//! The bytes, lines and rows that a look reads.

use crate::inspect::ReadOptions;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::Selection;
use crate::progress::NoProgress;
use crate::protocol::Random;
use crate::read_at::ReadAt;
use crate::registry::DatasetError;
use crate::registry::Error;
use crate::registry::Target;
use crate::registry::peers::tests::look::file;
use crate::registry::peers::tests::look::labs;
use crate::registry::peers::tests::look::look;
use crate::registry::peers::tests::look::range;
use crate::registry::targets::places::stored_file::StoredFile;

#[test]
fn look_ranges_are_those_of_the_dataset() {
    let (there, here, bytes) = labs(21, 60_000);
    let look = look(&here, &there);
    let file = file(&look);
    assert_eq!(file.len(), bytes.len() as u64);
    let mut random = Random::new(5);
    for n in 0..200 {
        let at = random.below(bytes.len() as u64) as usize;
        let length = random.below([40, 5_000, 300_000][n % 3]) as usize;
        let expected = &bytes[at..(at + length).min(bytes.len())];
        assert_eq!(range(&file, at, length).unwrap(), expected, "{at} {length}");
    }
    assert_eq!(range(&file, 0, bytes.len()).unwrap(), bytes);
    assert_eq!(range(&file, bytes.len(), 9).unwrap(), b"");
    assert_eq!(file.read_at(&mut [0; 4], u64::MAX).unwrap(), 0);
}

#[test]
fn look_lines_are_found_without_an_index() {
    let (there, here, bytes) = labs(22, 40_000);
    let look = look(&here, &there);
    let file = file(&look);
    let starts: Vec<usize> = std::iter::once(0)
        .chain(memchr::memchr_iter(b'\n', &bytes).map(|n| n + 1))
        .collect();
    for line in [0, 1, 2, 77, 12_345, 39_998, 39_999] {
        let start = file.start_of_line(line as u64).unwrap();
        assert_eq!(start, Some(starts[line] as u64), "line {line}");
    }
    assert_eq!(file.start_of_line(40_000).unwrap(), None);
    assert_eq!(file.start_of_line(u64::MAX).unwrap(), None);
    assert_eq!(file.lines().unwrap(), 40_000);
}

#[test]
fn look_rows_are_those_of_the_dataset() {
    let (there, here, bytes) = labs(35, 20_000);
    let look = look(&here, &there);
    let home = here.registry.home().to_owned();
    let reading = ReadOptions::default();
    let target = Target::of_look("corpus", &look, None, (&home, reading)).unwrap();
    assert_eq!(target.rows(&NoProgress).unwrap(), 20_000);
    let selection = Selection {
        from: 15_000,
        ..Selection::default()
    };
    let batches = target.batches(&selection).unwrap();
    let mut batch = Batch::default();
    assert!(matches!(
        batches.next(&mut batch).unwrap(),
        NextBatch::Batch(_)
    ));
    let row = batch.rows_and_blanks().next().unwrap();
    let expected = bytes.split(|b| *b == b'\n').nth(15_000).unwrap();
    assert_eq!(row.text, expected);
    let wrong = Target::of_look("corpus", &look, Some("none"), (&home, reading));
    assert!(matches!(
        wrong,
        Err(Error::Dataset(DatasetError::NoSuchFile { .. }))
    ));
}
