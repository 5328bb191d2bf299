//! Loads: the newest good partition, and what happens when it is not.

use std::sync::Arc;

use arrow_array::Float64Array;
use arrow_array::Int32Array;
use arrow_array::Int64Array;
use arrow_array::StringArray;

use super::Fault;
use super::Memory;
use super::NOW;
use super::config;
use super::load;
use super::open;
use super::parquet;
use super::rows;
use super::segments;
use super::value;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::progress::NoProgress;
use crate::progress::Progress;

#[test]
fn load_takes_the_newest_partition_and_names_it() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    memory.put("2024-01-14", rows(20, 14.0));
    memory.put("2024-01-15", b"incomplete".to_vec());
    let tables = open(&config(""), dir.path(), &memory);
    let before = tables.state("t").unwrap();
    assert!(before.has_source && before.origin.is_none() && before.checked_at.is_none());
    let report = load(&tables).unwrap();
    assert!(!report.is_unchanged);
    assert_eq!(report.state.rows, 20);
    let origin = report.state.origin.unwrap();
    assert_eq!(origin.partition.as_deref(), Some("2024-01-14"));
    assert_eq!((origin.table.as_str(), origin.loaded_at), ("t", NOW));
    assert_eq!(report.state.checked_at, Some(NOW));
    // A partition that is not complete is no failure.
    assert_eq!(report.state.failure, None);
    let incomplete = ("2024-01-15".to_owned(), "it has no `_SUCCESS`".to_owned());
    assert_eq!(report.refused, [incomplete]);
    assert_eq!(value(&tables, "k19"), Some(14.0));
    assert_eq!(value(&tables, "k20"), None);
    assert_eq!(segments(dir.path()).len(), 1);
}

#[test]
fn table_that_was_not_loaded_says_so() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    let tables = open(&config(""), dir.path(), &memory);
    let error = tables.schema("t").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the table `t` has no data: it was not loaded yet"
    );
    memory.fail(Some(Fault::List));
    assert_eq!(load(&tables).unwrap_err().kind(), ErrorKind::Network);
    let error = tables.schema("t").unwrap_err().to_string();
    assert!(
        error.contains("has no data: `memory` cannot be read: no answer"),
        "{error}"
    );
    assert!(matches!(
        tables.state("none"),
        Err(FeatureError::NoTable(_))
    ));
    let named = config("    columns: {id: {dtype: utf8}, value: {dtype: float32}}\n");
    let tables = open(&named, dir.path(), &memory);
    let keys = Keys::of_texts(&tables.schema("t").unwrap(), &["a"]).unwrap();
    assert!(matches!(
        tables.get("t", &keys, &["value"], NOW),
        Err(FeatureError::NoData { .. })
    ));
}

#[test]
fn look_at_the_same_files_reads_nothing() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(10, 1.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    assert_eq!(memory.counts(), (1, 1));
    let report = load(&tables).unwrap();
    assert!(report.is_unchanged && report.refused.is_empty());
    assert_eq!(memory.counts(), (2, 1));
    let forced = tables.load("t", true, NOW + 1, &NoProgress).unwrap();
    assert!(!forced.is_unchanged);
    assert_eq!(forced.state.origin.unwrap().loaded_at, NOW + 1);
    assert_eq!(memory.counts(), (3, 2));
}

/// The original compares the date alone: a partition that is written again is never loaded.
#[test]
fn partition_that_is_written_again_on_the_same_day_is_loaded() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(10, 1.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    memory.put("2024-01-14", rows(10, 2.0));
    assert!(!load(&tables).unwrap().is_unchanged);
    assert_eq!(value(&tables, "k3"), Some(2.0));
    assert_eq!(segments(dir.path()).len(), 1);
}

