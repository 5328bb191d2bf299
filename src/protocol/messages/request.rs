//! What may be asked of a node.

use crate::ident::DatasetName;
use crate::ident::EnvelopeId;
use crate::ident::HexPrefix;
use crate::protocol::messages::delta::HeldVersion;
use crate::protocol::messages::delta::PullDeltaRequest;
use crate::protocol::messages::delta::PullNodeDeltaRequest;
use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;
use crate::protocol::messages::frame::Frame;
use crate::protocol::messages::hello::Hello;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::protocol::reconcile::put_elements;
use crate::protocol::reconcile::read_elements;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::BATCH_BYTES_MAX;
use crate::wire::limits::BATCH_ITEMS_MAX;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::MANIFEST_BYTES_MAX;
use crate::wire::limits::NAME_BYTES_MAX;
use crate::wire::limits::NODES_ASKED_MAX;
use crate::wire::limits::RECONCILE_ELEMENTS_MAX;
use crate::wire::limits::REQUEST_BYTES_MAX;
use crate::wire::limits::RUNS_ASKED_MAX;
use crate::wire::limits::STATEMENT_BYTES_MAX;

/// Which datasets to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFilter {
    /// All that may be seen.
    All,
    /// Those of a name.
    Name(DatasetName),
    /// Those whose content id begins so.
    Content(HexPrefix),
}

/// Which tree of a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeKind {
    /// The dataset's bytes.
    Data,
    /// Its encoded file table.
    Table,
}

/// Where a node is in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePlace {
    /// How far above the leaves; [`NodePlace::ROOT`] for the root.
    pub level: u8,
    /// Where its first byte is in the data.
    pub offset: u64,
}

impl NodePlace {
    /// The root, whatever its level.
    pub const ROOT: Self = Self {
        level: 255,
        offset: 0,
    };
}

/// Asks for nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullNodeRequest {
    /// Of which manifest.
    pub envelope: EnvelopeId,
    /// Of which of its trees.
    pub tree: TreeKind,
    /// Where they are.
    pub places: Vec<NodePlace>,
}

/// Chunks to leave out, and then to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many to leave out.
    pub skip: u64,
    /// How many to send.
    pub take: u64,
}

/// Asks for chunks by where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullChunkRequest {
    /// Of which manifest.
    pub envelope: EnvelopeId,
    /// Of which of its trees.
    pub tree: TreeKind,
    /// Where the first chunk that is counted begins.
    pub offset: u64,
    /// Which from there.
    pub runs: Vec<Run>,
}

/// Asks where the answering side's records end, so that requests for chunks can end there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordBoundariesRequest {
    /// Of which manifest.
    pub envelope: EnvelopeId,
    /// Of which of its trees.
    pub tree: TreeKind,
    /// Where the first chunk begins.
    pub offset: u64,
    /// How many chunks from there.
    pub chunks: u64,
}

/// Compares catalogues by a list of all elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileRequest {
    /// What the elements are made with.
    pub salt: Salt,
    /// What the asking side has, ascending.
    pub elements: Vec<Element>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first of a connection.
    Hello(Hello),
    /// Which datasets are there.
    List(ListFilter),
    /// What do we not have in common.
    Reconcile(ReconcileRequest),
    /// The same, by coded symbols.
    Symbols(SymbolsRequest),
    /// What elements found so stand for.
    Wanted(WantedRequest),
    /// Nodes of a tree.
    PullNode(PullNodeRequest),
    /// Chunks.
    PullChunk(PullChunkRequest),
    /// The card of a manifest.
    PullCard(EnvelopeId),
    /// Offers manifests and statements, encoded.
    Announce {
        /// Encoded envelopes.
        envelopes: Vec<Vec<u8>>,
        /// Encoded statements.
        statements: Vec<Vec<u8>>,
    },
    /// Where records end.
    Seams(RecordBoundariesRequest),
    /// Which content ids are there, in short.
    Filter,
    /// Chunks, or what they differ in from others.
    PullDelta(PullDeltaRequest),
    /// Nodes, or what they differ in from others.
    PullNodeDelta(PullNodeDeltaRequest),
}

impl Request {
    /// How long the body of a kind may be.
    pub fn body_limit(kind: u8) -> usize {
        match kind {
            1 | 2 => 4 << 10,
            3 => REQUEST_BYTES_MAX,
            4 => 32 + 1 + 3 + NODES_ASKED_MAX * 11,
            5 => 32 + 1 + 10 + 3 + RUNS_ASKED_MAX * 6,
            6 => 32,
            8 => 32 + 1 + 10 + 10,
            9 => 0,
            10 => PullDeltaRequest::BODY_LIMIT,
            11 => 32 + 1 + 3 + NODES_ASKED_MAX * 11 + 64,
            7 => BATCH_BYTES_MAX + (64 << 10),
            // Read and answered, so that a later version may ask.
            _ => 64 << 10,
        }
    }

