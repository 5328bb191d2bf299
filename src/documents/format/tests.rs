use super::zip::ZipArchive;
use super::zip::ZipError;
use super::zip::ZipWriter;
use super::*;
use crate::wire::DecodeError;

fn line(id: &str, document: &str) -> Result<String, DocumentFault> {
    let mut line = Vec::new();
    line_into(
        &DocumentId::new(id).unwrap(),
        document.as_bytes(),
        &mut line,
    )?;
    Ok(String::from_utf8(line).unwrap())
}

#[test]
fn line_of_a_document_has_its_id_first_and_its_digits() {
    let written = line(
        "a",
        " { \"z\" : 1.50 , \"t\":\"x \\\" y\", \"n\": 123456789012345678901234567890 } ",
    );
    let expected =
        "{\"_id\":\"a\",\"z\":1.50,\"t\":\"x \\\" y\",\"n\":123456789012345678901234567890}\n";
    assert_eq!(written.unwrap(), expected);
    assert_eq!(line("a", "{}").unwrap(), "{\"_id\":\"a\"}\n");
    assert_eq!(
        line("a", "{\"_id\":\"a\",\"b\":[ 1, {} ]}").unwrap(),
        "{\"_id\":\"a\",\"b\":[1,{}]}\n"
    );
}

#[test]
fn line_of_what_is_no_document_is_refused() {
    assert_eq!(line("a", "[1]"), Err(DocumentFault::NotObject));
    assert_eq!(line("a", "7"), Err(DocumentFault::NotObject));
    assert!(matches!(line("a", "{\"b\":}"), Err(DocumentFault::Json(_))));
    assert!(matches!(line("a", "{} {}"), Err(DocumentFault::Json(_))));
    assert_eq!(
        line("a", "{\"_id\":\"liar\"}"),
        Err(DocumentFault::OtherId("liar".into()))
    );
    assert_eq!(
        line("a", "{\"b\":1,\"b\":2}"),
        Err(DocumentFault::Repeated("b".into()))
    );
}

