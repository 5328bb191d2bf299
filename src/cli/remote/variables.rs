//! Variables of the services behind URLs, which have the names that their own clients read.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::cli::env;
use crate::remote::HubSettings;
use crate::remote::S3Keys;
use crate::remote::S3Settings;
use crate::remote::Secret;
use crate::remote::s3::profile::AwsProfile;
use crate::remote::s3::profile::PROFILE_FILE_BYTES_MAX;
use crate::remote::s3::profile::ProfileFile;

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

/// Keys, region and server of S3, by the variables and files of its own clients. Variables come first.
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
    let mut settings = S3Settings {
        keys,
        region,
        endpoint,
        fault: None,
    };
    add_profile(&mut settings);
    settings
}

/// Completes the settings from the files of profiles.
fn add_profile(settings: &mut S3Settings) {
    let named = env::text("AWS_PROFILE");
    let name = named.as_deref().unwrap_or("default");
    let files = [
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            "credentials",
            ProfileFile::Credentials,
        ),
        ("AWS_CONFIG_FILE", "config", ProfileFile::Config),
    ];
    let mut is_found = false;
    let mut indirect = None;
    for (variable, file, kind) in files {
        let profile = match profile_in(variable, file, (kind, name)) {
            Ok(Some(profile)) => profile,
            Ok(None) => continue,
            Err(fault) => {
                // Settings that nobody named must not bar a bucket that everybody may read.
                let is_named = named.is_some() || env::text(variable).is_some();
                settings.fault = Some(fault).filter(|_| is_named);
                return;
            }
        };
        is_found = true;
        settings.keys = settings.keys.take().or_else(|| profile.keys());
        settings.region = settings.region.take().or(profile.region);
        let is_ignored = env::is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let endpoint = profile.endpoint.filter(|_| !is_ignored);
        settings.endpoint = settings.endpoint.take().or(endpoint);
        indirect = indirect.or(profile.indirect);
    }
    if named.is_none() || settings.keys.is_some() {
        return;
    }
    settings.fault = match (is_found, indirect) {
        (false, _) => Some(format!(
            "is `{name}`, and no file has a profile of that name"
        )),
        (true, Some(by)) => Some(format!(
            "is `{name}`, whose keys come by `{by}`, which is not done here: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )),
        (true, None) => None,
    };
}

/// The profile in a file: the one that a variable names, or that in `~/.aws`. `None` where there is no
/// such file, or it has no such profile.
fn profile_in(
    variable: &str,
    file: &str,
    (kind, name): (ProfileFile, &str),
) -> Result<Option<AwsProfile>, String> {
    let of_home = |below: &str| env::user_home().map(|home| home.join(below));
    let named = env::text(variable).map(|text| match text.strip_prefix("~/") {
        Some(below) => of_home(below).unwrap_or_else(|| PathBuf::from(&text)),
        None => PathBuf::from(text),
    });
    let Some(path) = named.or_else(|| of_home(&format!(".aws/{file}"))) else {
        return Ok(None);
    };
    match crate::file_io::read_own_text(&path, PROFILE_FILE_BYTES_MAX) {
        Ok(text) => Ok(AwsProfile::read(&Zeroizing::new(text), kind, name)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot be read from `{}`: {error}", path.display())),
    }
}
