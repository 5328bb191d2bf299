use std::sync::Arc;

use crate::inspect::output::ColumnKind;
use crate::inspect::output::NanRule;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::OutputPlan;
use crate::inspect::output::RowCheck;
use crate::inspect::output::RowWriter;
use crate::inspect::table::Header;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

fn written(format: OutputFormat, rows: &[(&Shape, &str)]) -> Vec<u8> {
    let (mut plan, mut scratch) = (OutputPlan::default(), Scratch::default());
    for (shape, row) in rows {
        let refused = plan.add_row(shape, row.as_bytes(), &mut scratch).unwrap();
        assert_eq!(refused, None);
    }
    let mut writer = RowWriter::new(Vec::new(), &check(format), &plan).unwrap();
    for (shape, row) in rows {
        writer.push(shape, row.as_bytes()).unwrap();
    }
    assert_eq!(writer.rows(), rows.len() as u64);
    writer.finish().unwrap()
}

fn check(format: OutputFormat) -> RowCheck {
    RowCheck {
        format,
        nan: NanRule::Fail,
        is_columnar: false,
    }
}

fn csv_shape() -> Shape {
    Shape::Delimited(Arc::new(Header {
        names: vec!["a".to_owned(), "b".to_owned()],
        separator: b';',
        quote: Some(b'"'),
        is_in_file: true,
        repeated: Vec::new(),
        not_utf8: Vec::new(),
        widest: 0,
    }))
}

const ROWS: [&str; 4] = [
    r#"{"a":1,"b":"x, \"y\"\n","c":[1,{"d":null}]}"#,
    "{\"a\":2.5,\n\"e\":true}",
    r#"{"b":"é","a":null,"e":false}"#,
    r#"{"a":9007199254740993,"a":7}"#,
];

#[test]
fn jsonl_writer_keeps_rows_on_one_line() {
    let rows = ROWS.map(|r| (&Shape::Json, r));
    let text = String::from_utf8(written(OutputFormat::Jsonl, &rows)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    for (line, row) in lines.iter().zip(ROWS) {
        let read = |t: &str| serde_json::from_str::<serde_json::Value>(t).unwrap();
        assert_eq!(read(line), read(row));
    }
}

#[test]
fn csv_writer_output_is_read_by_csv_crate() {
    let rows = ROWS.map(|r| (&Shape::Json, r));
    let bytes = written(OutputFormat::Csv, &rows);
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    assert_eq!(reader.headers().unwrap(), vec!["a", "b", "c", "e", "a_1"]);
    let records: Vec<_> = reader.records().map(|r| r.unwrap()).collect();
    assert_eq!(
        records[0],
        vec!["1", "x, \"y\"\n", "[1,{\"d\":null}]", "", ""]
    );
    assert_eq!(records[1], vec!["2.5", "", "", "true", ""]);
    assert_eq!(records[3], vec!["9007199254740993", "", "", "", "7"]);
}

#[test]
fn jsonl_writer_converts_records_to_objects() {
    let shape = csv_shape();
    let text = written(
        OutputFormat::Jsonl,
        &[(&shape, "1;\"x\"\"y\""), (&shape, ";z;3")],
    );
    let expected = "{\"a\":1,\"b\":\"x\\\"y\"}\n{\"a\":null,\"b\":\"z\",\"column_3\":3}\n";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn parquet_round_trip_preserves_values() {
    let rows = ROWS.map(|r| (&Shape::Json, r));
    let bytes = bytes::Bytes::from(written(OutputFormat::Parquet, &rows));
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes);
    let batches: Vec<_> = reader
        .unwrap()
        .build()
        .unwrap()
        .map(|b| b.unwrap())
        .collect();
    assert_eq!(batches.iter().map(|b| b.num_rows()).sum::<usize>(), 4);
    let schema = batches[0].schema();
    let types: Vec<String> = schema
        .fields()
        .iter()
        .map(|f| f.data_type().to_string())
        .collect();
    assert_eq!(types, ["Utf8", "Utf8", "Utf8", "Boolean", "Int64"]);
    let b = batches[0].column(1).as_any();
    let b = b.downcast_ref::<arrow_array::StringArray>().unwrap();
    assert_eq!(b.value(0), "x, \"y\"\n");
    assert_eq!(b.value(2), "é");
}

#[test]
fn field_kinds_widen_to_common_type() {
    let (mut plan, mut scratch) = (OutputPlan::default(), Scratch::default());
    for row in [
        r#"{"a":1,"b":null,"c":99999999999999999999}"#,
        r#"{"a":"x","b":1e3}"#,
    ] {
        plan.add_row(&Shape::Json, row.as_bytes(), &mut scratch)
            .unwrap();
    }
    let kinds: Vec<ColumnKind> = plan.columns().map(|(_, k)| k).collect();
    assert_eq!(
        kinds,
        [ColumnKind::Text, ColumnKind::Float, ColumnKind::Text]
    );
    let chosen = OutputPlan::of_columns(&["b".to_owned()]);
    assert_eq!(chosen.columns().len(), 1);
}
