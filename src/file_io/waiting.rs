//! Waits for other programs: opening a pipe waits for its other end, and reading one for bytes.
//! Each wait happens on a thread of its own, so that a request to stop ends it.

use std::io;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

pub use crate::error_kind::Stopped;

/// Interval at which a wait checks for a request to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Flag that the process was asked to stop. A signal handler sets it. Without one, a library user
/// is never stopped by it.
pub fn stop_flag() -> &'static Arc<AtomicBool> {
    static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    ASKED.get_or_init(Arc::default)
}

/// Runs work that may wait for another program. If the wait is ended, the thread stays behind until
/// the other program acts or the process ends.
///
/// # Errors
/// Errors of `work`; [`Stopped`] when the process was asked to stop meanwhile.
pub(super) fn apart<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, done) = sync_channel(1);
    std::thread::Builder::new().spawn(move || {
        // The receiver is gone after the wait was ended.
        let _ = sender.send(work());
    })?;
    next(&done).unwrap_or_else(|| Err(io::Error::other("a reading thread panicked")))
}

/// Reads a typed line, without its end.
///
/// # Errors
/// The error of the operating system; [`Stopped`] when the process was asked to stop meanwhile.
pub fn typed_line() -> io::Result<String> {
    let line = apart(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    })?;
    Ok(line.trim().to_owned())
}

/// Returns the next item of a waiting thread, or `None` when it has ended.
pub(super) fn next<T>(items: &Receiver<io::Result<T>>) -> Option<io::Result<T>> {
    loop {
        match items.recv_timeout(LOOK) {
            Ok(item) => return Some(item),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if stop_flag().load(Ordering::Relaxed) => {
                return Some(Err(io::Error::other(Stopped)));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
