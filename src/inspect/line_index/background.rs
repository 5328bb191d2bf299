//! Background line index: its own threads build it while callers query it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crate::inspect::line_index::GrowingLineIndex;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinesError;
use crate::progress::Progress;
use crate::read_at::ReadAt;

/// A line index that grows in the background. A query waits only until its answer is known.
/// Dropping it stops the threads after their current pieces.
#[derive(Debug)]
pub struct BackgroundIndex {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    growing: GrowingLineIndex,
    is_stopped: AtomicBool,
}

impl BackgroundIndex {
    /// Starts to count with `threads` threads, after the bytes that an index covers.
    ///
    /// # Errors
    /// An I/O error if no thread can start.
    pub fn start(
        index: LineIndex,
        source: Arc<dyn ReadAt>,
        threads: usize,
    ) -> Result<Self, LinesError> {
        let shared = Arc::new(Shared {
            growing: GrowingLineIndex::new(index),
            is_stopped: AtomicBool::new(false),
        });
        let work = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("line-index".to_owned());
        let thread = thread.spawn(move || {
            // Wakes the waiting callers even after a panic.
            let _gone = EndGuard(&work.growing);
            let done = work.growing.run(&*source, None, threads, &*work);
            work.growing.end(done.err());
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Waits until the index can locate a line or knows that it does not exist; without a line,
    /// until the index is complete. Returns the index so far.
    ///
    /// # Errors
    /// [`LinesError::Interrupted`] if `progress` is cancelled, polled after each counted piece, and
    /// any error that stopped the threads first.
    pub fn wait(
        &self,
        until: Option<u64>,
        progress: &dyn Progress,
    ) -> Result<LineIndex, LinesError> {
        self.shared.growing.wait(until, progress)
    }

    /// Number of bytes counted without a gap.
    pub fn covered(&self) -> u64 {
        self.shared.growing.covered()
    }

    /// Stops the threads, and returns the index so far.
    ///
    /// # Errors
    /// Any error that stopped the threads before.
    pub fn stop(mut self) -> (LineIndex, Result<(), LinesError>) {
        self.end();
        self.shared.growing.ended()
    }

    /// Asks the threads to stop after their current pieces.
    pub(super) fn ask_to_stop(&self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
    }

    fn end(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            // Waiting callers have already learnt of a panic.
            let _ = thread.join();
        }
    }
}

impl Drop for BackgroundIndex {
    fn drop(&mut self) {
        self.end();
    }
}

impl Progress for Shared {
    fn cancelled(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

struct EndGuard<'a>(&'a GrowingLineIndex);

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = io::Error::other("the thread that counts lines is gone");
            self.0.end(Some(LinesError::Read(why)));
        }
    }
}
