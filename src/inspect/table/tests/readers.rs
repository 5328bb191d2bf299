use std::io::Write;
use std::sync::Arc;

use crate::inspect::dialect::ReadOptions;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::NextBatch;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Opened;
use crate::inspect::table::Scratch;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;
use crate::inspect::table::records_of;
use crate::inspect::table::tests::all_rows;
use crate::read_at::ReadAt;
use crate::testing::Random;

fn open(bytes: &[u8], path: &str) -> Opened {
    open_table(Arc::new(bytes.to_vec()), path, OpenOptions::default()).unwrap()
}

fn from(n: u64) -> Selection {
    Selection {
        from: n,
        ..Selection::default()
    }
}

fn texts(table: &Arc<dyn Table>, first: u64) -> Vec<Vec<u8>> {
    let batches = Arc::clone(table).batches(&from(first)).unwrap();
    all_rows(&*batches, 3)
        .into_iter()
        .map(|(_, text)| text)
        .collect()
}

/// Rows before the error, and its message.
fn until_error(batches: &dyn Batches) -> (Vec<Vec<u8>>, String) {
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    loop {
        match batches.next(&mut batch) {
            Ok(NextBatch::Batch(_)) => rows.extend(batch.rows().map(|r| r.text.to_vec())),
            Ok(NextBatch::End(_)) => return (rows, String::new()),
            Err(error) => return (rows, error.to_string()),
        }
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text).unwrap();
    gz.finish().unwrap()
}

fn packed(text: &[u8], ending: &str) -> Vec<u8> {
    // Several members or frames.
    let (a, b) = text.split_at(text.len() / 3);
    match ending {
        ".gz" => [gzip(a), gzip(b)].concat(),
        ".zst" => [zrip::compress(a, 1).unwrap(), zrip::compress(b, 1).unwrap()].concat(),
        _ => text.to_vec(),
    }
}

fn random_json(noise: &mut Random, depth: u32) -> String {
    match noise.below(if depth == 0 { 4 } else { 6 }) {
        0 => ["null", "true", "-1.5e3", "0"][noise.below(4) as usize].to_owned(),
        1..=3 => {
            let pieces = [
                "a", "\\\"", "\\\\", "]", "[", "{", "}", ",", "é", "\\n", "\\u0041",
            ];
            let length = match noise.below(40) {
                0 => 3000,
                n => n % 9,
            };
            let text: String = (0..length)
                .map(|_| pieces[noise.below(11) as usize])
                .collect();
            format!("\"{text}\"")
        }
        4 => {
            let items: Vec<_> = (0..noise.below(4))
                .map(|_| random_json(noise, depth - 1))
                .collect();
            format!("[{}]", items.join(" ,\n"))
        }
        _ => {
            let items: Vec<_> = (0..noise.below(4))
                .map(|n| format!("\"k{n}\" : {}", random_json(noise, depth - 1)))
                .collect();
            format!("{{{}}}", items.join(","))
        }
    }
}

#[test]
fn elements_of_arrays_are_rows() {
    let mut noise = Random::new(1);
    for count in [0, 1, 2, 100, 20_000] {
        let rows: Vec<String> = (0..count).map(|_| random_json(&mut noise, 3)).collect();
        let text = format!(" \u{feff}[\n{} ]\n", rows.join("\t,\r\n "))
            .trim_start()
            .to_owned();
        let expected: Vec<Vec<u8>> = rows.iter().map(|r| r.clone().into_bytes()).collect();
        for ending in ["", ".gz", ".zst"] {
            let opened = open(&packed(text.as_bytes(), ending), &format!("x.json{ending}"));
            for first in [0, 1, 7, 19_000] {
                let left = expected.get(first..).unwrap_or_default();
                assert_eq!(
                    texts(&opened.table, first as u64),
                    left,
                    "{count} {first} {ending}"
                );
            }
            if ending.is_empty() {
                assert_eq!(opened.table.rows(), Some(count));
            }
        }
    }
}

#[test]
fn broken_json_array_error_has_position() {
    for (text, rows, at) in [
        ("[1,2", 1, "byte 4"),
        ("[1,2]x", 2, "byte 5"),
        ("[1,,2]", 1, "byte 3"),
        ("[1,]", 1, "byte 3"),
        ("[1}", 0, "byte 2"),
        ("[[1]", 0, "byte 4"),
        ("[", 0, "byte 1"),
    ] {
        let batches = open(text.as_bytes(), "x.json")
            .table
            .batches(&from(0))
            .unwrap();
        let (found, error) = until_error(&*batches);
        assert_eq!(found.len(), rows, "{text}");
        assert!(error.contains(at), "{text}: {error}");
        assert_eq!(
            batches.next(&mut Batch::default()).unwrap(),
            NextBatch::End(u64::from(rows > 0))
        );
    }
}

