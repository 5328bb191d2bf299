use super::*;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::ChildEntry;
use crate::manifest::ChunkEntry;
use crate::manifest::Node;
use crate::manifest::Totals;
use crate::manifest::TreeBuilder;
use crate::store::MemoryBlobs as MemoryStore;
use std::collections::HashSet;

/// Chunks under a tree in a memory store.
fn tree(store: &MemoryStore, chunks: &[Vec<u8>]) -> TreeId {
    let mut builder = TreeBuilder::new();
    let mut emit = |_: TreeId, bytes: Vec<u8>| {
        store.put(BlobKind::Node, &bytes).unwrap();
    };
    for chunk in chunks {
        store.put(BlobKind::Chunk, chunk).unwrap();
        let entry = ChunkEntry {
            id: ChunkId::of(chunk),
            bytes: chunk.len() as u32,
            newlines: 0,
        };
        builder.push(entry, &mut emit);
    }
    builder.finish(&mut emit).0
}

struct From<'a>(&'a MemoryStore, HashSet<BlobKey>);

impl Source for From<'_> {
    type Error = ArchiveError;

    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, ArchiveError> {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        Ok(self.0.get(&key).unwrap())
    }

    fn chunks(
        &mut self,
        wanted: &[ChunkEntry],
        each: &mut EachChunk<'_, ArchiveError>,
    ) -> Result<(), ArchiveError> {
        for c in wanted {
            let key = BlobKey::new(BlobKind::Chunk, *c.id.as_bytes());
            each(c, &self.0.get(&key).unwrap())?;
        }
        Ok(())
    }

    fn is_based(&self, key: &BlobKey) -> bool {
        self.1.contains(key)
    }

    fn resembled(&self, _: &ChunkEntry) -> Option<BaseBytes> {
        None
    }

    fn delta(&mut self, _: &[u8], _: BaseBytes) -> Result<Option<Vec<u8>>, ArchiveError> {
        Ok(None)
    }
}

struct Into<'a>(&'a MemoryStore);

impl BlobSink for Into<'_> {
    type Error = ArchiveError;

    fn has(&mut self, keys: &[BlobKey]) -> Result<Vec<bool>, ArchiveError> {
        Ok(self.0.has(keys).unwrap())
    }

    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, ArchiveError> {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        Ok(self.0.get(&key).unwrap())
    }

    fn take_node(&mut self, _: TreeId, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.0.put(BlobKind::Node, bytes).unwrap();
        Ok(())
    }

    fn take_chunk(&mut self, chunk: &ChunkEntry, bytes: Vec<u8>) -> Result<(), ArchiveError> {
        if ChunkId::of(&bytes) != chunk.id {
            return Err(ArchiveError::Corrupt(chunk.id.to_hex()));
        }
        self.0.put(BlobKind::Chunk, &bytes).unwrap();
        Ok(())
    }

    fn base(&mut self, _: BaseBytes) -> Result<Vec<u8>, ArchiveError> {
        Err(ArchiveError::Truncated)
    }

    fn take_resembling(&mut self, _: SimilarChunks<'_>) -> Result<(), ArchiveError> {
        Ok(())
    }
}

fn write(from: &mut From<'_>, roots: &[TreeId]) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    let mut sink = |piece: Vec<u8>| {
        bytes.extend(compress_frame(&piece)?);
        Ok(())
    };
    let mut writer = EntryWriter::new(&mut sink);
    let (mut recent, mut chunks) = (Recent::default(), 0);
    for root in roots {
        chunks += put_tree(&mut writer, from, &mut recent, *root)
            .unwrap()
            .chunks;
    }
    writer.finish().unwrap();
    (bytes, chunks)
}

fn read(bytes: &[u8], to: &MemoryStore, roots: &[(TreeId, u64)]) -> Result<(), ArchiveError> {
    let mut source = bytes;
    let mut pieces = || {
        read_frame(&mut source)?
            .map(|f| decompress_frame(&f))
            .transpose()
    };
    let mut reader = EntryReader::new(&mut pieces);
    let (mut shelf, mut recent) = (Into(to), Recent::default());
    for (root, size) in roots {
        take_tree(&mut reader, &mut shelf, &mut recent, *root, *size)?;
    }
    reader.end()
}

/// Chunks of different lengths; every seventh is the same.
fn chunks(count: u32, seed: u32) -> Vec<Vec<u8>> {
    let one = |n: u32| match n % 7 {
        0 => vec![7; 100],
        _ => format!("{seed} {n} ")
            .repeat(1 + n as usize % 50)
            .into_bytes(),
    };
    (0..count).map(one).collect()
}

