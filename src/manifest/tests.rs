use std::collections::BTreeMap;

use super::*;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::clock::Timestamp;
use crate::ident::*;
use crate::store::MemoryBlobs;
use crate::wire::DecodeError;

fn entry(n: u64) -> ChunkEntry {
    ChunkEntry {
        id: ChunkId::of(&n.to_le_bytes()),
        bytes: 10_000 + (n % 999) as u32,
        newlines: 3,
    }
}

fn build(blobs: &MemoryBlobs, entries: &[ChunkEntry]) -> (TreeId, Totals) {
    let mut emit = |id: TreeId, bytes: Vec<u8>| {
        assert_eq!(
            blobs.put(BlobKind::Node, &bytes).unwrap().id.as_bytes(),
            id.as_bytes()
        );
    };
    let mut b = TreeBuilder::new();
    entries.iter().for_each(|e| b.push(*e, &mut emit));
    b.finish(&mut emit)
}

#[test]
fn tree_walk_starts_at_any_offset() {
    for n in [0_u64, 1, 2, 15, 16, 17, 500, 600, 70_000] {
        let blobs = MemoryBlobs::new();
        let entries: Vec<_> = (0..n).map(entry).collect();
        let (root, totals) = build(&blobs, &entries);
        assert_eq!(totals.chunks, n);
        let walk = TreeWalk::new(&blobs, root, totals.bytes, 0).unwrap();
        let got: Vec<_> = walk.map(|r| r.unwrap()).collect();
        assert_eq!(got.iter().map(|(_, e)| *e).collect::<Vec<_>>(), entries);
        for probe in [0, 1, totals.bytes / 2, totals.bytes.saturating_sub(1)] {
            let expected = got.iter().find(|(at, e)| at + u64::from(e.bytes) > probe);
            let mut from = TreeWalk::new(&blobs, root, totals.bytes, probe).unwrap();
            assert_eq!(from.next().map(|r| r.unwrap()).as_ref(), expected);
        }
        assert!(
            TreeWalk::new(&blobs, root, totals.bytes, totals.bytes)
                .unwrap()
                .next()
                .is_none()
        );
        assert!(matches!(
            TreeWalk::new(&blobs, root, totals.bytes + 1, 0),
            Err(TreeError::Size { .. })
        ));
    }
}

#[test]
fn tree_with_false_nodes_is_refused() {
    let blobs = MemoryBlobs::new();
    let (leaf, totals) = build(&blobs, &(0..40).map(entry).collect::<Vec<_>>());
    let child = |totals| ChildEntry { id: leaf, totals };
    let lie = Totals {
        bytes: totals.bytes + 1,
        ..totals
    };
    for (level, children) in [
        (1, vec![child(lie), child(totals)]),
        (2, vec![child(totals), child(totals)]),
    ] {
        let sum = children.iter().map(|c| c.totals.bytes).sum();
        let bytes = Node::Inner { level, children }.encode();
        blobs.put(BlobKind::Node, &bytes).unwrap();
        let walk = TreeWalk::new(&blobs, TreeId::of(&bytes), sum, 0);
        assert!(matches!(walk.err(), Some(TreeError::Mismatch(_))));
    }
    for bad in [
        Node::Inner {
            level: 1,
            children: vec![child(totals)],
        }
        .encode(),
        Node::Inner {
            level: 13,
            children: vec![child(totals); 2],
        }
        .encode(),
        Node::Leaf(vec![ChunkEntry {
            bytes: 0,
            newlines: 0,
            ..entry(1)
        }])
        .encode(),
        Node::Leaf(vec![ChunkEntry {
            bytes: 70_000,
            ..entry(1)
        }])
        .encode(),
        Node::Leaf(vec![ChunkEntry {
            bytes: 5,
            newlines: 6,
            ..entry(1)
        }])
        .encode(),
        Node::Leaf(vec![entry(1); 513]).encode(),
    ] {
        assert!(matches!(
            Node::decode(&bad),
            Err(DecodeError::Invalid { .. } | DecodeError::Limit { .. })
        ));
    }
}

