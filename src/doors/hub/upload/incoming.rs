//! Bodies of uploads: a thread that may block reads them as they come.

use std::io;
use std::io::Read;

use hyper::body::Bytes;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use crate::doors::body::next_data;
use crate::doors::error::DoorError;

/// Pieces of a body between the connection and the thread.
const PIECES: usize = 4;

/// A piece of a body.
enum Piece {
    Data(Bytes),
    /// The body came whole.
    End,
}

/// A body that is read by a thread. It ends well only if it came whole.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<Piece>,
    rest: Bytes,
    is_ended: bool,
}

impl Read for BodyReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            if self.is_ended || buf.is_empty() {
                return Ok(0);
            }
            match self.pieces.blocking_recv() {
                Some(Piece::Data(bytes)) => self.rest = bytes,
                Some(Piece::End) => self.is_ended = true,
                // The client left, or sent too much.
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let n = self.rest.len().min(buf.len());
        let piece = self.rest.split_to(n);
        if let Some(to) = buf.get_mut(..n) {
            to.copy_from_slice(&piece);
        }
        Ok(n)
    }
}

/// Reads a body of a limited length on another thread.
///
/// # Errors
/// The error of the work, and those of a body that does not come whole.
pub(super) async fn read_with<T: Send + 'static>(
    body: Incoming,
    limit: u64,
    work: impl FnOnce(BodyReader) -> Result<T, DoorError> + Send + 'static,
) -> Result<T, DoorError> {
    let (to, pieces) = mpsc::channel(PIECES);
    let reader = BodyReader {
        pieces,
        rest: Bytes::new(),
        is_ended: false,
    };
    let working = tokio::task::spawn_blocking(move || work(reader));
    let sent = send(body, limit, to).await;
    let done = working.await.map_err(|_| DoorError::panicked())?;
    // The error of the body is the cause of that of the work.
    sent?;
    done
}

async fn send(mut body: Incoming, limit: u64, to: mpsc::Sender<Piece>) -> Result<(), DoorError> {
    let mut left = limit;
    while let Some(data) = next_data(&mut body).await? {
        left = left.checked_sub(data.len() as u64).ok_or_else(|| {
            DoorError::TooLarge(format!("the body is beyond the limit of {limit} bytes"))
        })?;
        if to.send(Piece::Data(data)).await.is_err() {
            // The work ended, and has its own error.
            return Ok(());
        }
    }
    // The same.
    let _ = to.send(Piece::End).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_without_its_end_is_an_error_and_not_a_short_body() {
        let read = |pieces: Vec<Piece>| {
            let (to, from) = mpsc::channel(8);
            pieces
                .into_iter()
                .for_each(|piece| to.try_send(piece).unwrap());
            drop(to);
            let mut reader = BodyReader {
                pieces: from,
                rest: Bytes::new(),
                is_ended: false,
            };
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        };
        let data = |text: &'static str| Piece::Data(Bytes::from_static(text.as_bytes()));
        let whole = read(vec![data("ab"), data(""), data("c"), Piece::End]);
        assert_eq!(whole.unwrap(), "abc");
        let cut = read(vec![data("ab"), data("c")]);
        assert_eq!(cut.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
