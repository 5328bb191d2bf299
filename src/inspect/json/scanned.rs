//! What reading one string or number comes to.

use crate::inspect::json::Reason;
use crate::inspect::json::ScanError;

/// Where a token ends, or where it is wrong; small enough for two registers.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::json) struct Scanned {
    pub(in crate::inspect::json) at: usize,
    pub(in crate::inspect::json) found: Found,
}

/// What was read.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::json) enum Found {
    /// A token.
    Plain,
    /// A string with escapes, or a number that is an integer.
    Marked,
    /// Nothing.
    Wrong(Reason),
}

impl From<ScanError> for Scanned {
    fn from(error: ScanError) -> Self {
        Self {
            at: error.at,
            found: Found::Wrong(error.reason),
        }
    }
}
