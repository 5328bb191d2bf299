//! Responses of the protocol.

use thiserror::Error;

use crate::chunk::Codec;
use crate::chunk::Compressor;
use crate::chunk::decompress;
use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::protocol::messages::delta::Delta;
use crate::protocol::messages::frame::Frame;
use crate::protocol::messages::hello::Hello;
use crate::protocol::reconcile::Symbols;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::AGENT_BYTES_MAX;
use crate::wire::limits::BATCH_BYTES_MAX;
use crate::wire::limits::BATCH_ITEMS_MAX;
use crate::wire::limits::CARD_BYTES_MAX;
use crate::wire::limits::CHUNKS_ASKED_MAX;
use crate::wire::limits::FILTER_BYTES_MAX;
use crate::wire::limits::FRAME_BYTES_MAX;
use crate::wire::limits::NODE_BYTES_MAX;
use crate::wire::limits::NODES_ASKED_MAX;
use crate::wire::limits::RECONCILE_ELEMENTS_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;
use crate::wire::limits::RECORD_STORED_BYTES_MAX;

/// The reason of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCode {
    /// The request is not one of this protocol.
    Malformed,
    /// The kind of request is unknown.
    NotUnderstood,
    /// The item does not exist, or is not for this peer.
    NotFound,
    /// The peer may not do this.
    NotAllowed,
    /// The request exceeds a limit.
    TooMuch,
    /// The responder failed.
    Failed,
    /// The responder is shutting down.
    ShuttingDown,
}

impl RefusalCode {
    const ALL: [Self; 7] = [
        Self::Malformed,
        Self::NotUnderstood,
        Self::NotFound,
        Self::NotAllowed,
        Self::TooMuch,
        Self::Failed,
        Self::ShuttingDown,
    ];

    /// Returns the number in the message.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.number() == number)
    }
}

/// A refusal, in the peer's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("it refused: {text}")]
pub struct Refusal {
    /// The reason.
    pub code: RefusalCode,
    /// The reason as text for people. It is untrusted: escape it before it goes to a terminal.
    pub text: String,
}

impl Refusal {
    /// Makes a refusal.
    pub fn new(code: RefusalCode, text: impl Into<String>) -> Self {
        let mut text = text.into();
        let end = text.floor_char_boundary(AGENT_BYTES_MAX);
        text.truncate(end);
        Self { code, text }
    }
}

impl Classify for Refusal {
    fn kind(&self) -> ErrorKind {
        match self.code {
            RefusalCode::NotFound => ErrorKind::NotFound,
            RefusalCode::NotAllowed => ErrorKind::Denied,
            _ => ErrorKind::Network,
        }
    }
}

/// One frame of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The answer to a hello.
    Hello(Hello),
    /// Encoded envelopes.
    Manifests(Vec<Vec<u8>>),
    /// Indexes of elements that the responder does not have, ascending.
    Reconciled(Vec<usize>),
    /// Encoded nodes, in the requested order.
    Nodes(Vec<Vec<u8>>),
    /// One encoded pack record of chunks.
    Chunks(Vec<u8>),
    /// Chunks as a delta.
    Delta(Delta),
    /// Encoded nodes as a delta.
    NodesDelta {
        /// Length of the body of [`Response::Nodes`] with them.
        raw_bytes: usize,
        /// The delta, a zstd frame.
        payload: Vec<u8>,
    },
    /// A card's bytes.
    Card(Vec<u8>),
    /// Number of announced items that are new at the responder.
    Announced(u64),
    /// Encoded statements.
    Statements(Vec<Vec<u8>>),
    /// For each end of a record, the number of requested chunks before it, ascending.
    RecordBoundaries(Vec<usize>),
    /// An undecoded filter.
    Filter(Vec<u8>),
    /// Coded symbols of the responder's catalogue.
    Symbols(Symbols),
    /// A refusal in place of a response or of its rest.
    Refusal(Refusal),
}