#[test]
fn tree_after_an_edit_shares_all_but_few_nodes() {
    let blobs = MemoryBlobs::new();
    let before: Vec<_> = (0..70_000).map(entry).collect();
    let mut after = before.clone();
    after.insert(30_000, entry(1 << 40));
    after.remove(100);
    let (a, a_totals) = build(&blobs, &before);
    let (b, b_totals) = build(&blobs, &after);
    let diff = diff_trees(&blobs, a, b).unwrap();
    assert_eq!((diff.only_a.chunks, diff.only_b.chunks), (1, 1));
    assert_eq!(diff.shared.plus(diff.only_a), Some(a_totals));
    assert_eq!(diff.shared.plus(diff.only_b), Some(b_totals));
    let mut old = std::collections::HashSet::new();
    each_node(&blobs, a, &mut |key| {
        old.insert(key);
        true
    })
    .unwrap();
    let mut new_nodes = 0;
    each_node(&blobs, b, &mut |key| {
        let new = !old.contains(&key);
        new_nodes += usize::from(new && key.kind == BlobKind::Node);
        new
    })
    .unwrap();
    assert!(new_nodes < 12, "{new_nodes}");
}

#[test]
fn tree_diff_of_equal_and_disjoint_trees_is_exact() {
    let blobs = MemoryBlobs::new();
    let (a, totals) = build(&blobs, &(0..999).map(entry).collect::<Vec<_>>());
    let (b, other) = build(&blobs, &(5000..5003).map(entry).collect::<Vec<_>>());
    assert_eq!(diff_trees(&blobs, a, a).unwrap().shared, totals);
    let diff = diff_trees(&blobs, a, b).unwrap();
    assert_eq!((diff.only_a, diff.only_b), (totals, other));
}

fn file(path: &str) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        size_bytes: path.len() as u64,
        content_id: Some(ContentId::from_bytes(path.as_bytes())),
        format: 1,
        rows: Some(3),
        schema: None,
    }
}

#[test]
fn file_table_round_trips_and_refuses_escaping_paths() {
    let files: Vec<_> = ["a", "a-b", "b/c", "b/d/e"].map(file).to_vec();
    let table = FileTable::new(files.clone()).unwrap();
    let mut back = FileTable::decode(&table.encode().unwrap()).unwrap();
    assert!(back.files().iter().all(|f| f.content_id.is_none()));
    assert_eq!(back.directory_id(), None);
    for (n, file) in files.iter().enumerate() {
        back.set_content_id(n, file.content_id.unwrap());
    }
    assert_eq!(back, table);
    assert_eq!(table.find("b/c"), files.get(2));
    assert_eq!(
        table.with_offsets().map(|(at, _)| at).collect::<Vec<_>>(),
        [0, 1, 4, 7]
    );
    for bad in [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "./a",
        "a\0",
        &"x".repeat(4097),
    ] {
        assert!(
            matches!(
                FileTable::new(vec![file(bad)]),
                Err(PathError::LongPart { .. } | PathError::Malformed { .. })
            ),
            "{bad:?}"
        );
    }
    for (a, b) in [("a", "a"), ("b", "a"), ("a", "a/b")] {
        assert!(
            matches!(
                FileTable::new(vec![file(a), file(b)]),
                Err(PathError::FileAndDirectory { .. } | PathError::Order { .. })
            ),
            "{a} {b}"
        );
    }
    let clash = ["a", "a-b", "a/c"].map(file).to_vec();
    assert_eq!(
        FileTable::new(clash),
        Err(PathError::FileAndDirectory("a".to_owned()))
    );
}

#[test]
fn directory_id_depends_on_names_sizes_and_bytes_only() {
    let id = |f: FileEntry| FileTable::new(vec![f]).unwrap().directory_id();
    let base = id(file("a"));
    assert_eq!(
        id(FileEntry {
            format: 9,
            rows: None,
            ..file("a")
        }),
        base
    );
    assert_ne!(
        id(FileEntry {
            size_bytes: 2,
            ..file("a")
        }),
        base
    );
    assert_ne!(
        id(FileEntry {
            content_id: Some(ContentId::from_bytes(b"")),
            ..file("a")
        }),
        base
    );
    assert_ne!(id(file("b")), base);
}

fn manifest() -> Manifest {
    Manifest {
        name: "gsm8k".parse().unwrap(),
        dataset_version: "1.2.0".parse().unwrap(),
        dataset_kind: DatasetKind::File,
        content_id: ContentId::from_bytes(b"x"),
        chunk_tree_root: TreeId::of(b"t"),
        file_table_root: TreeId::of(b"f"),
        file_table_bytes: 77,
        num_files: 1,
        schema: vec![1, 2, 3],
        num_rows: 10,
        size_bytes: 1000,
        description: None,
        license: Some("MIT".to_owned()),
        tags: vec!["math".to_owned(), "text".to_owned()],
        card: None,
        series: SeriesId::new([7; 16]),
        seq: 1,
        prev: vec![],
        clock: BTreeMap::from([(NodeId::new([9; 32]), 1)]),
        created_at: Timestamp(1_790_000_000),
        signer: None,
        source: None,
    }
}

