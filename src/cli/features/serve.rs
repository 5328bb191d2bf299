//! `features serve`: serves tables over HTTP and Arrow Flight.

use std::io::IsTerminal as _;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::features::open::ConfigArgs;
use crate::cli::features::open::Opened;
use crate::cli::http_token::TokenPlace;
use crate::cli::http_token::find_token;
use crate::cli::interrupt;
use crate::cli::mcp::http::parse_address;
use crate::cli::output::text::printable;
use crate::feature_server::FeatureServer;
use crate::feature_server::FeatureServerOptions;
use crate::feature_server::LoadEvent;
use crate::feature_server::Poller;
use crate::feature_server::ServeError;
use crate::registry::Error;
use crate::registry::NodeError;

/// The places of the token.
const TOKEN: TokenPlace = TokenPlace {
    file: "features.token",
    variable: env::FEATURES_TOKEN,
};

/// Serve tables over HTTP and Arrow Flight until stopped
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar features serve -c features.yaml
  alimentar features serve -c features.yaml --http 127.0.0.1:8080 --flight 127.0.0.1:8081

Sources are looked at when the configuration says so, and with `POST /reload`; old rows are served until the new ones
are ready. Clients of murr and Feast read the address of HTTP, pyarrow.flight that of Arrow Flight. At an address that
other machines reach, clients need a bearer token: the first line of --token-file, or of ALIMENTAR_FEATURES_TOKEN, or
one that is made and kept in `features.token` in the registry's directory.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Serve HTTP at this address: a port, or host:port [default: that of the configuration, or 8080]
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    http: Option<SocketAddr>,
    /// Serve Arrow Flight at this address: a port, or host:port
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    flight: Option<SocketAddr>,
    /// A file whose first line is the token that clients send
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The line that tells clients the addresses.
#[derive(Serialize)]
struct ReadyEvent<'a> {
    event: &'static str,
    http: String,
    flight: Option<String>,
    token_file: Option<&'a Path>,
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Bind { address, source } => Error::from(NodeError::Bind {
                address: address.to_string(),
                source,
            })
            .into(),
            ServeError::Runtime(source) => Error::machine("start the server", source).into(),
            other => Error::machine("start the server", std::io::Error::other(other)).into(),
        }
    }
}

pub(crate) fn run(ctx: &Context, args: &ServeArgs) -> Result<(), Failure> {
    let opened = args.config.open(ctx)?;
    let http = match args.http {
        Some(address) => address,
        None => configured(&opened, opened.config.server.port)?,
    };
    let flight = match (args.flight, opened.config.server.flight_port) {
        (Some(address), _) => Some(address),
        (None, Some(port)) => Some(configured(&opened, port)?),
        (None, None) => None,
    };
    let is_loopback = [Some(http), flight]
        .into_iter()
        .flatten()
        .all(|a| a.ip().is_loopback());
    let token = find_token(
        &TOKEN,
        args.token_file.as_deref(),
        is_loopback,
        &ctx.home()?,
    )?;
    let (token, token_file) = token.unzip();
    let token_file = token_file.flatten();
    let options = FeatureServerOptions {
        http,
        flight,
        token,
    };
    let server = FeatureServer::start(Arc::clone(&opened.tables), &options)?;
    let out = ctx.out;
    let as_json = out.is_json() || !std::io::stdout().is_terminal();
    let ready = ReadyEvent {
        event: "ready",
        http: format!("http://{}", server.http()),
        flight: server.flight().map(|address| format!("grpc://{address}")),
        token_file: token_file.as_deref(),
    };
    let line = match as_json {
        true => serde_json::to_string(&ready).unwrap_or_default(),
        false => sentence(&ready),
    };
    // The server runs even if nobody reads this.
    let _ = out.bytes(format!("{line}\n").as_bytes());
    let observer = move |event: &LoadEvent| {
        let line = match as_json {
            true => serde_json::to_string(event).unwrap_or_default(),
            false => printable(&event_sentence(event)),
        };
        let _ = out.bytes(format!("{line}\n").as_bytes());
    };
    let poller = Poller::start(Arc::clone(&opened.tables), Arc::new(observer))
        .map_err(|e| Error::machine("start a thread", e))?;
    server.run(interrupt::is_requested);
    drop(poller);
    Ok(())
}

/// Returns the address of the configuration with a port.
fn configured(opened: &Opened, port: u16) -> Result<SocketAddr, Failure> {
    let host = opened.config.server.host.as_str();
    // The name may lead to the address of IPv6 first, which fewer clients expect.
    if host == "localhost" {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let found = (host, port).to_socket_addrs().map(|mut found| found.next());
    let bind = |source| {
        Error::from(NodeError::Bind {
            address: format!("{host}:{port}"),
            source,
        })
    };
    let none = || std::io::Error::other("the host has no address");
    Ok(found
        .and_then(|found| found.ok_or_else(none))
        .map_err(bind)?)
}

fn sentence(ready: &ReadyEvent<'_>) -> String {
    let mut text = format!("serving features at {}", ready.http);
    if let Some(flight) = &ready.flight {
        text += &format!(" and {flight}");
    }
    if let Some(path) = ready.token_file {
        text += &format!("\n  clients send the token in {}", path.display());
    }
    text
}

fn event_sentence(event: &LoadEvent) -> String {
    match event {
        LoadEvent::Failed { table, reason } => format!("{table}: not loaded: {reason}"),
        LoadEvent::Loaded {
            table,
            partition,
            rows,
            ..
        } => {
            let partition = partition.as_deref().unwrap_or("the rows");
            format!("{table}: loaded {partition}, {rows} rows")
        }
        LoadEvent::Refused {
            table,
            partition,
            reason,
        } => format!("{table}: {partition} refused: {reason}"),
    }
}
