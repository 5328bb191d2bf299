//! The bytes of an answer, block by block.

use std::io;
use std::ops::Range;

use hyper::body::Bytes;
use tokio::sync::mpsc;

use crate::doors::body::DoorBody;
use crate::doors::error::DoorError;
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
struct Rest {
    parts: std::vec::IntoIter<Part>,
    /// The rest of the part under way.
    current: Option<(OpenFile, Range<u64>)>,
}

impl Rest {
    /// Returns the next bytes; `None` at the end.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
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

/// Returns the body of parts. Its first block is read before, so that damage there has an answer of its own.
///
/// # Errors
/// [`DoorError::Failed`] if the first block is damaged.
pub(super) async fn body_of(parts: Vec<Part>, length: u64) -> Result<DoorBody, DoorError> {
    let mut rest = Rest {
        parts: parts.into_iter(),
        current: None,
    };
    let Some(first) = rest.next().await else {
        return Ok(DoorBody::empty());
    };
    let first = first?;
    if first.len() as u64 == length {
        return Ok(DoorBody::of(first));
    }
    // One block waits, or is read, while the one before is sent.
    let (sender, blocks) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut next = Some(Ok(first));
        // There is room for a block before it is read, so that a client which is slow holds two of them.
        while let Ok(room) = sender.reserve().await {
            let read = match next.take() {
                Some(first) => Some(first),
                None => rest.next().await,
            };
            let Some(block) = read else {
                return;
            };
            let is_end = block.is_err();
            room.send(block);
            if is_end {
                return;
            }
        }
    });
    Ok(DoorBody::Stream {
        blocks,
        left: length,
    })
}
