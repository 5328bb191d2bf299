//! `doctor`: is everything on this machine as the registry needs it? It changes nothing and makes
//! nothing.

use std::net::Ipv4Addr;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::bar::Bar;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::peers::net;
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

/// What was looked at, and what was found.
struct Check {
    name: &'static str,
    /// What is there, or what is wrong with it.
    found: Result<String, String>,
    hint: &'static str,
}

/// A file system with less room than this is about to be full.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// How long it is looked who is around: what was said a second ago is not said again at once.
const LOOK: Duration = Duration::from_millis(1_200);
/// Where nodes serve unless told otherwise.
const SERVE_PORT: u16 = 8765;
/// 2026-01-01: no clock that is right is before it.
const EARLIEST: i64 = 1_767_225_600;
/// Width of the names of checks.
const NAME_WIDTH: usize = 15;

pub(crate) fn run(cli: &Cli, out: &Out) -> Result<(), Failure> {
    let home = home_of(cli)?;
    let mut told = Told {
        out,
        checks: Vec::new(),
    };
    let registry = look_at_home(&home, &mut told)?;
    told.add("permissions", "`chmod 700` the home", permissions(&home))?;
    told.add(
        "space",
        "make room before indexing; `alimentar gc` gives back what no dataset needs",
        space(&home),
    )?;
    told.add(
        "settings",
        "`alimentar config edit` opens them",
        settings(&home),
    )?;
    told.add(
        "publisher key",
        "`chmod 600` it, or restore it from a copy; `alimentar keygen` makes a new one",
        key_file(&home.join("key.enc"), "none; `alimentar keygen` makes one"),
    )?;
    told.add(
        "node key",
        "`chmod 600` it, or restore it from a copy",
        key_mode(
            &home.join("node.key"),
            "none yet; serving and pulling make it",
        ),
    )?;
    if let Some(registry) = &registry {
        told.add(
            "store format",
            "`alimentar fsck --repair` makes the index anew from the packs",
            store(registry),
        )?;
        told.add(
            "trust file",
            "mend trust.toml by hand, or restore it from a copy",
            trust(registry),
        )?;
    }
    told.add(
        "clock",
        "set the machine's clock: manifests carry the time",
        clock(),
    )?;
    told.add(
        "ports",
        "another program has it: serve with --port",
        port(&home),
    )?;
    let bar = Bar::new(out.is_quiet() || out.is_json());
    bar.phase("looking for nodes on this network", None);
    let around = multicast();
    drop(bar);
    told.add(
        "multicast",
        "peers have to be named with --peer, and serve runs with --no-mdns",
        around,
    )?;
    let bar = Bar::new(out.is_quiet() || out.is_json());
    bar.phase("asking the peers that are known", None);
    let reached = match &registry {
        Some(registry) => peers_reachable(registry, &home),
        None => Ok("none known yet".to_owned()),
    };
    drop(bar);
    told.add(
        "peers reachable",
        "is the node there serving, and its UDP port open?",
        reached,
    )?;
    told.end()
}

/// The checks that were made.
struct Told<'a> {
    out: &'a Out,
    checks: Vec<Check>,
}

