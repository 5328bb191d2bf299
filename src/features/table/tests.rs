mod mutations;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::BooleanArray;
use arrow_array::FixedSizeListArray;
use arrow_array::Float32Array;
use arrow_array::Int32Array;
use arrow_array::Int64Array;
use arrow_array::RecordBatch;
use arrow_array::StringArray;
use arrow_array::TimestampMicrosecondArray;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::types::Int64Type;
use arrow_schema::Field;

use crate::features::answer::Status;
use crate::features::build::BuildInput;
use crate::features::build::BuildOptions;
use crate::features::build::BuildReport;
use crate::features::build::build_segment;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::table::FeatureTable;
use crate::features::table::MaxAge;
use crate::features::table::MemoryMode;
use crate::progress::NoProgress;
use crate::testing::Random;

fn parquet(batch: &RecordBatch) -> BuildInput {
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    BuildInput {
        name: "rows.parquet".to_owned(),
        source: Arc::new(bytes),
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, v)| (n, v, true)))
        .unwrap()
}

fn build(path: &Path, batches: &[RecordBatch], options: &BuildOptions) -> BuildReport {
    let inputs: Vec<BuildInput> = batches.iter().map(parquet).collect();
    build_segment(path, &inputs, options, &NoProgress).unwrap()
}

fn options(key: &[&str]) -> BuildOptions {
    let names: Vec<String> = key.iter().map(|name| (*name).to_owned()).collect();
    BuildOptions::new(&names)
}

fn ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn numbers(answer: &crate::features::Answer, column: usize) -> Vec<Option<i64>> {
    let values = answer.columns()[column].as_primitive::<Int64Type>();
    values.iter().collect()
}

/// A row of the model: a text, a number, a flag.
type Row = (Option<String>, Option<f32>, Option<bool>);

/// Texts of all lengths around the limit of those in rows.
fn text_of(random: &mut Random, most: u64) -> String {
    let length = random.below(most + 1);
    (0..length)
        .map(|_| char::from(b'a' + (random.below(26)) as u8))
        .collect()
}

#[test]
fn rows_of_drawn_tables_equal_those_of_a_map() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.segment");
        let longest = [5, 30, 31, 200][seed as usize % 4];
        let count = [0, 1, 7, 5000][(seed / 4) as usize % 4].max(1);
        let mut model: HashMap<i64, Row> = HashMap::new();
        let mut batches = Vec::new();
        for _ in 0..2 {
            let keys: Vec<i64> = (0..count)
                .map(|_| (random.below(count * 2)) as i64 - 3)
                .collect();
            let mut rows: Vec<Row> = Vec::new();
            for _ in 0..count {
                let text = random.below(4) > 0;
                let text = text.then(|| text_of(&mut random, longest));
                let number = (random.below(4) > 0).then(|| random.next_u64() as f32);
                rows.push((
                    text,
                    number,
                    (random.below(3) > 0).then(|| random.below(2) == 0),
                ));
            }
            for (key, row) in keys.iter().zip(&rows) {
                model.insert(*key, row.clone());
            }
            batches.push(batch(vec![
                (
                    "flag",
                    Arc::new(rows.iter().map(|r| r.2).collect::<BooleanArray>()),
                ),
                ("id", Arc::new(Int64Array::from(keys))),
                (
                    "text",
                    Arc::new(rows.iter().map(|r| r.0.clone()).collect::<StringArray>()),
                ),
                (
                    "number",
                    Arc::new(rows.iter().map(|r| r.1).collect::<Float32Array>()),
                ),
            ]));
        }
        let mut options = options(&["id"]);
        // So little that records go to the file.
        options.memory_bytes = [64, 256 << 20][seed as usize % 2];
        let report = build(&path, &batches, &options);
        assert_eq!(report.rows, model.len() as u64, "seed {seed}");
        assert_eq!(report.rows + report.duplicates, count * 2, "seed {seed}");
        for memory in [MemoryMode::Map, MemoryMode::Huge] {
            let table = FeatureTable::open(&path, memory).unwrap();
            let asked: Vec<i64> = (0..3000)
                .map(|_| (random.below(count * 3)) as i64 - 5)
                .collect();
            let keys = Keys::of_column(
                table.schema(),
                &(Arc::new(Int64Array::from(asked.clone())) as ArrayRef),
            );
            let answer = table
                .get(&keys.unwrap(), &["text", "flag", "number"], None)
                .unwrap();
            let texts = answer.columns()[0].as_string::<i32>();
            let flags = answer.columns()[1].as_boolean();
            let singles = answer.columns()[2].as_primitive::<Float32Type>();
            for (n, key) in asked.iter().enumerate() {
                let found = (
                    texts.is_valid(n).then(|| texts.value(n).to_owned()),
                    singles.is_valid(n).then(|| singles.value(n)),
                    flags.is_valid(n).then(|| flags.value(n)),
                );
                assert_eq!(
                    found,
                    model.get(key).cloned().unwrap_or_default(),
                    "seed {seed}, key {key}"
                );
                assert_eq!(
                    answer.is_live(n),
                    model.contains_key(key),
                    "seed {seed}, key {key}"
                );
            }
        }
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "only the segment is left");
    }
}