/// The original keeps the old table and only logs.
#[test]
fn newest_partition_that_is_bad_falls_back_to_the_one_before() {
    let half = rows(5, 1.0)[..200].to_vec();
    for bad in [Vec::new(), b"PAR1 and no more".to_vec(), half, rows(0, 1.0)] {
        let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
        memory.put("2024-01-13", rows(10, 13.0));
        memory.put("2024-01-14", bad.clone());
        let tables = open(&config(""), dir.path(), &memory);
        let report = load(&tables).unwrap();
        assert_eq!(
            report.state.origin.unwrap().partition.as_deref(),
            Some("2024-01-13")
        );
        let [(name, why)] = report.refused.as_slice() else {
            panic!("{:?}", report.refused);
        };
        assert!(name == "2024-01-14" && !why.is_empty(), "{why}");
        let failure = report.state.failure.unwrap();
        assert!(failure.starts_with("2024-01-14: "), "{failure}");
        assert_eq!(value(&tables, "k0"), Some(13.0));
        // It is not read again until it changes.
        let (_, opens) = memory.counts();
        let again = load(&tables).unwrap();
        assert!(again.is_unchanged && again.refused == report.refused);
        assert_eq!(memory.counts().1, opens, "{}", bad.len());
        tables.load("t", true, NOW, &NoProgress).unwrap();
        assert_eq!(memory.counts().1, opens + 2);
        memory.put("2024-01-14", rows(10, 14.0));
        let good = load(&tables).unwrap();
        assert!(good.refused.is_empty() && good.state.failure.is_none());
        assert_eq!(value(&tables, "k0"), Some(14.0));
    }
}