impl Told<'_> {
    /// Adds a check, and prints it at once where people read.
    fn add(
        &mut self,
        name: &'static str,
        hint: &'static str,
        found: Result<String, String>,
    ) -> Result<(), Failure> {
        let check = Check { name, found, hint };
        if !self.out.is_json() && !self.out.is_quiet() {
            let (state, detail) = match &check.found {
                Ok(detail) => (self.out.good("ok "), detail),
                Err(detail) => (self.out.bad("bad"), detail),
            };
            let detail = printable(detail).replace('\n', " ");
            let mut line = format!("{state}  {name:NAME_WIDTH$}  {detail}\n");
            if check.found.is_err() {
                line += &format!("{:w$}  {hint}\n", "", w = NAME_WIDTH + 5);
            }
            self.out.bytes(line.as_bytes())?;
        }
        self.checks.push(check);
        Ok(())
    }

    /// Prints what programs read. What is bad is a finding.
    fn end(self) -> Result<(), Failure> {
        let bad: Vec<String> = self
            .checks
            .iter()
            .filter(|check| check.found.is_err())
            .map(|check| check.name.to_owned())
            .collect();
        let object = |check: &Check| {
            let (is_ok, detail) = match &check.found {
                Ok(detail) => (true, detail),
                Err(detail) => (false, detail),
            };
            let hint = (!is_ok).then_some(check.hint);
            json!({"name": check.name, "ok": is_ok, "detail": detail, "hint": hint})
        };
        if self.out.is_json() || self.out.is_quiet() {
            let checks: Vec<Value> = self.checks.iter().map(object).collect();
            self.out.result(&json!({"checks": checks}), &bad, "")?;
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

/// Says whether there is a registry, and opens it where opening makes nothing.
fn look_at_home(home: &Path, told: &mut Told<'_>) -> Result<Option<LocalRegistry>, Failure> {
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
    told.add("home", hint, found)?;
    Ok(registry)
}

fn permissions(home: &Path) -> Result<String, String> {
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

/// The room on the file system of the home, or of what is above it.
fn space(home: &Path) -> Result<String, String> {
    let existing = home.ancestors().find(|path| path.exists());
    let existing = existing.filter(|path| !path.as_os_str().is_empty());
    let space = rustix::fs::statvfs(existing.unwrap_or_else(|| Path::new(".")));
    let space = space.map_err(|e| e.to_string())?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let said = format!("{} free", human_bytes(free));
    match free >= FREE_BYTES_MIN {
        true => Ok(said),
        false => Err(said),
    }
}

fn settings(home: &Path) -> Result<String, String> {
    let settings = Settings::of(home).map_err(|e| e.message())?;
    Ok(match settings.path().exists() {
        true => settings.path().display().to_string(),
        false => "none: every option has its default".to_owned(),
    })
}

/// Whether a publisher's key file has the form of one. No passphrase is asked for.
fn key_file(path: &Path, none: &str) -> Result<String, String> {
    if path.symlink_metadata().is_err() {
        return Ok(none.to_owned());
    }
    match keyring::locked(path) {
        Ok(key) => Ok(format!("public key {}", key.public_key())),
        Err(e) => Err(Failure::from(crate::registry::Error::from(e)).message()),
    }
}

/// Whether a key that lies open is its owner's alone.
fn key_mode(path: &Path, none: &str) -> Result<String, String> {
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

fn store(registry: &LocalRegistry) -> Result<String, String> {
    let stats = registry.stats();
    let stats = stats.map_err(|e| Failure::from(e).message())?;
    Ok(format!("version 1, {} datasets", stats.datasets))
}

fn trust(registry: &LocalRegistry) -> Result<String, String> {
    let trust = registry.trust();
    trust.map_err(|e| Failure::from(e).message())?;
    Ok(match registry.trust_path().exists() {
        true => registry.trust_path().display().to_string(),
        false => "none yet: no publisher is trusted".to_owned(),
    })
}

fn clock() -> Result<String, String> {
    let now = host::now();
    match now.0 > EARLIEST {
        true => Ok(now.to_rfc3339()),
        false => Err(now.to_rfc3339()),
    }
}

/// Whether a node could serve, or does.
fn port(home: &Path) -> Result<String, String> {
    if let Some(node) = running_node(home).ok().flatten() {
        let at = node.0.get("addr").and_then(Value::as_str);
        return Ok(format!("a node serves at {}", at.unwrap_or_default()));
    }
    match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, SERVE_PORT)) {
        Ok(_) => Ok(format!("UDP {SERVE_PORT} is free")),
        Err(e) => Err(format!("UDP {SERVE_PORT}: {e}")),
    }
}

/// Whether nodes around could be found.
fn multicast() -> Result<String, String> {
    match discovery::look(LOOK, &interrupt::stop()) {
        Ok(around) => Ok(format!("{} node(s) around", around.len())),
        Err(e) => Err(Failure::from(e).message()),
    }
}

/// Whether the peers that were met answer, all asked at once.
fn peers_reachable(registry: &LocalRegistry, home: &Path) -> Result<String, String> {
    let known = KnownPeers::of(registry).all();
    let known = known.map_err(|e| Failure::from(e).message())?;
    if known.is_empty() {
        return Ok("none known yet".to_owned());
    }
    if !home.join("node.key").exists() {
        return Err("this node has no key to ask with; `alimentar sync` makes one".to_owned());
    }
    let net = net(registry).map_err(|e| Failure::from(e).message())?;
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
