//! The work of one call: it can be cancelled, and reports its progress.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use crate::locks::lock;
use crate::progress::Progress;
use crate::registry::host;

/// A report of progress: bytes done, bytes in all if known, and the phase.
pub(crate) type Report = Box<dyn Fn(u64, Option<u64>, &str) + Send + Sync>;

/// Time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// One call under way.
pub(crate) struct Work {
    is_cancelled: Arc<AtomicBool>,
    done: AtomicU64,
    phase: Mutex<Phase>,
    report: Option<Report>,
}

struct Phase {
    name: String,
    total: Option<u64>,
    reported: Instant,
}

impl Work {
    /// Begins a call that stops once the flag is set. `report` receives its progress.
    pub(crate) fn new(is_cancelled: Arc<AtomicBool>, report: Option<Report>) -> Self {
        Self {
            is_cancelled,
            done: AtomicU64::new(0),
            phase: Mutex::new(Phase {
                name: String::new(),
                total: None,
                reported: host::instant(),
            }),
            report,
        }
    }

    /// Returns the bytes of the present phase that were read.
    #[cfg(test)]
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

impl Progress for Work {
    fn phase(&self, name: &str, total_bytes: Option<u64>) {
        let mut phase = lock(&self.phase);
        phase.name = name.to_owned();
        phase.total = total_bytes;
        self.done.store(0, Ordering::Relaxed);
    }

    fn advance(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let Some(report) = &self.report else { return };
        let mut phase = lock(&self.phase);
        if phase.reported.elapsed() >= REPORT_EVERY {
            phase.reported = host::instant();
            report(done, phase.total, &phase.name);
        }
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}
