//! Asking for chunks of which others that resemble them are here.

use crate::ident::ContentId;
use crate::ident::EnvelopeId;
use crate::ident::TreeId;
use crate::protocol::messages::request::PullNodeRequest;
use crate::protocol::messages::request::TreeKind;
use crate::protocol::messages::request::read_tree_kind;
use crate::protocol::messages::request::tree_number;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::RECORD_BASES_MAX;
use crate::wire::limits::RECORD_ITEMS_MAX;
use crate::wire::limits::RECORD_STORED_BYTES_MAX;
use crate::wire::limits::RUNS_ASKED_MAX;

/// A version that the asking side holds whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldVersion {
    /// What it is.
    pub content_id: ContentId,
    /// The root of its tree of the kind that is asked about.
    pub root: TreeId,
}

impl HeldVersion {
    pub(in crate::protocol) fn put(&self, w: &mut Writer) {
        w.bytes(self.content_id.as_bytes());
        w.bytes(self.root.as_bytes());
    }

    pub(in crate::protocol) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            content_id: ContentId::new(r.array()?),
            root: TreeId::new(r.array()?),
        })
    }
}

/// Chunks that follow each other in the version that the asking side holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseRun {
    /// Where the first begins in its data.
    pub from: u64,
    /// How many; at least one.
    pub count: u64,
}

/// Chunks to leave out, then chunks to send, and what these may be deltas against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many to leave out.
    pub skip: u64,
    /// How many to send.
    pub take: u64,
    /// Their bases.
    pub bases: Option<BaseRun>,
}

/// Asks for chunks by where they are, and names chunks that the asking side has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullDeltaRequest {
    /// Of which manifest.
    pub envelope: EnvelopeId,
    /// Of which of its trees.
    pub tree: TreeKind,
    /// Where the first chunk that is counted begins.
    pub offset: u64,
    /// Where the bases are.
    pub held: HeldVersion,
    /// Which from there.
    pub groups: Vec<Group>,
}

impl PullDeltaRequest {
    /// How long a body may be.
    pub(crate) const BODY_LIMIT: usize = 32 + 1 + 10 + 64 + 3 + RUNS_ASKED_MAX * (3 + 3 + 1 + 10);

    pub(crate) fn put(&self, w: &mut Writer) {
        w.bytes(self.envelope.as_bytes()).u8(tree_number(self.tree));
        w.varint(self.offset);
        self.held.put(w);
        w.varint(self.groups.len() as u64);
        for group in &self.groups {
            w.varint(group.skip).varint(group.take);
            match group.bases {
                Some(bases) => w.varint(bases.count).varint(bases.from),
                None => w.varint(0),
            };
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let envelope = EnvelopeId::new(r.array()?);
        let tree = read_tree_kind(r)?;
        let offset = r.varint()?;
        let held = HeldVersion::read(r)?;
        let count = r.count("groups asked for", RUNS_ASKED_MAX)?;
        let mut groups = Vec::new();
        let (mut asked, mut of_bases) = (0_u64, 0_u64);
        for _ in 0..count {
            let (skip, take) = (r.varint()?, r.varint()?);
            let bases = match r.count("bases of a group", RECORD_BASES_MAX)? as u64 {
                0 => None,
                count => Some(BaseRun {
                    count,
                    from: r.varint()?,
                }),
            };
            if take == 0 {
                return Err(DecodeError::Invalid("group of chunks"));
            }
            asked = asked.saturating_add(skip).saturating_add(take);
            of_bases += bases.map_or(0, |b| b.count);
            groups.push(Group { skip, take, bases });
        }
        for (field, value) in [
            ("chunks asked for", asked),
            ("bases of all groups", of_bases),
        ] {
            if value > CHUNKS_ASKED_MAX {
                return Err(DecodeError::Limit {
                    field,
                    value,
                    limit: CHUNKS_ASKED_MAX,
                });
            }
        }
        Ok(Self {
            envelope,
            tree,
            offset,
            held,
            groups,
        })
    }
}

/// Chunks as what they differ in from bases, without what the asking side knows of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Which of the chunks that were asked for.
    pub chunks: Vec<usize>,
    /// Which of the bases, counted over all groups.
    pub bases: Vec<usize>,
    /// As in the record that it is made from.
    pub payload: Vec<u8>,
}

impl Delta {
    pub(crate) fn put(&self, w: &mut Writer) {
        for list in [&self.chunks, &self.bases] {
            w.varint(list.len() as u64);
            list.iter().for_each(|index| {
                w.varint(*index as u64);
            });
        }
        w.counted(&self.payload);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut list = |field, limit| {
            let count = r.count(field, limit)?;
            if count == 0 {
                return Err(DecodeError::Invalid(field));
            }
            let index = |_| r.count(field, CHUNKS_ASKED_MAX as usize);
            (0..count).map(index).collect::<Result<Vec<_>, _>>()
        };
        let chunks = list("chunks of a delta", RECORD_ITEMS_MAX)?;
        let bases = list("bases of a delta", RECORD_BASES_MAX)?;
        let payload = r.counted("payload", RECORD_STORED_BYTES_MAX)?.to_vec();
        Ok(Self {
            chunks,
            bases,
            payload,
        })
    }
}

/// A part of an answer to a request for chunks; not looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// An encoded record.
    Record(Vec<u8>),
    /// A delta.
    Delta(Delta),
}

/// Asks for nodes by somebody who holds another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullNodeDeltaRequest {
    /// Which nodes.
    pub nodes: PullNodeRequest,
    /// Where the bases are.
    pub held: HeldVersion,
}

/// The nodes that a peer answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// In the order asked.
    Plain(Vec<Vec<u8>>),
    /// What the body of an answer with them differs in from nodes that the asking side has.
    Delta {
        /// Length of that body.
        raw_bytes: usize,
        /// A frame.
        payload: Vec<u8>,
    },
}
