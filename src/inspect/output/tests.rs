use std::sync::Arc;

use crate::inspect::output::ColumnKind;
use crate::inspect::output::ColumnPlan;
use crate::inspect::output::OutputFormat;
use crate::inspect::output::RowWriter;
use crate::inspect::table::Batch;
use crate::inspect::table::Header;
use crate::inspect::table::Next;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::open_table;

const ROWS: [&[u8]; 4] = [
    b"{\"a\":1,\"t\":\"x,\\\"y\\\"\\n\xc3\xa9\",\"n\":[1,\n{}],\"b\":true,\"m\":1}",
    b"{\"t\":\"\",\"a\":-2,\"f\":1.5,\"m\":\"z\"}",
    b"{\"f\":7,\"b\":null,\"a\":9223372036854775807}",
    b"{}",
];

fn written(format: OutputFormat, shape: &Shape, rows: &[&[u8]]) -> Vec<u8> {
    let mut writer = RowWriter::new(format, Vec::new()).unwrap();
    for row in rows {
        writer.row(shape, row).unwrap();
    }
    writer.finish().unwrap()
}

fn plan() -> ColumnPlan {
    let mut plan = ColumnPlan::default();
    for row in ROWS {
        plan.see(&Shape::Json, row, &mut Scratch::default());
    }
    plan
}

#[test]
fn a_plan_fits_all_values() {
    let plan = plan();
    let kinds: Vec<_> = plan
        .columns()
        .iter()
        .map(|(n, k)| (n.as_str(), *k))
        .collect();
    assert_eq!(
        kinds,
        [
            ("a", ColumnKind::Int),
            ("t", ColumnKind::Text),
            ("n", ColumnKind::Text),
            ("b", ColumnKind::Bool),
            ("m", ColumnKind::Text),
            ("f", ColumnKind::Float),
        ]
    );
}

#[test]
fn json_lines_are_lines_of_json() {
    let lines = written(OutputFormat::Jsonl, &Shape::Json, &ROWS);
    let values: Vec<serde_json::Value> = lines
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let expected: Vec<serde_json::Value> = ROWS
        .iter()
        .map(|r| serde_json::from_slice(r).unwrap())
        .collect();
    assert_eq!(values, expected);
    let text = written(OutputFormat::Jsonl, &Shape::Text, &[b"a\"\x01\xff"]);
    assert_eq!(text, "{\"text\":\"a\\\"\\u0001\u{fffd}\"}\n".as_bytes());
    let header = Header {
        names: vec!["x".to_owned(), "y".to_owned()],
        separator: b';',
        is_in_file: true,
    };
    let csv = Shape::Delimited(Arc::new(header));
    let lines = written(OutputFormat::Jsonl, &csv, &[b"\"1;\"\"\";"]);
    assert_eq!(lines, b"{\"x\":\"1;\\\"\",\"y\":\"\"}\n");
}

#[test]
fn csv_is_what_the_csv_crate_reads() {
    let text = written(OutputFormat::Csv(plan()), &Shape::Json, &ROWS);
    let mut reader = csv::Reader::from_reader(text.as_slice());
    assert_eq!(
        reader.headers().unwrap(),
        vec!["a", "t", "n", "b", "m", "f"]
    );
    let records: Vec<Vec<String>> = reader
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(records[0], ["1", "x,\"y\"\né", "[1,\n{}]", "true", "1", ""]);
    assert_eq!(records[1], ["-2", "", "", "", "z", "1.5"]);
    assert_eq!(records.len(), 4);
}

#[test]
fn parquet_is_read_again() {
    let bytes = written(OutputFormat::Parquet(plan()), &Shape::Json, &ROWS);
    let opened = open_table(Arc::new(bytes), "x.parquet", OpenOptions::default()).unwrap();
    assert_eq!(opened.table.rows(), Some(4));
    let batches = opened.table.batches(&Selection::default()).unwrap();
    let mut batch = Batch::default();
    assert_eq!(batches.next(&mut batch).unwrap(), Next::Batch(0));
    let rows: Vec<String> = batch
        .rows()
        .map(|r| String::from_utf8(r.text.to_vec()).unwrap())
        .collect();
    assert_eq!(
        rows,
        [
            r#"{"a":1,"t":"x,\"y\"\né","n":"[1,\n{}]","b":true,"m":"1","f":null}"#,
            r#"{"a":-2,"t":"","n":null,"b":null,"m":"z","f":1.5}"#,
            r#"{"a":9223372036854775807,"t":null,"n":null,"b":null,"m":null,"f":7.0}"#,
            r#"{"a":null,"t":null,"n":null,"b":null,"m":null,"f":null}"#,
        ]
    );
}
