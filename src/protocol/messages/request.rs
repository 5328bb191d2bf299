//! Requests of the protocol.

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
use crate::protocol::messages::tree_request::PullChunkRequest;
use crate::protocol::messages::tree_request::PullNodeRequest;
use crate::protocol::messages::tree_request::TreeKind;
use crate::protocol::messages::tree_request::put_places;
use crate::protocol::messages::tree_request::read_places;
use crate::protocol::messages::tree_request::read_runs;
use crate::protocol::messages::tree_request::read_tree_kind;
use crate::protocol::messages::tree_request::tree_number;
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

/// A filter of listed datasets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListFilter {
    /// All visible datasets.
    All,
    /// The datasets with this name.
    Name(DatasetName),
    /// The datasets whose content id begins with this prefix.
    Content(HexPrefix),
}

/// A request for the record boundaries of the responder, so that requests for chunks can end there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordBoundariesRequest {
    /// The manifest.
    pub envelope: EnvelopeId,
    /// The tree of the manifest.
    pub tree: TreeKind,
    /// The offset of the first chunk.
    pub offset: u64,
    /// Number of chunks from there.
    pub chunks: u64,
}

/// A comparison of catalogues by a list of all elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconcileRequest {
    /// The salt of the elements.
    pub salt: Salt,
    /// The requester's elements, ascending.
    pub elements: Vec<Element>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first message of a connection.
    Hello(Hello),
    /// The list of datasets.
    List(ListFilter),
    /// A reconciliation by plain list.
    Reconcile(ReconcileRequest),
    /// A reconciliation by coded symbols.
    Symbols(SymbolsRequest),
    /// The manifests and statements of elements that a reconciliation found.
    Wanted(WantedRequest),
    /// Nodes of a tree.
    PullNode(PullNodeRequest),
    /// Chunks of a tree.
    PullChunk(PullChunkRequest),
    /// The card of a manifest.
    PullCard(EnvelopeId),
    /// An offer of encoded manifests and statements.
    Announce {
        /// Encoded envelopes.
        envelopes: Vec<Vec<u8>>,
        /// Encoded statements.
        statements: Vec<Vec<u8>>,
    },
    /// The record boundaries of a range of chunks.
    RecordBoundaries(RecordBoundariesRequest),
    /// The filter of content ids.
    Filter,
    /// Chunks, which may come as deltas.
    PullDelta(PullDeltaRequest),
    /// Nodes, which may come as a delta.
    PullNodeDelta(PullNodeDeltaRequest),
}

impl Request {
    /// Returns the maximum length of the body of a kind, in bytes.
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
            // The server reads and answers it, so that a later version may ask.
            _ => 64 << 10,
        }
    }

    /// Encodes the request as a frame.
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
            Self::RecordBoundaries(r) => {
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

    /// Decodes a request; `None` for a kind that this program does not know.
    ///
    /// # Errors
    /// [`DecodeError`] when the body does not fit its kind.
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
                // A mode of comparison of a later version.
                _ => return Ok(None),
            },
            4 => Self::PullNode(read_places(&mut r)?),
            5 => Self::PullChunk(read_runs(&mut r)?),
            6 => Self::PullCard(EnvelopeId::new(r.array()?)),
            7 => Self::Announce {
                envelopes: read_list(&mut r, MANIFEST_BYTES_MAX + 256)?,
                statements: read_list(&mut r, STATEMENT_BYTES_MAX + 1024)?,
            },
            8 => Self::RecordBoundaries(RecordBoundariesRequest {
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

/// Reads counted byte strings behind their number.
fn read_list(r: &mut Reader<'_>, limit: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let count = r.count("items", BATCH_ITEMS_MAX)?;
    (0..count)
        .map(|_| r.counted("item", limit).map(<[u8]>::to_vec))
        .collect()
}
