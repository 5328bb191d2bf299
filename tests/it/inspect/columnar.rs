//! Columnar files with columns and types that not every format has.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::Date64Array;
use arrow_array::DurationMillisecondArray;
use arrow_array::DurationNanosecondArray;
use arrow_array::DurationSecondArray;
use arrow_array::Int64Array;
use arrow_array::IntervalMonthDayNanoArray;
use arrow_array::RecordBatch;
use arrow_array::StringArray;
use arrow_array::Time32SecondArray;
use arrow_array::TimestampSecondArray;
use arrow_array::types::IntervalMonthDayNano;
use arrow_ipc::writer::FileWriter;
use arrow_schema::Field;
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::file::reader::FileReader;
use parquet::file::reader::SerializedFileReader;
use serde_json::Value;

use crate::inspect::text;
use crate::support::answer;
use crate::support::run;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields = columns.iter();
    let fields: Vec<Field> = fields
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn arrow(dir: &Path, name: &str, rows: &RecordBatch) -> String {
    let path = dir.join(name);
    let file = File::create(&path).unwrap();
    let mut writer = FileWriter::try_new(file, rows.schema_ref()).unwrap();
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    text(&path)
}

fn types(home: &Path, path: &str) -> Vec<(String, String)> {
    let info = answer(home, &["inspect", "info", path]);
    let fields = info["schema"]["fields"].as_array().unwrap().iter();
    let of = |f: &Value, key: &str| f[key].as_str().unwrap().to_owned();
    fields.map(|f| (of(f, "name"), of(f, "type"))).collect()
}

#[test]
fn parquet_with_a_repeated_name_is_read() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let rows = batch(vec![
        ("a", Arc::new(Int64Array::from(vec![1, 2]))),
        ("b", Arc::new(StringArray::from(vec!["x", "y"]))),
        ("a", Arc::new(Int64Array::from(vec![3, 4]))),
    ]);
    let path = dir.join("twice.parquet");
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let path = text(&path);
    let lines = text(&dir.join("twice.jsonl"));
    answer(home, &["inspect", "export", &path, "-o", &lines]);
    assert_eq!(
        std::fs::read_to_string(&lines).unwrap(),
        "{\"a\":1,\"b\":\"x\",\"a_1\":3}\n{\"a\":2,\"b\":\"y\",\"a_1\":4}\n"
    );
    let again = text(&dir.join("again.parquet"));
    answer(home, &["inspect", "export", &path, "-o", &again]);
    let names = |path| types(home, path).into_iter().map(|(name, _)| name);
    assert!(names(&again).eq(["a", "b", "a_1"]));
    let only = text(&dir.join("only.csv"));
    let words = ["inspect", "export", &path, "--column", "a_1", "-o", &only];
    answer(home, &words);
    assert_eq!(std::fs::read_to_string(&only).unwrap(), "a_1\n3\n4\n");
    let stats = answer(home, &["inspect", "stats", &path]);
    assert_eq!(stats["columns"][2]["max"], 4);
    let lint = answer(home, &["inspect", "lint", &path]);
    assert_eq!(lint["checked"], 2);
}

#[test]
fn parquet_export_converts_unsupported_times() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let day = 86_400_000;
    let rows = batch(vec![
        (
            "at",
            Arc::new(TimestampSecondArray::from(vec![Some(-1), None])),
        ),
        ("clock", Arc::new(Time32SecondArray::from(vec![0, 86_399]))),
        ("day", Arc::new(Date64Array::from(vec![0, -day]))),
    ]);
    let source = arrow(dir, "times.arrow", &rows);
    let parquet = text(&dir.join("times.parquet"));
    answer(home, &["inspect", "export", &source, "-o", &parquet]);
    let told: Vec<String> = types(home, &parquet).into_iter().map(|(_, t)| t).collect();
    assert_eq!(told, ["Timestamp(ms)", "Time32(ms)", "Date32"]);
    let lines = text(&dir.join("times.jsonl"));
    answer(home, &["inspect", "export", &parquet, "-o", &lines]);
    assert_eq!(
        std::fs::read_to_string(&lines).unwrap(),
        "{\"at\":\"1969-12-31T23:59:59\",\"clock\":\"00:00:00\",\"day\":\"1970-01-01\"}\n\
         {\"at\":null,\"clock\":\"23:59:59\",\"day\":\"1969-12-31\"}\n"
    );
    // Nothing is rounded: a date with a time of day has no equal, and neither has a far second.
    for column in [
        Arc::new(Date64Array::from(vec![1])) as ArrayRef,
        Arc::new(TimestampSecondArray::from(vec![i64::MAX])),
    ] {
        let source = arrow(dir, "far.arrow", &batch(vec![("far", column)]));
        let to = text(&dir.join("far.parquet"));
        let out = run(home, &["inspect", "export", &source, "-o", &to]);
        assert_eq!(out.status.code(), Some(1));
        assert!(!Path::new(&to).exists());
    }
}

#[test]
fn parquet_export_of_an_interval_names_its_column() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let interval = IntervalMonthDayNano::new(1, 2, 3);
    let column = Arc::new(IntervalMonthDayNanoArray::from(vec![interval]));
    let source = arrow(dir, "span.arrow", &batch(vec![("span", column)]));
    let to = text(&dir.join("span.parquet"));
    let out = run(home, &["inspect", "export", &source, "-o", &to]);
    assert_eq!(out.status.code(), Some(1));
    let error: Value = serde_json::from_slice(&out.stderr).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("`span`"), "{message}");
    assert!(!message.contains("NYI"), "{message}");
}

