//! A dataset of one file that is made here, whole: tree, file table and manifest. Each may lie, and
//! the signature holds all the same: its signer is trusted and lies.

use std::collections::BTreeMap;

use crate::forge;
use crate::forge::Entry;
use crate::forge::Manifest;
use crate::forge::Record;
use crate::forge::hash;
use crate::host::Say;
use crate::program::turncoat;
use crate::wire;
use crate::wire::Frame;
use crate::wire::counted;

pub struct Forged {
    pub envelope: Vec<u8>,
    pub data: Vec<u8>,
    trees: [Tree; 2],
}

#[derive(Default)]
struct Tree {
    root: Vec<u8>,
    /// By level and offset.
    nodes: BTreeMap<(u8, u64), Vec<u8>>,
    /// By offset.
    chunks: BTreeMap<u64, Vec<u8>>,
}

/// The parts of a dataset, and the changes that a lie makes to them before hashing.
pub struct Plan {
    pub name: String,
    /// The chunks of each leaf.
    pub leaves: Vec<Vec<Vec<u8>>>,
    /// Changes the entries of the first leaf, and how many it says that there are.
    pub leaf: fn(&mut Vec<Entry>, &mut u64),
    /// Changes the root above the leaves: level, entries, how many it says.
    pub root: fn(&mut u8, &mut Vec<Entry>, &mut u64),
    /// Adds bytes behind the root.
    pub behind: Vec<u8>,
    pub table: fn(&mut Vec<u8>),
    pub manifest: fn(&mut Manifest),
}

impl Plan {
    /// The truth: two leaves of two chunks.
    pub fn true_one(name: &str) -> Self {
        // The last newline of each is where a chunk may end.
        let chunk = |n: u64| crate::program::lines(60, 100 + n);
        Self {
            name: name.to_owned(),
            leaves: vec![vec![chunk(0), chunk(1)], vec![chunk(2), chunk(3)]],
            leaf: |_, _| {},
            root: |_, _, _| {},
            behind: Vec::new(),
            table: |_| {},
            manifest: |_| {},
        }
    }

    /// The truth of one small file.
    pub fn small(name: &str) -> Self {
        let chunk = crate::program::lines(20, 5);
        Self {
            leaves: vec![vec![chunk]],
            ..Self::true_one(name)
        }
    }
}

impl Forged {
    pub fn make(plan: &Plan) -> Self {
        let mut tree = Tree::default();
        let (mut children, mut offset, mut data) = (Vec::new(), 0_u64, Vec::new());
        for (n, leaf) in plan.leaves.iter().enumerate() {
            let mut entries: Vec<Entry> = leaf.iter().map(|c| forge::chunk_entry(c)).collect();
            let mut count = entries.len() as u64;
            if n == 0 {
                (plan.leaf)(&mut entries, &mut count);
            }
            let node = forge::node(0, count, &entries);
            children.push(forge::child_entry(&node, &entries));
            tree.nodes.insert((0, offset), node);
            for chunk in leaf {
                tree.chunks.insert(offset, chunk.clone());
                offset += chunk.len() as u64;
                data.extend(chunk);
            }
        }
        tree.root = match children.len() {
            1 => tree.nodes[&(0, 0)].clone(),
            _ => {
                let (mut level, mut count) = (1, children.len() as u64);
                (plan.root)(&mut level, &mut children, &mut count);
                forge::node(level, count, &children)
            }
        };
        tree.root.extend(&plan.behind);
        let mut table = forge::file_table("corpus.jsonl", data.len() as u64, hash(&data));
        (plan.table)(&mut table);
        let table_root = forge::node(0, 1, &[forge::chunk_entry(&table)]);
        let mut manifest = Manifest {
            name: plan.name.clone(),
            content_id: hash(&data),
            root: hash(&tree.root),
            table_root: hash(&table_root),
            table_bytes: table.len() as u64,
            num_files: 1,
            size: data.len() as u64,
            description: String::new(),
            seq: 1,
            instead: None,
        };
        (plan.manifest)(&mut manifest);
        let table = Tree {
            nodes: [((0, 0), table_root.clone())].into(),
            root: table_root,
            chunks: [(0, table)].into(),
        };
        Self {
            envelope: manifest.signed(&turncoat()),
            data,
            trees: [tree, table],
        }
    }

    /// Returns the answer of a node that has only this dataset.
    pub fn answer(&self, request: &Frame) -> Say {
        let frames = match request.kind {
            wire::HELLO => vec![wire::hello(0x81, &[0, 1], false)],
            wire::LIST => vec![wire::batch(wire::MANIFESTS, &[self.envelope.clone()])],
            wire::RECONCILE if request.body.first() == Some(&0) => vec![
                Frame::new(0x83, vec![0]),
                wire::batch(wire::MANIFESTS, &[self.envelope.clone()]),
            ],
            wire::RECORD_BOUNDARIES => vec![Frame::new(0x89, vec![0])],
            wire::ANNOUNCE => vec![Frame::new(0x87, vec![0])],
            wire::NODES => self.nodes(request),
            wire::CHUNKS => self.chunks(request),
            _ => vec![wire::refusal(2, "never heard of it")],
        };
        Say::Frames(frames)
    }

    fn nodes(&self, request: &Frame) -> Vec<Frame> {
        let Some(asked) = wire::asked(request) else {
            return vec![wire::refusal(1, "what?")];
        };
        let tree = &self.trees[usize::from(asked.tree.min(1))];
        let mut body = Vec::new();
        for (level, offset) in asked.places {
            let there = match level {
                255 => None,
                // Wherever it says that it is.
                _ => tree.nodes.range(..=(0, offset)).next_back(),
            };
            let node = there.map_or(&tree.root, |(_, node)| node);
            body.extend(counted(node));
        }
        vec![Frame::new(0x84, body)]
    }

    fn chunks(&self, request: &Frame) -> Vec<Frame> {
        let Some(asked) = wire::asked(request) else {
            return vec![wire::refusal(1, "what?")];
        };
        let tree = &self.trees[usize::from(asked.tree.min(1))];
        let mut here = tree.chunks.range(asked.offset..).map(|(_, chunk)| chunk);
        let mut frames = Vec::new();
        for (skip, take) in asked.runs {
            let some = here.by_ref().skip(skip as usize).take(take as usize);
            for chunk in some {
                frames.push(Frame::new(0x85, Record::of(&[chunk]).encode()));
            }
        }
        frames
    }
}
