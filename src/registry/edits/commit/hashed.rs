//! Hash and description of a file whose bytes pass.

use std::ops::Range;
use std::sync::mpsc;

use crate::ident::ContentId;
use crate::inspect::Describer;
use crate::inspect::Description;
use crate::read_at::ReadAt;
use crate::registry::edits::commit::reading::OldBytes;
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

/// Bytes of an edited file that follow each other: parts of bytes of the old file, and new ones.
pub(super) struct EditedRun<'a> {
    pub(super) old: OldBytes,
    pub(super) parts: Vec<RunPart<'a>>,
}

/// A part of a run.
pub(super) enum RunPart<'a> {
    Old(Range<usize>),
    New(&'a [u8]),
}

impl EditedRun<'_> {
    /// Returns the bytes of the edited file.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let old = self.old.as_slice();
        self.parts.iter().map(move |part| match part {
            RunPart::Old(range) => old.get(range.clone()).unwrap_or_default(),
            RunPart::New(bytes) => bytes,
        })
    }
}

/// Hash and description of a file, on another thread.
pub(super) struct HashedApart<'a>(mpsc::SyncSender<EditedRun<'a>>);

impl<'a> HashedApart<'a> {
    pub(super) fn push(&self, run: EditedRun<'a>) {
        // The other thread may have panicked, which is noticed at the end.
        let _ = self.0.send(run);
    }
}

/// Runs that wait for the thread that hashes. Each keeps a decompressed record.
const RUNS_WAITING: usize = 4;

/// Hashes and describes the runs that `each` passes, on another thread. `source` has the same bytes.
///
/// # Errors
/// The error of `each`.
pub(super) fn hashed_apart<'a>(
    path: &str,
    source: &dyn ReadAt,
    each: impl FnOnce(&HashedApart<'a>) -> Result<(), Error>,
) -> Result<(ContentId, Description), Error> {
    std::thread::scope(|scope| {
        let (runs, inbox) = mpsc::sync_channel::<EditedRun<'a>>(RUNS_WAITING);
        let hashing = scope.spawn(move || {
            let mut hashed = Hashed::new(path);
            for run in inbox {
                run.slices().for_each(|bytes| hashed.push(bytes));
            }
            hashed.finish(source)
        });
        let apart = HashedApart(runs);
        let done = each(&apart);
        drop(apart);
        let found = hashing.join();
        let found = found.map_err(|_| Error::WorkerPanicked("worker"))?;
        done?;
        Ok(found)
    })
}
