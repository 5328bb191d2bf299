//! `-v` and `RUST_LOG`: what is done and how long it took, on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::time::uptime;

use crate::cli::args::Cli;
use crate::cli::exit::Failure;

/// The variable that says what is logged.
const VARIABLE: &str = "RUST_LOG";

/// Begins to log, where that is wanted. Each line has the seconds since the program began.
///
/// # Errors
/// A variable that is not understood.
#[allow(
    clippy::disallowed_methods,
    reason = "RUST_LOG is the variable that people know"
)]
pub(crate) fn begin(cli: &Cli) -> Result<(), Failure> {
    let said = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let filter = match (said, cli.verbose) {
        (Some(text), _) => EnvFilter::try_new(&text).map_err(|e| Failure::Misused {
            message: format!("{VARIABLE} is `{text}`: {e}"),
            hint: "write it as `debug`, or `alimentar=debug`".to_owned(),
        })?,
        (None, 0) => return Ok(()),
        (None, 1) => EnvFilter::new("alimentar=info"),
        (None, _) => EnvFilter::new("alimentar=debug"),
    };
    let subscriber = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(!cli.no_color && std::io::stderr().is_terminal())
        .with_timer(uptime())
        .with_target(false)
        .finish();
    // Nobody else in this process could have been first.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
