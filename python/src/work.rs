//! Long work: it runs on a thread of its own, without the interpreter's lock, while the calling thread looks for signals
//! and reports progress.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use alimentar::error_kind::ErrorKind;
use alimentar::panics::caught;
use alimentar::progress::Progress;
use pyo3::prelude::*;

use crate::failure::Failure;

/// Interval at which the calling thread looks for signals.
const LOOK_UP: Duration = Duration::from_millis(25);
/// Time that cancelled work has to end by itself, so that it leaves nothing half done.
const GRACE: Duration = Duration::from_millis(50);
/// Total of a phase whose length is unknown.
const UNKNOWN: u64 = u64::MAX;

/// The progress of some work, and the wish to end it.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    phase: Mutex<String>,
    total: AtomicU64,
    done: AtomicU64,
    is_cancelled: AtomicBool,
}

impl Watch {
    /// Asks the work to end.
    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// Returns the name of the phase, and its bytes: those done and all.
    fn state(&self) -> (String, u64, Option<u64>) {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let total = self.total.load(Ordering::Relaxed);
        let done = self.done.load(Ordering::Relaxed);
        (phase.clone(), done, (total != UNKNOWN).then_some(total))
    }
}

impl Progress for Watch {
    fn phase(&self, name: &str, total_bytes: Option<u64>) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone_into(&mut phase);
        self.total
            .store(total_bytes.unwrap_or(UNKNOWN), Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
    }

    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

/// Does work on a thread of its own. A signal handler that raises, such as that of `KeyboardInterrupt`, ends the call, and
/// so does `progress` when it raises. The work is then cancelled; it touches no Python object, so it may outlive the call.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Arc<Watch>) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let watch = Arc::new(Watch::default());
    let (sender, mut receiver) = mpsc::sync_channel(1);
    let theirs = Arc::clone(&watch);
    let thread = std::thread::Builder::new().name("alimentar".to_owned());
    let started = thread.spawn(move || {
        let made = caught(|| work(&theirs));
        // Nobody waits any more after a signal.
        let _ = sender.send(made);
    });
    started.map_err(|e| Failure::new(ErrorKind::Io, format!("cannot start a thread: {e}")))?;
    let mut shown = None;
    loop {
        let waited;
        (waited, receiver) = wait(py, receiver, LOOK_UP);
        match waited {
            Ok(Ok(made)) => return Ok(made?),
            Ok(Err(_)) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(Failure::new(ErrorKind::Io, "a thread panicked").into());
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        let goes_on = py
            .check_signals()
            .and_then(|()| report(progress, &watch, &mut shown));
        if let Err(error) = goes_on {
            watch.cancel();
            let _ = wait(py, receiver, GRACE);
            return Err(error);
        }
    }
}

/// The result of a wait, and the receiver again.
type Waited<T> = (Result<T, mpsc::RecvTimeoutError>, mpsc::Receiver<T>);

fn wait<T: Send>(py: Python<'_>, receiver: mpsc::Receiver<T>, most: Duration) -> Waited<T> {
    py.detach(move || (receiver.recv_timeout(most), receiver))
}

/// Calls `progress` if something has changed.
fn report(
    progress: Option<&Bound<'_, PyAny>>,
    watch: &Watch,
    shown: &mut Option<(String, u64, Option<u64>)>,
) -> PyResult<()> {
    let Some(progress) = progress else {
        return Ok(());
    };
    let state = watch.state();
    if !state.0.is_empty() && shown.as_ref() != Some(&state) {
        progress.call1((&state.0, state.1, state.2))?;
        *shown = Some(state);
    }
    Ok(())
}
