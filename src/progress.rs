//! How long work tells how far it is. The library only reports; bars belong to the command line.

/// Receives the progress of one operation. Called from any thread.
pub trait Progress: Send + Sync {
    /// A phase begins. `total_bytes` is its length where it is known.
    fn phase(&self, _name: &str, _total_bytes: Option<u64>) {}

    /// This many more bytes of the phase are done.
    fn advance(&self, _bytes: u64) {}

    /// Whether the caller asked to stop; long work looks here between steps.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Reports nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {}
