//! `registry serve`: serves this registry to peers.

mod config;
mod doors;
mod events;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustix::process::Resource;
use rustix::process::getrlimit;
use rustix::process::setrlimit;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::features::served::Addresses;
use crate::cli::features::served::ServedFeatures;
use crate::cli::interrupt;
use crate::cli::mcp::http::DEFAULT_ADDRESS;
use crate::cli::mcp::http::Served;
use crate::cli::mcp::http::parse_address;
use crate::cli::output::text::printable;
use crate::cli::registry::network::serve::config::AccessMode;
use crate::cli::registry::network::serve::config::ServeConfig;
use crate::cli::registry::network::serve::config::read_config;
use crate::cli::registry::network::serve::doors::DoorArgs;
use crate::cli::registry::network::serve::doors::Rules;
use crate::cli::registry::network::serve::doors::request_line;
use crate::cli::registry::network::serve::events::event_json;
use crate::cli::registry::network::serve::events::event_sentence;
use crate::doors::RequestEvent;
use crate::mcp::McpOptions;
use crate::mcp::Workspace;
use crate::net::Event;
use crate::net::GossipOptions;
use crate::net::Node;
use crate::net::ServeOptions;
use crate::protocol::Access;
use crate::protocol::Follow;
use crate::protocol::FollowError;
use crate::registry::LocalRegistry;
use crate::registry::peers::Showing;

/// Serve this registry to peers until stopped
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry serve
  alimentar registry serve --bind 192.168.1.20 --access listed
  alimentar registry serve --mcp
  alimentar registry serve --http --s3
  alimentar registry serve --print-client duckdb

With --http and --s3, unmodified clients of other programs read the datasets that this node shows: Hugging Face's, pandas,
polars, DuckDB, Spark, browsers. Where access is listed, they need a token of `alimentar registry token add`.
With --mcp, assistants read the datasets of this registry over HTTP, as from `alimentar mcp --http`.")]
pub(crate) struct ServeArgs {
    /// UDP port [default: 8765]
    #[arg(long)]
    port: Option<u16>,
    /// Listen at this address only; may be given several times [default: everywhere]
    #[arg(long, value_name = "ADDR")]
    bind: Vec<IpAddr>,
    /// Do not announce this node on the network
    #[arg(long)]
    no_mdns: bool,
    /// The nodes to serve [default: open]
    #[arg(long, value_enum)]
    access: Option<AccessMode>,
    /// Also show unsigned datasets that were made here
    #[arg(long)]
    share_unsigned: bool,
    /// Keep up to date: all datasets of a publisher, a dataset of this name by publishers trusted
    /// in full, or publisher/name; a name may have @ and a version, a range, latest or an alias behind it;
    /// may be given several times
    #[arg(long, value_name = "PUBLISHER-or-NAME", value_parser = parse_followed)]
    follow: Vec<String>,
    /// A configuration file [default: serve.toml in the registry's directory, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer Prometheus on this loopback port
    #[arg(long, value_name = "PORT")]
    metrics_port: Option<u16>,
    /// Let assistants read the datasets here: serve them over HTTP at this address, a port or host:port
    /// [default without a value: 127.0.0.1:8766]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = DEFAULT_ADDRESS, value_parser = parse_address)]
    mcp: Option<SocketAddr>,
    #[command(flatten)]
    doors: DoorArgs,
}

/// Checks a text that names datasets to follow.
fn parse_followed(text: &str) -> Result<String, FollowError> {
    Follow::new(&[text.to_owned()], None).map(|_| text.to_owned())
}

const DEFAULT_PORT: u16 = 8765;

