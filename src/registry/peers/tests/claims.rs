//! Pulls of datasets whose signed claims are false, or that are far larger than the bytes sent for
//! them, from an honest peer.

use std::collections::BTreeMap;

use crate::blob_store::BlobKind;
use crate::chunk::count_newlines;
use crate::clock::Timestamp;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::ident::ChunkId;
use crate::ident::ContentId;
use crate::ident::SeriesId;
use crate::ident::TreeId;
use crate::manifest::ChildEntry;
use crate::manifest::ChunkEntry;
use crate::manifest::DatasetKind;
use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::Manifest;
use crate::manifest::Node;
use crate::manifest::Totals;
use crate::manifest::TreeBuilder;
use crate::pack::Flags;
use crate::progress::NoProgress;
use crate::protocol::ListFilter;
use crate::registry::Error;
use crate::registry::error::integrity::IntegrityError;
use crate::registry::integrity::expansion::RepeatedBytes;
use crate::registry::peers::PullOptions;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::accepted;
use crate::registry::peers::testing::lab::rows;
use crate::registry::publishing::sign;
use crate::registry::sizes::Sizes;
use crate::store::disk::BlobReader;
use crate::store::disk::WriteSession;
use crate::trust::Admitted;

/// A tree and its blobs.
pub(in crate::registry::peers) struct Tree {
    root: TreeId,
    totals: Totals,
    blobs: Vec<(BlobKind, Vec<u8>)>,
}

fn chunk_entry(bytes: &[u8]) -> ChunkEntry {
    ChunkEntry {
        id: ChunkId::of(bytes),
        bytes: bytes.len() as u32,
        newlines: count_newlines(bytes),
    }
}

/// Builds a tree over these chunks.
pub(in crate::registry::peers) fn tree(chunks: &[&[u8]]) -> Tree {
    let mut blobs: Vec<(BlobKind, Vec<u8>)> = Vec::new();
    let mut emit = |_: TreeId, bytes: Vec<u8>| blobs.push((BlobKind::Node, bytes));
    let mut builder = TreeBuilder::new();
    for chunk in chunks {
        builder.push(chunk_entry(chunk), &mut emit);
    }
    let (root, totals) = builder.finish(&mut emit);
    blobs.extend(chunks.iter().map(|c| (BlobKind::Chunk, c.to_vec())));
    Tree {
        root,
        totals,
        blobs,
    }
}

/// Builds a tree that repeats one chunk: a leaf names it `times` times, the node above names the
/// leaf, and so on.
fn repeating(chunk: &[u8], times: usize, levels: u8) -> Tree {
    let mut node = Node::Leaf(vec![chunk_entry(chunk); times]);
    let mut blobs = vec![(BlobKind::Chunk, chunk.to_vec())];
    for level in 1..=levels {
        let (bytes, totals) = (node.encode(), node.totals().unwrap());
        let id = TreeId::of(&bytes);
        blobs.push((BlobKind::Node, bytes));
        node = Node::Inner {
            level,
            children: vec![ChildEntry { id, totals }; times],
        };
    }
    blobs.push((BlobKind::Node, node.encode()));
    Tree {
        root: TreeId::of(&node.encode()),
        totals: node.totals().unwrap(),
        blobs,
    }
}

/// Stores a dataset of one file under arbitrary claims, and shares it with peers.
pub(in crate::registry::peers) fn plant(
    lab: &Lab,
    data: &Tree,
    id: ContentId,
    lie: &dyn Fn(&mut Manifest),
) -> Manifest {
    let file = FileEntry {
        path: "f.bin".to_owned(),
        size_bytes: data.totals.bytes,
        content_id: Some(id),
        format: 0,
        rows: None,
        schema: None,
    };
    let encoded = FileTable::new(vec![file]).unwrap().encode().unwrap();
    let table = tree(&[&encoded]);
    let mut manifest = Manifest {
        name: "planted".parse().unwrap(),
        dataset_version: "0.1.0".parse().unwrap(),
        dataset_kind: DatasetKind::File,
        content_id: id,
        chunk_tree_root: data.root,
        file_table_root: table.root,
        file_table_bytes: encoded.len() as u64,
        num_files: 1,
        schema: Vec::new(),
        num_rows: 0,
        size_bytes: data.totals.bytes,
        description: None,
        license: None,
        tags: Vec::new(),
        card: None,
        series: SeriesId::new([7; 16]),
        seq: 1,
        prev: Vec::new(),
        clock: BTreeMap::new(),
        created_at: Timestamp(1_700_000_000),
        signer: None,
        source: None,
    };
    lie(&mut manifest);
    let envelope = lab.key.sign(&mut manifest).unwrap();
    let session = WriteSession::begin(&lab.registry.store).unwrap();
    for (kind, bytes) in table.blobs.iter().chain(&data.blobs) {
        session.add(*kind, bytes).unwrap();
    }
    session
        .commit(|tables, entries| {
            let admitted = Admitted::from_here(envelope)?;
            sign::publish(tables, entries, &admitted, Flags::default()).map(drop)
        })
        .unwrap();
    manifest
}