    /// The bytes that are sent.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        let kind = match self {
            Self::Hello(hello) => {
                w.bytes(&hello.encode());
                1
            }
            Self::List(filter) => {
                put_filter(&mut w, filter);
                2
            }
            Self::Reconcile(r) => {
                w.u8(0).bytes(r.salt.as_bytes());
                put_elements(&mut w, &r.elements);
                3
            }
            Self::Symbols(r) => {
                r.put_to(w.u8(1));
                3
            }
            Self::Wanted(r) => {
                r.put_to(w.u8(2));
                3
            }
            Self::PullNode(r) => {
                put_places(&mut w, r);
                4
            }
            Self::PullChunk(r) => {
                w.bytes(r.envelope.as_bytes()).u8(tree_number(r.tree));
                w.varint(r.offset).varint(r.runs.len() as u64);
                r.runs.iter().for_each(|run| {
                    w.varint(run.skip).varint(run.take);
                });
                5
            }
            Self::PullCard(id) => {
                w.bytes(id.as_bytes());
                6
            }
            Self::Announce {
                envelopes,
                statements,
            } => {
                for list in [envelopes, statements] {
                    w.varint(list.len() as u64);
                    list.iter().for_each(|bytes| {
                        w.counted(bytes);
                    });
                }
                7
            }
            Self::Seams(r) => {
                w.bytes(r.envelope.as_bytes()).u8(tree_number(r.tree));
                w.varint(r.offset).varint(r.chunks);
                8
            }
            Self::Filter => 9,
            Self::PullDelta(r) => {
                r.put(&mut w);
                10
            }
            Self::PullNodeDelta(r) => {
                put_places(&mut w, &r.nodes);
                r.held.put(&mut w);
                11
            }
        };
        let body = w.into_bytes();
        Frame { kind, body }.encode()
    }

    /// Reads a request; `None` for a kind that this program does not know.
    ///
    /// # Errors
    /// [`DecodeError`] when the body is not what its kind has.
    pub fn decode(frame: &Frame) -> Result<Option<Self>, DecodeError> {
        let mut r = Reader::new(&frame.body);
        let request = match frame.kind {
            1 => return Hello::decode(&frame.body).map(|h| Some(Self::Hello(h))),
            2 => Self::List(read_filter(&mut r)?),
            3 => match r.u8()? {
                0 => Self::Reconcile(ReconcileRequest {
                    salt: Salt::new(r.array()?),
                    elements: read_elements(&mut r, RECONCILE_ELEMENTS_MAX)?,
                }),
                1 => Self::Symbols(SymbolsRequest::read(&mut r)?),
                2 => Self::Wanted(WantedRequest::read(&mut r)?),
                // Another way of comparing, of a later version.
                _ => return Ok(None),
            },
            4 => Self::PullNode(read_places(&mut r)?),
            5 => Self::PullChunk(read_runs(&mut r)?),
            6 => Self::PullCard(EnvelopeId::new(r.array()?)),
            7 => Self::Announce {
                envelopes: read_list(&mut r, MANIFEST_BYTES_MAX + 256)?,
                statements: read_list(&mut r, STATEMENT_BYTES_MAX + 1024)?,
            },
            8 => Self::Seams(RecordBoundariesRequest {
                envelope: EnvelopeId::new(r.array()?),
                tree: read_tree_kind(&mut r)?,
                offset: r.varint()?,
                chunks: r.count("chunks asked for", CHUNKS_ASKED_MAX as usize)? as u64,
            }),
            9 => Self::Filter,
            10 => Self::PullDelta(PullDeltaRequest::read(&mut r)?),
            11 => Self::PullNodeDelta(PullNodeDeltaRequest {
                nodes: read_places(&mut r)?,
                held: HeldVersion::read(&mut r)?,
            }),
            _ => return Ok(None),
        };
        r.end()?;
        Ok(Some(request))
    }
}

pub(in crate::protocol) fn tree_number(tree: TreeKind) -> u8 {
    match tree {
        TreeKind::Data => 0,
        TreeKind::Table => 1,
    }
}

pub(in crate::protocol) fn read_tree_kind(r: &mut Reader<'_>) -> Result<TreeKind, DecodeError> {
    match r.u8()? {
        0 => Ok(TreeKind::Data),
        1 => Ok(TreeKind::Table),
        _ => Err(DecodeError::Invalid("tree")),
    }
}

fn put_filter(w: &mut Writer, filter: &ListFilter) {
    match filter {
        ListFilter::All => w.u8(0),
        ListFilter::Name(name) => w.u8(1).counted(name.as_str().as_bytes()),
        ListFilter::Content(digits) => w.u8(2).counted(digits.as_str().as_bytes()),
    };
}

fn read_filter(r: &mut Reader<'_>) -> Result<ListFilter, DecodeError> {
    let kind = r.u8()?;
    if kind == 0 {
        return Ok(ListFilter::All);
    }
    let text = r.counted("filter", NAME_BYTES_MAX)?;
    let text = std::str::from_utf8(text).map_err(|_| DecodeError::Invalid("filter"))?;
    match kind {
        1 => (text.parse().ok())
            .filter(|name: &DatasetName| name.as_str() == text)
            .map(ListFilter::Name),
        2 => HexPrefix::parse(text)
            .filter(|digits| digits.as_str() == text)
            .map(ListFilter::Content),
        _ => None,
    }
    .ok_or(DecodeError::Invalid("filter"))
}

fn put_places(w: &mut Writer, r: &PullNodeRequest) {
    w.bytes(r.envelope.as_bytes()).u8(tree_number(r.tree));
    w.varint(r.places.len() as u64);
    r.places.iter().for_each(|place| {
        w.u8(place.level).varint(place.offset);
    });
}

fn read_places(r: &mut Reader<'_>) -> Result<PullNodeRequest, DecodeError> {
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

fn read_runs(r: &mut Reader<'_>) -> Result<PullChunkRequest, DecodeError> {
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
        // Only one way to say it: runs do not touch, and each sends something.
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

/// Counted byte strings behind their number.
fn read_list(r: &mut Reader<'_>, limit: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let count = r.count("items", BATCH_ITEMS_MAX)?;
    (0..count)
        .map(|_| r.counted("item", limit).map(<[u8]>::to_vec))
        .collect()
}
