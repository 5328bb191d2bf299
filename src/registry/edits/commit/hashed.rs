//! Hash and description of a file whose bytes pass.

use std::sync::mpsc;

use crate::ident::ContentId;
use crate::inspect::Describer;
use crate::inspect::Description;
use crate::read_at::ReadAt;
use crate::registry::error::Error;

/// Bytes of a piece for the thread that describes, and pieces that may wait for it.
const PIECE_BYTES: usize = 1 << 20;
const QUEUE: usize = 8;

/// Hash and description of a file whose bytes pass.
pub(super) struct Hashed {
    hasher: blake3::Hasher,
    describer: Describer,
}

impl Hashed {
    pub(super) fn new(path: &str) -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            describer: Describer::new(path),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.describer.push(bytes);
    }

    pub(super) fn finish(self, source: &dyn ReadAt) -> (ContentId, Description) {
        let hash = ContentId::new(*self.hasher.finalize().as_bytes());
        (hash, self.describer.finish(source))
    }
}

/// Hash of a file, whose bytes another thread describes.
pub(super) struct HashedApart {
    hasher: blake3::Hasher,
    piece: Vec<u8>,
    pieces: mpsc::SyncSender<Vec<u8>>,
}

impl HashedApart {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        for part in bytes.chunks(PIECE_BYTES) {
            self.piece.extend_from_slice(part);
            if self.piece.len() >= PIECE_BYTES {
                // The other thread may have panicked, which is noticed at the end.
                let _ = self.pieces.send(std::mem::take(&mut self.piece));
            }
        }
    }
}

/// Hashes and describes the bytes that `each` passes, on two threads. `source` has the same bytes.
///
/// # Errors
/// The error of `each`.
pub(super) fn hashed_apart(
    path: &str,
    source: &dyn ReadAt,
    each: impl FnOnce(&mut HashedApart) -> Result<(), Error>,
) -> Result<(ContentId, Description), Error> {
    std::thread::scope(|scope| {
        let (pieces, inbox) = mpsc::sync_channel::<Vec<u8>>(QUEUE);
        let describing = scope.spawn(move || {
            let mut describer = Describer::new(path);
            for piece in inbox {
                describer.push(&piece);
            }
            describer.finish(source)
        });
        let mut hashed = HashedApart {
            hasher: blake3::Hasher::new(),
            piece: Vec::new(),
            pieces,
        };
        let done = each(&mut hashed);
        let HashedApart {
            hasher,
            piece,
            pieces,
        } = hashed;
        let _ = pieces.send(piece);
        drop(pieces);
        let found = describing.join();
        let found = found.map_err(|_| Error::WorkerPanicked("worker"))?;
        done?;
        Ok((ContentId::new(*hasher.finalize().as_bytes()), found))
    })
}
