//! What reading one string or number comes to.

use crate::inspect::json_scan::Reason;
use crate::inspect::json_scan::ScanError;

/// Where a token ends, or where it is wrong; small enough for two registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanned {
    pub(super) at: usize,
    pub(super) found: Found,
}

/// What was read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found {
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
