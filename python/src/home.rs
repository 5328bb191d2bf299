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

use alimentar::error_kind::ErrorKind;
use alimentar::net::HttpTransport;
use alimentar::registry::Error;
use alimentar::registry::HomeFault;
use alimentar::registry::LocalRegistry;
use alimentar::registry::home_fault;
use alimentar::registry::host;
use alimentar::remote::Remote;
use alimentar::remote::RemoteSettings;
use alimentar::remote::STALL_TIMEOUT;
use alimentar::remote::Variables;
use alimentar::remote::is_yes;

use crate::failure::Failure;

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
///
/// # Errors
/// [`Failure`] for a timeout in the environment that is none.
pub(crate) fn remote(home: &Path) -> Result<Remote, Failure> {
    let mut guard = REMOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = guard.get_or_insert_default();
    let own = std::process::id();
    match known.remove(home) {
        Some((pid, remote)) if pid == own => {
            known.insert(home.to_owned(), (pid, remote.clone()));
            return Ok(remote);
        }
        // To drop it would wait for threads that only the parent has.
        Some(other) => std::mem::forget(other),
        None => {}
    }
    let mut settings = RemoteSettings::new(host::now);
    settings.cache_directory = home.is_dir().then(|| home.join("cache/remote"));
    settings.is_offline = is_offline();
    let variables = Variables {
        text: &text,
        user_home: user_home(),
    };
    settings.hub = variables.hub();
    settings.s3 = variables.s3();
    let timeout = variables.stall_timeout();
    let timeout = timeout.map_err(|text| {
        Failure::invalid(format!("{STALL_TIMEOUT} is `{text}`"))
            .with_hint("give seconds without a byte after which a request fails, such as 30")
    })?;
    if let Some(timeout) = timeout {
        settings.stall_timeout = timeout;
    }
    let transport = Arc::new(HttpTransport::new());
    let remote = Remote::new(transport, settings, Box::new(|_| {}));
    known.insert(home.to_owned(), (own, remote.clone()));
    Ok(remote)
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
    text(variable).is_some_and(|text| is_yes(&text))
}

fn user_home() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    home.map(PathBuf::from)
}
