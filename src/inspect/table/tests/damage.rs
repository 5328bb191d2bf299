//! Files that are damaged, padded, in other encodings, or of unsupported types.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::table::Batch;
use crate::inspect::table::NextBatch;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Selection;
use crate::inspect::table::TableError;
use crate::inspect::table::open_table;

fn fixture(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats");
    std::fs::read(dir.join(name)).unwrap()
}

/// All rows as text, and the error that ended them.
fn rows(bytes: &[u8], name: &str, reading: ReadOptions) -> (Vec<String>, Option<TableError>) {
    let options = OpenOptions {
        reading,
        ..OpenOptions::default()
    };
    let opened = open_table(Arc::new(bytes.to_vec()), name, options).unwrap();
    let batches = Arc::clone(&opened.table)
        .batches(&Selection::default())
        .unwrap();
    let (mut found, mut batch) = (Vec::new(), Batch::default());
    loop {
        match batches.next(&mut batch) {
            Ok(NextBatch::Batch(_)) => {
                let texts = batch
                    .rows()
                    .map(|r| String::from_utf8_lossy(r.text).into_owned());
                found.extend(texts);
            }
            Ok(NextBatch::End(_)) => return (found, None),
            Err(error) => return (found, Some(error)),
        }
    }
}

#[test]
fn arrow_messages_with_zstd_are_read() {
    let expected = |n: usize| {
        let maybe = match n % 5 {
            0 => "null".to_owned(),
            _ => format!("{:?}", n as f64 * 1.5),
        };
        let tags = vec![format!("\"{n}\""); n % 3].join(",");
        let label = ["a", "b", "c"][n % 3];
        format!(
            "{{\"id\":{n},\"text\":\"row {n}\",\"label\":\"{label}\",\"maybe\":{maybe},\"tags\":[{tags}]}}"
        )
    };
    for name in ["zstd.arrow", "zstd.arrows"] {
        let (found, error) = rows(&fixture(name), name, ReadOptions::default());
        assert!(error.is_none(), "{name} {error:?}");
        assert_eq!(found.len(), 600, "{name}");
        for (n, row) in found.iter().enumerate() {
            assert_eq!(*row, expected(n), "{name}");
        }
    }
}

#[test]
fn damaged_arrow_messages_with_zstd_are_errors_or_rows() {
    let whole = fixture("zstd.arrows");
    for at in (0..whole.len()).step_by(23) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let options = OpenOptions::default();
        let Ok(opened) = open_table(Arc::new(bytes), "x.arrows", options) else {
            continue;
        };
        let batches = Arc::clone(&opened.table).batches(&Selection::default());
        let mut batch = Batch::default();
        if let Ok(batches) = batches {
            while matches!(batches.next(&mut batch), Ok(NextBatch::Batch(_))) {}
        }
    }
}

#[test]
fn union_column_is_left_out_of_rows() {
    let (found, error) = rows(&fixture("union.arrow"), "u.arrow", ReadOptions::default());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        found,
        [
            "{\"id\":1,\"text\":\"x\"}",
            "{\"id\":2,\"text\":\"y\"}",
            "{\"id\":3,\"text\":\"z\"}"
        ]
    );
}

#[test]
fn page_checksum_is_verified_on_request() {
    let whole = fixture("checksums.parquet");
    let verify = ReadOptions {
        verify: true,
        ..ReadOptions::default()
    };
    let (found, error) = rows(&whole, "c.parquet", verify);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found.len(), 20);
    // A letter of a value in the second row group.
    let at = memchr::memmem::find(&whole, b"line 17").unwrap();
    let mut bytes = whole;
    bytes[at] ^= 0x20;
    let (found, error) = rows(&bytes, "c.parquet", verify);
    assert_eq!(found.len(), 10);
    let error = error.unwrap();
    assert!(error.is_damage());
    assert!(error.full_message().contains("checksum"), "{error}");
    let (found, error) = rows(&bytes, "c.parquet", ReadOptions::default());
    assert!(error.is_none());
    assert!(found[17].contains("Line 17"), "{}", found[17]);
}

#[test]
fn zeros_after_gzip_are_no_damage() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(b"{\"a\":1}\n{\"a\":2}\n").unwrap();
    let mut bytes = gz.finish().unwrap();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    let (found, error) = rows(&bytes, "x.jsonl.gz", ReadOptions::default());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found, ["{\"a\":1}", "{\"a\":2}"]);
}

#[test]
fn text_in_other_encodings_is_read() {
    let text = "id;name\n1;\u{e9}l\u{e8}ve \u{1f600}\n2;x\n";
    let units: Vec<u16> = text.encode_utf16().collect();
    let low = [
        &[0xff, 0xfe][..],
        &units
            .iter()
            .flat_map(|u| u.to_le_bytes())
            .collect::<Vec<_>>(),
    ];
    let high = [
        &[0xfe, 0xff][..],
        &units
            .iter()
            .flat_map(|u| u.to_be_bytes())
            .collect::<Vec<_>>(),
    ];
    let expected = ["1;\u{e9}l\u{e8}ve \u{1f600}", "2;x"];
    for bytes in [low.concat(), high.concat()] {
        let (found, error) = rows(&bytes, "x.csv", ReadOptions::default());
        assert!(error.is_none(), "{error:?}");
        assert_eq!(found, expected);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&bytes).unwrap();
        let (found, _) = rows(&gz.finish().unwrap(), "x.csv.gz", ReadOptions::default());
        assert_eq!(found, expected);
        // A name without an extension, and text inside.
        let (found, _) = rows(&bytes, "x", ReadOptions::default());
        assert_eq!(found[1..], expected);
    }
    let latin = ReadOptions {
        encoding: Some(TextEncoding::Latin1),
        ..ReadOptions::default()
    };
    let (found, _) = rows(b"id,name\n1,caf\xe9\n", "x.csv", latin);
    assert_eq!(found, ["1,caf\u{e9}"]);
    // Bytes that are no text.
    let (found, _) = rows(b"\xff\xfe\0\x01\0\0\n\0", "x.bin", ReadOptions::default());
    assert_eq!(found.len(), 2);
}