#[test]
fn manifest_round_trips_and_keeps_its_limits() {
    let m = manifest();
    let bytes = m.encode().unwrap();
    assert_eq!(Manifest::decode(&bytes).unwrap(), m);
    let long = Manifest {
        description: Some("x".repeat(65_537)),
        ..manifest()
    };
    assert!(matches!(
        long.encode(),
        Err(ManifestError::Beyond {
            field: "description",
            ..
        })
    ));
    let tags = Manifest {
        tags: vec!["b".to_owned(), "a".to_owned()],
        ..manifest()
    };
    assert!(matches!(tags.encode(), Err(ManifestError::Field("tags"))));
    let text = String::from_utf8(bytes).unwrap();
    let newer = text.replacen("\"version\": 1", "\"version\": 2", 1);
    assert!(matches!(
        Manifest::decode(newer.as_bytes()),
        Err(ManifestError::Version(2))
    ));
    assert!(matches!(
        Manifest::decode(b"{}"),
        Err(ManifestError::Json { .. })
    ));
    let envelope = Envelope {
        manifest: text.into_bytes(),
        signature: Some(crate::ident::Signature {
            key: crate::ident::PublisherKey::new([4; 32]),
            bytes: [5; 64],
        }),
    };
    assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope));
}

fn provenance() -> Provenance {
    Provenance {
        url: "hf://datasets/openai/gsm8k".to_owned(),
        revision: Some("ab".repeat(20)),
        validator: None,
        include: Vec::new(),
        exclude: vec!["*.png".to_owned()],
        fetched_at: Timestamp(1_790_000_000),
    }
}

#[test]
fn manifest_without_a_source_has_the_bytes_from_before_the_field() {
    let plain = manifest().encode().unwrap();
    assert!(!String::from_utf8(plain.clone()).unwrap().contains("source"));
    let with = Manifest {
        source: Some(provenance()),
        ..manifest()
    };
    let bytes = with.encode().unwrap();
    assert_eq!(Manifest::decode(&bytes).unwrap(), with);
    // The object is the last field.
    let end = plain.len() - b"\n}".len();
    assert_eq!(bytes[..end], plain[..end]);
}

#[test]
fn source_of_a_manifest_with_bad_texts_is_refused() {
    let with = |source| Manifest {
        source: Some(source),
        ..manifest()
    };
    let url = |url: &str| Provenance {
        url: url.to_owned(),
        ..provenance()
    };
    for bad in ["", "hf://a\nb", "https://\u{1b}[2J"] {
        let encoded = with(url(bad)).encode();
        assert!(
            matches!(encoded, Err(ManifestError::Field("source"))),
            "{bad:?}"
        );
    }
    let empty = Provenance {
        revision: Some(String::new()),
        ..provenance()
    };
    assert!(matches!(
        with(empty).encode(),
        Err(ManifestError::Field("source"))
    ));
    let long = Provenance {
        validator: Some("x".repeat(513)),
        ..provenance()
    };
    let many = Provenance {
        include: vec!["x".repeat(63); 65],
        ..provenance()
    };
    for beyond in [long, many, url(&"u".repeat(4097))] {
        let encoded = with(beyond).encode();
        assert!(matches!(
            encoded,
            Err(ManifestError::Beyond {
                field: "source",
                ..
            })
        ));
    }
    let text = String::from_utf8(with(provenance()).encode().unwrap()).unwrap();
    let (before, behind) = text.split_once("\"fetched_at\"").unwrap();
    let late = format!(
        "{before}\"fetched_at\"{}",
        behind.replacen("2026-", "not a year-", 1)
    );
    assert!(matches!(
        Manifest::decode(late.as_bytes()),
        Err(ManifestError::Field("source"))
    ));
    // A field that a later program adds is ignored.
    let more = text.replace("\"url\":", "\"later\": [1], \"url\":");
    assert_eq!(
        Manifest::decode(more.as_bytes()).unwrap(),
        with(provenance())
    );
}

#[test]
fn tree_error_names_a_missing_node() {
    let blobs = MemoryBlobs::new();
    let (root, totals) = build(&blobs, &[entry(1)]);
    let other = TreeId::of(b"nowhere");
    assert!(matches!(
        TreeWalk::new(&blobs, other, totals.bytes, 0).err(),
        Some(TreeError::Blob(_))
    ));
    let keys = [BlobKey::new(BlobKind::Node, *root.as_bytes())];
    assert_eq!(blobs.has(&keys).unwrap(), [true]);
}
