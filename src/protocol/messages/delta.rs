//! Messages about deltas: requests for chunks and nodes that name similar ones at the requester, and
//! their responses.

use crate::ident::ContentId;
use crate::ident::EnvelopeId;
use crate::ident::TreeId;
use crate::protocol::messages::tree_request::PullNodeRequest;
use crate::protocol::messages::tree_request::TreeKind;
use crate::protocol::messages::tree_request::read_tree_kind;
use crate::protocol::messages::tree_request::tree_number;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::RECORD_BASES_MAX;
use crate::wire::limits::RECORD_ITEMS_MAX;
use crate::wire::limits::RECORD_STORED_BYTES_MAX;
use crate::wire::limits::RUNS_ASKED_MAX;

/// A version that the requester holds completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldVersion {
    /// The version's content id.
    pub content_id: ContentId,
    /// The root of its tree, of the requested kind.
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

/// A run of adjacent chunks in the requester's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BaseRun {
    /// The offset of the first chunk in the version's data.
    pub from: u64,
    /// The number of chunks; at least one.
    pub count: u64,
}

/// Chunks to skip, then chunks to send, and the possible bases of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaGroup {
    /// Number of chunks to skip.
    pub skip: u64,
    /// Number of chunks to send.
    pub take: u64,
    /// The bases of these chunks.
    pub bases: Option<BaseRun>,
}

/// A request for chunks by position that names bases at the requester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullDeltaRequest {
    /// The manifest.
    pub envelope: EnvelopeId,
    /// The tree of the manifest.
    pub tree: TreeKind,
    /// The offset of the first counted chunk.
    pub offset: u64,
    /// The version that holds the bases.
    pub held: HeldVersion,
    /// The wanted chunks, from `offset` on.
    pub groups: Vec<DeltaGroup>,
}

impl PullDeltaRequest {
    /// Maximum length of the body, in bytes.
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
            groups.push(DeltaGroup { skip, take, bases });
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

/// Chunks as a delta against bases of the requester.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The indexes of these chunks among the requested ones.
    pub chunks: Vec<usize>,
    /// The indexes of the bases, counted over all groups.
    pub bases: Vec<usize>,
    /// The payload of the record that the delta comes from.
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

/// An undecoded part of a response to a request for chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponsePart {
    /// An encoded record.
    Record(Vec<u8>),
    /// A delta.
    Delta(Delta),
}

/// A request for nodes by a requester with another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullNodeDeltaRequest {
    /// The wanted nodes.
    pub nodes: PullNodeRequest,
    /// The version that holds the bases.
    pub held: HeldVersion,
}

/// The nodes of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// Encoded nodes, in the requested order.
    Plain(Vec<Vec<u8>>),
    /// The body of a plain response, as a delta against nodes of the requester.
    Delta {
        /// Length of that body, in bytes.
        raw_bytes: usize,
        /// The delta, a zstd frame.
        payload: Vec<u8>,
    },
}
