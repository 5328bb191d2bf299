//! `doctor`: is everything on this machine as the registry needs it?

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::table;
use crate::cli::peers::net;
use crate::net::KnownPeers;
use crate::net::PeerAddress;
use crate::net::discovery;
use crate::net::running_node;
use crate::registry::LocalRegistry;
use crate::registry::host;

struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
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

pub(crate) fn run(cli: &Cli, out: &Out) -> Result<(), Failure> {
    let home = home_of(cli)?;
    let opened = LocalRegistry::open(&home);
    let mut checks = vec![Check {
        name: "home",
        ok: opened.is_ok(),
        detail: match &opened {
            Ok(_) => home.display().to_string(),
            Err(e) => format!("{}: {e}", home.display()),
        },
        hint: "choose another directory with --home, or mend its permissions",
    }];
    if let Ok(meta) = home.metadata() {
        let mode = meta.permissions().mode() & 0o777;
        checks.push(Check {
            name: "permissions",
            ok: mode & 0o077 == 0,
            detail: format!("{mode:03o}"),
            hint: "others on this machine can look in: chmod 700 the home",
        });
    }
    if let Ok(space) = rustix::fs::statvfs(&home) {
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        checks.push(Check {
            name: "space",
            ok: free >= FREE_BYTES_MIN,
            detail: format!("{} free", human_bytes(free)),
            hint: "make room before indexing",
        });
    }
    if let Ok(registry) = &opened {
        let stats = registry.stats();
        checks.push(Check {
            name: "store format",
            ok: stats.is_ok(),
            detail: match stats {
                Ok(s) => format!("version 1, {} datasets", s.datasets),
                Err(e) => e.to_string(),
            },
            hint: "the index is damaged",
        });
    }
    if let Ok(registry) = &opened {
        checks.push(ports(registry));
        checks.push(multicast());
        checks.push(peers_reachable(registry));
    }
    let now = host::now();
    checks.push(Check {
        name: "clock",
        ok: now.0 > EARLIEST,
        detail: now.to_rfc3339(),
        hint: "set the machine's clock: manifests carry the time",
    });
    show(&checks, out)?;
    match (checks.iter().all(|c| c.ok), opened) {
        (false, Err(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Whether a node could serve, or does.
fn ports(registry: &LocalRegistry) -> Check {
    let serving = running_node(registry.home()).ok().flatten();
    let bound = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, SERVE_PORT));
    let (ok, detail) = match (serving, bound) {
        (Some(node), _) => {
            let at = node
                .0
                .get("addr")
                .and_then(Value::as_str)
                .unwrap_or_default();
            (true, format!("a node serves at {at}"))
        }
        (None, Ok(_)) => (true, format!("UDP {SERVE_PORT} is free")),
        (None, Err(e)) => (false, format!("UDP {SERVE_PORT}: {e}")),
    };
    Check {
        name: "ports",
        ok,
        detail,
        hint: "another program has it: serve with --port",
    }
}

/// Whether nodes around could be found.
fn multicast() -> Check {
    let around = discovery::look(LOOK, &interrupt::stop());
    Check {
        name: "multicast",
        ok: around.is_ok(),
        detail: match around {
            Ok(around) => format!("{} node(s) around", around.len()),
            Err(e) => e.to_string(),
        },
        hint: "peers have to be named with --peer, and serve runs with --no-mdns",
    }
}

/// Whether the peers that were met answer, all asked at once.
fn peers_reachable(registry: &LocalRegistry) -> Check {
    let known = KnownPeers::of(registry).all();
    let net = net(registry);
    let (ok, detail) = match (&known, &net) {
        // Without peers no key of the node is needed, which a read-only home may lack.
        (Ok(known), _) if known.is_empty() => (true, "none known yet".to_owned()),
        (Err(e), _) | (_, Err(e)) => (false, e.to_string()),
        (Ok(known), Ok(net)) => {
            let silent: Vec<String> = std::thread::scope(|scope| {
                let asked = known.iter().map(|(at, id)| {
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
            match silent.is_empty() {
                true => (true, format!("{} of {}", known.len(), known.len())),
                false => (false, format!("no answer from {}", silent.join(", "))),
            }
        }
    };
    Check {
        name: "peers reachable",
        ok,
        detail,
        hint: "is the node there serving, and its UDP port open?",
    }
}

fn show(checks: &[Check], out: &Out) -> Result<(), Failure> {
    let hint = |c: &Check| if c.ok { None } else { Some(c.hint) };
    let list: Vec<_> = checks
        .iter()
        .map(|c| json!({"name": c.name, "ok": c.ok, "detail": c.detail, "hint": hint(c)}))
        .collect();
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|c| {
            let state = if c.ok { "ok" } else { "bad" };
            vec![
                state.to_owned(),
                c.name.to_owned(),
                c.detail.clone(),
                hint(c).unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let bad: Vec<String> = checks
        .iter()
        .filter(|c| !c.ok)
        .map(|c| c.name.to_owned())
        .collect();
    let text = table(&["STATE", "CHECK", "DETAIL", "HINT"], &rows);
    Ok(out.result(&json!({"checks": list}), &bad, &text)?)
}