impl Response {
    /// Returns the maximum length of the body of a kind, in bytes.
    pub fn body_limit(kind: u8) -> usize {
        match kind {
            0x81 | 0x87 | 0x7f => 4 << 10,
            0x82 | 0x88 => BATCH_BYTES_MAX + (64 << 10),
            0x83 => 10 + RECONCILE_ELEMENTS_MAX * 4,
            0x84 | 0x85 | 0x8c | 0x8d => FRAME_BYTES_MAX,
            0x86 => CARD_BYTES_MAX,
            0x89 => 10 + CHUNKS_ASKED_MAX as usize * 3,
            0x8a => FILTER_BYTES_MAX,
            0x8b => Symbols::BYTES_MAX,
            _ => 0,
        }
    }

    /// Encodes the response as a frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        let kind = match self {
            Self::Hello(hello) => {
                w.bytes(&hello.encode());
                0x81
            }
            Self::Manifests(list) => {
                w.bytes(&encode_batch(list));
                0x82
            }
            Self::Reconciled(missing) => {
                put_indexes(&mut w, missing);
                0x83
            }
            Self::RecordBoundaries(ends) => {
                put_indexes(&mut w, ends);
                0x89
            }
            Self::Filter(bytes) => {
                w.bytes(bytes);
                0x8a
            }
            Self::Nodes(nodes) => {
                w.bytes(&encode_nodes(nodes));
                0x84
            }
            Self::Chunks(record) => {
                w.bytes(record);
                0x85
            }
            Self::Card(bytes) => {
                w.bytes(bytes);
                0x86
            }
            Self::Announced(taken) => {
                w.varint(*taken);
                0x87
            }
            Self::Statements(list) => {
                w.bytes(&encode_batch(list));
                0x88
            }
            Self::Symbols(symbols) => {
                symbols.put_to(&mut w);
                0x8b
            }
            Self::Delta(delta) => {
                delta.put(&mut w);
                0x8c
            }
            Self::NodesDelta { raw_bytes, payload } => {
                w.varint(*raw_bytes as u64).counted(payload);
                0x8d
            }
            Self::Refusal(refusal) => {
                w.u8(refusal.code.number()).counted(refusal.text.as_bytes());
                0x7f
            }
        };
        let body = w.into_bytes();
        Frame { kind, body }.encode()
    }

    /// Encodes the response in pieces, which avoids a copy of a long record.
    pub fn into_pieces(self) -> [Vec<u8>; 2] {
        match self {
            Self::Chunks(record) => {
                let mut w = Writer::new();
                // Records keep to their limits, far below 2^32.
                w.u8(0x85).u32(record.len() as u32);
                [w.into_bytes(), record]
            }
            other => [other.encode(), Vec::new()],
        }
    }

    /// Decodes a frame of a response.
    ///
    /// # Errors
    /// [`DecodeError`] when the kind is unknown or the body does not fit it.
    pub fn decode(frame: Frame) -> Result<Self, DecodeError> {
        let mut r = Reader::new(&frame.body);
        let response = match frame.kind {
            0x81 => return Hello::decode(&frame.body).map(Self::Hello),
            0x82 => return decode_batch(&frame.body).map(Self::Manifests),
            0x83 => Self::Reconciled(read_indexes(&mut r, RECONCILE_ELEMENTS_MAX)?),
            0x89 => Self::RecordBoundaries(read_indexes(&mut r, CHUNKS_ASKED_MAX as usize)?),
            0x84 => return decode_nodes(&frame.body).map(Self::Nodes),
            0x85 => return Ok(Self::Chunks(frame.body)),
            0x86 => return Ok(Self::Card(frame.body)),
            0x8a => return Ok(Self::Filter(frame.body)),
            0x87 => Self::Announced(r.varint()?),
            0x88 => return decode_batch(&frame.body).map(Self::Statements),
            0x8b => Self::Symbols(Symbols::read(&mut r)?),
            0x8c => Self::Delta(Delta::read(&mut r)?),
            0x8d => Self::NodesDelta {
                raw_bytes: r.count("bytes of nodes", RECORD_RAW_BYTES_MAX)?,
                payload: r.counted("payload", RECORD_STORED_BYTES_MAX)?.to_vec(),
            },
            0x7f => {
                let code = RefusalCode::from_number(r.u8()?);
                let text = r.counted("reason", AGENT_BYTES_MAX)?;
                Self::Refusal(Refusal {
                    code: code.ok_or(DecodeError::Invalid("refusal code"))?,
                    text: String::from_utf8_lossy(text).into_owned(),
                })
            }
            _ => return Err(DecodeError::Invalid("kind of answer")),
        };
        r.end()?;
        Ok(response)
    }
}

