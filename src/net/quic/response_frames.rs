//! Response frames: reads the frames of a response from a stream.

use std::time::Duration;
use std::time::Instant;

use bytes::Buf;
use bytes::Bytes;
use quinn::Connection;
use quinn::ConnectionError;
use quinn::ReadError;
use quinn::RecvStream;

use crate::protocol::FrameReader;
use crate::protocol::PeerError;
use crate::protocol::Response;
use crate::registry::host;

/// Time without data after which a peer is given up.
pub(crate) const STALL: Duration = Duration::from_secs(20);

/// Time within which a running frame has to bring a minimum of bytes, or end. A peer that sends one byte
/// now and then never stalls, and would be waited for without end.
const DRIP: Duration = Duration::from_secs(20);
const DRIP_BYTES: usize = 4 << 10;

/// Bytes taken off a stream at a time.
const PIECE_BYTES: usize = 256 << 10;

/// A running response.
pub(crate) struct ResponseStream {
    stream: RecvStream,
    reader: FrameReader,
    piece: Bytes,
    /// The time of the last data.
    pub(crate) last_data: Instant,
    /// Start of the count of this frame's bytes, and the count.
    counted: (Instant, usize),
    /// The time when a frame went to the caller: its work is not the peer's time.
    away: Option<Instant>,
}

impl ResponseStream {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            reader: FrameReader::new(Response::body_limit),
            piece: Bytes::new(),
            last_data: host::instant(),
            counted: (host::instant(), 0),
            away: None,
        }
    }

    /// Counts bytes of a frame. Returns true if they are too few for the time passed.
    fn is_too_slow(&mut self, bytes: usize) -> bool {
        let (since, so_far) = self.counted;
        let came = so_far.saturating_add(bytes);
        if came >= DRIP_BYTES {
            self.counted = (self.last_data, 0);
            return false;
        }
        self.counted = (since, came);
        self.last_data.saturating_duration_since(since) > DRIP
    }

    /// Returns the next frame; `None` at the end. A refusal is an error. A dropped future loses nothing:
    /// the next call continues.
    pub(crate) async fn next(&mut self) -> Result<Option<Response>, PeerError> {
        if let Some(away) = self.away.take() {
            self.last_data += away.elapsed();
            self.counted = (host::instant(), 0);
        }
        loop {
            let mut rest = self.piece.as_ref();
            let frame = self.reader.read(&mut rest)?;
            let used = self.piece.len() - rest.len();
            self.piece.advance(used);
            if let Some(frame) = frame {
                self.away = Some(host::instant());
                return match Response::decode(frame)? {
                    Response::Refusal(refusal) => Err(refusal.into()),
                    response => Ok(Some(response)),
                };
            }
            let patience = STALL.saturating_sub(self.last_data.elapsed());
            let read = tokio::time::timeout(patience, self.stream.read_chunk(PIECE_BYTES, true));
            match read.await.map_err(|_| PeerError::Stalled(STALL))? {
                Ok(Some(chunk)) => {
                    self.piece = chunk.bytes;
                    self.last_data = host::instant();
                    if self.is_too_slow(self.piece.len()) {
                        return Err(PeerError::Stalled(DRIP));
                    }
                }
                Ok(None) => {
                    self.reader.end()?;
                    return Ok(None);
                }
                Err(error) => return Err(lost_read(error)),
            }
        }
    }
}

/// Sends a request on a stream of its own, and returns the response.
pub(crate) async fn ask(
    connection: &Connection,
    request: Vec<u8>,
) -> Result<ResponseStream, PeerError> {
    let opening = tokio::time::timeout(STALL, connection.open_bi());
    let opened = opening.await.map_err(|_| PeerError::Stalled(STALL))?;
    let (mut out, response) = opened.map_err(lost)?;
    let write = tokio::time::timeout(STALL, out.write_all(&request));
    let written = write.await.map_err(|_| PeerError::Stalled(STALL))?;
    // A peer that refuses early need not read it all; its response says why.
    if let Err(quinn::WriteError::ConnectionLost(error)) = written {
        return Err(lost(error));
    }
    let _ = out.finish();
    Ok(ResponseStream::new(response))
}

fn lost_read(error: ReadError) -> PeerError {
    match error {
        ReadError::ConnectionLost(error) => lost(error),
        // No honest node resets a response.
        ReadError::Reset(_) => PeerError::Misbehaved("half an answer"),
        other => PeerError::Lost(other.to_string()),
    }
}

/// Describes a connection that ended.
pub(crate) fn lost(error: ConnectionError) -> PeerError {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            let reason: String = String::from_utf8_lossy(&close.reason)
                .chars()
                .take(200)
                .collect();
            PeerError::Lost(format!("it closed the connection: {reason}"))
        }
        ConnectionError::TimedOut => PeerError::Lost("it does not answer".to_owned()),
        ConnectionError::Reset => PeerError::Lost("it was started anew".to_owned()),
        other => PeerError::Lost(other.to_string()),
    }
}