#[test]
fn keys_of_two_columns_are_told_apart_at_their_border() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let long = "x".repeat(40);
    let rows = batch(vec![
        ("v", ints(&[Some(1), Some(2), Some(3), Some(4)])),
        ("a", Arc::new(StringArray::from(vec!["ab", "a", "", &long]))),
        (
            "b",
            Arc::new(StringArray::from(vec!["c", "bc", "abc", "y"])),
        ),
    ]);
    build(&path, &[rows], &options(&["b", "a"]));
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    let keys = Keys::of_texts(
        table.schema(),
        &["c,ab", "bc,a", "abc,", "c,a", &format!("y,{long}")],
    );
    let answer = table.get(&keys.unwrap(), &["v"], None).unwrap();
    assert_eq!(
        numbers(&answer, 0),
        [Some(1), Some(2), Some(3), None, Some(4)]
    );
    assert_eq!(answer.missing(), [3]);
}

#[test]
fn key_beyond_the_type_of_its_column_has_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let rows = batch(vec![
        ("id", Arc::new(Int32Array::from(vec![1, -1]))),
        ("v", ints(&[Some(1), Some(2)])),
    ]);
    build(&path, &[rows], &options(&["id"]));
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    let asked = ints(&[
        Some(1 + (1 << 32)),
        Some(-1),
        Some(0xffff_ffff),
        None,
        Some(1),
    ]);
    let keys = Keys::of_column(table.schema(), &asked).unwrap();
    let answer = table.get(&keys, &["v"], None).unwrap();
    assert_eq!(numbers(&answer, 0), [None, Some(2), None, None, Some(1)]);
}

#[test]
fn duplicates_and_rows_without_a_key_are_counted_and_the_last_row_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let one = batch(vec![
        ("id", ints(&[Some(1), None, Some(1), Some(2)])),
        ("v", ints(&[Some(1), Some(2), Some(3), Some(4)])),
    ]);
    let two = batch(vec![
        ("id", ints(&[Some(2), None])),
        ("v", ints(&[None, Some(9)])),
    ]);
    let report = build(&path, &[one, two], &options(&["id"]));
    assert_eq!(
        (report.rows, report.duplicates, report.null_keys),
        (2, 2, 2)
    );
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    assert_eq!(table.left_out(), (2, 2));
    let keys = Keys::of_texts(table.schema(), &["1", "2", "3"]).unwrap();
    let answer = table.get(&keys, &["v"], None).unwrap();
    assert_eq!(numbers(&answer, 0), [Some(3), None, None]);
    let statuses: Vec<Status> = (0..3).map(|row| answer.status(row, 0)).collect();
    assert_eq!(statuses, [Status::Present, Status::Null, Status::Missing]);
}

#[test]
fn rows_older_than_the_time_to_live_are_expired_and_not_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let times = vec![Some(1_000_000), Some(9_000_000), None];
    let times = TimestampMicrosecondArray::from(times).with_timezone("UTC");
    let rows = batch(vec![
        ("id", ints(&[Some(1), Some(2), Some(4)])),
        ("at", Arc::new(times)),
        ("v", ints(&[Some(5), Some(6), Some(7)])),
    ]);
    let mut options = options(&["id"]);
    options.timestamp = Some("at".to_owned());
    build(&path, &[rows], &options);
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    let keys = Keys::of_texts(table.schema(), &["1", "2", "3", "4"]).unwrap();
    let max_age = MaxAge {
        ttl: Duration::from_secs(5),
        now: 10_000_000,
    };
    let answer = table.get(&keys, &["v"], Some(max_age)).unwrap();
    assert_eq!(numbers(&answer, 0), [None, Some(6), None, None]);
    let statuses: Vec<Status> = (0..4).map(|row| answer.status(row, 0)).collect();
    assert_eq!(
        statuses,
        [
            Status::Expired,
            Status::Present,
            Status::Missing,
            Status::Expired
        ]
    );
    let times: Vec<_> = (0..4).map(|row| answer.time(row)).collect();
    assert_eq!(times, [Some(1_000_000), Some(9_000_000), None, None]);
    // A clock that went back makes nothing old.
    let before = MaxAge { now: -1, ..max_age };
    let answer = table.get(&keys, &["v"], Some(before)).unwrap();
    assert_eq!(numbers(&answer, 0), [Some(5), Some(6), None, None]);
}

