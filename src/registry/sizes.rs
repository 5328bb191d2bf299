//! Sizes that divide the work of a registry and bound what comes without consent.

use std::time::Duration;

use crate::wire::limits::EXPANSION_FREE_BYTES;

/// Bytes of a dataset from which on its pull makes a partial holding: its pull takes longer than the
/// transaction.
const PULL_NOTED_BYTES: u64 = 64 << 20;

/// Sizes of a registry's work. Programs use the defaults. Tests use small ones, so that a small
/// dataset has many parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Bytes of data that a dataset may claim by repetition without a person's consent.
    pub(crate) free_data_bytes: u64,
    /// Bytes that one request of a pull asks for, about.
    pub(crate) window_bytes: usize,
    /// Chunks that a pull cuts into windows at a time.
    pub(crate) stretch_chunks: usize,
    /// Bytes of a dataset from which on its pull makes a partial holding.
    pub(crate) pull_noted_bytes: u64,
    /// The pause before each attempt to reach a lost peer again.
    pub(crate) reconnect_pauses: [Duration; 4],
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            free_data_bytes: EXPANSION_FREE_BYTES,
            window_bytes: 8 << 20,
            stretch_chunks: 8192,
            pull_noted_bytes: PULL_NOTED_BYTES,
            reconnect_pauses: [
                Duration::from_millis(100),
                Duration::from_millis(500),
                Duration::from_secs(2),
                Duration::from_secs(4),
            ],
        }
    }
}

#[cfg(test)]
impl Sizes {
    /// The sizes of tests.
    pub(crate) const SMALL: Self = Self {
        free_data_bytes: 4 << 20,
        window_bytes: 32 << 10,
        stretch_chunks: 64,
        pull_noted_bytes: 1 << 20,
        reconnect_pauses: [Duration::ZERO; 4],
    };
}
