//! Frames: a kind, a length and a body; and their assembly from the pieces of a stream.

use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

/// Bytes before the body of a frame.
pub const FRAME_HEADER_BYTES: usize = 5;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The kind of the body.
    pub kind: u8,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Frame {
    /// Encodes the frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        // Writers keep to the limits, which are all far below 2^32.
        w.u8(self.kind).u32(self.body.len() as u32);
        w.bytes(&self.body);
        w.into_bytes()
    }
}

/// Assembles frames from the pieces of a stream. It allocates only for bytes that arrived.
///
/// ```
/// use alimentar::protocol::FrameReader;
/// use alimentar::protocol::ListFilter;
/// use alimentar::protocol::Request;
///
/// let request = Request::List(ListFilter::All);
/// let bytes = request.encode();
/// let mut reader = FrameReader::new(Request::body_limit);
/// let (mut first, mut second) = bytes.split_at(3);
/// assert_eq!(reader.read(&mut first)?, None);
/// let frame = reader.read(&mut second)?.ok_or("no frame")?;
/// assert_eq!(Request::decode(&frame)?, Some(request));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FrameReader {
    limit: fn(u8) -> usize,
    header: Vec<u8>,
    body: Vec<u8>,
}

impl FrameReader {
    /// Makes a reader. `limit` gives the maximum length of a body by its kind.
    pub fn new(limit: fn(u8) -> usize) -> Self {
        Self {
            limit,
            header: Vec::with_capacity(FRAME_HEADER_BYTES),
            body: Vec::new(),
        }
    }

    /// Takes bytes off the front of a piece, up to the end of a frame, and returns that frame; `None`
    /// when the piece is used up before.
    ///
    /// # Errors
    /// [`DecodeError::Limit`] as soon as a header announces too long a body.
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

    /// Checks that the stream ends between two frames.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`] in the middle of a frame.
    pub fn end(&self) -> Result<(), DecodeError> {
        if self.header.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Truncated)
        }
    }

    /// Returns kind and length from a complete frame header.
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

/// Moves bytes from the front of a piece until `to` has this length.
fn take(to: &mut Vec<u8>, length: usize, piece: &mut &[u8]) {
    let missing = length.saturating_sub(to.len());
    let (now, later) = piece.split_at(missing.min(piece.len()));
    to.extend_from_slice(now);
    *piece = later;
}
