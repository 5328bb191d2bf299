//! The frames of an answer as they come over a stream.

use std::time::Duration;
use std::time::Instant;

use bytes::Buf;
use bytes::Bytes;
use quinn::ConnectionError;
use quinn::ReadError;
use quinn::RecvStream;

use crate::registry::host;
use crate::sync::Answer;
use crate::sync::FrameReader;
use crate::sync::PeerError;

/// A peer that sends nothing for this long is given up.
pub(crate) const STALL: Duration = Duration::from_secs(20);

/// Bytes taken off a stream at a time.
const PIECE_BYTES: usize = 256 << 10;

/// An answer that is on its way.
pub(crate) struct Answers {
    stream: RecvStream,
    reader: FrameReader,
    piece: Bytes,
    /// When something came last.
    heard: Instant,
}

impl Answers {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            reader: FrameReader::new(Answer::body_limit),
            piece: Bytes::new(),
            heard: host::instant(),
        }
    }

    /// The next frame; `None` at the end. A refusal is an error. Nothing is lost when the future
    /// is dropped: the next one goes on.
    pub(crate) async fn next(&mut self) -> Result<Option<Answer>, PeerError> {
        loop {
            let mut rest = self.piece.as_ref();
            let frame = self.reader.read(&mut rest)?;
            let used = self.piece.len() - rest.len();
            self.piece.advance(used);
            if let Some(frame) = frame {
                return match Answer::decode(frame)? {
                    Answer::Refusal(refusal) => Err(refusal.into()),
                    answer => Ok(Some(answer)),
                };
            }
            let patience = STALL.saturating_sub(self.heard.elapsed());
            let read = tokio::time::timeout(patience, self.stream.read_chunk(PIECE_BYTES, true));
            match read.await.map_err(|_| PeerError::Stalled(STALL))? {
                Ok(Some(chunk)) => {
                    self.piece = chunk.bytes;
                    self.heard = host::instant();
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
