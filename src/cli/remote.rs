//! The reader of URLs, as the options and the environment say.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::context::Context;
use crate::cli::context::GlobalArgs;
use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::out::Out;
use crate::net::HttpTransport;
use crate::registry::host;
use crate::remote::HubSettings;
use crate::remote::Remote;
use crate::remote::RemoteSettings;
use crate::remote::S3Keys;
use crate::remote::S3Settings;
use crate::remote::Secret;

/// The directory of the cache, in a registry's.
const CACHE: &str = "cache/remote";
/// Bytes of a file with a token.
const TOKEN_BYTES_MAX: usize = 4096;

/// Makes the reader.
///
/// # Errors
/// [`Failure::Misused`] for a timeout that is no number of seconds.
pub(super) fn make(global: &GlobalArgs, home: &Path, out: Out) -> Result<Remote, Failure> {
    let mut settings = RemoteSettings::new(host::now);
    // A home that is not there yet is not made for the sake of a cache.
    settings.cache_directory = home.is_dir().then(|| home.join(CACHE));
    settings.is_offline = is_offline(global);
    settings.is_stopped = interrupt::is_requested;
    settings.hub = hub();
    settings.s3 = s3();
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

/// True if no connection may be made.
pub(super) fn is_offline(global: &GlobalArgs) -> bool {
    global.offline || env::is_on("HF_HUB_OFFLINE")
}

/// Prints the counts of what was read from URLs, with `-v`.
pub(super) fn report(ctx: &Context) {
    let Some(counts) = ctx.remote_statistics().filter(|_| ctx.global.verbose > 0) else {
        return;
    };
    let share = match counts.whole_bytes {
        0 => String::new(),
        whole => format!(
            ", {:.2} % of {whole}",
            counts.received_bytes as f64 * 100.0 / whole as f64
        ),
    };
    ctx.out.diagnostic(&format!(
        "read from elsewhere: {} requests ({} repeated), {} bytes{share}; {} bytes from the cache",
        counts.requests, counts.retries, counts.received_bytes, counts.cached_bytes
    ));
}

fn hub() -> HubSettings {
    let mut hub = HubSettings::default();
    if let Some(endpoint) = env::text("HF_ENDPOINT") {
        hub.endpoint = endpoint.trim_end_matches('/').to_owned();
    }
    let token = env::text("HF_TOKEN").or_else(token_of_file);
    let token = token.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    hub.token = token.map(Secret::new);
    hub
}

/// The token in the file of `HF_TOKEN_PATH`, or where the hub's own client keeps it.
fn token_of_file() -> Option<String> {
    if env::is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
        return None;
    }
    let named = env::text("HF_TOKEN_PATH").map(PathBuf::from);
    let own = || {
        let home = env::text("HF_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(env::user_home()?.join(".cache/huggingface")));
        home.map(|home| home.join("token"))
    };
    let path = named.or_else(own)?;
    crate::file_io::read_own_text(&path, TOKEN_BYTES_MAX).ok()
}

fn s3() -> S3Settings {
    let pair = (
        env::text("AWS_ACCESS_KEY_ID"),
        env::text("AWS_SECRET_ACCESS_KEY"),
    );
    let keys = match pair {
        (Some(id), Some(secret)) => Some(S3Keys {
            id,
            secret: Secret::new(secret),
            session_token: env::text("AWS_SESSION_TOKEN").map(Secret::new),
        }),
        _ => None,
    };
    let region = env::text("AWS_REGION").or_else(|| env::text("AWS_DEFAULT_REGION"));
    let endpoint = env::text("AWS_ENDPOINT_URL_S3").or_else(|| env::text("AWS_ENDPOINT_URL"));
    S3Settings {
        keys,
        region,
        endpoint,
    }
}