#[test]
fn partition_that_is_bad_when_it_is_written_again_keeps_the_rows_of_before() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    memory.put("2024-01-14", rows(10, 14.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    memory.put("2024-01-14", b"bad".to_vec());
    let report = load(&tables).unwrap();
    assert!(report.is_unchanged && report.refused.len() == 1);
    assert_eq!(value(&tables, "k0"), Some(14.0));
}

#[test]
fn partition_that_is_removed_goes_back_to_the_one_before() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    memory.put("2024-01-14", rows(10, 14.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    memory.remove("2024-01-14");
    assert!(!load(&tables).unwrap().is_unchanged);
    assert_eq!(value(&tables, "k0"), Some(13.0));
    // All of them are removed: the rows stay, and the state says why they are old.
    memory.remove("2024-01-13");
    let error = load(&tables).unwrap_err();
    assert!(matches!(error, FeatureError::NoPartition { .. }), "{error}");
    assert_eq!(value(&tables, "k0"), Some(13.0));
    let state = tables.state("t").unwrap();
    assert!(
        state
            .failure
            .unwrap()
            .contains("no partition that can be loaded")
    );
}

#[test]
fn file_that_vanishes_or_changes_is_not_served() {
    for found in [Fault::Vanishes, Fault::VanishesInside, Fault::Changes] {
        let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
        memory.put("2024-01-13", rows(5_000, 13.0));
        let tables = open(&config(""), dir.path(), &memory);
        load(&tables).unwrap();
        memory.put("2024-01-14", rows(5_000, 14.0));
        memory.fail(Some(found));
        let report = load(&tables).unwrap();
        assert!(
            report.is_unchanged && report.refused.len() == 1,
            "{found:?}"
        );
        assert_eq!(value(&tables, "k0"), Some(13.0), "{found:?}");
        assert_eq!(segments(dir.path()).len(), 1, "{found:?}");
        // Such faults pass, so that the next look tries again.
        memory.fail(None);
        load(&tables).unwrap();
        assert_eq!(value(&tables, "k0"), Some(14.0), "{found:?}");
    }
}

#[test]
fn source_that_cannot_be_listed_keeps_the_rows() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(10, 14.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    memory.fail(Some(Fault::List));
    load(&tables).unwrap_err();
    assert_eq!(value(&tables, "k0"), Some(14.0));
    let state = tables.state("t").unwrap();
    assert_eq!(state.checked_at, Some(NOW));
    assert_eq!(
        state.failure.as_deref(),
        Some("`memory` cannot be read: no answer")
    );
}

#[test]
fn source_without_a_good_partition_gives_all_reasons() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    let tables = open(&config(""), dir.path(), &memory);
    let why = load(&tables).unwrap_err().to_string();
    assert!(why.contains("it has no directory such as"), "{why}");
    memory.put("2024-01-13", b"bad".to_vec());
    memory.put("2024-01-14", b"incomplete".to_vec());
    let why = load(&tables).unwrap_err().to_string();
    assert!(
        why.contains("2024-01-13: ") && why.contains("2024-01-14: it has no `_SUCCESS`"),
        "{why}"
    );
}

/// The original checks the first file, and its declared nullability in place of its values.
#[test]
fn partition_with_other_columns_than_the_configuration_is_refused() {
    let ids = || Arc::new(StringArray::from(vec!["a", "b"]));
    let named =
        config("    columns: {id: {dtype: utf8}, value: {dtype: float32, nullable: false}}\n");
    let without = parquet(&[("id", ids())]);
    let wrong = parquet(&[
        ("id", ids()),
        ("value", Arc::new(StringArray::from(vec!["x", "y"]))),
    ]);
    let narrowed = parquet(&[
        ("id", ids()),
        ("value", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
    ]);
    let nulls = parquet(&[
        ("id", ids()),
        (
            "value",
            Arc::new(arrow_array::Float32Array::from(vec![Some(1.0), None])),
        ),
    ]);
    let keyless = parquet(&[(
        "value",
        Arc::new(arrow_array::Float32Array::from(vec![1.0])),
    )]);
    for (bad, wanted) in [
        (without, "value"),
        (wrong, "value"),
        (narrowed, "value"),
        (nulls, "value"),
        (keyless, "id"),
    ] {
        let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
        memory.put("2024-01-14", bad);
        let tables = open(&named, dir.path(), &memory);
        let why = load(&tables).unwrap_err().to_string();
        assert!(why.contains(wanted), "{why}");
        assert!(segments(dir.path()).is_empty());
    }
}

/// The original takes keys of strings alone, and of these the first.
#[test]
fn keys_of_integers_and_of_several_columns_are_served() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    let columns = parquet(&[
        ("id", Arc::new(Int32Array::from(vec![1, 2, 1]))),
        ("part", Arc::new(Int64Array::from(vec![1, 1, 2]))),
        (
            "value",
            Arc::new(arrow_array::Float32Array::from(vec![1.0, 2.0, 3.0])),
        ),
    ]);
    memory.put("2024-01-14", columns);
    let text = "tables: {t: {source: {local: {path: m}}, key: [id, part]}}";
    let config = crate::features::config::Config::parse(text, "f").unwrap();
    let tables = open(&config, dir.path(), &memory);
    load(&tables).unwrap();
    let read = |key: &str| value(&tables, key);
    assert_eq!(
        [read("1,1"), read("2,1"), read("1,2"), read("2,2")],
        [Some(1.0), Some(2.0), Some(3.0), None]
    );
}

#[test]
fn load_that_cannot_write_keeps_the_rows_and_blames_no_partition() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    memory.put("2024-01-14", rows(10, 14.0));
    // A file where the directory of the table was.
    let table = std::fs::read_dir(dir.path()).unwrap().flatten();
    let table = table.map(|e| e.path()).find(|path| path.is_dir()).unwrap();
    let aside = dir.path().join("aside");
    std::fs::rename(&table, &aside).unwrap();
    std::fs::write(&table, "").unwrap();
    let error = load(&tables).unwrap_err();
    assert!(matches!(error, FeatureError::File { .. }), "{error}");
    assert_eq!(value(&tables, "k0"), Some(13.0));
    std::fs::remove_file(&table).unwrap();
    std::fs::rename(&aside, &table).unwrap();
    load(&tables).unwrap();
    assert_eq!(value(&tables, "k0"), Some(14.0));
}

struct Stopped;

impl Progress for Stopped {
    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn load_that_is_stopped_keeps_the_rows() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    memory.put("2024-01-14", rows(10, 14.0));
    let error = tables.load("t", false, NOW, &Stopped).unwrap_err();
    assert!(matches!(error, FeatureError::Interrupted));
    assert_eq!(value(&tables, "k0"), Some(13.0));
    assert_eq!(segments(dir.path()).len(), 1);
}
