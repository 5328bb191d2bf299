//! The registry's directory, and the reader of URLs, by the environment.
#![allow(
    clippy::disallowed_methods,
    reason = "this file is the one place of the package that reads the environment"
)]

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use alimentar::error_kind::ErrorKind;
use alimentar::file_io::read_own_text;
use alimentar::net::HttpTransport;
use alimentar::registry::Error;
use alimentar::registry::HomeFault;
use alimentar::registry::LocalRegistry;
use alimentar::registry::home_fault;
use alimentar::registry::host;
use alimentar::remote::HubSettings;
use alimentar::remote::Remote;
use alimentar::remote::RemoteSettings;
use alimentar::remote::S3Keys;
use alimentar::remote::S3Settings;
use alimentar::remote::Secret;
use alimentar::remote::s3::profile::AwsProfile;
use alimentar::remote::s3::profile::PROFILE_FILE_BYTES_MAX;
use alimentar::remote::s3::profile::ProfileFile;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Bytes of a file with a token.
const TOKEN_BYTES_MAX: usize = 4096;

/// Returns the registry's directory: the given one, or that of the environment.
pub(crate) fn path_of(given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let named = || text("ALIMENTAR_HOME").map(PathBuf::from);
    let usual = || user_home().map(|home| home.join(".alimentar"));
    given.or_else(named).or_else(usual).ok_or_else(|| {
        Failure::invalid("HOME is not set").with_hint("give home=, or set ALIMENTAR_HOME")
    })
}

/// Opens the registry. Without `may_create` there has to be one.
pub(crate) fn registry(home: &Path, may_create: bool) -> Result<LocalRegistry, Failure> {
    if !may_create && !home.exists() {
        let message = format!("there is no registry at `{}` yet", home.display());
        return Err(Failure::new(ErrorKind::NotFound, message)
            .with_hint("`alimentar.index(path)` makes one; home= names another directory"));
    }
    check(home)?;
    Ok(LocalRegistry::open(home)?)
}

/// Refuses a directory in which other users can change what is trusted.
pub(crate) fn check(home: &Path) -> Result<(), Failure> {
    let fault = home_fault(home).map_err(|source| Error::File {
        action: "read",
        path: home.to_owned(),
        source,
    })?;
    let shown = home.display();
    let message = match fault {
        Some(HomeFault::Owner(uid)) => {
            format!("the registry's directory `{shown}` belongs to another user (uid {uid})")
        }
        Some(HomeFault::Mode(mode)) => format!(
            "others on this machine have access to the registry's directory `{shown}` (mode {mode:04o})"
        ),
        Some(HomeFault::ReadOnly(_)) | None => return Ok(()),
    };
    match is_on("ALIMENTAR_INSECURE_HOME") {
        true => Ok(()),
        false => Err(Failure::new(ErrorKind::Denied, message)
            .with_hint("`chmod 700` it, or set ALIMENTAR_INSECURE_HOME=1 to use it all the same")),
    }
}

/// Returns true if no connection may be made.
pub(crate) fn is_offline() -> bool {
    is_on("ALIMENTAR_OFFLINE") || is_on("HF_HUB_OFFLINE")
}

/// Readers of URLs by directory, each with the process that made it.
static REMOTES: Mutex<Option<HashMap<PathBuf, (u32, Remote)>>> = Mutex::new(None);

/// Returns the reader of URLs for a directory. Only threads that hold the interpreter's lock call it, so the lock of the
/// list is free in a forked child. The child makes a reader of its own: the threads of the other one are not there.
pub(crate) fn remote(home: &Path) -> Remote {
    let mut guard = REMOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = guard.get_or_insert_default();
    let own = std::process::id();
    match known.remove(home) {
        Some((pid, remote)) if pid == own => {
            known.insert(home.to_owned(), (pid, remote.clone()));
            return remote;
        }
        // To drop it would wait for threads that only the parent has.
        Some(other) => std::mem::forget(other),
        None => {}
    }
    let mut settings = RemoteSettings::new(host::now);
    settings.cache_directory = home.is_dir().then(|| home.join("cache/remote"));
    settings.is_offline = is_offline();
    settings.hub = hub();
    settings.s3 = s3();
    let timeout = text("ALIMENTAR_REMOTE_TIMEOUT").and_then(|t| t.parse::<f64>().ok());
    if let Some(seconds) = timeout.filter(|s| (0.1..=3600.0).contains(s)) {
        settings.stall_timeout = Duration::from_secs_f64(seconds);
    }
    let transport = Arc::new(HttpTransport::new());
    let remote = Remote::new(transport, settings, Box::new(|_| {}));
    known.insert(home.to_owned(), (own, remote.clone()));
    remote
}

