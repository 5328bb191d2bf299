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
    buffer: Vec<u8>,
}

impl FrameReader {
    /// A reader of frames whose bodies are at most as long as `limit` says of their kind.
    pub fn new(limit: fn(u8) -> usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
        }
    }

    /// Takes bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The bytes that still have to come until something can be said: the rest of the header, or
    /// of the body.
    ///
    /// # Errors
    /// As [`FrameReader::next`].
    pub fn wanted(&self) -> Result<usize, DecodeError> {
        match self.header()? {
            None => Ok(FRAME_HEADER_BYTES - self.buffer.len()),
            Some((_, length)) => {
                let whole = FRAME_HEADER_BYTES.saturating_add(length);
                Ok(whole.saturating_sub(self.buffer.len()))
            }
        }
    }

    /// The next whole frame; `None` until the rest of it comes.
    ///
    /// # Errors
    /// [`DecodeError::Limit`] as soon as a header announces too much.
    pub fn next(&mut self) -> Result<Option<Frame>, DecodeError> {
        let Some((kind, length)) = self.header()? else {
            return Ok(None);
        };
        let whole = FRAME_HEADER_BYTES.saturating_add(length);
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let rest = self.buffer.split_off(whole);
        let mut body = std::mem::replace(&mut self.buffer, rest);
        body.drain(..FRAME_HEADER_BYTES);
        Ok(Some(Frame { kind, body }))
    }

    /// Says that the stream has ended.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] in the middle of a frame.
    pub fn end(&self) -> Result<(), DecodeError> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => Err(DecodeError::Truncated),
        }
    }

    fn header(&self) -> Result<Option<(u8, usize)>, DecodeError> {
        if self.buffer.len() < FRAME_HEADER_BYTES {
            return Ok(None);
        }
        let mut r = Reader::new(&self.buffer);
        let (kind, length) = (r.u8()?, r.u32()?);
        let limit = (self.limit)(kind);
        match usize::try_from(length) {
            Ok(length) if length <= limit => Ok(Some((kind, length))),
            _ => Err(DecodeError::Limit {
                field: "frame bytes",
                value: u64::from(length),
                limit: limit as u64,
            }),
        }
    }
}