fn size(chunks: &[Vec<u8>]) -> u64 {
    chunks.iter().map(|c| c.len() as u64).sum()
}

#[test]
fn trees_go_over_whole_and_as_the_delta() {
    let (a, b) = (MemoryStore::new(), MemoryStore::new());
    let old = chunks(5000, 1);
    let mut new = old.clone();
    new[2500] = b"changed".to_vec();
    new.extend(chunks(10, 2));
    let (old_root, new_root) = (tree(&a, &old), tree(&a, &new));
    let (whole, written) = write(&mut From(&a, HashSet::new()), &[old_root, old_root]);
    assert!(written < 5000, "repeated chunks stand once");
    read(
        &whole,
        &b,
        &[(old_root, size(&old)), (old_root, size(&old))],
    )
    .unwrap();
    let mut based = HashSet::new();
    crate::manifest::each_node(&a, old_root, &mut |key| based.insert(key)).unwrap();
    let (delta, written) = write(&mut From(&a, based), &[new_root]);
    assert!((2..=11).contains(&written), "{written}");
    assert!(delta.len() * 10 < whole.len());
    let empty = MemoryStore::new();
    assert!(matches!(
        read(&delta, &empty, &[(new_root, size(&new))]),
        Err(ArchiveError::Missing(_))
    ));
    read(&delta, &b, &[(new_root, size(&new))]).unwrap();
    let bytes = crate::manifest::read_tree(&b, new_root, size(&new)).unwrap();
    assert_eq!(bytes, new.concat());
    assert!(read(&whole, &MemoryStore::new(), &[(old_root, size(&old) + 1)]).is_err());
}

/// An archive of one tree in which every node and chunk stands where it is named first.
fn each_once(store: &MemoryStore, root: TreeId) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |piece: Vec<u8>| {
        bytes.extend(compress_frame(&piece)?);
        Ok(())
    };
    let mut writer = EntryWriter::new(&mut sink);
    let mut seen = HashSet::new();
    let mut visit = |key: BlobKey| {
        if !seen.insert(key) {
            return false;
        }
        let name = match key.kind {
            BlobKind::Node => EntryName::node(&TreeId::new(*key.id.as_bytes())),
            _ => EntryName::chunk(&ChunkId::new(*key.id.as_bytes())),
        };
        writer.entry(&name, &store.get(&key).unwrap()).unwrap();
        true
    };
    // In the order of the data, which is not the order of `each_node`.
    let mut stack = vec![root];
    while let Some(id) = stack.pop() {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        if !visit(key) {
            continue;
        }
        match Node::decode(&store.get(&key).unwrap()).unwrap() {
            Node::Inner { children, .. } => stack.extend(children.iter().rev().map(|c| c.id)),
            Node::Leaf(chunks) => {
                for chunk in chunks {
                    visit(BlobKey::new(BlobKind::Chunk, *chunk.id.as_bytes()));
                }
            }
        }
    }
    writer.finish().unwrap();
    bytes
}

/// A node over these, each so many times.
fn above(store: &MemoryStore, ids: &[TreeId], times: usize) -> TreeId {
    let child = |id: &TreeId| {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        let node = Node::decode(&store.get(&key).unwrap()).unwrap();
        let totals = node.totals().unwrap();
        (node.level(), ChildEntry { id: *id, totals })
    };
    let children: Vec<(u8, ChildEntry)> = ids.iter().map(child).collect();
    let node = Node::Inner {
        level: children[0].0 + 1,
        children: children
            .iter()
            .flat_map(|(_, c)| std::iter::repeat_n(*c, times))
            .collect(),
    };
    let key = store.put(BlobKind::Node, &node.encode()).unwrap();
    TreeId::new(*key.id.as_bytes())
}

fn totals(store: &MemoryStore, root: TreeId) -> u64 {
    crate::manifest::tree_totals(store, root).unwrap().bytes
}