#[test]
fn files_without_rows_are_named() {
    let tar = [&[b'a'; 257][..], b"ustar\x0000", &[0; 247]].concat();
    let cases: [(&[u8], &str, &str); 12] = [
        (b"FEA1\0\0", "x.feather", "Feather"),
        (b"ORC\x0a", "x.orc", "ORC"),
        (b"Obj\x01\x02", "x.avro", "Avro"),
        (b"SQLite format 3\0", "x.db", "SQLite"),
        (b"\x89PNG\r\n\x1a\n", "x.png", "PNG"),
        (b"\xff\xd8\xff\xe0", "x.jpg", "JPEG"),
        (b"GIF89a", "x.gif", "GIF"),
        (b"\x93NUMPY\x01\0", "x.npy", "NumPy"),
        (&tar, "x.tar", "tar"),
        (b"\x89HDF\r\n\x1a\n", "x.h5", "HDF5"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "x.webp", "WebP"),
        (b"%PDF-1.7", "x.pdf", "PDF"),
    ];
    for (bytes, name, what) in cases {
        let opened = open_table(Arc::new(bytes.to_vec()), name, OpenOptions::default());
        match opened {
            Err(TableError::Unsupported(why)) => assert!(why.contains(what), "{name}: {why}"),
            _ => panic!("{name} has rows"),
        }
    }
    // Text may start with these letters too.
    let (found, _) = rows(b"ORC,GIF8\n1,2\n", "x.csv", ReadOptions::default());
    assert_eq!(found, ["1,2"]);
}

#[test]
fn counted_rows_equal_rows_shown() {
    let mut batch = Batch::default();
    for text in [
        "",
        "\n",
        "{}\n\n{}",
        " \r\n1\n\t\n 2\n",
        "\r\n\r\n",
        "\x0c\n1\n",
    ] {
        let options = OpenOptions::default();
        let opened = open_table(Arc::new(text.as_bytes().to_vec()), "x.jsonl", options).unwrap();
        let batches = Arc::clone(&opened.table)
            .batches(&Selection::default())
            .unwrap();
        while let Ok(NextBatch::Batch(_)) = batches.next(&mut batch) {
            // The second one remembers what the first counted, of this batch and no other.
            assert_eq!(batch.count_rows(), batch.rows().count() as u64, "{text:?}");
            let all = batch.rows_and_blanks().count() as u64;
            assert_eq!(batch.count(), all, "{text:?}");
        }
    }
}

#[test]
fn object_with_one_list_has_its_elements_as_rows() {
    let text = "{\"version\":1,\"data\":[{\"a\":1}, {\"a\":\"]}\"}],\"more\":{\"x\":[2]}}";
    let (found, error) = rows(text.as_bytes(), "x.json", ReadOptions::default());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found, ["{\"a\":1}", "{\"a\":\"]}\"}"]);
    let opened = open_table(
        Arc::new(text.as_bytes().to_vec()),
        "x.json",
        OpenOptions::default(),
    );
    let opened = opened.unwrap();
    assert_eq!(opened.list.as_deref(), Some("data"));
    assert_eq!(opened.schema().unwrap().fields().len(), 1);
    // A second list beyond the head read at opening.
    let long = format!(
        "{{\"data\":[{}{{}}],\"late\":[1]}}",
        "{\"a\":1},".repeat(200_000)
    );
    let (found, error) = rows(long.as_bytes(), "x.json", ReadOptions::default());
    assert_eq!(found.len(), 200_001);
    assert!(error.unwrap().full_message().contains("second list"));
    // Rows from an offset, through an index.
    let long = format!("{{\"data\":[{}{{}}]}}", "{\"a\":1},".repeat(200_000));
    let opened = open_table(
        Arc::new(long.into_bytes()),
        "x.json",
        OpenOptions::default(),
    );
    let table = opened.unwrap().table;
    let count = |from: u64| {
        let selection = Selection {
            from,
            ..Selection::default()
        };
        let batches = Arc::clone(&table).batches(&selection).unwrap();
        let (mut rows, mut batch) = (0, Batch::default());
        while let NextBatch::Batch(_) = batches.next(&mut batch).unwrap() {
            rows += batch.count();
        }
        rows
    };
    for from in [0, 1, 150_000, 200_000, 200_001] {
        assert_eq!(count(from), 200_001 - from);
    }
    // One value, as before.
    for text in ["{\"a\":[1,2]}", "{\"a\":[],\"b\":1}", "{\"a\":1}"] {
        let (found, _) = rows(text.as_bytes(), "x.json", ReadOptions::default());
        assert_eq!(found, [text]);
    }
}
