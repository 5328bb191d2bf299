//! Variables of the services behind URLs, which have the names that their own clients read.

use std::path::PathBuf;

use crate::cli::env;
use crate::remote::HubSettings;
use crate::remote::S3Keys;
use crate::remote::S3Settings;
use crate::remote::Secret;

/// Bytes of a file with a token.
const TOKEN_BYTES_MAX: usize = 4096;

/// The hub, by the variables of its own clients.
pub(super) fn hub() -> HubSettings {
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

/// Keys, region and server of S3, by the variables of its own clients.
pub(super) fn s3() -> S3Settings {
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