#[test]
fn a_subtree_that_repeats_is_read_once() {
    let a = MemoryStore::new();
    let mut root = tree(&a, &chunks(20, 1));
    // 2^60 bytes and more: whoever walks them all does not come back.
    for _ in 0..8 {
        root = above(&a, &[root], 100);
    }
    let claimed = totals(&a, root);
    assert!(claimed > 1 << 60);
    let b = MemoryStore::new();
    read(&each_once(&a, root), &b, &[(root, claimed)]).unwrap();
    // What a parent says of a subtree is compared each time.
    let leaf = tree(&a, &chunks(20, 1));
    let honest = a.get(&BlobKey::new(BlobKind::Node, *leaf.as_bytes()));
    let good = Node::decode(&honest.unwrap()).unwrap().totals().unwrap();
    let wrong = Totals {
        newlines: good.newlines + 1,
        ..good
    };
    let children = [good, wrong].map(|totals| ChildEntry { id: leaf, totals });
    let node = Node::Inner {
        level: 1,
        children: children.to_vec(),
    };
    let key = a.put(BlobKind::Node, &node.encode()).unwrap();
    let root = TreeId::new(*key.id.as_bytes());
    let lying = read(
        &each_once(&a, root),
        &MemoryStore::new(),
        &[(root, 2 * good.bytes)],
    );
    assert!(matches!(lying, Err(ArchiveError::Tree(_))), "{lying:?}");
}

#[test]
fn in_a_long_archive_subtrees_are_walked_again_within_bounds() {
    let a = MemoryStore::new();
    // More blobs than are remembered, and what came first once more at the end.
    let many = chunks(12_000, 1);
    let again = [many.as_slice(), &many[..3000]].concat();
    let root = tree(&a, &again);
    let (bytes, written) = write(&mut From(&a, HashSet::new()), &[root]);
    assert!(
        written > 12_000 * 6 / 7,
        "some are written twice: {written}"
    );
    let b = MemoryStore::new();
    read(&bytes, &b, &[(root, size(&again))]).unwrap();
    let read_back = crate::manifest::read_tree(&b, root, size(&again)).unwrap();
    assert_eq!(read_back, again.concat());
    // The same with a tree at its end that only repeats itself.
    let long = tree(&a, &many);
    let level = |id: TreeId| {
        let key = BlobKey::new(BlobKind::Node, *id.as_bytes());
        Node::decode(&a.get(&key).unwrap()).unwrap().level()
    };
    let mut small = tree(&a, &chunks(20, 9));
    while level(small) < level(long) {
        small = above(&a, &[small], 100);
    }
    let mut root = above(&a, &[long, small], 1);
    for _ in 0..4 {
        root = above(&a, &[root], 100);
    }
    let bytes = each_once(&a, root);
    let read = read(&bytes, &MemoryStore::new(), &[(root, totals(&a, root))]);
    assert!(matches!(read, Err(ArchiveError::Repeats(_))), "{read:?}");
}

#[test]
fn names_of_entries_are_read_as_they_are_written() {
    let id = crate::ident::EnvelopeId::new([0xab; 32]);
    for name in [
        EntryName::Header,
        EntryName::Manifest(None),
        EntryName::Manifest(Some(id)),
        EntryName::Signature(Some(id)),
        EntryName::Card(None),
        EntryName::node(&TreeId::new([1; 32])),
        EntryName::chunk(&ChunkId::new([2; 32])),
        EntryName::delta(&ChunkId::new([2; 32])),
    ] {
        assert_eq!(EntryName::parse(&name.path()), Some(name));
        assert_eq!(EntryName::parse(&format!("./{}", name.path())), None);
        assert_eq!(EntryName::parse(&name.path().to_uppercase()), None);
    }
    assert_eq!(EntryName::parse("datasets/x/archive.json"), None);
}

#[test]
fn volumes_and_receipts_read_back() {
    let trailer = VolumeTrailer {
        archive: [1; 16],
        number: 3,
        is_last: true,
        bytes: 77,
        hash: [2; 32],
    };
    let bytes = trailer.encode();
    assert_eq!(bytes.len(), TRAILER_BYTES);
    assert_eq!(VolumeTrailer::decode(&bytes).unwrap(), trailer);
    // To a reader of frames it is nothing.
    assert_eq!(read_frame(&mut bytes.as_slice()).unwrap(), None);
    for cut in 0..bytes.len() {
        assert!(VolumeTrailer::decode(&bytes[..cut]).is_err());
    }
    let roots = vec![
        TreeId::new([9; 32]),
        TreeId::new([1; 32]),
        TreeId::new([9; 32]),
    ];
    let receipt = Receipt {
        body: Receipt::body_of(roots),
        signature: crate::ident::Signature {
            key: crate::ident::PublisherKey::new([3; 32]),
            bytes: [4; 64],
        },
    };
    let read = Receipt::decode(&receipt.encode()).unwrap();
    assert_eq!(
        read.roots().unwrap(),
        [TreeId::new([1; 32]), TreeId::new([9; 32])]
    );
}
