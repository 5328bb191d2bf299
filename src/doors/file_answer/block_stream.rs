//! Blocks of files, read one after the other while an answer is sent.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::doors::limits::BLOCKS_AHEAD;
use crate::doors::limits::QUICK;
use crate::doors::open_dataset::OpenFile;
use crate::doors::open_dataset::block_end;

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

    /// Returns the room for blocks that are read ahead.
    pub(super) fn ahead(&self) -> Option<Arc<Semaphore>> {
        match self {
            Self::Text(_) => None,
            Self::File(file, _) => Some(file.ahead()),
        }
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

/// Bytes of one block, or less.
pub(super) enum Piece {
    Text(Bytes),
    File(OpenFile, Range<u64>),
}

impl Piece {
    /// Returns the bytes, if nothing has to be read for them.
    fn kept(&self) -> Option<Bytes> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::File(file, range) => file.kept_block(range),
        }
    }

    async fn read(self) -> io::Result<Bytes> {
        match self {
            Self::Text(text) => Ok(text),
            Self::File(file, range) => {
                let read = file.block(range.clone()).await;
                // The access log names the file.
                read.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", file.label())))
            }
        }
    }
}

impl Iterator for Rest {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some((file, left)) = self.current.as_mut().filter(|(_, r)| r.start < r.end) {
                let end = block_end(left.start).min(left.end);
                let range = std::mem::replace(&mut left.start, end)..end;
                return Some(Piece::File(file.clone(), range));
            }
            match self.parts.next()? {
                Part::Text(text) => return Some(Piece::Text(text)),
                Part::File(file, range) => self.current = Some((file, range)),
            }
        }
    }
}

impl Rest {
    pub(super) fn new(parts: Vec<Part>) -> Self {
        Self {
            parts: parts.into_iter(),
            current: None,
        }
    }

    /// Reads the next bytes; `None` at the end.
    pub(super) async fn read_next(&mut self) -> Option<io::Result<Bytes>> {
        Some(self.next()?.read().await)
    }
}

/// The blocks of an answer. For a client that takes blocks quickly the next ones are read beside the sending, the more
/// the longer it does so; for another, one is read when it is asked for, so that the many who are slow hold one block
/// each.
pub(super) struct BlockStream {
    /// A block that is read already.
    first: Option<Bytes>,
    /// The parts that are not yet read.
    rest: Rest,
    /// The blocks that are being read, in the order of the answer.
    reading: VecDeque<Reading>,
    /// Bytes that are still to be sent.
    left: u64,
    /// Time at which the last block was taken.
    taken: Option<Instant>,
    /// Time between two blocks of a quick client.
    soon: Duration,
    /// Blocks that were taken quickly, one after the other.
    quick: usize,
    ahead: Arc<Semaphore>,
}

/// A block that is being read. Those beyond the next one need room of all connections.
struct Reading {
    block: Block,
    room: Option<OwnedSemaphorePermit>,
}

enum Block {
    /// It was kept.
    Here(Bytes),
    Read(JoinHandle<io::Result<Bytes>>),
}

impl Block {
    fn of(piece: Piece) -> Self {
        match piece.kept() {
            Some(bytes) => Self::Here(bytes),
            None => Self::Read(tokio::spawn(piece.read())),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        match self {
            Self::Here(bytes) => Poll::Ready(Ok(bytes.clone())),
            Self::Read(task) => Pin::new(task)
                .poll(cx)
                .map(|read| read.map_err(io::Error::other)?),
        }
    }
}

impl BlockStream {
    /// `ahead` has room for the blocks that all connections read beyond their next ones.
    pub(super) fn new(first: Bytes, rest: Rest, length: u64, ahead: Arc<Semaphore>) -> Self {
        Self {
            first: Some(first),
            rest,
            reading: VecDeque::new(),
            left: length,
            taken: None,
            soon: QUICK,
            quick: 0,
            ahead,
        }
    }

    /// Begins to read a piece. The next block of a connection needs no room.
    fn begin(&mut self, piece: Piece, room: Option<OwnedSemaphorePermit>) {
        self.reading.push_back(Reading {
            room: room.filter(|_| !self.reading.is_empty()),
            block: Block::of(piece),
        });
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Ok(self.take(first)));
        }
        if self.reading.is_empty()
            && let Some(piece) = self.rest.next()
        {
            self.begin(piece, None);
        }
        let Some(next) = self.reading.front_mut() else {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        };
        next.block.poll(cx).map(|read| {
            self.reading.pop_front();
            if let Some(next) = self.reading.front_mut() {
                next.room = None;
            }
            Ok(self.take(read?))
        })
    }

    /// Hands a block out, and begins with the next ones if the ones before were gone soon.
    fn take(&mut self, block: Bytes) -> Bytes {
        self.left = self.left.saturating_sub(block.len() as u64);
        let now = Instant::now();
        let before = self.taken.replace(now);
        self.quick = match before.is_some_and(|before| now - before < self.soon) {
            true => (self.quick + 1).min(BLOCKS_AHEAD),
            false => 0,
        };
        while self.reading.len() < self.quick {
            let room = Arc::clone(&self.ahead).try_acquire_owned().ok();
            if room.is_none() && !self.reading.is_empty() {
                break;
            }
            let Some(piece) = self.rest.next() else {
                break;
            };
            self.begin(piece, room);
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

    fn room(blocks: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(blocks))
    }

    #[test]
    fn blocks_for_a_quick_client_are_read_ahead_within_the_room_of_all() {
        let text = |n: usize| Part::text(format!("{n:03}"));
        let (count, all) = (3 * BLOCKS_AHEAD, room(4));
        let rest = Rest::new((1..count).map(text).collect());
        let length = 3 * count as u64;
        let first = Bytes::from_static(b"000");
        let mut stream = BlockStream::new(first, rest, length, Arc::clone(&all));
        stream.soon = Duration::from_secs(3600);
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut most, mut taken) = (0, Vec::new());
            while let Some(block) = next(&mut stream).await {
                taken.push(String::from_utf8(block.to_vec()).unwrap());
                most = most.max(stream.reading.len());
                assert_eq!(
                    stream.reading.len().saturating_sub(1),
                    4 - all.available_permits()
                );
            }
            let expected: Vec<_> = (0..count).map(|n| format!("{n:03}")).collect();
            assert_eq!((taken, most), (expected, 5));
        });
    }

    #[test]
    fn block_of_a_slow_client_is_read_when_it_is_asked_for() {
        let parts = ["b", "c", "d"].map(|text| Part::text(text.to_owned()));
        let rest = Rest::new(parts.into());
        let mut stream = BlockStream::new(Bytes::from_static(b"a"), rest, 4, room(9));
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap().block_on(async {
            let mut taken = Vec::new();
            while let Some(block) = next(&mut stream).await {
                taken.extend_from_slice(&block);
                assert!(stream.reading.is_empty(), "read ahead at {taken:?}");
                tokio::time::sleep(QUICK).await;
            }
            assert_eq!(taken, b"abcd");
        });
    }

    #[test]
    fn answer_that_is_shorter_than_its_length_is_an_error() {
        let rest = Rest::new(Vec::new());
        let mut stream = BlockStream::new(Bytes::from_static(b"a"), rest, 2, room(9));
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap().block_on(async {
            assert_eq!(next(&mut stream).await.unwrap(), "a");
            let end = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_frame(cx)).await;
            let error = end.unwrap().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        });
    }
}