#[test]
fn stats_print_time_spans_of_any_length() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let seconds = DurationSecondArray::from(vec![0, i64::MIN, i64::MAX, 86_400]);
    let millis = DurationMillisecondArray::from(vec![1_500, -1, i64::MIN, -60_000]);
    let nanos = DurationNanosecondArray::from(vec![1, -1_000_000_010, i64::MAX, 0]);
    let rows = batch(vec![
        ("s", Arc::new(seconds)),
        ("ms", Arc::new(millis)),
        ("ns", Arc::new(nanos)),
    ]);
    let source = arrow(dir, "spans.arrow", &rows);
    let lines = text(&dir.join("spans.jsonl"));
    answer(home, &["inspect", "export", &source, "-o", &lines]);
    assert_eq!(
        std::fs::read_to_string(&lines).unwrap(),
        "{\"s\":\"P0D\",\"ms\":\"PT1.5S\",\"ns\":\"PT0.000000001S\"}\n\
         {\"s\":\"-PT9223372036854775808S\",\"ms\":\"-PT0.001S\",\"ns\":\"-PT1.00000001S\"}\n\
         {\"s\":\"PT9223372036854775807S\",\"ms\":\"-PT9223372036854775.808S\",\"ns\":\"PT9223372036.854775807S\"}\n\
         {\"s\":\"PT86400S\",\"ms\":\"-PT60S\",\"ns\":\"P0D\"}\n"
    );
}

#[test]
fn parquet_export_keeps_schema_metadata() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let rows = batch(vec![("n", Arc::new(Int64Array::from(vec![1])))]);
    let said = [("huggingface".to_owned(), "{\"info\":1}".to_owned())];
    let schema = rows.schema().as_ref().clone().with_metadata(said);
    let rows = rows.with_schema(Arc::new(schema)).unwrap();
    let source = arrow(dir, "said.arrow", &rows);
    let parquet = text(&dir.join("said.parquet"));
    answer(home, &["inspect", "export", &source, "-o", &parquet]);
    let reader = SerializedFileReader::new(File::open(&parquet).unwrap()).unwrap();
    let pairs = reader.metadata().file_metadata().key_value_metadata();
    let pairs = pairs
        .unwrap()
        .iter()
        .filter(|pair| pair.key == "huggingface");
    let pairs: Vec<_> = pairs.map(|pair| pair.value.as_deref().unwrap()).collect();
    assert_eq!(pairs, ["{\"info\":1}"]);
}

#[test]
fn dedup_counts_refused_rows() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = text(&dir.join("latin.csv"));
    std::fs::write(&source, b"a,b\n1,caf\xe9\n2,x\n2,x\n").unwrap();
    let to = text(&dir.join("unique.csv"));
    let words = [
        "inspect",
        "dedup",
        &source,
        "--exact",
        "--output",
        &to,
        "--skip-malformed",
    ];
    let out = run(home, &words);
    assert_eq!(out.status.code(), Some(7));
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (
            &told["unique_rows"],
            &told["rows_out"],
            &told["rows_refused"]
        ),
        (&2.into(), &1.into(), &1.into())
    );
}

#[test]
fn text_without_lines_has_one_column() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = text(&dir.join("empty.txt"));
    std::fs::write(&source, "").unwrap();
    let to = text(&dir.join("empty.csv"));
    answer(home, &["inspect", "export", &source, "-o", &to]);
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "text\n");
}

#[test]
fn rows_without_columns_are_refused_by_columnar_formats() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = text(&dir.join("none.jsonl"));
    std::fs::write(&source, "{}\n{}\n").unwrap();
    for ending in ["csv", "tsv", "parquet", "arrow"] {
        let to = text(&dir.join(format!("none.{ending}")));
        let out = run(home, &["inspect", "export", &source, "-o", &to]);
        assert_eq!(out.status.code(), Some(1), "{ending}");
        assert!(!Path::new(&to).exists(), "{ending}");
        let words = ["inspect", "export", &source, "-o", &to, "--skip-malformed"];
        let out = run(home, &words);
        assert_eq!(out.status.code(), Some(7), "{ending}");
        let told: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(
            (&told["rows_out"], &told["rows_refused"]),
            (&0.into(), &2.into()),
            "{ending}"
        );
    }
}

#[test]
fn json_name_with_half_a_character_is_refused() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let source = text(&dir.join("half.jsonl"));
    let whole = "{\"\u{fffd}\":1}\n";
    std::fs::write(&source, format!("{whole}{{\"\\udfaa\":2}}\n")).unwrap();
    for ending in ["csv", "parquet"] {
        let to = text(&dir.join(format!("half.{ending}")));
        let words = ["inspect", "export", &source, "-o", &to, "--skip-malformed"];
        let out = run(home, &words);
        assert_eq!(out.status.code(), Some(7), "{ending}");
        let told: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(
            (&told["rows_out"], &told["rows_refused"]),
            (&1.into(), &1.into()),
            "{ending}"
        );
    }
}

#[test]
fn parquet_pages_with_a_wrong_compression_flag_are_read() {
    let (home, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, dir) = (home.path(), dir.path());
    let from = "tests/data/conformance/arrow-testing/parquet/ARROW-17100.parquet";
    let from = text(&Path::new(env!("CARGO_MANIFEST_DIR")).join(from));
    let to = text(&dir.join("a.csv"));
    answer(home, &["inspect", "export", &from, "-o", &to]);
    assert_eq!(std::fs::read_to_string(&to).unwrap().lines().count(), 6);
}
