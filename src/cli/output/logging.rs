//! The log on stderr, for `-v` and `RUST_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::time::uptime;

use crate::cli::env;
use crate::cli::exit::Failure;

/// Starts the log if it is wanted. Each line has the seconds since the program began.
///
/// # Errors
/// [`Failure::Misused`] for a variable that is no filter.
pub(crate) fn start_log(verbosity: u8, has_colour: bool) -> Result<(), Failure> {
    let filter = match (env::log_filter(), verbosity) {
        (Some(text), _) => EnvFilter::try_new(&text).map_err(|e| Failure::Misused {
            message: format!("{} is `{text}`: {e}", env::LOG_FILTER),
            hint: "write it as `debug`, or `alimentar=debug`".to_owned(),
        })?,
        (None, 0) => return Ok(()),
        (None, 1) => EnvFilter::new("alimentar=info"),
        (None, _) => EnvFilter::new("alimentar=debug"),
    };
    let subscriber = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colour && std::io::stderr().is_terminal())
        .with_timer(uptime())
        .with_target(false)
        .finish();
    // No other part of this process sets a subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
