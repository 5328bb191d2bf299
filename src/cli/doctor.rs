//! `doctor`: checks of this machine and of the registry. They change nothing.

use std::net::Ipv4Addr;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::registry::network::connect::open_net;
use crate::cli::settings::Settings;
use crate::keyring;
use crate::net::KnownPeers;
use crate::net::PeerAddress;
use crate::net::discovery;
use crate::net::running_node;
use crate::progress::Progress;
use crate::registry::LocalRegistry;
use crate::registry::home_fault;
use crate::registry::host;

/// Check that this machine and the registry are in order
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar doctor")]
pub(crate) struct DoctorArgs {}

#[derive(Serialize)]
struct DoctorOutput {
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
    /// The remedy, if the check failed.
    hint: Option<&'static str>,
}

/// With less free space than this, the file system counts as full.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// The time to look for nodes. A node may announce itself only once a second.
const LOOK: Duration = Duration::from_millis(1_200);
/// The port at which nodes serve by default.
const SERVE_PORT: u16 = 8765;
/// 2026-01-01. A clock that shows an earlier time is wrong.
const EARLIEST: i64 = 1_767_225_600;
/// The width of the column with the names of checks.
const NAME_WIDTH: usize = 15;

pub(crate) fn run(ctx: &Context, _args: &DoctorArgs) -> Result<(), Failure> {
    let home = ctx.home()?;
    let mut checks = Checks {
        out: ctx.out,
        checks: Vec::new(),
    };
    let registry = check_home(&home, &mut checks)?;
    checks.add(
        "permissions",
        "`chmod 700` the home",
        check_permissions(&home),
    )?;
    checks.add(
        "space",
        "make room before indexing; `alimentar gc` gives back what no dataset needs",
        check_space(&home),
    )?;
    checks.add(
        "settings",
        "`alimentar config edit` opens them",
        check_settings(&home),
    )?;
    checks.add(
        "publisher key",
        "`chmod 600` it, or restore it from a copy; `alimentar keygen` makes a new one",
        check_key_file(&home.join("key.enc"), "none; `alimentar keygen` makes one"),
    )?;
    checks.add(
        "node key",
        "`chmod 600` it, or restore it from a copy",
        check_key_mode(
            &home.join("node.key"),
            "none yet; serving and pulling make it",
        ),
    )?;
    if let Some(registry) = &registry {
        checks.add(
            "store format",
            "`alimentar fsck --repair` makes the index anew from the packs",
            check_store(registry),
        )?;
        checks.add(
            "trust file",
            "mend trust.toml by hand, or restore it from a copy",
            check_trust(registry),
        )?;
    }
    checks.add(
        "clock",
        "set the machine's clock: manifests carry the time",
        check_clock(),
    )?;
    checks.add(
        "ports",
        "another program has it: serve with --port",
        check_port(&home),
    )?;
    let bar = ctx.progress_bar_if(!ctx.out.is_json());
    bar.phase("looking for nodes on this network", None);
    let around = check_multicast();
    drop(bar);
    checks.add(
        "multicast",
        "peers have to be named with --peer, and serve runs with --no-mdns",
        around,
    )?;
    let bar = ctx.progress_bar_if(!ctx.out.is_json());
    bar.phase("asking the peers that are known", None);
    let reached = match &registry {
        Some(registry) => check_peers(registry, &home),
        None => Ok("none known yet".to_owned()),
    };
    drop(bar);
    checks.add(
        "peers reachable",
        "is the node there serving, and its UDP port open?",
        reached,
    )?;
    checks.finish()
}

/// The checks so far.
struct Checks {
    out: Out,
    checks: Vec<Check>,
}

impl Checks {
    /// Adds a check, and prints it at once if a person reads the output.
    fn add(
        &mut self,
        name: &'static str,
        hint: &'static str,
        found: Result<String, String>,
    ) -> Result<(), Failure> {
        let (ok, detail) = match found {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        if self.out.is_text() {
            let state = if ok {
                self.out.good("ok ")
            } else {
                self.out.bad("bad")
            };
            let detail = printable(&detail).replace('\n', " ");
            let mut line = format!("{state}  {name:NAME_WIDTH$}  {detail}\n");
            if !ok {
                line += &format!("{:w$}  {hint}\n", "", w = NAME_WIDTH + 5);
            }
            self.out.bytes(line.as_bytes())?;
        }
        self.checks.push(Check {
            name,
            ok,
            detail,
            hint: (!ok).then_some(hint),
        });
        Ok(())
    }

    /// Prints the result for programs.
    ///
    /// # Errors
    /// [`Failure::Findings`] if a check failed.
    fn finish(self) -> Result<(), Failure> {
        let bad: Vec<String> = self
            .checks
            .iter()
            .filter(|check| !check.ok)
            .map(|check| check.name.to_owned())
            .collect();
        if self.out.is_json() || self.out.is_quiet() {
            let output = DoctorOutput {
                checks: self.checks,
            };
            self.out.result(&output, &bad, "")?;
        }
        match bad.as_slice() {
            [] => Ok(()),
            bad => Err(Failure::Findings(format!(
                "not in order: {}",
                bad.join(", ")
            ))),
        }
    }
}

/// Checks the directory, and opens the registry in it if there is one.
fn check_home(home: &Path, checks: &mut Checks) -> Result<Option<LocalRegistry>, Failure> {
    let shown = home.display();
    let hint = "choose another directory with --home, or mend its permissions";
    let (found, registry) = match home.metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => (
            Ok(format!(
                "{shown}: nothing there yet; `alimentar index PATH` makes it"
            )),
            None,
        ),
        Err(e) => (Err(format!("{shown}: {e}")), None),
        Ok(meta) if !meta.is_dir() => (Err(format!("{shown} is not a directory")), None),
        Ok(_) if !home.join("registry.redb").exists() => {
            (Ok(format!("{shown}: no registry in it yet")), None)
        }
        Ok(_) => match LocalRegistry::open(home) {
            Ok(registry) => (Ok(shown.to_string()), Some(registry)),
            Err(e) => (
                Err(format!("{shown}: {}", Failure::from(e).message())),
                None,
            ),
        },
    };
    checks.add("home", hint, found)?;
    Ok(registry)
}

