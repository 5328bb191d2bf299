//! Windows of a file of a dataset: decompressed once for all who read them, and ahead of those who read in order.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crate::locks::lock;
use crate::locks::threads;
use crate::panics::caught;
use crate::registry::targets::places::file_bytes::FileBytes;
use crate::registry::targets::places::file_bytes::io_error;

/// Size in bytes of a window that is decompressed and kept: about that of a record.
const WINDOW_BYTES: u64 = 1 << 20;
/// Number of windows that are kept for all files of a dataset: readers of columns go to and fro between many places.
const WINDOWS_KEPT: usize = 64;
/// Number of windows that are kept behind a reader who goes through a file.
const WINDOWS_BEHIND: u64 = 8;
/// Number of windows ahead of a reader. More do not help it, since a core decompresses them as quickly as another
/// parses them.
const WINDOWS_AHEAD: u64 = 4;

/// The windows of the files of a dataset.
#[derive(Default)]
pub(crate) struct Windows {
    /// Those that were used last are at the end.
    recent: Mutex<VecDeque<(WindowKey, WindowSlot)>>,
    helpers: Mutex<Vec<JoinHandle<()>>>,
    /// True when nobody reads any more.
    is_closed: Arc<AtomicBool>,
}

/// A window: where its file begins in the dataset, and its number in the file.
type WindowKey = (u64, u64);

/// A window that one thread decompresses and others wait for.
type WindowSlot = Arc<OnceLock<Result<Arc<Vec<u8>>, WindowFailure>>>;

/// Error of a window, which several threads may receive.
#[derive(Clone)]
struct WindowFailure(io::ErrorKind, String);

/// Bytes of a window, from an offset to its end.
pub(super) struct WindowPart {
    window: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl std::ops::Deref for WindowPart {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let bytes = self.window.get(self.range.clone());
        bytes.unwrap_or_default()
    }
}

impl Windows {
    /// Returns the bytes from an offset of the file to the end of its window. Concurrent callers share one decompression.
    ///
    /// # Errors
    /// `InvalidData` for damage, and other errors of the store.
    pub(super) fn part(&self, content: &Arc<FileBytes>, offset: u64) -> io::Result<WindowPart> {
        let number = offset / WINDOW_BYTES;
        let (slot, ahead) = self.slots(content, number);
        for (number, slot) in ahead {
            self.help(content, number, slot);
        }
        let window = match unpack_into(&slot, content, number) {
            Ok(window) => Arc::clone(window),
            Err(WindowFailure(kind, why)) => return Err(io::Error::new(*kind, why.clone())),
        };
        let wanted = window_of(content, number);
        let place = |n: u64| usize::try_from(n.saturating_sub(wanted.start)).unwrap_or(usize::MAX);
        let range = place(offset)..place(wanted.end);
        match window.get(range.clone()) {
            Some(_) => Ok(WindowPart { window, range }),
            None => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Returns the slot of a window, and those ahead of it that are new if its reader goes through the file.
    fn slots(&self, content: &FileBytes, number: u64) -> (WindowSlot, Vec<(u64, WindowSlot)>) {
        let mut recent = lock(&self.recent);
        let key = |number| (content.start, number);
        let place = |recent: &VecDeque<(WindowKey, WindowSlot)>, number| {
            recent.iter().position(|(k, _)| *k == key(number))
        };
        let keep = |recent: &mut VecDeque<_>, number, slot: &WindowSlot| {
            if recent.len() >= WINDOWS_KEPT {
                recent.pop_front();
            }
            recent.push_back((key(number), Arc::clone(slot)));
        };
        let found = place(&recent, number).and_then(|at| recent.remove(at));
        let slot = found.map_or_else(WindowSlot::default, |(_, slot)| slot);
        keep(&mut recent, number, &slot);
        // A row may lie in two windows. A reader of three in order goes on.
        let was_read = |back| number.checked_sub(back).and_then(|n| place(&recent, n));
        let mut ahead = Vec::new();
        if was_read(1).is_some() && was_read(2).is_some() && threads() > 1 {
            for next in number + 1..=number + WINDOWS_AHEAD {
                if !window_of(content, next).is_empty() && place(&recent, next).is_none() {
                    let slot = WindowSlot::default();
                    keep(&mut recent, next, &slot);
                    ahead.push((next, slot));
                }
            }
            let behind = number.checked_sub(WINDOWS_BEHIND);
            if let Some(at) = behind.and_then(|n| place(&recent, n)) {
                recent.remove(at);
            }
        }
        (slot, ahead)
    }

    /// Decompresses a window on a thread of its own.
    fn help(&self, content: &Arc<FileBytes>, number: u64, slot: WindowSlot) {
        let (content, is_closed) = (Arc::clone(content), Arc::clone(&self.is_closed));
        let thread = std::thread::Builder::new().name("alimentar-ahead".to_owned());
        let helper = thread.spawn(move || {
            if !is_closed.load(Ordering::Relaxed) {
                // The reader meets the same panic.
                let _ = caught(|| unpack_into(&slot, &content, number).is_ok());
            }
        });
        let mut helpers = lock(&self.helpers);
        helpers.retain(|helper| !helper.is_finished());
        // Without a thread, the reader does it when it comes there.
        helpers.extend(helper.ok());
    }
}

impl Drop for Windows {
    /// Waits for the helpers: they keep the bytes of the dataset from a collection.
    fn drop(&mut self) {
        self.is_closed.store(true, Ordering::Relaxed);
        for helper in std::mem::take(&mut *lock(&self.helpers)) {
            let _ = helper.join();
        }
    }
}

/// Returns the range of a window in the file.
fn window_of(content: &FileBytes, number: u64) -> Range<u64> {
    let size = content.entry.size_bytes;
    let from = number.saturating_mul(WINDOW_BYTES).min(size);
    from..from.saturating_add(WINDOW_BYTES).min(size)
}

fn unpack_into<'a>(
    slot: &'a WindowSlot,
    content: &FileBytes,
    number: u64,
) -> &'a Result<Arc<Vec<u8>>, WindowFailure> {
    slot.get_or_init(|| {
        let Range { start, end } = window_of(content, number);
        let window = content.unpack(content.start + start, content.start + end);
        window.map(Arc::new).map_err(|e| {
            let io = io_error(&e);
            WindowFailure(io.kind(), io.to_string())
        })
    })
}
