//! Hash and description of a file whose bytes pass.

use std::ops::Range;
use std::sync::mpsc;

use crate::ident::ContentId;
use crate::inspect::Describer;
use crate::inspect::Description;
use crate::read_at::ReadAt;
use crate::registry::error::Error;

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

/// Bytes of an edited file that follow each other: parts of a window of the old file, and new ones.
#[derive(Default)]
pub(super) struct EditedWindow {
    /// Bytes of the old file.
    pub(super) old: Vec<u8>,
    pub(super) parts: Vec<WindowPart>,
}

/// A part of a window.
pub(super) enum WindowPart {
    Old(Range<usize>),
    New(Vec<u8>),
}

impl EditedWindow {
    /// Returns the bytes of the edited file.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|part| match part {
            WindowPart::Old(range) => self.old.get(range.clone()).unwrap_or_default(),
            WindowPart::New(bytes) => bytes,
        })
    }
}

/// Hash and description of a file, on another thread.
pub(super) struct HashedApart {
    windows: mpsc::SyncSender<EditedWindow>,
    spares: mpsc::Receiver<Vec<u8>>,
}

impl HashedApart {
    /// Takes a window, and leaves the room of an earlier one.
    pub(super) fn push(&mut self, window: &mut EditedWindow) {
        let full = std::mem::take(window);
        // The other thread may have panicked, which is noticed at the end.
        let _ = self.windows.send(full);
        window.old = self.spares.try_recv().unwrap_or_default();
    }
}

/// Hashes and describes the windows that `each` passes, on another thread. `source` has the same bytes.
///
/// # Errors
/// The error of `each`.
pub(super) fn hashed_apart(
    path: &str,
    source: &dyn ReadAt,
    each: impl FnOnce(&mut HashedApart) -> Result<(), Error>,
) -> Result<(ContentId, Description), Error> {
    std::thread::scope(|scope| {
        // Windows are large: one is filled while another is hashed.
        let (windows, inbox) = mpsc::sync_channel::<EditedWindow>(0);
        let (give_back, spares) = mpsc::channel();
        let hashing = scope.spawn(move || {
            let mut hashed = Hashed::new(path);
            for window in inbox {
                window.slices().for_each(|bytes| hashed.push(bytes));
                // Nobody takes the last ones.
                let _ = give_back.send(window.old);
            }
            hashed.finish(source)
        });
        let mut apart = HashedApart { windows, spares };
        let done = each(&mut apart);
        drop(apart);
        let found = hashing.join();
        let found = found.map_err(|_| Error::WorkerPanicked("worker"))?;
        done?;
        Ok(found)
    })
}
