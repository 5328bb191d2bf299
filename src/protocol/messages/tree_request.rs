//! Requests for nodes and chunks of a tree.

use crate::ident::EnvelopeId;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::NODES_ASKED_MAX;
use crate::wire::limits::RUNS_ASKED_MAX;

/// A tree of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeKind {
    /// The dataset's bytes.
    Data,
    /// Its encoded file table.
    Table,
}

/// The position of a node in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePlace {
    /// Levels above the leaves; [`NodePlace::ROOT`] for the root.
    pub level: u8,
    /// The offset of its first byte in the data.
    pub offset: u64,
}

impl NodePlace {
    /// The root, at any level.
    pub const ROOT: Self = Self {
        level: 255,
        offset: 0,
    };
}

/// A request for nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullNodeRequest {
    /// The manifest.
    pub envelope: EnvelopeId,
    /// The tree of the manifest.
    pub tree: TreeKind,
    /// The positions of the nodes.
    pub places: Vec<NodePlace>,
}

/// Chunks to skip, and then chunks to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of chunks to skip.
    pub skip: u64,
    /// Number of chunks to send.
    pub take: u64,
}

/// A request for chunks by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullChunkRequest {
    /// The manifest.
    pub envelope: EnvelopeId,
    /// The tree of the manifest.
    pub tree: TreeKind,
    /// The offset of the first counted chunk.
    pub offset: u64,
    /// The wanted chunks, from `offset` on.
    pub runs: Vec<Run>,
}

pub(in crate::protocol::messages) fn tree_number(tree: TreeKind) -> u8 {
    match tree {
        TreeKind::Data => 0,
        TreeKind::Table => 1,
    }
}

pub(in crate::protocol::messages) fn read_tree_kind(
    r: &mut Reader<'_>,
) -> Result<TreeKind, DecodeError> {
    match r.u8()? {
        0 => Ok(TreeKind::Data),
        1 => Ok(TreeKind::Table),
        _ => Err(DecodeError::Invalid("tree")),
    }
}

pub(in crate::protocol::messages) fn put_places(w: &mut Writer, r: &PullNodeRequest) {
    w.bytes(r.envelope.as_bytes()).u8(tree_number(r.tree));
    w.varint(r.places.len() as u64);
    r.places.iter().for_each(|place| {
        w.u8(place.level).varint(place.offset);
    });
}

pub(in crate::protocol::messages) fn read_places(
    r: &mut Reader<'_>,
) -> Result<PullNodeRequest, DecodeError> {
    let envelope = EnvelopeId::new(r.array()?);
    let tree = read_tree_kind(r)?;
    let count = r.count("nodes asked for", NODES_ASKED_MAX)?;
    let places = (0..count)
        .map(|_| {
            Ok(NodePlace {
                level: r.u8()?,
                offset: r.varint()?,
            })
        })
        .collect::<Result<_, DecodeError>>()?;
    Ok(PullNodeRequest {
        envelope,
        tree,
        places,
    })
}

pub(in crate::protocol::messages) fn read_runs(
    r: &mut Reader<'_>,
) -> Result<PullChunkRequest, DecodeError> {
    let envelope = EnvelopeId::new(r.array()?);
    let tree = read_tree_kind(r)?;
    let offset = r.varint()?;
    let count = r.count("runs asked for", RUNS_ASKED_MAX)?;
    let mut total = 0_u64;
    let mut runs = Vec::new();
    for n in 0..count {
        let run = Run {
            skip: r.varint()?,
            take: r.varint()?,
        };
        total = total.saturating_add(run.skip).saturating_add(run.take);
        // A list of runs has exactly one encoding: runs do not touch, and each sends something.
        if run.take == 0 || (n > 0 && run.skip == 0) {
            return Err(DecodeError::Invalid("run of chunks"));
        }
        runs.push(run);
    }
    if total > CHUNKS_ASKED_MAX {
        return Err(DecodeError::Limit {
            field: "chunks asked for",
            value: total,
            limit: CHUNKS_ASKED_MAX,
        });
    }
    Ok(PullChunkRequest {
        envelope,
        tree,
        offset,
        runs,
    })
}
