//! The reader of URLs, as the options and the environment say.

use std::path::Path;
use std::sync::Arc;

use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::out::Out;
use crate::net::HttpTransport;
use crate::registry::host;
use crate::remote::Remote;
use crate::remote::RemoteSettings;
use crate::remote::STALL_TIMEOUT;
use crate::remote::Statistics;
use crate::remote::Variables;

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
    let variables = Variables {
        text: &env::text,
        user_home: env::user_home(),
    };
    settings.hub = variables.hub();
    settings.s3 = variables.s3();
    let timeout = variables.stall_timeout();
    let timeout = timeout.map_err(|text| Failure::Misused {
        message: format!("{STALL_TIMEOUT} is `{text}`"),
        hint: "give seconds without a byte after which a request fails, such as 30".to_owned(),
    })?;
    if let Some(timeout) = timeout {
        settings.stall_timeout = timeout;
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
