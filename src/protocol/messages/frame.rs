//! A kind, a length, a body; and finding these in bytes that come piece by piece.

use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// Bytes before the body of a frame.
pub const FRAME_HEADER_BYTES: usize = 5;

/// One message on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the body is.
    pub kind: u8,
    /// Its bytes.
    pub body: Vec<u8>,
}

impl Frame {
    /// The bytes that are sent.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        // Writers keep to the limits, all far below 2^32.
        w.u8(self.kind).u32(self.body.len() as u32);
        w.bytes(&self.body);
        w.into_bytes()
    }
}

/// Puts frames together from the pieces of a stream. Takes memory only for bytes that came.
#[derive(Debug)]
pub struct FrameReader {
    limit: fn(u8) -> usize,
    header: Vec<u8>,
    body: Vec<u8>,
}

impl FrameReader {
    /// A reader of frames whose bodies are at most as long as `limit` says of their kind.
    pub fn new(limit: fn(u8) -> usize) -> Self {
        Self {
            limit,
            header: Vec::with_capacity(FRAME_HEADER_BYTES),
            body: Vec::new(),
        }
    }

    /// Takes bytes off the front of a piece, up to the end of a frame, and returns that frame;
    /// `None` when the piece is used up before.
    ///
    /// # Errors
    /// [`DecodeError::Limit`] as soon as a header announces too much.
    pub fn read(&mut self, piece: &mut &[u8]) -> Result<Option<Frame>, DecodeError> {
        take(&mut self.header, FRAME_HEADER_BYTES, piece);
        if self.header.len() < FRAME_HEADER_BYTES {
            return Ok(None);
        }
        let (kind, length) = self.announced()?;
        take(&mut self.body, length, piece);
        if self.body.len() < length {
            return Ok(None);
        }
        self.header.clear();
        let body = std::mem::take(&mut self.body);
        Ok(Some(Frame { kind, body }))
    }

    /// Says that the stream has ended.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] in the middle of a frame.
    pub fn end(&self) -> Result<(), DecodeError> {
        match self.header.is_empty() {
            true => Ok(()),
            false => Err(DecodeError::Truncated),
        }
    }

    /// Kind and length of the frame whose header is whole.
    fn announced(&self) -> Result<(u8, usize), DecodeError> {
        let mut r = Reader::new(&self.header);
        let (kind, length) = (r.u8()?, r.u32()?);
        let limit = (self.limit)(kind);
        match usize::try_from(length) {
            Ok(length) if length <= limit => Ok((kind, length)),
            _ => Err(DecodeError::Limit {
                field: "frame bytes",
                value: u64::from(length),
                limit: limit as u64,
            }),
        }
    }
}

/// Moves bytes from the front of a piece until there are so many.
fn take(to: &mut Vec<u8>, length: usize, piece: &mut &[u8]) {
    let missing = length.saturating_sub(to.len());
    let (now, later) = piece.split_at(missing.min(piece.len()));
    to.extend_from_slice(now);
    *piece = later;
}
