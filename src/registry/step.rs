//! Log records of the steps of an operation, with their durations. Without a subscriber of
//! `tracing`, a step costs one check of a flag.

use std::fmt::Display;
use std::time::Instant;

use tracing::Level;

use crate::registry::host;

/// A step in progress. Its start is logged at the debug level. Dropping it logs its duration in
/// seconds at the info level.
#[derive(Debug)]
pub(crate) struct Step {
    logged: Option<(String, Instant)>,
}

impl Step {
    /// Starts a step.
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