#[test]
fn json_file_without_array_has_values_as_rows() {
    let one = open(b"{\n \"a\": [1,\n 2]\n}\n", "x.json");
    assert_eq!(texts(&one.table, 0), [b"{\n \"a\": [1,\n 2]\n}"]);
    assert_eq!(one.table.shape(), &Shape::Json);
    let some = open(
        b"{\"a\":\n1}\n{\"b\":2}\n3 \n \"x\"\r\ntrue\n\n[4]",
        "x.json",
    );
    let rows: [&[u8]; 6] = [
        b"{\"a\":\n1}",
        b"{\"b\":2}",
        b"3",
        b"\"x\"",
        b"true",
        b"[4]",
    ];
    assert_eq!(texts(&some.table, 0), rows);
    // Broken texts.
    for broken in [&b"{\"a\":1} 2"[..], b"3 \"x\"", b"true[4]"] {
        let table = open(broken, "x.json").table;
        let batches = table.batches(&Selection::default()).unwrap();
        let mut batch = Batch::default();
        let first = batches.next(&mut batch);
        let ended = first.and_then(|_| batches.next(&mut batch));
        assert!(matches!(ended, Err(TableError::Damaged(_))), "{ended:?}");
    }
    let lines = open(b"\xef\xbb\xbf{\"a\":1}\n{\"a\":2}\n", "x.json");
    assert_eq!(lines.format.name(), "jsonl");
    assert_eq!(texts(&lines.table, 0), [b"{\"a\":1}", b"{\"a\":2}"]);
}

fn random_csv(noise: &mut Random, length: u64) -> Vec<u8> {
    let pieces: [&[u8]; 14] = [
        b",",
        b",",
        b"\"",
        b"\"\"",
        b"\n",
        b"\r\n",
        b"\r",
        b"a",
        b"bc",
        b" ",
        b"\",\"",
        b"\"\n",
        b"1",
        b"\xc3\xa9",
    ];
    let mut text = Vec::new();
    for _ in 0..length {
        text.extend_from_slice(pieces[noise.below(14) as usize]);
    }
    text
}

/// Opens a file with a fixed dialect: random bytes have none.
fn open_commas(bytes: &[u8], path: &str) -> Opened {
    let reading = ReadOptions {
        separator: Some(b','),
        quote: Some(Some(b'"')),
        ..ReadOptions::default()
    };
    let options = OpenOptions {
        reading,
        ..OpenOptions::default()
    };
    open_table(Arc::new(bytes.to_vec()), path, options).unwrap()
}

/// Contents of all fields, by the csv crate.
fn by_csv_crate(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let records = reader.byte_records().map(|r| r.unwrap());
    records
        .map(|r| r.iter().map(<[u8]>::to_vec).collect())
        .collect()
}

#[test]
fn records_are_those_of_the_csv_crate() {
    let mut noise = Random::new(2);
    for round in 0..3000 {
        let length = if round % 500 == 0 {
            200_000
        } else {
            noise.below(30)
        };
        let text = [&b"x,y\n"[..], &random_csv(&mut noise, length)].concat();
        let expected = by_csv_crate(&text);
        let opened = open_commas(&text, "x.csv");
        let Shape::Delimited(header) = opened.table.shape() else {
            panic!("not delimited");
        };
        let rows = texts(&opened.table, 0);
        let headers = usize::from(header.is_in_file);
        let records = records_of(&text, b',', Some(b'"'), true);
        assert_eq!(rows.len() + headers, records.count());
        assert_eq!(opened.table.rows(), Some(rows.len() as u64));
        let said = |row: &Vec<u8>| {
            let mut fields = Vec::new();
            let shape = opened.table.shape();
            shape.each_cell(row, &mut Scratch::default(), &mut |_, cell| {
                fields.push(cell.bytes().to_vec());
            });
            fields
        };
        let found: Vec<_> = rows.iter().map(said).collect();
        assert_eq!(
            found,
            expected[headers..],
            "{:?}",
            String::from_utf8_lossy(&text[..text.len().min(300)])
        );
        for first in [1, 5, rows.len() / 2, rows.len()] {
            let left = rows.get(first..).unwrap_or_default();
            assert_eq!(texts(&opened.table, first as u64), left);
        }
        // The way through a stream depends less on the text, and takes longest.
        if round % 5 == 0 {
            for ending in [".gz", ".zst"] {
                let opened = open_commas(&packed(&text, ending), &format!("x.csv{ending}"));
                assert_eq!(texts(&opened.table, 0), rows);
            }
        }
    }
}

