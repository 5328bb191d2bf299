//! Datasets as their maker wants them: file table, trees and manifest by hand, in archives that are
//! whole and rightly signed.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use alimentar::archive::ArchiveHeader;
use alimentar::archive::ArchivedDataset;
use alimentar::archive::EntryName;
use alimentar::archive::EntryWriter;
use alimentar::archive::compress_frame;
use alimentar::chunk::count_newlines;
use alimentar::chunk::next_cut;
use alimentar::clock::Timestamp;
use alimentar::ident::ChunkId;
use alimentar::ident::ContentId;
use alimentar::ident::NodeId;
use alimentar::ident::SeriesId;
use alimentar::ident::TreeId;
use alimentar::manifest::ChildEntry;
use alimentar::manifest::ChunkEntry;
use alimentar::manifest::DatasetKind;
use alimentar::manifest::Envelope;
use alimentar::manifest::FILE_HASH_BYTES_MIN;
use alimentar::manifest::FileEntry;
use alimentar::manifest::Manifest;
use alimentar::manifest::Node;
use alimentar::manifest::Totals;
use alimentar::manifest::TreeBuilder;
use alimentar::trust::KeyPair;
use alimentar::wire::Writer;

/// An archive's entry.
type Entry = (EntryName, Vec<u8>);

/// A tree and what an archive needs of it, in order.
#[derive(Clone)]
pub struct Tree {
    pub root: TreeId,
    pub totals: Totals,
    pub nodes: HashMap<TreeId, Vec<u8>>,
    pub chunks: HashMap<ChunkId, Vec<u8>>,
}

/// The entry of a chunk in a leaf, as it is.
pub fn chunk_entry(bytes: &[u8]) -> ChunkEntry {
    ChunkEntry {
        id: ChunkId::of(bytes),
        bytes: u32::try_from(bytes.len()).unwrap(),
        newlines: count_newlines(bytes),
    }
}

/// Cuts one region as it has to be cut.
pub fn cut(mut region: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while let Some(n) = next_cut(region, true) {
        let (chunk, rest) = region.split_at(n.get());
        chunks.push(chunk.to_vec());
        region = rest;
    }
    chunks
}

impl Tree {
    /// The tree over these chunks.
    pub fn of(chunks: &[Vec<u8>]) -> Self {
        let entries: Vec<ChunkEntry> = chunks.iter().map(|c| chunk_entry(c)).collect();
        let tree = Self::listing(&entries);
        let chunks = entries.iter().zip(chunks);
        Self {
            chunks: chunks.map(|(e, c)| (e.id, c.clone())).collect(),
            ..tree
        }
    }

    /// The tree that lists these entries, without their chunks.
    pub fn listing(entries: &[ChunkEntry]) -> Self {
        let mut nodes = HashMap::new();
        let mut emit = |id: TreeId, bytes: Vec<u8>| drop(nodes.insert(id, bytes));
        let mut builder = TreeBuilder::new();
        for entry in entries {
            builder.push(*entry, &mut emit);
        }
        let (root, totals) = builder.finish(&mut emit);
        Self {
            root,
            totals,
            nodes,
            chunks: HashMap::new(),
        }
    }

    /// One chunk, named again and again: by a leaf, by a node above it, and so on.
    pub fn repeating(chunk: &[u8], times: usize, levels: u8) -> Self {
        let entry = chunk_entry(chunk);
        let mut node = Node::Leaf(vec![entry; times]);
        let mut nodes = HashMap::new();
        for level in 1..=levels {
            let (bytes, totals) = (node.encode(), node.totals().unwrap());
            let id = TreeId::of(&bytes);
            nodes.insert(id, bytes);
            let children = vec![ChildEntry { id, totals }; times];
            node = Node::Inner { level, children };
        }
        let root = TreeId::of(&node.encode());
        nodes.insert(root, node.encode());
        Self {
            root,
            totals: node.totals().unwrap(),
            nodes,
            chunks: HashMap::from([(entry.id, chunk.to_vec())]),
        }
    }

    /// Its entries in an archive: each once, where it is named first.
    fn entries(&self) -> Vec<Entry> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let mut chunks_seen = HashSet::new();
        let mut stack = vec![self.root];
        while let Some(id) = stack.pop() {
            if !seen.insert(id) {
                continue;
            }
            let bytes = self.nodes[&id].clone();
            let node = Node::decode(&bytes).unwrap();
            found.push((EntryName::node(&id), bytes));
            match node {
                Node::Inner { children, .. } => stack.extend(children.iter().rev().map(|c| c.id)),
                Node::Leaf(chunks) => {
                    for chunk in chunks {
                        if let (true, Some(bytes)) =
                            (chunks_seen.insert(chunk.id), self.chunks.get(&chunk.id))
                        {
                            found.push((EntryName::chunk(&chunk.id), bytes.clone()));
                        }
                    }
                }
            }
        }
        found
    }
}