#[test]
fn id_of_a_line_is_found_in_any_spelling() {
    for text in [
        r#"{"_id":"a"}"#,
        r#"{"_id": "a", "x": 1}"#,
        r#"{"x":{"_id":"evil"},"_id":"a"}"#,
        r#"{"t":"\"_id\":\"evil\"","_id":"\u0061"}"#,
        r#"  {"\u005fid":"a"}  "#,
    ] {
        assert_eq!(line_id(text.as_bytes()).unwrap(), "a", "{text}");
    }
    assert_eq!(line_id(b"{}"), Err(DocumentFault::NoId));
    assert_eq!(line_id(br#"{"_id":7}"#), Err(DocumentFault::IdType));
    assert_eq!(line_id(br#"{"_id":"\ud800"}"#), Err(DocumentFault::IdType));
    assert!(matches!(
        line_id(b"{\"_id\":\"a\xff\"}"),
        Err(DocumentFault::Json(_))
    ));
}

#[test]
fn ids_that_lead_elsewhere_are_refused() {
    for id in [
        "", ".", "..", "a/b", "../x", "a\\b", ".hidden", "a..b", "a b", "a\0", "é", "a\n",
    ] {
        assert!(DocumentId::new(id).is_err(), "{id:?}");
    }
    assert!(DocumentId::new(&"a".repeat(255)).is_ok());
    assert_eq!(
        DocumentId::new(&"a".repeat(70_000)),
        Err(NameFault::Long(255))
    );
    for name in ["../x", "..", "a/b", "", "x\0"] {
        assert!(CollectionName::new(name).is_err(), "{name:?}");
    }
    assert!(CollectionName::new("é-1").is_ok());
}

/// The index of `spec/documents.md`, as another program wrote it.
const INDEX: &[u8] = b"ISDZ\x01\0\0\0\x02\0\0\0\0\0\0\0\x04\0\xc3\xa9-1\x3d\0\0\0\0\0\0\0\x39\0\0\0\x02\0x2\0\0\0\0\0\0\0\0\x3d\0\0\0";

#[test]
fn index_of_others_is_read_and_written_alike() {
    let (form, entries) = decode_index(INDEX).unwrap();
    assert_eq!(form, IndexForm::Binary);
    let found: Vec<_> = entries
        .iter()
        .map(|e| (e.id.as_ref(), e.offset, e.length))
        .collect();
    assert_eq!(found, [("é-1", 61, 57), ("x2", 0, 61)]);
    assert_eq!(encode_index(form, found.iter().copied()), INDEX);
    let text = encode_index(IndexForm::Text, found.into_iter());
    assert_eq!(text, "é-1\t61\t57\nx2\t0\t61\n".as_bytes());
    assert_eq!(decode_index(&text).unwrap().1, entries);
}

#[test]
fn index_that_claims_too_much_is_refused_before_memory_is_taken() {
    for count in [3_u64, 1 << 60, u64::MAX] {
        let mut bytes = INDEX.to_vec();
        bytes[8..16].copy_from_slice(&count.to_le_bytes());
        assert_eq!(decode_index(&bytes), Err(DecodeError::Truncated));
    }
    for cut in 4..INDEX.len() {
        assert!(decode_index(&INDEX[..cut]).is_err(), "{cut}");
    }
    let mut bytes = INDEX.to_vec();
    bytes[4] = 2;
    assert_eq!(decode_index(&bytes), Err(DecodeError::Version(2)));
    let mut bytes = INDEX.to_vec();
    bytes[18] = 0xff;
    assert!(matches!(decode_index(&bytes), Err(DecodeError::Invalid(_))));
    for text in [b"a\tb\tc\n".as_slice(), b"a\t1\n"] {
        assert!(matches!(decode_index(text), Err(DecodeError::Invalid(_))));
    }
}

#[test]
fn index_leaves_out_ids_that_its_form_cannot_hold() {
    let long = "a".repeat(70_000);
    let bytes = encode_index(
        IndexForm::Binary,
        [(long.as_str(), 0, 9), ("b", 9, 9)].into_iter(),
    );
    assert_eq!(decode_index(&bytes).unwrap().1.len(), 1);
    let bytes = encode_index(IndexForm::Text, [("a\tb", 0, 9), ("b", 9, 9)].into_iter());
    assert_eq!(bytes, b"b\t9\t9\n");
}

fn records() -> Vec<SideRecord> {
    let mark = Mark::new(20, 10, b"head", b"tail");
    vec![
        SideRecord::Delete {
            mark,
            id: "é-1".to_owned(),
        },
        SideRecord::Checkpoint {
            mark,
            form: IndexForm::Text,
            index: Content::of(b"index"),
        },
        SideRecord::Compaction {
            old: Content::of(b"old"),
            new: Content::of(b""),
        },
    ]
}

#[test]
fn side_log_is_read_up_to_the_first_damage() {
    let mut bytes = SIDE_LOG_MAGIC.to_vec();
    let mut ends = Vec::new();
    for record in records() {
        record.encode_into(&mut bytes);
        ends.push(bytes.len());
    }
    assert_eq!(decode_side_log(&bytes), (records(), bytes.len()));
    let golden = include_str!("../../../spec/vectors/documents.txt");
    let found = crate::ident::to_hex(&bytes);
    assert!(
        golden.lines().any(|l| l == format!("side-log {found}")),
        "{found}"
    );
    for cut in 0..bytes.len() {
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(decode_side_log(&bytes[..cut]).0.len(), whole, "{cut}");
    }
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        let whole = ends.iter().filter(|end| **end <= at).count();
        let expected = if at < SIDE_LOG_MAGIC.len() { 0 } else { whole };
        assert_eq!(decode_side_log(&bytes).0.len(), expected, "{at}");
    }
}

#[test]
fn header_of_a_table_is_read_as_it_was_written() {
    let header = TableHeader {
        slots: 64,
        used: 2,
        dead: 1,
        live_bytes: 118,
        unreadable: 1,
        key: [7; 16],
        mark: Mark::new(177, 57, b"head", b"tail"),
        needs_line_feed: true,
        form: IndexForm::Text,
        index: Content::of(b"index"),
        index_file: FileIdentity {
            inode: 11,
            length: 5,
            modified: (-1, 999_999_999),
        },
        side_length: 94,
        side_check: [1; 16],
        deletion_bytes: 46,
        dead_check: [2; 16],
        checks_check: [3; 16],
    };
    let bytes = header.encode();
    assert_eq!(
        (bytes.len(), TableHeader::decode(&bytes)),
        (HEADER_BYTES, Ok(header))
    );
    let golden = include_str!("../../../spec/vectors/documents.txt");
    let found = crate::ident::to_hex(&bytes[..246]);
    assert!(
        golden.lines().any(|l| l == format!("table {found}")),
        "{found}"
    );
    for at in 0..246 {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(TableHeader::decode(&bytes).is_err(), "{at}");
        assert!(TableHeader::decode(&bytes[..at]).is_err(), "{at}");
    }
}

#[test]
fn schemas_are_hashed_as_others_hash_them() {
    let text = schema_text(br#"{"_id":"x","b":1,"a":"x"}"#).unwrap();
    assert_eq!(text, r#"{"a":"string","b":"integer"}"#);
    let id = "a57d14b8c9c9aaa3c6407851557384b4e83c8ab6876b399b9f9a83db74d1aa6c";
    assert_eq!(schema_id(&text), id);
    let nested = br#"{"o":{"z":null,"y":[[1.5]]},"e":[],"big":18446744073709551615,"t":true}"#;
    let expected = r#"{"big":"number","e":[],"o":{"y":[["number"]],"z":"null"},"t":"boolean"}"#;
    assert_eq!(schema_text(nested).unwrap(), expected);
}

const DOCUMENT: &[u8] = br#"{"_id":"a","name":"Ada","age":36,"pi":3.5,"big":18446744073709551615,"tags":["x","draft"],"none":null,"o":{"k":[{"r":"user"},{"r":"bot"}]},"esc":"a\u0062c","yes":true}"#;

#[test]
fn predicates_hold_as_their_text_says() {
    let held = [
        "name = Ada",
        "name == \"Ada\"",
        "age = 36",
        "age = 36.0",
        "age=\"36\" or age=36",
        "age >= 36",
        "age > 35.5",
        "pi < 4 and pi > 3",
        "big > 18446744073709551614",
        "name > Abc",
        "name ~ da",
        "tags contains draft",
        "tags contains \"x\"",
        "name in [Bob, Ada]",
        "age in 1,36",
        "none",
        "exists none",
        "none exists",
        "not missing",
        "!missing",
        "missing != 3",
        "o.k.0.r = user",
        "o.k[].r = bot",
        "esc = abc",
        "esc ~ bc",
        "none = null",
        "yes = true",
        "tags = [\"x\",\"draft\"]",
        "not (age < 10 or name = Bob)",
        "(age = 36)",
        "age = 36 AND NOT name = Bob",
        "name = 'Ada'",
        "o.k[].r contains bo",
    ];
    for text in held {
        let predicate: Predicate = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(predicate.matches(DOCUMENT).unwrap(), "{text}");
    }
    let not_held = [
        "name = ada",
        "age = \"36\"",
        "age > 36",
        "age < abc",
        "name < 7",
        "tags contains y",
        "missing",
        "not name",
        "missing = null",
        "age in []",
        "yes = \"true\"",
        "o.k[].r = admin",
        "big = 18446744073709551614",
        "age != 36",
    ];
    for text in not_held {
        let predicate: Predicate = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(!predicate.matches(DOCUMENT).unwrap(), "{text}");
    }
}

#[test]
fn predicate_that_makes_no_sense_names_the_place() {
    for text in [
        "",
        "=",
        "a =",
        "a = 1 b",
        "(a = 1",
        "a in [1",
        "a = \"x",
        "a = 'x",
        "a = 1 and",
    ] {
        assert!(text.parse::<Predicate>().is_err(), "{text}");
    }
    let deep = "not ".repeat(1000).parse::<Predicate>().unwrap_err();
    assert!(deep.reason.contains("deep"), "{deep:?}");
    assert_eq!("a = 1 b".parse::<Predicate>().unwrap_err().at, 6);
}

#[test]
fn projection_keeps_what_is_there_in_the_order_of_the_names() {
    let mut out = Vec::new();
    let fields = ["o.k.1.r", "missing", "name"].map(str::to_owned);
    project_into(DOCUMENT, &fields, &mut out).unwrap();
    assert_eq!(out, br#"{"o.k.1.r":"bot","name":"Ada"}"#);
}

fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        match name.ends_with('/') {
            true => writer.add_directory(name).unwrap(),
            false => {
                let mut from = *content;
                writer
                    .add_file(name, &mut from, content.len() as u64)
                    .unwrap();
            }
        }
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn archive_gives_back_what_was_put_in() {
    let content = b"hello hello hello".repeat(1000);
    let bytes = archive(&[
        ("collections/", b""),
        ("collections/é.txt", &content),
        ("empty", b""),
    ]);
    let zip = ZipArchive::open(&bytes).unwrap();
    let names: Vec<_> = zip.entries().iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["collections/", "collections/é.txt", "empty"]);
    let mut out = Vec::new();
    zip.extract(&zip.entries()[1], &mut out).unwrap();
    assert_eq!(out, content);
    for cut in 0..bytes.len() {
        assert!(ZipArchive::open(&bytes[..cut].to_vec()).is_err(), "{cut}");
    }
}

/// Replaces a name of the same length, in the header and in the directory.
fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    while let Some(at) = memchr::memmem::find(&bytes, from.as_bytes()) {
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

#[test]
fn archive_with_names_that_lead_out_is_refused() {
    let bytes = archive(&[("aaaaaaaaaa", b"evil")]);
    for name in [
        "../evil.tx",
        "/etc/evil1",
        "a/../../bb",
        "a\\..\\evil1",
        "C:evil.txt",
        "a//b/evil1",
        "./evil.txt",
        "evil\0.txtx",
    ] {
        let hostile = renamed(&bytes, "aaaaaaaaaa", name);
        let opened = ZipArchive::open(&hostile).map(|_| ());
        assert!(
            matches!(opened, Err(ZipError::Path { .. })),
            "{name}: {opened:?}"
        );
    }
    let invalid = {
        let mut bytes = bytes.clone();
        while let Some(at) = memchr::memmem::find(&bytes, b"aaaaaaaaaa") {
            bytes[at] = 0xff;
        }
        bytes
    };
    assert!(matches!(
        ZipArchive::open(&invalid),
        Err(ZipError::Path { .. })
    ));
    let twice = renamed(&archive(&[("aaaa", b"1"), ("bbbb", b"2")]), "bbbb", "aaaa");
    assert!(matches!(
        ZipArchive::open(&twice),
        Err(ZipError::Path { .. })
    ));
}

#[test]
fn archive_that_lies_about_an_entry_is_refused() {
    let content = b"hello hello hello".repeat(10);
    let bytes = archive(&[("aaaa", &content)]);
    let directory = memchr::memmem::find(&bytes, &0x0201_4b50_u32.to_le_bytes()).unwrap();
    // The checksum, the length, the mode of a link, encryption, and another method.
    for (at, with) in [
        (16, &[1_u8, 2, 3, 4][..]),
        (24, &[1, 0, 0, 0]),
        (24, &[255, 0, 0, 1]),
        (38, &[0, 0, 0xff, 0xa1]),
        (8, &[1]),
        (10, &[12]),
    ] {
        let mut lying = bytes.clone();
        lying[directory + at..directory + at + with.len()].copy_from_slice(with);
        let read = ZipArchive::open(&lying)
            .and_then(|zip| zip.extract(&zip.entries()[0], &mut std::io::sink()));
        assert!(read.is_err(), "{at}");
    }
    // A directory that says to have more than it can.
    let mut bomb = bytes.clone();
    bomb[directory + 24..directory + 28].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    let zip = ZipArchive::open(&bomb).unwrap();
    assert!(matches!(zip.check_expansion(), Err(ZipError::Bomb { .. })));
}