#[test]
fn lists_of_fixed_length_come_back_and_those_with_nulls_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let list = |values: Vec<Option<f32>>| -> ArrayRef {
        let field = Arc::new(Field::new("item", arrow_schema::DataType::Float32, true));
        Arc::new(FixedSizeListArray::new(
            field,
            3,
            Arc::new(Float32Array::from(values)),
            None,
        ))
    };
    let id = || ints(&[Some(1), Some(2)]);
    let values: Vec<Option<f32>> = (0..6).map(|n| Some(n as f32)).collect();
    build(
        &path,
        &[batch(vec![("id", id()), ("e", list(values.clone()))])],
        &options(&["id"]),
    );
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    let keys = Keys::of_texts(table.schema(), &["2", "7", "1"]).unwrap();
    let answer = table.get(&keys, &["e"], None).unwrap();
    let lists = answer.columns()[0].as_fixed_size_list();
    assert!(lists.is_null(1));
    let value = |row: usize| {
        lists
            .value(row)
            .as_primitive::<Float32Type>()
            .values()
            .to_vec()
    };
    assert_eq!(
        (value(0), value(2)),
        (vec![3.0, 4.0, 5.0], vec![0.0, 1.0, 2.0])
    );
    let mut bad = values;
    bad[4] = None;
    let inputs = [parquet(&batch(vec![("id", id()), ("e", list(bad))]))];
    let refused = build_segment(&path, &inputs, &options(&["id"]), &NoProgress);
    let Err(FeatureError::Mismatch { why, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("a list has a null in it"), "{why}");
    // The segment from before stays.
    assert!(FeatureTable::open(&path, MemoryMode::Huge).is_ok());
}

#[test]
fn segment_with_any_flipped_bit_gives_the_right_answer_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let count = 300;
    let texts = (0..count).map(|n| format!("{n}{}", "-".repeat(n % 50)));
    let rows = batch(vec![
        (
            "id",
            Arc::new(Int64Array::from_iter_values(0..count as i64)),
        ),
        (
            "v",
            Arc::new(Int64Array::from_iter_values(
                (0..count as i64).map(|n| n * 7),
            )),
        ),
        ("t", Arc::new(StringArray::from_iter_values(texts))),
    ]);
    build(&path, &[rows], &options(&["id"]));
    let whole = std::fs::read(&path).unwrap();
    let read = |path: &Path| -> Result<(Vec<Option<i64>>, ArrayRef), FeatureError> {
        let table = FeatureTable::open(path, MemoryMode::Map)?;
        let asked: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count as i64 + 5));
        let answer = table.get(&Keys::of_column(table.schema(), &asked)?, &["v", "t"], None)?;
        Ok((numbers(&answer, 0), Arc::clone(&answer.columns()[1])))
    };
    let right = read(&path).unwrap();
    let mut random = Random::new(5);
    let bad = dir.path().join("bad.segment");
    let mut refused = 0;
    for _ in 0..1500 {
        let mut bytes = whole.clone();
        let bit = random.next_u64() as usize % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&bad, &bytes).unwrap();
        match read(&bad) {
            Ok(found) => assert!(found == right, "bit {bit}"),
            Err(FeatureError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("bit {bit}: {other}"),
        }
    }
    assert_eq!(refused, 1500, "every bit is covered by a hash");
    for length in [0, 1, 4095, 4096, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&bad, &whole[..length]).unwrap();
        assert!(
            matches!(read(&bad), Err(FeatureError::Damaged { .. })),
            "{length} bytes"
        );
    }
}

#[test]
fn scan_gives_every_row_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let rows = batch(vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..1000))),
        ("v", Arc::new(Int64Array::from_iter_values(5000..6000))),
    ]);
    build(&path, &[rows], &options(&["id"]));
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    let mut found = Vec::new();
    for at in (0..1000).step_by(130) {
        let rows = table.scan(at, 130).unwrap();
        let column = |n: usize| rows.column(n).as_primitive::<Int64Type>().values().to_vec();
        found.extend(column(0).into_iter().zip(column(1)));
    }
    found.sort_unstable();
    assert!(found.into_iter().eq((0..1000).map(|n| (n, n + 5000))));
    assert_eq!(table.scan(1000, 10).unwrap().num_rows(), 0);
}

#[test]
fn columns_that_are_not_there_are_named_with_those_that_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    build(
        &path,
        &[batch(vec![
            ("id", ints(&[Some(1)])),
            ("v", ints(&[Some(1)])),
        ])],
        &options(&["id"]),
    );
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    let keys = Keys::of_texts(table.schema(), &["1"]).unwrap();
    let refused = table.get(&keys, &["w"], None).unwrap_err().to_string();
    assert_eq!(refused, "there is no column `w`; the columns are id, v");
    // No keys and no columns are no error.
    let none = Keys::of_texts(table.schema(), &[]).unwrap();
    assert_eq!(
        table
            .get(&none, &["v"], None)
            .unwrap()
            .dense()
            .unwrap()
            .num_rows(),
        0
    );
    assert_eq!(
        table
            .get(&keys, &[], None)
            .unwrap()
            .dense()
            .unwrap()
            .num_rows(),
        1
    );
}
