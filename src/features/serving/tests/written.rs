//! Tables that clients write to.

use std::sync::Arc;

use arrow_array::Array as _;
use arrow_array::ArrayRef;
use arrow_array::Float32Array;
use arrow_array::Int8Array;
use arrow_array::Int64Array;
use arrow_array::RecordBatch;
use arrow_array::StringArray;

use super::Memory;
use super::NOW;
use super::batch;
use super::config;
use super::open;
use super::segments;
use super::value;
use crate::features::Status;
use crate::features::config::Config;
use crate::features::error::FeatureError;
use crate::features::keys::Keys;
use crate::features::limits::WRITTEN_SEGMENTS_MAX;
use crate::features::schema::ColumnSpec;
use crate::features::schema::DataType;
use crate::features::schema::TableSchema;
use crate::features::serving::FeatureTables;
use crate::progress::NoProgress;

fn schema() -> TableSchema {
    let columns = vec![
        ColumnSpec::new("id", DataType::Int64),
        ColumnSpec::new("value", DataType::Float32),
    ];
    TableSchema::new(columns, &["id".to_owned()], None).unwrap()
}

fn none() -> Config {
    Config::parse("tables: {}", "f").unwrap()
}

fn tables(dir: &tempfile::TempDir) -> FeatureTables {
    open(&none(), dir.path(), &Arc::new(Memory::default()))
}

#[test]
fn table_that_a_client_makes_is_empty_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = tables(&dir);
    first.create("t", schema()).unwrap();
    assert!(matches!(
        first.create("t", schema()),
        Err(FeatureError::TableExists(_))
    ));
    let keys = Keys::of_texts(&first.schema("t").unwrap(), &["1", "2"]).unwrap();
    let served = first.get("t", &keys, &["value", "id"], NOW).unwrap();
    assert_eq!(served.answer.missing(), [0, 1]);
    assert_eq!(served.answer.schema().field(1).name(), "id");
    assert!(matches!(
        first.get("t", &keys, &["x"], NOW),
        Err(FeatureError::NoColumn { .. })
    ));
    drop(first);
    let second = tables(&dir);
    assert_eq!(second.schema("t").unwrap(), schema());
    let state = second.state("t").unwrap();
    assert!(!state.has_source && state.rows == 0 && state.failure.is_none());
    second.write("t", &[batch(&[(1, 1.0)])], NOW).unwrap();
    assert_eq!(value(&second, "1"), Some(1.0));
}

#[test]
fn rows_that_are_written_replace_those_of_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let first = tables(&dir);
    first.create("t", schema()).unwrap();
    assert_eq!(
        first
            .write(
                "t",
                &[batch(&[(1, 1.0), (2, 2.0)]), batch(&[(3, 3.0)])],
                NOW
            )
            .unwrap(),
        3
    );
    assert_eq!(
        first
            .write("t", &[batch(&[(2, 20.0), (4, 4.0), (4, 40.0)])], NOW + 1)
            .unwrap(),
        3
    );
    assert_eq!(first.write("t", &[], NOW).unwrap(), 0);
    assert_eq!(first.state("t").unwrap().rows, 4);
    let all = |tables: &FeatureTables| ["1", "2", "3", "4", "5"].map(|key| value(tables, key));
    let wanted = [Some(1.0), Some(20.0), Some(3.0), Some(40.0), None];
    assert_eq!(all(&first), wanted);
    let origin = first.state("t").unwrap().origin.unwrap();
    assert_eq!((origin.loaded_at, origin.partition), (NOW + 1, None));
    drop(first);
    let second = tables(&dir);
    assert_eq!(all(&second), wanted);
    assert_eq!(second.state("t").unwrap().rows, 4);
    second.compact("t", NOW + 2).unwrap();
    assert_eq!(all(&second), wanted);
    assert_eq!(segments(dir.path()).len(), 1);
    assert_eq!(second.state("t").unwrap().rows, 4);
    second.compact("t", NOW + 3).unwrap();
    drop(second);
    assert_eq!(all(&tables(&dir)), wanted);
}