pub(crate) fn run(ctx: &Context, args: &ServeArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let config = read_config(registry.home(), args.config.as_deref())?;
    if let Some(client) = &args.doors.print_client {
        return args.doors.print_lines(ctx, &config, client);
    }
    let access = match args.access.or(config.access) {
        Some(AccessMode::Listed) => Access::Listed,
        _ => Access::Open,
    };
    let bind = match (args.bind.is_empty(), config.bind.is_empty()) {
        (false, _) => args.bind.clone(),
        (true, false) => config.bind.clone(),
        (true, true) => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
    };
    let port = args.port.or(config.port).unwrap_or(DEFAULT_PORT);
    let followed = [args.follow.as_slice(), &config.follow].concat();
    let options = ServeOptions {
        addresses: bind.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
        access,
        showing: Showing {
            unsigned: args.share_unsigned || config.share_unsigned,
        },
        metrics_port: args.metrics_port.or(config.metrics_port),
        neighbours: GossipOptions {
            mdns: !(args.no_mdns || config.no_mdns),
            follow: Follow::new(&followed, config.keep_versions)
                .map_err(|_| Failure::usage("what is to be followed has no such name"))?,
            quiet: config.quiet_hours,
            bytes_per_second: config.bandwidth_limit,
        },
    };
    let (out, is_detailed) = (ctx.out, ctx.global.verbose > 0);
    let as_json = out.is_json() || !std::io::stdout().is_terminal();
    raise_file_limit();
    // An address that is taken is known before peers connect.
    let rules = Rules {
        showing: options.showing,
        is_listed: access == Access::Listed,
    };
    let log = move |event: &RequestEvent| {
        if as_json || is_detailed || event.error.is_some() {
            let _ = out.bytes((request_line(event, as_json) + "\n").as_bytes());
        }
    };
    let open_doors = args.doors.open(registry, &config, rules, log)?;
    let urls = open_doors
        .as_ref()
        .map(|doors| doors.urls.clone())
        .unwrap_or_default();
    let doors_sentence = doors::sentence(&urls, rules.is_listed, registry.home());
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
        let line = if as_json {
            event_json(event, &urls)
        } else {
            printable(&event_sentence(event))
        };
        // A node goes on if nobody reads its events.
        let _ = out.bytes((line + "\n").as_bytes());
    };
    let assistants = match args.mcp.or(config.mcp) {
        Some(address) => Some(serve_assistants(ctx, registry, address)?),
        None => None,
    };
    let features = match &config.features {
        Some(path) => Some(serve_features(ctx, registry, path, &config)?),
        None => None,
    };
    let node = Node::start(registry, &options, Arc::new(observer))?;
    if let Some(sentence) = doors_sentence.filter(|_| !as_json) {
        let _ = out.bytes((sentence + "\n").as_bytes());
    }
    if let Some(served) = &assistants {
        let line = match as_json {
            true => serde_json::to_string(&served.ready("mcp_ready")).unwrap_or_default(),
            false => format!("assistants: {}", served.sentence()),
        };
        let _ = out.bytes((line + "\n").as_bytes());
    }
    match features {
        Some(served) => {
            let line = move |line: String| {
                let _ = out.bytes((line + "\n").as_bytes());
            };
            line(served.ready("features_ready", as_json));
            let poller = served.poll(as_json, line)?;
            served.run(interrupt::is_requested);
            drop(poller);
        }
        None => {
            while !interrupt::is_requested() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
    if let Some(doors) = open_doors {
        doors.server.stop();
    }
    node.stop();
    Ok(())
}

/// Starts the server of the tables of a configuration, whose path is one from the registry's directory.
fn serve_features(
    ctx: &Context,
    registry: &LocalRegistry,
    path: &Path,
    config: &ServeConfig,
) -> Result<ServedFeatures, Failure> {
    let addresses = Addresses {
        http: config.features_http,
        flight: config.features_flight,
        token_file: None,
    };
    ServedFeatures::start(ctx, &registry.home().join(path), &addresses)
}

/// Starts the server for assistants, which reads the datasets of the registry.
fn serve_assistants(
    ctx: &Context,
    registry: &LocalRegistry,
    address: SocketAddr,
) -> Result<Served, Failure> {
    let home = registry.home().to_owned();
    let mut options = McpOptions::new(Vec::new(), home.clone());
    options.reading.allow_large = ctx.global.allow_large;
    Served::start(Workspace::open(options)?, address, None, &home)
}

/// Raises the limit of open files: every response under way has some.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it fails, the node answers fewer requests at once.
    let _ = setrlimit(Resource::Nofile, limit);
}