/// Writes what was received to the cache, at the end of the program.
pub(crate) fn save_remotes() {
    let guard = REMOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let own = std::process::id();
    let known = guard.iter().flat_map(|known| known.values());
    for (_, remote) in known.filter(|(pid, _)| *pid == own) {
        remote.save();
    }
}

/// Returns a variable that is set and not empty.
pub(crate) fn text(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|text| !text.is_empty())
}

/// Returns true if a variable is set to something else than no.
fn is_on(variable: &str) -> bool {
    let off = ["0", "n", "no", "f", "false", "off"];
    text(variable).is_some_and(|text| !off.contains(&text.to_lowercase().as_str()))
}

fn user_home() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from)
}

/// Returns the settings of the hub, by the variables of its own clients.
fn hub() -> HubSettings {
    let mut hub = HubSettings::default();
    if let Some(endpoint) = text("HF_ENDPOINT") {
        hub.endpoint = endpoint.trim_end_matches('/').to_owned();
    }
    let token = text("HF_TOKEN").or_else(token_of_file);
    let token = token.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    hub.token = token.map(Secret::new);
    hub
}

fn token_of_file() -> Option<String> {
    if is_on("HF_HUB_DISABLE_IMPLICIT_TOKEN") {
        return None;
    }
    let named = text("HF_TOKEN_PATH").map(PathBuf::from);
    let own = || {
        let home = text("HF_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(user_home()?.join(".cache/huggingface")));
        home.map(|home| home.join("token"))
    };
    read_own_text(&named.or_else(own)?, TOKEN_BYTES_MAX).ok()
}

/// Returns the settings of S3, by the variables and files of its own clients. Variables come first.
fn s3() -> S3Settings {
    let pair = (text("AWS_ACCESS_KEY_ID"), text("AWS_SECRET_ACCESS_KEY"));
    let keys = match pair {
        (Some(id), Some(secret)) => Some(S3Keys {
            id,
            secret: Secret::new(secret),
            session_token: text("AWS_SESSION_TOKEN").map(Secret::new),
        }),
        _ => None,
    };
    let mut settings = S3Settings {
        keys,
        region: text("AWS_REGION").or_else(|| text("AWS_DEFAULT_REGION")),
        endpoint: text("AWS_ENDPOINT_URL_S3").or_else(|| text("AWS_ENDPOINT_URL")),
        fault: None,
    };
    let named = text("AWS_PROFILE");
    let name = named.as_deref().unwrap_or("default");
    let files = [
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            "credentials",
            ProfileFile::Credentials,
        ),
        ("AWS_CONFIG_FILE", "config", ProfileFile::Config),
    ];
    let mut indirect = None;
    let mut is_found = false;
    for (variable, file, kind) in files {
        let usual = || user_home().map(|home| home.join(".aws").join(file));
        let Some(path) = text(variable).map(PathBuf::from).or_else(usual) else {
            continue;
        };
        let read = read_own_text(&path, PROFILE_FILE_BYTES_MAX).ok();
        let Some(profile) = read.and_then(|t| AwsProfile::read(&Zeroizing::new(t), kind, name))
        else {
            continue;
        };
        is_found = true;
        settings.keys = settings.keys.take().or_else(|| profile.keys());
        settings.region = settings.region.take().or(profile.region);
        let is_ignored = is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let endpoint = profile.endpoint.filter(|_| !is_ignored);
        settings.endpoint = settings.endpoint.take().or(endpoint);
        indirect = indirect.or(profile.indirect);
    }
    if named.is_some() && settings.keys.is_none() {
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
    settings
}