fn pull(lab: &Lab, near: &InProcessPeer, allow_large: bool) -> Result<u64, Error> {
    let offers = lab
        .registry
        .peers()
        .list_remote(near, &ListFilter::All)
        .unwrap();
    let options = PullOptions {
        allow_large,
        ..PullOptions::default()
    };
    let pulled =
        lab.registry
            .peers()
            .pull(&accepted(&offers[0])?, &[near], options, &NoProgress)?;
    Ok(pulled.chunks_fetched)
}

#[test]
fn pull_of_repeating_tree_costs_only_sent_bytes() {
    let (a, b) = (Lab::new(), Lab::new());
    let data = repeating(&[0; 65_536], 128, 3);
    assert_eq!(data.totals.bytes, 16 << 40);
    plant(&a, &data, ContentId::from_bytes(b"unknown"), &|_| {});
    let near = InProcessPeer::honest(&a.registry, 1);
    match pull(&b, &near, false) {
        Err(error @ Error::Integrity(IntegrityError::TooLarge { expansion, .. })) => {
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert_eq!(
                (expansion.claimed_bytes, expansion.distinct_bytes),
                (16 << 40, 65_536)
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(b.registry.list().unwrap().is_empty());
    // It is not pulled together with everything that is trusted, either.
    b.trusting(&a);
    let synced = b
        .registry
        .peers()
        .sync(&near, &SyncOptions::default(), &NoProgress);
    assert!(
        matches!(
            synced,
            Err(Error::Integrity(IntegrityError::TooLarge { .. }))
        ),
        "{synced:?}"
    );
    assert!(
        b.registry
            .maintenance()
            .fsck(&NoProgress)
            .unwrap()
            .is_clean()
    );
}

#[test]
fn honest_repetition_is_pulled_with_consent() {
    let (a, b) = (Lab::new(), Lab::new());
    // The cuts that an index makes in zeros.
    let chunk = vec![0; 57_344];
    let data = repeating(&chunk, 20, 1);
    let bytes = chunk.repeat(400);
    assert!(data.totals.bytes > Sizes::SMALL.free_data_bytes);
    plant(&a, &data, ContentId::from_bytes(&bytes), &|_| {});
    let near = InProcessPeer::honest(&a.registry, 1);
    let refused = pull(&b, &near, false);
    assert!(
        matches!(
            refused,
            Err(Error::Integrity(IntegrityError::TooLarge { .. }))
        ),
        "{refused:?}"
    );
    pull(&b, &near, true).unwrap();
    assert_eq!(b.bytes_of("planted"), Some(bytes));
    // Here it is still recognised, and at its origin no consent is needed.
    let held = b.registry.list().unwrap().remove(0);
    let expansion = b.registry.maintenance().expansion(&held).unwrap().unwrap();
    assert_eq!(expansion.distinct_bytes, 57_344);
    let made = a.registry.list().unwrap().remove(0);
    assert_eq!(a.registry.maintenance().expansion(&made).unwrap(), None);
}

#[test]
fn large_dataset_without_repetition_is_pulled() {
    let (a, b) = (Lab::new(), Lab::new());
    let data = rows(1, 120_000);
    assert!(data.len() as u64 > Sizes::SMALL.free_data_bytes);
    a.index("corpus", &data, false);
    let near = InProcessPeer::honest(&a.registry, 1);
    b.pull("corpus", &[&near]).unwrap();
    // Half of it repeats, which is far from the limit.
    let twice = [data.as_slice(), &data].concat();
    a.index("corpus", &twice, false);
    b.pull("corpus", &[&near]).unwrap();
    assert_eq!(b.bytes_of("corpus"), Some(twice));
}

#[test]
fn repetition_limit_is_shared_by_datasets_together() {
    let a = Lab::new();
    let reader = BlobReader::new(&a.registry.store).unwrap();
    let mut repeated = RepeatedBytes::new(Sizes::SMALL.free_data_bytes);
    let mut refused = 0;
    for n in 1..=8 {
        // Each dataset has 1.5 MB, and 4 MiB are free.
        let data = repeating(&[n; 4096], 19, 1);
        let name = |m: &mut Manifest| m.name = format!("planted-{n}").parse().unwrap();
        let manifest = plant(&a, &data, ContentId::from_bytes(&[n]), &name);
        let alone = RepeatedBytes::new(Sizes::SMALL.free_data_bytes)
            .add(&reader, &manifest)
            .unwrap();
        assert_eq!(alone, None);
        let beyond = repeated.add(&reader, &manifest).unwrap();
        refused += u64::from(beyond.is_some());
    }
    assert_eq!(refused, 6);
}

#[test]
fn false_claim_found_by_pull_names_its_signer() {
    let bytes = rows(3, 400);
    let id = ContentId::from_bytes(&bytes);
    let honest = tree(&[&bytes]);
    assert!(honest.totals.bytes < 65_536);
    let short = tree(&[&bytes[..100], &bytes[100..]]);
    let tiny: Vec<&[u8]> = bytes.chunks(2).collect();
    let tiny = tree(&tiny);
    type Lie = fn(&mut Manifest);
    let lies: [(&str, &Tree, Lie, &str); 4] = [
        ("files", &honest, |m| m.num_files = 7, "`num_files` is 7"),
        ("rows", &honest, |m| m.num_rows = 7, "`num_rows` is 7"),
        ("a short chunk", &short, |_| {}, "is too short"),
        ("tiny chunks", &tiny, |_| {}, "bytes are cut into"),
    ];
    for (what, data, lie, claim) in lies {
        let (a, b) = (Lab::new(), Lab::new());
        plant(&a, data, id, &lie);
        let near = InProcessPeer::honest(&a.registry, 1);
        match pull(&b, &near, false) {
            Err(Error::SignedLie { signer, source }) => {
                assert_eq!(signer, a.key.public_key().to_hex(), "{what}");
                let said = source.to_string();
                assert!(said.contains(claim), "{what}: {said}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert!(b.registry.list().unwrap().is_empty(), "{what}");
    }
    // The peer's copy is verified as well.
    let a = Lab::new();
    plant(&a, &honest, id, &|m| m.num_rows = 7);
    let held = a.registry.list().unwrap().remove(0);
    let lie = a.registry.verify(&held, &NoProgress).unwrap_err();
    assert!(matches!(lie, Error::SignedLie { .. }), "{lie:?}");
    let checked = a.registry.maintenance().fsck(&NoProgress).unwrap();
    assert!(checked.corrupt.is_empty() && !checked.is_clean());
    let found = &checked.false_claims[0];
    assert_eq!(found.signer, Some(a.key.public_key().to_hex()));
    assert!(found.claim.contains("`num_rows` is 7"), "{}", found.claim);
}

#[test]
fn pull_counts_newlines_of_held_chunks() {
    let (a, b) = (Lab::new(), Lab::new());
    let bytes = rows(4, 300);
    b.index("held", &bytes, false);
    let mut entry = chunk_entry(&bytes);
    entry.newlines -= 1;
    let mut lying = tree(&[&bytes]);
    let node = Node::Leaf(vec![entry]);
    lying.root = TreeId::of(&node.encode());
    lying.totals = node.totals().unwrap();
    lying.blobs[0] = (BlobKind::Node, node.encode());
    plant(&a, &lying, ContentId::from_bytes(&bytes), &|_| {});
    let near = InProcessPeer::honest(&a.registry, 1);
    let pulled = pull(&b, &near, false);
    assert!(matches!(pulled, Err(Error::SignedLie { .. })), "{pulled:?}");
}
