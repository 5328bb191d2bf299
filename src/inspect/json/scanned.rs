//! Result of scanning one string or number.

use crate::inspect::json::Reason;
use crate::inspect::json::ScanError;

/// End of a token, or position of its error; small enough for two registers.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::json) struct TokenEnd {
    pub(in crate::inspect::json) at: usize,
    pub(in crate::inspect::json) found: TokenOutcome,
}

/// Outcome of a scan.
#[derive(Clone, Copy, Debug)]
pub(in crate::inspect::json) enum TokenOutcome {
    /// A token.
    Plain,
    /// A string with escapes, or an integer.
    Marked,
    /// A syntax error.
    Wrong(Reason),
}

impl From<ScanError> for TokenEnd {
    fn from(error: ScanError) -> Self {
        Self {
            at: error.at,
            found: TokenOutcome::Wrong(error.reason),
        }
    }
}
