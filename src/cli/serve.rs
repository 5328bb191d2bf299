//! `registry serve`, and `registry node`, which asks how it is doing.

use std::io::IsTerminal;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Resource;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_peers::AccessMode;
use crate::cli::args_peers::ServeArgs;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::json_text;
use crate::cli::out::printable;
use crate::cli::serve_events::object;
use crate::cli::serve_events::sentence;
use crate::cli::serve_settings::settings;
use crate::keyring;
use crate::net::Event;
use crate::net::NeighbourOptions;
use crate::net::Node;
use crate::net::ServeOptions;
use crate::net::running_node;
use crate::protocol::Access;
use crate::protocol::Follow;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::peers::Showing;

const DEFAULT_PORT: u16 = 8765;

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
    let followed = [args.follow.as_slice(), &settings.follow].concat();
    let options = ServeOptions {
        addresses: bind.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
        access,
        showing: Showing {
            unsigned: args.share_unsigned || settings.share_unsigned,
        },
        metrics_port: args.metrics_port.or(settings.metrics_port),
        neighbours: NeighbourOptions {
            mdns: !(args.no_mdns || settings.no_mdns),
            follow: Follow::new(&followed, settings.keep_versions)
                .map_err(|_| Failure::usage("what is to be followed has no such name"))?,
            quiet: settings.quiet_hours,
            bytes_per_second: settings.bandwidth_limit,
        },
    };
    let (out, is_detailed) = (*out, cli.verbose > 0);
    let as_json = out.is_json() || !std::io::stdout().is_terminal();
    let observer = move |event: &Event| {
        let is_detail = match event {
            Event::Answered { .. } | Event::Unreachable { .. } => true,
            Event::LeftOut { of, .. } => *of == "unreachable",
            Event::Compared { received, sent, .. } => received + sent == 0,
            _ => false,
        };
        if is_detail && !is_detailed {
            return;
        }
        let line = match as_json {
            true => json_text(&object(event)),
            false => printable(&sentence(event)),
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
