//! The specification's numbers and golden bytes against the code.

use std::path::Path;

use alimentar::blob_store::BlobKind;
use alimentar::chunk::Codec;
use alimentar::chunk::next_cut;
use alimentar::chunk::params;
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
fn the_limits_are_those_of_the_specification() {
    let page = spec("limits.md");
    for (name, value) in limits::ALL {
        assert!(
            page.contains(&format!("| `{name}` | {value} |")),
            "{name} {value}"
        );
    }
    assert_eq!(page.matches("| `").count(), limits::ALL.len());
}

#[test]
fn the_chunking_parameters_are_those_of_the_specification() {
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
        ("pack-header", to_hex(&encode_pack_header(7))),
        ("record", to_hex(&record.encode())),
        ("envelope", to_hex(&envelope.encode())),
    ];
    rows.iter()
        .map(|(name, value)| format!("{name} {value}\n"))
        .collect()
}

#[test]
fn bytes_are_those_of_the_vectors() {
    let expected = spec("vectors/golden.txt");
    let wanted: String = expected
        .lines()
        .filter(|l| !l.starts_with('#'))
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(golden(), wanted);
}
