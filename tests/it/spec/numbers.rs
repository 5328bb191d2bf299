//! The specification's numbers and golden bytes against the code.

use std::path::Path;

use alimentar::blob_store::BlobKind;
use alimentar::chunk::Codec;
use alimentar::chunk::CodecError;
use alimentar::chunk::next_cut;
use alimentar::chunk::params;
use alimentar::features;
use alimentar::ident::BlobId;
use alimentar::ident::ChunkId;
use alimentar::ident::ContentId;
use alimentar::ident::to_hex;
use alimentar::manifest::ChunkEntry;
use alimentar::manifest::Envelope;
use alimentar::manifest::FileEntry;
use alimentar::manifest::FileTable;
use alimentar::manifest::Node;
use alimentar::pack::Flags;
use alimentar::pack::Item;
use alimentar::pack::Record;
use alimentar::pack::RecordView;
use alimentar::pack::layout::decode_pack_header;
use alimentar::pack::layout::encode_pack_header;
use alimentar::wire::limits;

use crate::support::lines;

fn spec(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("spec")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn limits_match_the_specification() {
    let page = spec("limits.md");
    let tables = || limits::ALL.iter().chain(features::limits::ALL);
    for (name, value) in tables() {
        assert!(
            page.contains(&format!("| `{name}` | {value} |")),
            "{name} {value}"
        );
    }
    assert_eq!(page.matches("| `").count(), tables().count());
}

#[test]
fn chunking_parameters_match_the_specification() {
    let page = spec("chunking.md");
    for (name, value) in [
        ("min", params::CHUNK_BYTES_MIN),
        ("avg", params::CHUNK_BYTES_AVG),
        ("max", params::CHUNK_BYTES_MAX),
        ("window", params::NEWLINE_WINDOW_BYTES),
    ] {
        assert!(
            page.contains(&format!("| `{name}` | {value} |")),
            "{name} {value}"
        );
    }
}

/// Everything whose bytes are fixed for ever, as `name value` lines.
fn golden() -> String {
    let data = lines(3000, 42);
    let mut cuts = Vec::new();
    let mut at = 0;
    while let Some(n) = next_cut(&data[at..], true) {
        at += n.get();
        cuts.push(at.to_string());
    }
    let zeros = next_cut(&vec![0; 100_000], true).unwrap();
    let entry = ChunkEntry {
        id: ChunkId::of(b"a"),
        bytes: 300,
        newlines: 2,
    };
    let file = FileEntry {
        path: "dir/a.jsonl".to_owned(),
        size_bytes: 2048,
        content_id: Some(ContentId::from_bytes(b"a")),
        format: 1,
        rows: Some(2),
        schema: None,
    };
    let small = FileEntry {
        path: "dir/b.txt".to_owned(),
        size_bytes: 2047,
        format: 0,
        rows: None,
        ..file.clone()
    };
    let table = FileTable::new(vec![file, small]).unwrap();
    let record = Record {
        kind: BlobKind::Chunk,
        codec: Codec::Raw,
        flags: Flags::default(),
        sequence: 0,
        items: vec![Item {
            id: BlobId::of(b"abc"),
            raw_bytes: 3,
        }],
        bases: Vec::new(),
        payload: b"abc".to_vec(),
    };
    let envelope = Envelope {
        manifest: b"{}".to_vec(),
        signature: None,
    };
    let rows = [
        (
            "content-id-of-empty",
            ContentId::from_bytes(b"").to_string(),
        ),
        ("cuts-of-lines-3000-42", cuts.join(",")),
        ("cut-of-zeros", zeros.to_string()),
        ("leaf", to_hex(&Node::Leaf(vec![entry]).encode())),
        ("file-table", to_hex(&table.encode().unwrap())),
        ("directory-id", table.directory_id().unwrap().to_string()),
        // The header of packs of version 1.
        ("pack-header", "89414c500d0a1a0a0100000007000000".to_owned()),
        ("record", to_hex(&record.encode())),
        ("envelope", to_hex(&envelope.encode())),
    ];
    rows.iter()
        .map(|(name, value)| format!("{name} {value}\n"))
        .collect()
}

/// Returns the base of the delta record, and the bytes that the record holds.
fn base_and_changed() -> [Vec<u8>; 2] {
    let word = b"alimentar ".repeat(4);
    let changed = [&word, &b"nourishing "[..], &word].concat();
    [word.repeat(2), changed]
}

fn delta() -> Record {
    let [base, changed] = base_and_changed();
    Record {
        kind: BlobKind::Chunk,
        codec: Codec::Delta,
        flags: Flags::default(),
        sequence: 0,
        items: vec![Item {
            id: BlobId::of(&changed),
            raw_bytes: 91,
        }],
        bases: vec![BlobId::of(&base)],
        // By `zstd -3 --no-check -D`, version 1.5.
        payload: from_hex("28b52ffd205b9d0000506e6f7572697368696e6702008000e12b2710"),
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
    digits.map(|pair| byte(pair).unwrap()).collect()
}

#[test]
fn store_bytes_of_version_2_match_the_vectors() {
    let [header, record] = [encode_pack_header(7), delta().encode()].map(|b| to_hex(&b));
    let wanted = format!("pack-header {header}\ndifference {record}\n");
    let expected = spec("vectors/golden-2.txt");
    let mut lines = expected.split_inclusive('\n');
    assert_eq!(wanted, lines.by_ref().skip(2).collect::<String>());
    let first = from_hex("89414c500d0a1a0a0100000007000000");
    assert_eq!(decode_pack_header(&first), Ok(7), "version 1 is read");
}

#[test]
fn delta_of_the_vectors_applies_to_its_base() {
    let [base, changed] = base_and_changed();
    let record = delta().encode();
    let view = RecordView::decode(&record).unwrap();
    assert_eq!(view.unpack_on(base).unwrap(), changed);
    let refused = view.unpack();
    assert!(
        matches!(refused, Err(CodecError::NeedsBases)),
        "{refused:?}"
    );
}

#[test]
fn signing_bytes_match_the_vectors() {
    let expected = spec("vectors/golden.txt");
    let wanted: String = expected
        .lines()
        .filter(|l| !l.starts_with('#'))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(golden(), wanted);
}