fn check_permissions(home: &Path) -> Result<String, String> {
    let Ok(meta) = home.metadata() else {
        return Ok("nothing there yet".to_owned());
    };
    let mode = format!("mode {:04o}", meta.permissions().mode() & 0o7777);
    match home_fault(home) {
        Ok(None) => Ok(mode),
        Ok(Some(_)) => Err(format!(
            "{mode}: others on this machine can look in, or own it"
        )),
        Err(e) => Err(e.to_string()),
    }
}

/// Checks the space on the file system of the directory, or of the nearest one above that exists.
fn check_space(home: &Path) -> Result<String, String> {
    let existing = home.ancestors().find(|path| path.exists());
    let existing = existing.filter(|path| !path.as_os_str().is_empty());
    let space = rustix::fs::statvfs(existing.unwrap_or_else(|| Path::new(".")));
    let space = space.map_err(|e| e.to_string())?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let detail = format!("{} free", human_bytes(free));
    if free >= FREE_BYTES_MIN {
        Ok(detail)
    } else {
        Err(detail)
    }
}

fn check_settings(home: &Path) -> Result<String, String> {
    let settings = Settings::read(home).map_err(|e| e.message())?;
    Ok(if settings.path().exists() {
        settings.path().display().to_string()
    } else {
        "none: every option has its default".to_owned()
    })
}

/// Checks the form of a publisher's key file. This needs no passphrase.
fn check_key_file(path: &Path, none: &str) -> Result<String, String> {
    if path.symlink_metadata().is_err() {
        return Ok(none.to_owned());
    }
    match keyring::locked(path) {
        Ok(key) => Ok(format!("public key {}", key.public_key())),
        Err(e) => Err(Failure::from(crate::registry::Error::from(e)).message()),
    }
}

/// Checks that only its owner can read a key that is not encrypted.
fn check_key_mode(path: &Path, none: &str) -> Result<String, String> {
    let meta = match path.metadata() {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(none.to_owned()),
        meta => meta.map_err(|e| e.to_string())?,
    };
    let mode = meta.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(format!("mode {mode:04o}")),
        _ => Err(format!(
            "others may read {} (mode {mode:04o})",
            path.display()
        )),
    }
}

fn check_store(registry: &LocalRegistry) -> Result<String, String> {
    let stats = registry.maintenance().stats();
    let stats = stats.map_err(|e| Failure::from(e).message())?;
    let version = match stats.store.version {
        Some(version) => format!("version {version}"),
        None => "none yet".to_owned(),
    };
    Ok(format!("{version}, {} datasets", stats.datasets))
}

fn check_trust(registry: &LocalRegistry) -> Result<String, String> {
    let trust = registry.trust().store();
    trust.map_err(|e| Failure::from(e).message())?;
    Ok(if registry.trust().path().exists() {
        registry.trust().path().display().to_string()
    } else {
        "none yet: no publisher is trusted".to_owned()
    })
}

fn check_clock() -> Result<String, String> {
    let now = host::now();
    if now.0 > EARLIEST {
        Ok(now.to_rfc3339())
    } else {
        Err(now.to_rfc3339())
    }
}

/// Checks that a node serves, or could serve.
fn check_port(home: &Path) -> Result<String, String> {
    if let Some(node) = running_node(home).ok().flatten() {
        let at = node.0.get("addr").and_then(Value::as_str);
        return Ok(format!("a node serves at {}", at.unwrap_or_default()));
    }
    match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, SERVE_PORT)) {
        Ok(_) => Ok(format!("UDP {SERVE_PORT} is free")),
        Err(e) => Err(format!("UDP {SERVE_PORT}: {e}")),
    }
}

/// Checks that multicast finds nodes of this network.
fn check_multicast() -> Result<String, String> {
    match discovery::look(LOOK, &interrupt::stop_condition()) {
        Ok(around) => Ok(format!("{} node(s) around", around.len())),
        Err(e) => Err(Failure::from(e).message()),
    }
}

/// Checks that the known peers answer. All are asked at once.
fn check_peers(registry: &LocalRegistry, home: &Path) -> Result<String, String> {
    let known = KnownPeers::of(registry).all();
    let known = known.map_err(|e| Failure::from(e).message())?;
    if known.is_empty() {
        return Ok("none known yet".to_owned());
    }
    if !home.join("node.key").exists() {
        return Err("this node has no key to ask with; `alimentar sync` makes one".to_owned());
    }
    let net = open_net(registry).map_err(|e| Failure::from(e).message())?;
    let silent: Vec<String> = std::thread::scope(|scope| {
        let asked = known.iter().map(|(at, id)| {
            let net = &net;
            let ask = move || {
                let mut address: PeerAddress = at.parse().ok()?;
                address.node = Some(*id);
                net.connect(&address).ok()
            };
            (at, scope.spawn(ask))
        });
        let asked: Vec<_> = asked.collect();
        let silent = asked
            .into_iter()
            .filter_map(|(at, answer)| match answer.join() {
                Ok(Some(_)) => None,
                _ => Some(at.clone()),
            });
        silent.collect()
    });
    match silent.as_slice() {
        [] => Ok(format!("{} of {}", known.len(), known.len())),
        silent => Err(format!("no answer from {}", silent.join(", "))),
    }
}
