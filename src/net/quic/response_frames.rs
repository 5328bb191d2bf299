//! The frames of an answer as they come over a stream.

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

/// A peer that sends nothing for this long is given up.
pub(crate) const STALL: Duration = Duration::from_secs(20);

/// A frame that is under way has to bring so many bytes in so long, or come to its end: who sends
/// one byte now and then does not stall by the rule above, and would be waited for for ever.
const DRIP: Duration = Duration::from_secs(20);
const DRIP_BYTES: usize = 4 << 10;

/// Bytes taken off a stream at a time.
const PIECE_BYTES: usize = 256 << 10;

/// An answer that is on its way.
pub(crate) struct ResponseStream {
    stream: RecvStream,
    reader: FrameReader,
    piece: Bytes,
    /// When something came last.
    pub(crate) heard: Instant,
    /// Since when bytes of this frame are counted, and how many came since.
    counted: (Instant, usize),
    /// When a frame was handed over: what the taker does with it is not the peer's time.
    away: Option<Instant>,
}

impl ResponseStream {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            reader: FrameReader::new(Response::body_limit),
            piece: Bytes::new(),
            heard: host::instant(),
            counted: (host::instant(), 0),
            away: None,
        }
    }

    /// Counts what came of a frame. Whether it is too little for the time that it took.
    fn drips(&mut self, bytes: usize) -> bool {
        let (since, so_far) = self.counted;
        let came = so_far.saturating_add(bytes);
        if came >= DRIP_BYTES {
            self.counted = (self.heard, 0);
            return false;
        }
        self.counted = (since, came);
        self.heard.saturating_duration_since(since) > DRIP
    }

    /// The next frame; `None` at the end. A refusal is an error. Nothing is lost when the future
    /// is dropped: the next one goes on.
    pub(crate) async fn next(&mut self) -> Result<Option<Response>, PeerError> {
        if let Some(away) = self.away.take() {
            self.heard += away.elapsed();
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
                    answer => Ok(Some(answer)),
                };
            }
            let patience = STALL.saturating_sub(self.heard.elapsed());
            let read = tokio::time::timeout(patience, self.stream.read_chunk(PIECE_BYTES, true));
            match read.await.map_err(|_| PeerError::Stalled(STALL))? {
                Ok(Some(chunk)) => {
                    self.piece = chunk.bytes;
                    self.heard = host::instant();
                    if self.drips(self.piece.len()) {
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

/// Sends a request on a stream of its own; its answer.
pub(crate) async fn ask(
    connection: &Connection,
    request: Vec<u8>,
) -> Result<ResponseStream, PeerError> {
    let opening = tokio::time::timeout(STALL, connection.open_bi());
    let opened = opening.await.map_err(|_| PeerError::Stalled(STALL))?;
    let (mut out, answer) = opened.map_err(lost)?;
    let write = tokio::time::timeout(STALL, out.write_all(&request));
    let written = write.await.map_err(|_| PeerError::Stalled(STALL))?;
    // A peer that refuses early need not read it all; its answer says why.
    if let Err(quinn::WriteError::ConnectionLost(error)) = written {
        return Err(lost(error));
    }
    let _ = out.finish();
    Ok(ResponseStream::new(answer))
}

fn lost_read(error: ReadError) -> PeerError {
    match error {
        ReadError::ConnectionLost(error) => lost(error),
        // No honest node takes back what it began to say.
        ReadError::Reset(_) => PeerError::Misbehaved("half an answer"),
        other => PeerError::Lost(other.to_string()),
    }
}

/// A connection that ended, in words.
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
