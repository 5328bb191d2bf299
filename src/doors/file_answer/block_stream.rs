//! Blocks of files, read one after the other while an answer is sent.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::doors::limits::QUICK;
use crate::doors::open_dataset::OpenFile;

/// A part of an answer.
pub(super) enum Part {
    Text(Bytes),
    File(OpenFile, Range<u64>),
}

impl Part {
    pub(super) fn of(file: OpenFile, range: Range<u64>) -> Self {
        Self::File(file, range)
    }

    pub(super) fn text(text: String) -> Self {
        Self::Text(text.into())
    }

    /// Returns the length in bytes.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::File(_, range) => range.end - range.start,
        }
    }
}

/// The parts that are still to be read.
pub(super) struct Rest {
    parts: std::vec::IntoIter<Part>,
    /// The rest of the part under way.
    current: Option<(OpenFile, Range<u64>)>,
}

impl Rest {
    pub(super) fn new(parts: Vec<Part>) -> Self {
        Self {
            parts: parts.into_iter(),
            current: None,
        }
    }

    /// Returns the next bytes; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some((file, range)) = self.current.as_mut().filter(|(_, r)| r.start < r.end) {
                let read = file.block(range.start, range.end).await;
                if let Ok(bytes) = &read {
                    range.start += bytes.len() as u64;
                }
                // The access log names the file.
                let named =
                    |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", file.label()));
                return Some(read.map_err(named));
            }
            match self.parts.next()? {
                Part::Text(text) => return Some(Ok(text)),
                Part::File(file, range) => self.current = Some((file, range)),
            }
        }
    }
}

/// The blocks of an answer. For a client that takes blocks quickly the next one is read beside the sending; for
/// another it is read when it is asked for, so that the many who are slow hold one block each.
pub(super) struct BlockStream {
    /// A block that is read already.
    first: Option<Bytes>,
    /// The parts that are not yet read, while none is being read.
    rest: Option<Rest>,
    reading: Option<JoinHandle<NextBlock>>,
    /// Bytes that are still to be sent.
    left: u64,
    /// Time at which the last block was taken.
    taken: Option<Instant>,
}

type NextBlock = (Rest, Option<io::Result<Bytes>>);

impl BlockStream {
    pub(super) const fn new(first: Bytes, rest: Rest, length: u64) -> Self {
        Self {
            first: Some(first),
            rest: Some(rest),
            reading: None,
            left: length,
            taken: None,
        }
    }

    fn begin(&mut self) {
        if let Some(mut rest) = self.rest.take() {
            self.reading = Some(tokio::spawn(async move {
                let block = rest.next().await;
                (rest, block)
            }));
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Ok(self.take(first)));
        }
        self.begin();
        let Some(reading) = &mut self.reading else {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        };
        Pin::new(reading).poll(cx).map(|read| {
            self.reading = None;
            let (rest, block) = read.map_err(io::Error::other)?;
            self.rest = Some(rest);
            let block = block.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
            Ok(self.take(block))
        })
    }

    /// Hands a block out, and begins with the next one if the one before was gone soon.
    fn take(&mut self, block: Bytes) -> Bytes {
        self.left = self.left.saturating_sub(block.len() as u64);
        let now = Instant::now();
        let before = self.taken.replace(now);
        if self.left > 0 && before.is_some_and(|before| now - before < QUICK) {
            self.begin();
        }
        block
    }
}

impl Body for BlockStream {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let stream = self.get_mut();
        if stream.left == 0 {
            return Poll::Ready(None);
        }
        let block = stream.poll_next(cx);
        block.map(|block| Some(block.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn next(stream: &mut BlockStream) -> Option<Bytes> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_frame(cx)).await?;
        frame.unwrap().into_data().ok()
    }

    #[test]
    fn block_of_a_slow_client_is_read_when_it_is_asked_for() {
        let parts = ["b", "c", "d"].map(|text| Part::text(text.to_owned()));
        let rest = Rest::new(parts.into());
        let mut stream = BlockStream::new(Bytes::from_static(b"a"), rest, 4);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap().block_on(async {
            let mut taken = Vec::new();
            while let Some(block) = next(&mut stream).await {
                taken.extend_from_slice(&block);
                assert!(stream.reading.is_none(), "read ahead at {taken:?}");
                tokio::time::sleep(QUICK).await;
            }
            assert_eq!(taken, b"abcd");
        });
    }

    #[test]
    fn answer_that_is_shorter_than_its_length_is_an_error() {
        let rest = Rest::new(Vec::new());
        let mut stream = BlockStream::new(Bytes::from_static(b"a"), rest, 2);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap().block_on(async {
            assert_eq!(next(&mut stream).await.unwrap(), "a");
            let end = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_frame(cx)).await;
            let error = end.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        });
    }
}