#[test]
fn packed_lines_are_those_of_the_text() {
    let mut noise = Random::new(3);
    let mut text = Vec::new();
    while text.len() < 2_000_000 {
        let length = [0, 5, 100, 400_000][(noise.below(100) as usize)
            .saturating_sub(96)
            .max(noise.below(3) as usize)];
        text.extend((0..length).map(|n| b'a' + (n % 23) as u8));
        text.extend_from_slice([&b"\n"[..], b"\r\n"][noise.below(2) as usize]);
    }
    for path in ["x.jsonl", "x.txt"] {
        let plain = open(&text, path);
        for ending in [".gz", ".zst"] {
            let opened = open(&packed(&text, ending), &format!("{path}{ending}"));
            assert_eq!(opened.table.shape(), plain.table.shape());
            for first in [0, 1, 100, 5000] {
                let numbered = |o: &Opened| {
                    let batches = Arc::clone(&o.table).batches(&from(first)).unwrap();
                    all_rows(&*batches, 3)
                };
                assert!(
                    numbered(&opened) == numbered(&plain),
                    "{path}{ending} {first}"
                );
            }
        }
    }
}

#[test]
fn truncated_stream_returns_earlier_rows() {
    let text: Vec<u8> = (0..200_000)
        .flat_map(|n| format!("line {}\n", n * 7919 % 100_003).into_bytes())
        .collect();
    for ending in [".gz", ".zst"] {
        let whole = packed(&text, ending);
        let cut = &whole[..whole.len() * 3 / 4];
        let batches = open(cut, &format!("x.txt{ending}"))
            .table
            .batches(&from(0))
            .unwrap();
        let (rows, error) = until_error(&*batches);
        assert!(rows.len() > 1000, "{ending} {}", rows.len());
        assert!(error.contains("damaged"), "{ending} {error}");
        let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
        // The last row may be incomplete.
        let whole_rows = rows.len() - 1;
        assert!(rows[..whole_rows].iter().zip(&lines).all(|(a, b)| a == b));
    }
}

/// A source of one repeated letter and an end, without memory.
struct Letters(u64, &'static [u8]);

impl ReadAt for Letters {
    fn len(&self) -> u64 {
        self.0
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let n = buf.len().min((self.0 - offset) as usize);
        for (at, byte) in (offset..).zip(&mut buf[..n]) {
            let tail = self.0 - self.1.len() as u64;
            *byte = match at {
                0 => b'[',
                1 => b'"',
                _ if at >= tail => self.1[(at - tail) as usize],
                _ => b'x',
            };
        }
        Ok(n)
    }
}

#[test]
fn overlong_rows_are_cut() {
    let max = crate::wire::limits::ROW_BYTES_MAX;
    let source = Letters(max as u64 * 2, b"\", 1, \"b\"]");
    let opened = open_table(Arc::new(source), "x.json", OpenOptions::default()).unwrap();
    let batches = opened.table.batches(&from(0)).unwrap();
    let mut batch = Batch::default();
    assert_eq!(batches.next(&mut batch).unwrap(), NextBatch::Batch(0));
    assert_eq!((batch.count(), batch.truncated()), (1, 1));
    assert_eq!(batch.rows().next().unwrap().text.len(), max);
    let (rows, error) = until_error(&*batches);
    assert_eq!(
        (rows, error.as_str()),
        (vec![b"1".to_vec(), b"\"b\"".to_vec()], "")
    );
}

#[test]
fn row_index_finds_rows() {
    let rows: Vec<String> = (0..100_000)
        .map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}", "x".repeat(n % 90)))
        .collect();
    let text = format!("[{}]", rows.join(","));
    let opened = open(text.as_bytes(), "x.json");
    assert_eq!(texts(&opened.table, 0).len(), rows.len());
    let index = opened.index.unwrap().now();
    assert_eq!(index.rows(), Some(100_000));
    assert!(index.points.len() > 10, "{}", index.points.len());
    assert!(index.memory_bytes() < 100_000);
    let options = OpenOptions {
        index: Some(index),
        ..OpenOptions::default()
    };
    let again = open_table(Arc::new(text.into_bytes()), "x.json", options).unwrap();
    assert_eq!(again.table.rows(), Some(100_000));
    for first in [0, 1, 31, 50_000, 99_999] {
        assert_eq!(
            texts(&again.table, first)[0],
            rows[first as usize].as_bytes()
        );
    }
}

#[test]
fn files_without_rows_are_refused() {
    for bytes in [&b"PK\x03\x04aaaa"[..], b"PARExxxx", b"BZh9"] {
        let opened = open_table(Arc::new(bytes.to_vec()), "x", OpenOptions::default());
        assert!(matches!(opened, Err(TableError::Unsupported(_))));
    }
    for bytes in [
        &b"PAR1"[..],
        b"PAR1xxxxPAR1",
        b"ARROW1xxxxxxxx",
        b"\xff\xff\xff\xff\x01\0\0\0",
    ] {
        let opened = open_table(Arc::new(bytes.to_vec()), "x", OpenOptions::default());
        assert!(matches!(opened, Err(TableError::Damaged(_))));
    }
    assert_eq!(texts(&open(b"", "x").table, 0).len(), 0);
    assert_eq!(texts(&open(b"\0\x01\n\xff", "x.bin").table, 0).len(), 2);
}
