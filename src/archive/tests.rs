use super::*;
use crate::blob_store::BlobKey;
use crate::blob_store::BlobKind;
use crate::blob_store::BlobStore;
use crate::ident::ChunkId;
use crate::ident::TreeId;
use crate::manifest::ChunkEntry;
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

    fn difference(&mut self, _: &[u8], _: BaseBytes) -> Result<Option<Vec<u8>>, ArchiveError> {
        Ok(None)
    }
}

struct Into<'a>(&'a MemoryStore);

impl Shelf for Into<'_> {
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

    fn take_resembling(&mut self, _: Resembling<'_>) -> Result<(), ArchiveError> {
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
fn trees_go_over_whole_and_as_the_difference() {
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
        EntryName::difference(&ChunkId::new([2; 32])),
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