/// A file table's bytes, whatever is in it.
pub fn table_bytes(files: &[FileEntry]) -> Vec<u8> {
    let mut w = Writer::new();
    w.bytes(b"ALF\x01").varint(files.len() as u64);
    let mut last = "";
    for file in files {
        let same = last.bytes().zip(file.path.bytes());
        let shared = same.take_while(|(a, b)| a == b).count();
        w.varint(shared as u64);
        w.counted(&file.path.as_bytes()[shared..]);
        w.varint(file.size_bytes);
        if file.size_bytes >= FILE_HASH_BYTES_MIN {
            w.bytes(file.content_id.unwrap().as_bytes());
        }
        w.u8(file.format).varint(file.rows.map_or(0, |n| n + 1));
        match &file.schema {
            Some(hash) => w.u8(1).bytes(hash),
            None => w.u8(0),
        };
        last = &file.path;
    }
    w.into_bytes()
}

/// A file of plain bytes.
pub fn file(path: &str, bytes: &[u8]) -> FileEntry {
    FileEntry {
        path: path.to_owned(),
        size_bytes: bytes.len() as u64,
        content_id: Some(ContentId::from_bytes(bytes)),
        format: 0,
        rows: None,
        schema: None,
    }
}

/// A dataset that can be told to lie.
#[derive(Clone)]
pub struct Forged {
    pub manifest: Manifest,
    pub table: Tree,
    pub data: Tree,
}

impl Forged {
    /// A dataset of these files over this tree. All of its numbers fit.
    pub fn new(files: &[FileEntry], data: Tree) -> Self {
        let table = table_bytes(files);
        let tree = Tree::of(&cut(&table));
        let (kind, content_id) = match files {
            [only] => (DatasetKind::File, only.content_id.unwrap()),
            _ => (DatasetKind::Directory, listing_id(files)),
        };
        let manifest = Manifest {
            name: "forged".parse().unwrap(),
            dataset_version: "0.1.0".parse().unwrap(),
            dataset_kind: kind,
            content_id,
            chunk_tree_root: data.root,
            file_table_root: tree.root,
            file_table_bytes: table.len() as u64,
            num_files: files.len() as u64,
            schema: Vec::new(),
            num_rows: files.iter().filter_map(|f| f.rows).sum(),
            size_bytes: data.totals.bytes,
            description: None,
            license: None,
            tags: Vec::new(),
            card: None,
            series: SeriesId::new([7; 16]),
            seq: 1,
            prev: Vec::new(),
            clock: BTreeMap::from([(NodeId::new([9; 32]), 1)]),
            created_at: Timestamp(1_700_000_000),
            signer: None,
            source: None,
        };
        Self {
            manifest,
            table: tree,
            data,
        }
    }

    /// One file of plain bytes, cut as it has to be.
    pub fn plain(path: &str, bytes: &[u8]) -> Self {
        Self::new(&[file(path, bytes)], Tree::of(&cut(bytes)))
    }

    /// The manifest's envelope.
    pub fn envelope(&self, key: Option<&KeyPair>) -> Envelope {
        let mut manifest = self.manifest.clone();
        match key {
            Some(key) => key.sign(&mut manifest).unwrap(),
            None => Envelope {
                manifest: manifest.encode().unwrap(),
                signature: None,
            },
        }
    }

    /// An archive of it.
    pub fn archive(&self, key: Option<&KeyPair>) -> Vec<u8> {
        let envelope = self.envelope(key);
        let manifest = Manifest::decode(&envelope.manifest).unwrap();
        let held = ArchivedDataset::of(&manifest, &envelope.id());
        let header = ArchiveHeader::new(vec![held], Vec::new(), false);
        let mut entries = vec![
            (EntryName::Header, header.encode().unwrap()),
            (EntryName::Manifest(None), envelope.manifest.clone()),
        ];
        if let Some(s) = &envelope.signature {
            let bytes = [s.key.as_bytes().as_slice(), &s.bytes].concat();
            entries.push((EntryName::Signature(None), bytes));
        }
        entries.extend(self.table.entries());
        entries.extend(self.data.entries());
        let mut bytes = Vec::new();
        let mut sink = |piece: Vec<u8>| {
            bytes.extend(compress_frame(&piece)?);
            Ok(())
        };
        let mut writer = EntryWriter::new(&mut sink);
        for (name, entry) in &entries {
            writer.entry(name, entry).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }
}

/// The content id of a directory, also of one that cannot be.
fn listing_id(files: &[FileEntry]) -> ContentId {
    let mut listing = b"alimentar directory listing 1\n".to_vec();
    for file in files {
        let mut w = Writer::new();
        w.counted(file.path.as_bytes()).u64(file.size_bytes);
        w.bytes(file.content_id.unwrap().as_bytes());
        listing.extend(w.into_bytes());
    }
    ContentId::from_bytes(&listing)
}
