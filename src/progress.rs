//! Progress reporting. The library only reports; the command line draws bars.

/// Receiver of the progress of one operation. Any thread may call it.
pub trait Progress: Send + Sync {
    /// Begins a phase. `total_bytes` is its length where it is known.
    fn phase(&self, _name: &str, _total_bytes: Option<u64>) {}

    /// Reports that this number of further bytes of the phase is done.
    fn advance(&self, _bytes: u64) {}

    /// Returns true if the caller asked to stop. Long work asks between steps.
    fn cancelled(&self) -> bool {
        false
    }
}

/// A receiver that ignores progress and never stops the work.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {}