#[test]
fn many_writes_are_joined_and_answer_as_a_map_would() {
    let dir = tempfile::tempdir().unwrap();
    let written = tables(&dir);
    written.create("t", schema()).unwrap();
    let mut model = std::collections::BTreeMap::new();
    let mut random = crate::testing::Random::new(7);
    for write in 0..40_u16 {
        let rows: Vec<(i64, f32)> = (0..1 + random.below(20))
            .map(|_| (i64::try_from(random.below(60)).unwrap(), f32::from(write)))
            .collect();
        written
            .write("t", &[batch(&rows)], NOW + i64::from(write))
            .unwrap();
        model.extend(rows);
        let count = model.len() as u64;
        assert_eq!(written.state("t").unwrap().rows, count, "{write}");
        assert!(
            segments(dir.path()).len() <= WRITTEN_SEGMENTS_MAX,
            "{write}"
        );
    }
    for key in 0..60_i64 {
        assert_eq!(
            value(&written, &key.to_string()),
            model.get(&key).copied(),
            "{key}"
        );
    }
    assert_eq!(written.state("t").unwrap().failure, None);
}

#[test]
fn rows_with_other_columns_are_refused_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let written = tables(&dir);
    let columns = vec![
        ColumnSpec::new("id", DataType::Int64),
        ColumnSpec::new("value", DataType::Float32),
        ColumnSpec {
            is_nullable: false,
            ..ColumnSpec::new("must", DataType::Int16)
        },
    ];
    let schema = TableSchema::new(columns, &["id".to_owned()], None).unwrap();
    written.create("t", schema).unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let must: ArrayRef = Arc::new(Int8Array::from(vec![1, 2]));
    let holes: ArrayRef = Arc::new(Int8Array::from(vec![Some(1), None]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let id_holes: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    for (rows, wanted) in [
        (vec![("id", &ids)], "they lack the column `must`"),
        (vec![("must", &must)], "they lack the column `id`"),
        (
            vec![("id", &ids), ("must", &must), ("x", &must)],
            "the table has no column `x`",
        ),
        (
            vec![("id", &ids), ("must", &texts)],
            "`must`: type mismatch",
        ),
        (
            vec![("id", &ids), ("must", &holes)],
            "`must` has nulls, and may have none",
        ),
        (
            vec![("id", &id_holes), ("must", &must)],
            "the key `id` has nulls",
        ),
        (
            vec![("id", &ids), ("must", &must), ("must", &must)],
            "two columns `must`",
        ),
    ] {
        let rows = rows
            .into_iter()
            .map(|(name, values)| (name, Arc::clone(values), true));
        let rows = RecordBatch::try_from_iter_with_nullable(rows).unwrap();
        let error = written.write("t", &[rows], NOW).unwrap_err();
        assert!(matches!(error, FeatureError::Mismatch { .. }));
        assert!(error.to_string().contains(wanted), "{error}");
    }
    assert!(segments(dir.path()).is_empty());
    // Narrower values fit, and a column that may be null may be left out.
    let rows = RecordBatch::try_from_iter([("must", must), ("id", ids)]).unwrap();
    written.write("t", &[rows], NOW).unwrap();
    let keys = Keys::of_texts(&written.schema("t").unwrap(), &["2", "3"]).unwrap();
    let answer = written
        .get("t", &keys, &["must", "value"], NOW)
        .unwrap()
        .answer;
    let statuses = [
        answer.status(0, 0),
        answer.status(0, 1),
        answer.status(1, 0),
    ];
    assert_eq!(statuses, [Status::Present, Status::Null, Status::Missing]);
}

#[test]
fn values_of_every_type_come_back_from_a_join() {
    use arrow_array::FixedSizeListArray;
    use arrow_array::TimestampMicrosecondArray;
    let dir = tempfile::tempdir().unwrap();
    let written = tables(&dir);
    let list = DataType::Float32.list(3).unwrap();
    let columns = vec![
        ColumnSpec::new("id", DataType::Utf8),
        ColumnSpec::new("list", list),
        ColumnSpec::new("at", DataType::Timestamp),
        ColumnSpec::new("is", DataType::Bool),
        ColumnSpec::new("text", DataType::Utf8),
    ];
    let schema = TableSchema::new(columns, &["id".to_owned()], Some("at")).unwrap();
    written.create("t", schema).unwrap();
    let rows = |key: &str, n: f32| {
        let values = [Some(vec![Some(n), Some(f32::NAN), Some(-n)])];
        let lists = FixedSizeListArray::from_iter_primitive::<arrow_array::types::Float32Type, _, _>(
            values, 3,
        );
        let times = TimestampMicrosecondArray::from(vec![5]).with_timezone("UTC");
        RecordBatch::try_from_iter([
            ("id", Arc::new(StringArray::from(vec![key])) as ArrayRef),
            ("list", Arc::new(lists)),
            ("at", Arc::new(times)),
            ("is", Arc::new(arrow_array::BooleanArray::from(vec![true]))),
            ("text", Arc::new(StringArray::from(vec![None::<&str>]))),
        ])
        .unwrap()
    };
    written.write("t", &[rows("a", 1.0)], NOW).unwrap();
    written.write("t", &[rows("b", 2.0)], NOW).unwrap();
    let keys = Keys::of_texts(&written.schema("t").unwrap(), &["b", "a", "c"]).unwrap();
    let names = ["id", "list", "at", "is", "text"];
    let before = written.get("t", &keys, &names, NOW).unwrap().answer;
    written.compact("t", NOW).unwrap();
    let after = written.get("t", &keys, &names, NOW).unwrap().answer;
    assert_eq!(segments(dir.path()).len(), 1);
    assert_eq!(
        format!("{:?}", before.dense().unwrap()),
        format!("{:?}", after.dense().unwrap())
    );
    assert_eq!([before.time(0), before.time(2)], [Some(5), None]);
    assert_eq!([after.time(0), after.time(2)], [Some(5), None]);
    let times = before.columns()[2].clone();
    assert!(times.is_valid(0) && times.is_null(2));
}

#[test]
fn tables_of_the_configuration_without_a_source_are_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let text = "tables: {t: {key: [id], columns: {id: {dtype: int64}, value: {dtype: float32}}}}";
    let config = Config::parse(text, "f").unwrap();
    let memory = Arc::new(Memory::default());
    let first = open(&config, dir.path(), &memory);
    first.write("t", &[batch(&[(1, 1.0)])], NOW).unwrap();
    assert!(matches!(first.remove("t"), Err(FeatureError::Request(_))));
    assert!(matches!(
        first.create("t", schema()),
        Err(FeatureError::TableExists(_))
    ));
    drop(first);
    assert_eq!(value(&open(&config, dir.path(), &memory), "1"), Some(1.0));
    // Other columns than those of the rows: they are neither served nor lost.
    let other = Config::parse(&text.replace("float32", "float64"), "f").unwrap();
    let second = open(&other, dir.path(), &memory);
    let state = second.state("t").unwrap();
    assert!(
        state
            .failure
            .unwrap()
            .contains("other columns than the configuration")
    );
    let refused = second.write("t", &[batch(&[(2, 2.0)])], NOW).unwrap_err();
    assert!(
        matches!(refused, FeatureError::Mismatch { .. }),
        "{refused}"
    );
    drop(second);
    assert_eq!(value(&open(&config, dir.path(), &memory), "1"), Some(1.0));
}

