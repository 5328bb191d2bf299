//! Progress on a terminal: bytes, rate and time left, on stderr.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::cli::interrupt;
use crate::progress::Progress;

/// A progress bar. Without a terminal it is hidden.
#[derive(Debug)]
pub(crate) struct ProgressBar {
    bar: indicatif::ProgressBar,
}

impl ProgressBar {
    pub(crate) fn new(is_wanted: bool) -> Self {
        let is_shown = is_wanted && std::io::stderr().is_terminal();
        let target = if is_shown {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = indicatif::ProgressBar::with_draw_target(None, target);
        bar.enable_steady_tick(Duration::from_millis(125));
        Self { bar }
    }

    /// A bar that is never shown, but stops work after a signal as others do.
    pub(crate) fn hidden() -> Self {
        Self::new(false)
    }

    /// Hides the bar while `act` runs, for instance while a person is asked.
    pub(crate) fn suspend<T>(&self, act: impl FnOnce() -> T) -> T {
        self.bar.suspend(act)
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for ProgressBar {
    fn phase(&self, name: &str, total_bytes: Option<u64>) {
        let template = if total_bytes.is_some() {
            "{msg} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  eta {eta}"
        } else {
            "{spinner} {msg}  {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_message(name.to_owned());
        self.bar.set_position(0);
        if let Some(total) = total_bytes {
            self.bar.set_length(total);
        }
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn cancelled(&self) -> bool {
        interrupt::is_requested()
    }
}
