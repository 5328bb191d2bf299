//! The reader of URLs, as the options and the environment say. `variables` reads those of the services.

mod variables;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::out::Out;
use crate::net::HttpTransport;
use crate::registry::host;
use crate::remote::Remote;
use crate::remote::RemoteSettings;
use crate::remote::Statistics;

/// The directory of the cache, in a registry's.
const CACHE: &str = "cache/remote";

/// Makes the reader.
///
/// # Errors
/// [`Failure::Misused`] for a timeout that is no number of seconds.
pub(super) fn make(home: &Path, is_offline: bool, out: Out) -> Result<Remote, Failure> {
    let mut settings = RemoteSettings::new(host::now);
    // A home that is not there yet is not made for the sake of a cache.
    settings.cache_directory = home.is_dir().then(|| home.join(CACHE));
    settings.is_offline = is_offline;
    settings.is_stopped = interrupt::is_requested;
    settings.hub = variables::hub();
    settings.s3 = variables::s3();
    if let Some(text) = env::text("ALIMENTAR_REMOTE_TIMEOUT") {
        let seconds = text
            .parse::<f64>()
            .ok()
            .filter(|s| (0.1..=3600.0).contains(s));
        let seconds = seconds.ok_or_else(|| Failure::Misused {
            message: format!("ALIMENTAR_REMOTE_TIMEOUT is `{text}`"),
            hint: "give seconds without a byte after which a request fails, such as 30".to_owned(),
        })?;
        settings.stall_timeout = Duration::from_secs_f64(seconds);
    }
    let notices = Box::new(move |text: &str| out.diagnostic(&format!("note: {text}")));
    Ok(Remote::new(
        Arc::new(HttpTransport::new()),
        settings,
        notices,
    ))
}

/// Returns a sentence with the counts of what was read.
pub(super) fn describe(counts: Statistics) -> String {
    let share = match counts.whole_bytes {
        0 => String::new(),
        whole => format!(
            ", {:.2} % of {whole}",
            counts.received_bytes as f64 * 100.0 / whole as f64
        ),
    };
    format!(
        "read from elsewhere: {} requests ({} repeated), {} bytes{share}; {} bytes from the cache",
        counts.requests, counts.retries, counts.received_bytes, counts.cached_bytes
    )
}