#[test]
fn tables_with_a_source_cannot_be_written_to() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    let named = config("    columns: {id: {dtype: int64}, value: {dtype: float32}}\n");
    let loaded = open(&named, dir.path(), &memory);
    for refused in [
        loaded.write("t", &[batch(&[(1, 1.0)])], NOW).map(drop),
        loaded.compact("t", NOW),
        loaded.remove("t"),
    ] {
        assert!(matches!(refused, Err(FeatureError::ReadOnly(_))));
    }
}

#[test]
fn table_that_is_removed_is_gone_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = tables(&dir);
    first.create("t", schema()).unwrap();
    first.write("t", &[batch(&[(1, 1.0)])], NOW).unwrap();
    first.remove("t").unwrap();
    assert!(matches!(first.remove("t"), Err(FeatureError::NoTable(_))));
    assert!(matches!(first.state("t"), Err(FeatureError::NoTable(_))));
    drop(first);
    let second = tables(&dir);
    assert!(second.states().is_empty() && segments(dir.path()).is_empty());
    // One of the same name begins empty.
    second.create("t", schema()).unwrap();
    assert_eq!(value(&second, "1"), None);
}

#[test]
fn hostile_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let written = tables(&dir);
    for name in [
        "",
        ".",
        "..",
        "../x",
        "/etc",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "\u{202e}x",
        " a",
        &"x".repeat(129),
    ] {
        let refused = written.create(name, schema());
        assert!(matches!(refused, Err(FeatureError::Request(_))), "{name:?}");
    }
    assert!(written.states().is_empty());
}

