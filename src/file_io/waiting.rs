//! Waiting for other programs: opening a pipe waits for its other end, reading one for bytes. The
//! wait happens on a thread of its own, so that a request to stop ends it.

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

/// How often a wait looks whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// Set when the process is asked to stop. Whoever handles signals sets it; a library user who does
/// not is never stopped by it.
pub fn stop_flag() -> &'static Arc<AtomicBool> {
    static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    ASKED.get_or_init(Arc::default)
}

/// Does something that may wait for another program. The thread stays behind when the wait is
/// ended, until the other program comes or the process ends.
///
/// # Errors
/// Those of `work`; [`Stopped`] when the process was asked to stop meanwhile.
pub(super) fn apart<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, done) = sync_channel(1);
    std::thread::Builder::new().spawn(move || {
        // Nobody listens any more when the wait was ended.
        let _ = sender.send(work());
    })?;
    next(&done).unwrap_or_else(|| Err(io::Error::other("a reading thread panicked")))
}

/// A line that somebody types, without its end.
///
/// # Errors
/// As the operating system; [`Stopped`] when the process was asked to stop meanwhile.
pub fn typed_line() -> io::Result<String> {
    let line = apart(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    })?;
    Ok(line.trim().to_owned())
}

/// The next item of a thread that waits; `None` when it has ended.
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