/// Encodes the body of [`Response::Nodes`].
pub fn encode_nodes(nodes: &[Vec<u8>]) -> Vec<u8> {
    let mut w = Writer::new();
    nodes.iter().for_each(|node| {
        w.counted(node);
    });
    w.into_bytes()
}

/// Decodes the body of [`Response::Nodes`].
///
/// # Errors
/// [`DecodeError`] when it is malformed.
pub fn decode_nodes(body: &[u8]) -> Result<Vec<Vec<u8>>, DecodeError> {
    read_items(Reader::new(body), NODES_ASKED_MAX, NODE_BYTES_MAX)
}

/// Writes ascending numbers as the gaps between them.
fn put_indexes(w: &mut Writer, indexes: &[usize]) {
    w.varint(indexes.len() as u64);
    let mut next = 0;
    for index in indexes {
        w.varint(index.saturating_sub(next) as u64);
        next = index.saturating_add(1);
    }
}

fn read_indexes(r: &mut Reader<'_>, limit: usize) -> Result<Vec<usize>, DecodeError> {
    let count = r.count("indexes", limit)?;
    let mut indexes = Vec::new();
    let mut next = 0_usize;
    for _ in 0..count {
        let index = next.saturating_add(r.count("gap", limit)?);
        indexes.push(index);
        next = index.saturating_add(1);
    }
    Ok(indexes)
}

/// Takes the items of one batch from the front of a list, at least one.
pub fn pack_batch(list: &mut std::vec::IntoIter<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    const ROOM: usize = 1 << 20;
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(next) = list.as_slice().first() {
        if batch.len() >= BATCH_ITEMS_MAX || (!batch.is_empty() && bytes + next.len() > ROOM) {
            break;
        }
        bytes += next.len() + 10;
        batch.extend(list.next());
    }
    (!batch.is_empty()).then_some(batch)
}

fn encode_batch(list: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = Writer::new();
    list.iter().for_each(|item| {
        raw.counted(item);
    });
    let raw = raw.into_bytes();
    let (codec, payload) = Compressor::new().compress(&raw);
    let mut w = Writer::new();
    w.u8(codec.number()).varint(raw.len() as u64);
    w.bytes(&payload);
    w.into_bytes()
}

fn decode_batch(body: &[u8]) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut r = Reader::new(body);
    let codec = Codec::from_number(r.u8()?).ok_or(DecodeError::Invalid("codec"))?;
    let raw_bytes = r.count("batch bytes", BATCH_BYTES_MAX)?;
    let payload = r.bytes(r.remaining())?;
    let raw = decompress(codec, payload, raw_bytes).map_err(|_| DecodeError::Invalid("batch"))?;
    read_items(Reader::new(&raw), BATCH_ITEMS_MAX, BATCH_BYTES_MAX)
}

/// Reads counted items up to the end. It bounds their number apart from their bytes, because empty items
/// take memory too.
fn read_items(
    mut r: Reader<'_>,
    items_max: usize,
    bytes_max: usize,
) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut list = Vec::new();
    while r.remaining() > 0 {
        if list.len() >= items_max {
            return Err(DecodeError::Limit {
                field: "items",
                value: list.len() as u64 + 1,
                limit: items_max as u64,
            });
        }
        list.push(r.counted("item", bytes_max)?.to_vec());
    }
    Ok(list)
}
