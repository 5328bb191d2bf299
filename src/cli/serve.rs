//! `registry serve`, and `registry node`, which asks how it is doing.

use std::io::IsTerminal;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Resource;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use serde_json::Value;
use serde_json::json;
use toml_edit::DocumentMut;

use crate::cli::args::Cli;
use crate::cli::args_peers::AccessMode;
use crate::cli::args_peers::ServeArgs;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::keyring;
use crate::net::Event;
use crate::net::Node;
use crate::net::ServeOptions;
use crate::net::running_node;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::peers::Showing;
use crate::sync::Access;
use crate::wire::limits::NODE_FILE_BYTES_MAX;

const DEFAULT_PORT: u16 = 8765;
const CONFIG_FILE: &str = "serve.toml";

/// What may stand in `serve.toml`; flags come before it.
#[derive(Debug, Default)]
struct Settings {
    port: Option<u16>,
    bind: Vec<IpAddr>,
    access: Option<AccessMode>,
    share_unsigned: bool,
    no_mdns: bool,
    metrics_port: Option<u16>,
}

pub(crate) fn run(
    registry: &LocalRegistry,
    args: &ServeArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let settings = settings(registry.home(), args)?;
    let access = match args.access.or(settings.access) {
        Some(AccessMode::Listed) => Access::Listed,
        _ => Access::Open,
    };
    let bind = match (args.bind.is_empty(), settings.bind.is_empty()) {
        (false, _) => args.bind.clone(),
        (true, false) => settings.bind,
        (true, true) => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
    };
    let port = args.port.or(settings.port).unwrap_or(DEFAULT_PORT);
    let options = ServeOptions {
        addresses: bind.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
        access,
        showing: Showing {
            unsigned: args.share_unsigned || settings.share_unsigned,
        },
        metrics_port: args.metrics_port.or(settings.metrics_port),
    };
    // Without mDNS there is nothing to leave out yet.
    let _ = args.no_mdns || settings.no_mdns;
    let (out, is_detailed) = (*out, cli.verbose > 0);
    let as_json = out.is_json() || !std::io::stdout().is_terminal();
    let observer = move |event: &Event| {
        if matches!(event, Event::Answered { .. }) && !is_detailed {
            return;
        }
        let line = match as_json {
            true => object(event).to_string(),
            false => sentence(event),
        };
        // A node goes on when nobody reads what it says.
        let _ = out.bytes((line + "\n").as_bytes());
    };
    raise_file_limit();
    let node = Node::start(registry, &options, Arc::new(observer))?;
    while !interrupt::was_asked_for() {
        std::thread::sleep(Duration::from_millis(50));
    }
    node.stop();
    Ok(())
}

/// Every answer that is under way has files open; the usual limit is for programs that do one
/// thing at a time.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With less, fewer are answered at once.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn settings(home: &Path, args: &ServeArgs) -> Result<Settings, Failure> {
    let path = args
        .config
        .clone()
        .unwrap_or_else(|| home.join(CONFIG_FILE));
    let fail = |e| Failure::from(Error::file("read", &path, e));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) if text.len() <= NODE_FILE_BYTES_MAX => text,
        Ok(_) => return Err(fail(std::io::Error::other("it is too long"))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && args.config.is_none() => {
            return Ok(Settings::default());
        }
        Err(e) => return Err(fail(e)),
    };
    read_settings(&text).map_err(|what| fail(std::io::Error::other(what)))
}

fn read_settings(text: &str) -> Result<Settings, String> {
    let document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
    let mut settings = Settings::default();
    for (key, item) in document.iter() {
        let wrong = || format!("`{key}` has a value that it cannot have");
        let flag = || item.as_bool().ok_or_else(wrong);
        let port = || {
            let number = item.as_integer().and_then(|n| u16::try_from(n).ok());
            number.map(Some).ok_or_else(wrong)
        };
        match key {
            "port" => settings.port = port()?,
            "metrics_port" => settings.metrics_port = port()?,
            "share_unsigned" => settings.share_unsigned = flag()?,
            "no_mdns" => settings.no_mdns = flag()?,
            "access" => {
                settings.access = Some(match item.as_str() {
                    Some("open") => AccessMode::Open,
                    Some("listed") => AccessMode::Listed,
                    _ => return Err(wrong()),
                });
            }
            "bind" => {
                let list = item.as_array().ok_or_else(wrong)?;
                for value in list {
                    let ip = value.as_str().and_then(|ip| ip.parse().ok());
                    settings.bind.push(ip.ok_or_else(wrong)?);
                }
            }
            // A word that is misspelt must not pass for one that was left out.
            _ => return Err(format!("`{key}` is no setting")),
        }
    }
    Ok(settings)
}

