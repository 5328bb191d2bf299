//! What the program says of its work where a log is wanted: what is done, and how long it took. A
//! program that installs no subscriber of `tracing` pays one look at a flag a step.

use std::fmt::Display;
use std::time::Instant;

use tracing::Level;

use crate::registry::host;

/// A piece of work under way. It is logged when it is dropped: at the level of information, with the
/// seconds it took; its beginning is logged at the level of debugging.
#[derive(Debug)]
pub(crate) struct Step {
    logged: Option<(String, Instant)>,
}

impl Step {
    /// Begins a piece of work on something.
    pub(crate) fn begin(what: &str, on: impl Display) -> Self {
        if !tracing::enabled!(Level::INFO) {
            return Self { logged: None };
        }
        let text = format!("{what} {on}");
        tracing::debug!("{text}: begins");
        Self {
            logged: Some((text, host::instant())),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some((text, began)) = &self.logged {
            tracing::info!("{text}: {:.3} s", began.elapsed().as_secs_f64());
        }
    }
}