#[test]
fn rows_that_another_program_wrote_are_kept_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let first = tables(&dir);
    first.create("t", schema()).unwrap();
    let second = tables(&dir);
    first.write("t", &[batch(&[(1, 1.0)])], NOW).unwrap();
    second.write("t", &[batch(&[(2, 2.0)])], NOW).unwrap();
    assert_eq!(
        [value(&second, "1"), value(&second, "2")],
        [Some(1.0), Some(2.0)]
    );
    first.load("t", false, NOW, &NoProgress).unwrap();
    assert_eq!(
        [value(&first, "1"), value(&first, "2")],
        [Some(1.0), Some(2.0)]
    );
    assert!(matches!(
        second.create("t", schema()),
        Err(FeatureError::TableExists(_))
    ));
}

#[test]
fn write_that_was_killed_leaves_the_rows_of_before() {
    let dir = tempfile::tempdir().unwrap();
    let first = tables(&dir);
    first.create("t", schema()).unwrap();
    first.write("t", &[batch(&[(1, 1.0)])], NOW).unwrap();
    drop(first);
    let table = std::fs::read_dir(dir.path()).unwrap().flatten();
    let table = table.map(|e| e.path()).find(|path| path.is_dir()).unwrap();
    // A segment that the list does not name yet, a half one, and a half list.
    std::fs::copy(
        table.join("000000000001.segment"),
        table.join("000000000002.segment"),
    )
    .unwrap();
    std::fs::write(
        table.join(".000000000003.segment.partial-001122334455"),
        "x",
    )
    .unwrap();
    std::fs::write(table.join("segments.json.new-001122334455"), "{").unwrap();
    let second = tables(&dir);
    assert_eq!(value(&second, "1"), Some(1.0));
    assert_eq!(segments(dir.path()), ["000000000001.segment"]);
    second.write("t", &[batch(&[(2, 2.0)])], NOW).unwrap();
    assert_eq!(
        [value(&second, "1"), value(&second, "2")],
        [Some(1.0), Some(2.0)]
    );
}

#[test]
fn list_that_is_damaged_is_reported_and_nothing_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let text = "tables: {t: {key: [id], columns: {id: {dtype: int64}, value: {dtype: float32}}}}";
    let config = Config::parse(text, "f").unwrap();
    let memory = Arc::new(Memory::default());
    let first = open(&config, dir.path(), &memory);
    first.write("t", &[batch(&[(1, 1.0)])], NOW).unwrap();
    drop(first);
    let table = std::fs::read_dir(dir.path()).unwrap().flatten();
    let table = table.map(|e| e.path()).find(|path| path.is_dir()).unwrap();
    let list = table.join("segments.json");
    let good = std::fs::read_to_string(&list).unwrap();
    for bad in [
        "",
        "{}",
        &good[..good.len() / 2],
        &good.replace("\"version\":1", "\"version\":2"),
        &good.replace("000000000001.segment", "../../x.segment"),
        &good.replace("000000000001.segment", "000000000009.segment"),
        &good.replace("\"int64\"", "\"int65\""),
        &good.replace("\"t\"", "\"../t\""),
    ] {
        std::fs::write(&list, bad).unwrap();
        let second = open(&config, dir.path(), &memory);
        assert!(second.state("t").unwrap().failure.is_some(), "{bad}");
        let refused = second.write("t", &[batch(&[(2, 2.0)])], NOW).unwrap_err();
        // The one with another number is whole, and its segment is not there.
        let is_told = match bad.contains("000000000009") {
            true => matches!(refused, FeatureError::File { .. }),
            false => matches!(refused, FeatureError::Damaged { .. }),
        };
        assert!(is_told, "{bad}: {refused}");
    }
    assert_eq!(segments(dir.path()), ["000000000001.segment"]);
    std::fs::write(&list, good).unwrap();
    assert_eq!(value(&open(&config, dir.path(), &memory), "1"), Some(1.0));
}

#[test]
fn floats_that_are_no_numbers_are_told_from_nulls() {
    let dir = tempfile::tempdir().unwrap();
    let written = tables(&dir);
    written.create("t", schema()).unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let values: ArrayRef = Arc::new(Float32Array::from(vec![Some(f32::NAN), None]));
    let rows =
        RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("value", values, true)])
            .unwrap();
    written.write("t", &[rows], NOW).unwrap();
    let keys = Keys::of_texts(&written.schema("t").unwrap(), &["1", "2", "3"]).unwrap();
    let answer = written.get("t", &keys, &["value"], NOW).unwrap().answer;
    let statuses = [0, 1, 2].map(|row| answer.status(row, 0));
    assert_eq!(statuses, [Status::Present, Status::Null, Status::Missing]);
}