fn object(event: &Event) -> Value {
    match event {
        Event::Ready { node_id, addresses } => json!({
            "event": "ready", "node_id": node_id.to_hex(),
            "addr": addresses.first().map(ToString::to_string),
            "addrs": addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Event::Connected { peer, address } => json!({
            "event": "connected", "peer": peer.to_hex(), "addr": address.to_string(),
        }),
        Event::Refused {
            peer,
            address,
            reason,
        } => json!({
            "event": "refused", "peer": peer.map(|p| p.to_hex()), "addr": address.to_string(),
            "reason": reason,
        }),
        Event::Disconnected {
            peer,
            address,
            reason,
            sent_bytes,
            requests,
        } => json!({
            "event": "disconnected", "peer": peer.to_hex(), "addr": address.to_string(),
            "reason": reason, "sent_bytes": sent_bytes, "requests": requests,
        }),
        Event::Answered {
            peer,
            request,
            bytes,
            seconds,
        } => json!({
            "event": "answered", "peer": peer.to_hex(), "request": request, "bytes": bytes,
            "seconds": seconds,
        }),
        Event::Failed {
            peer,
            request,
            error,
        } => json!({
            "event": "failed", "peer": peer.to_hex(), "request": request, "error": error,
        }),
        Event::Stopping => json!({"event": "stopping"}),
        Event::Stopped => json!({"event": "stopped"}),
    }
}

fn sentence(event: &Event) -> String {
    let short = |id: &crate::ident::NodeId| id.to_hex().chars().take(16).collect::<String>();
    let text = match event {
        Event::Ready { node_id, addresses } => {
            let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("Serving at {} as node {node_id}", places.join(", "))
        }
        Event::Connected { peer, address } => format!("{}… connected from {address}", short(peer)),
        Event::Refused {
            peer,
            address,
            reason,
        } => {
            let who = peer.map(|p| short(&p) + "… ").unwrap_or_default();
            format!("{who}refused at {address}: {reason}")
        }
        Event::Disconnected {
            peer,
            sent_bytes,
            requests,
            reason,
            ..
        } => format!(
            "{}… gone after {requests} requests and {}: {reason}",
            short(peer),
            human_bytes(*sent_bytes)
        ),
        Event::Answered {
            peer,
            request,
            bytes,
            seconds,
        } => format!(
            "{}… {request}: {} in {seconds:.3} s",
            short(peer),
            human_bytes(*bytes)
        ),
        Event::Failed {
            peer,
            request,
            error,
        } => format!("{}… {request} failed here: {error}", short(peer)),
        Event::Stopping => "Stopping: no new requests".to_owned(),
        Event::Stopped => "Stopped".to_owned(),
    };
    crate::cli::out::printable(&text)
}

pub(crate) fn node(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let Some(state) = running_node(registry.home())? else {
        let key = keyring::node_key(registry.home()).map_err(Error::from)?;
        let id = key.public_key().to_hex();
        let object = json!({"node_id": id, "running": false});
        let text = format!("Node {id}, not serving\n");
        return Ok(out.result(&object, &[id], &text)?);
    };
    let mut object = state.0;
    object["running"] = json!(true);
    let field = |name: &str| match object.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let peers = object
        .get("peers")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let text = format!(
        "Node {}\n  serving at {}, access {}, for {:.0} s\n  {peers} peer(s), {} connection(s), {} request(s), {} sent\n",
        field("node_id"),
        field("addr"),
        field("access"),
        object.get("uptime").and_then(Value::as_f64).unwrap_or(0.0),
        field("sessions"),
        field("requests"),
        human_bytes(
            object
                .get("sent_bytes")
                .and_then(Value::as_u64)
                .unwrap_or(0)
        ),
    );
    let id = field("node_id");
    Ok(out.result(&object, &[id], &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_mistakes_are_named() {
        let text = "port = 9000\nbind = [\"10.0.0.1\", \"::1\"]\naccess = \"listed\"\nshare_unsigned = true\n";
        let settings = read_settings(text).unwrap();
        assert_eq!(settings.port, Some(9000));
        assert_eq!(settings.bind.len(), 2);
        assert_eq!(settings.access, Some(AccessMode::Listed));
        assert!(settings.share_unsigned);
        for text in [
            "prot = 1",
            "port = 70000",
            "access = \"some\"",
            "bind = \"x\"",
            "port =",
        ] {
            assert!(read_settings(text).is_err(), "{text}");
        }
    }
}
