//! An index that threads of its own build while it is asked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crate::inspect::line_index::Growing;
use crate::inspect::line_index::LineIndex;
use crate::inspect::line_index::LinesError;
use crate::progress::Progress;
use crate::read_at::ReadAt;

/// An index that grows by itself. Who asks waits no longer than until what he asks for is known.
/// Dropping it ends the threads behind the pieces that they are at.
#[derive(Debug)]
pub struct Background {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    growing: Growing,
    is_stopped: AtomicBool,
}

impl Background {
    /// Begins to count on so many threads, behind what an index covers.
    ///
    /// # Errors
    /// Where no thread is to be had.
    pub fn start(
        index: LineIndex,
        source: Arc<dyn ReadAt>,
        threads: usize,
    ) -> Result<Self, LinesError> {
        let shared = Arc::new(Shared {
            growing: Growing::new(index),
            is_stopped: AtomicBool::new(false),
        });
        let work = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("line-index".to_owned());
        let thread = thread.spawn(move || {
            // Nobody may wait for ever where this panics.
            let _gone = Gone(&work.growing);
            let done = work.growing.run(&*source, None, threads, &*work);
            work.growing.end(done.err());
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Waits until it is known where a line is or that there is none, or, without a line, until
    /// everything is counted; what is known then.
    ///
    /// # Errors
    /// [`LinesError::Interrupted`] where `progress` says so, which is asked whenever something was
    /// counted; and what ended the threads before it was known.
    pub fn wait(
        &self,
        until: Option<u64>,
        progress: &dyn Progress,
    ) -> Result<LineIndex, LinesError> {
        self.shared.growing.wait(until, progress)
    }

    /// How many bytes are counted without a gap.
    pub fn covered(&self) -> u64 {
        self.shared.growing.covered()
    }

    /// Ends the threads, and gives what was counted.
    ///
    /// # Errors
    /// What ended them before.
    pub fn stop(mut self) -> (LineIndex, Result<(), LinesError>) {
        self.end();
        self.shared.growing.ended()
    }

    /// The threads are to end behind the pieces that they are at.
    pub(super) fn ask_to_stop(&self) {
        self.shared.is_stopped.store(true, Ordering::Relaxed);
    }

    fn end(&mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take() {
            // Of a panic whoever asked was told.
            let _ = thread.join();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.end();
    }
}

impl Progress for Shared {
    fn cancelled(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

struct Gone<'a>(&'a Growing);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = io::Error::other("the thread that counts lines is gone");
            self.0.end(Some(LinesError::Read(why)));
        }
    }
}
