//! Requests while tables are loaded.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;

use super::Memory;
use super::NOW;
use super::config;
use super::load;
use super::open;
use super::rows;
use crate::features::keys::Keys;

/// The original writes into the file that is read. Here an answer is of one load, whole.
#[test]
fn requests_during_reloads_get_the_rows_of_one_load() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(1_000, 0.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    let schema = tables.schema("t").unwrap();
    let names: Vec<String> = (0..1_000).map(|n| format!("k{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let keys = Keys::of_texts(&schema, &names).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut last, mut answers) = (0.0, 0);
                    while !is_over.load(Ordering::Relaxed) || answers == 0 {
                        let served = tables.get("t", &keys, &["value"], NOW).unwrap();
                        let values = served.answer.columns()[0].as_primitive::<Float32Type>();
                        assert!(values.iter().all(|v| v == values.iter().next().unwrap()));
                        assert!(
                            values.value(0) >= last,
                            "an older load came after a newer one"
                        );
                        (last, answers) = (values.value(0), answers + 1);
                    }
                    answers
                })
            })
            .collect();
        for n in 1_u16..20 {
            memory.put("2024-01-14", rows(1_000, f32::from(n)));
            load(&tables).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}

#[test]
fn answers_that_are_held_outlive_the_load_that_made_them() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(100, 1.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    let keys = Keys::of_texts(&tables.schema("t").unwrap(), &["k1", "k2"]).unwrap();
    let old = tables.get("t", &keys, &["value"], NOW).unwrap();
    memory.put("2024-01-14", rows(100, 2.0));
    load(&tables).unwrap();
    drop(tables);
    drop(dir);
    let values = old.answer.columns()[0].as_primitive::<Float32Type>();
    assert_eq!([values.value(0), values.value(1)], [1.0, 1.0]);
}

#[test]
fn tables_are_due_by_their_intervals_and_written_ones_never() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(10, 1.0));
    let text = "tables:
  t: {source: {local: {path: m}}, key: [id], poll_interval: 10s}
  slow: {source: {local: {path: m}}, key: [id], poll_interval: 1h}
  written: {key: [id], columns: {id: {dtype: int64}, value: {dtype: float32}}}
";
    let config = crate::features::config::Config::parse(text, "f").unwrap();
    let tables = open(&config, dir.path(), &memory);
    assert_eq!(tables.due(NOW).0, ["slow", "t"]);
    for name in ["slow", "t"] {
        tables
            .load(name, false, NOW, &crate::progress::NoProgress)
            .unwrap();
    }
    let (due, wait) = tables.due(NOW);
    assert!(due.is_empty());
    assert!(
        (Duration::from_secs(9)..=Duration::from_secs(11)).contains(&wait),
        "{wait:?}"
    );
    assert_eq!(tables.due(NOW + 12_000_000).0, ["t"]);
    assert_eq!(
        tables.due(NOW - 1).0,
        ["slow", "t"],
        "a clock that went backwards"
    );
    let names: Vec<String> = tables
        .states()
        .into_iter()
        .map(|state| state.name)
        .collect();
    assert_eq!(names, ["slow", "t", "written"]);
}
