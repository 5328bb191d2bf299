//! A server of tables that runs: for `features serve`, and beside a serving node.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::ToSocketAddrs as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::features::open::Opened;
use crate::cli::http_token::TokenPlace;
use crate::cli::http_token::find_token;
use crate::cli::output::text::printable;
use crate::feature_server::FeatureServer;
use crate::feature_server::FeatureServerOptions;
use crate::feature_server::LoadEvent;
use crate::feature_server::Poller;
use crate::feature_server::ServeError;
use crate::features::serving::FeatureTables;
use crate::registry::Error;
use crate::registry::NodeError;

/// The places of the token.
const TOKEN: TokenPlace = TokenPlace {
    file: "features.token",
    variable: env::FEATURES_TOKEN,
};

/// The addresses that a command or a file names, and the file of the token.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Addresses {
    pub(in crate::cli) http: Option<SocketAddr>,
    pub(in crate::cli) flight: Option<SocketAddr>,
    pub(in crate::cli) token_file: Option<PathBuf>,
}

/// A server that runs.
pub(in crate::cli) struct ServedFeatures {
    server: FeatureServer,
    tables: Arc<FeatureTables>,
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

impl ServedFeatures {
    /// Opens the tables of a configuration and begins to serve them. Sources are looked at later.
    ///
    /// # Errors
    /// [`Failure`] for a configuration that is none, an address that is taken, and a token that cannot be used.
    pub(in crate::cli) fn start(
        ctx: &Context,
        config: &Path,
        given: &Addresses,
    ) -> Result<Self, Failure> {
        let opened = Opened::read(ctx, config)?;
        let settings = &opened.config.server;
        let http = match given.http {
            Some(address) => address,
            None => address_of(&settings.host, settings.port)?,
        };
        let flight = match (given.flight, settings.flight_port) {
            (Some(address), _) => Some(address),
            (None, Some(port)) => Some(address_of(&settings.host, port)?),
            (None, None) => None,
        };
        let mut addresses = [Some(http), flight].into_iter().flatten();
        let is_loopback = addresses.all(|address| address.ip().is_loopback());
        let token = find_token(
            &TOKEN,
            given.token_file.as_deref(),
            is_loopback,
            &ctx.home()?,
        )?;
        let (token, token_file) = token.unzip();
        let options = FeatureServerOptions {
            http,
            flight,
            token,
        };
        Ok(Self {
            server: FeatureServer::start(Arc::clone(&opened.tables), &options)?,
            tables: opened.tables,
            token_file: token_file.flatten(),
        })
    }

    /// Returns the line that tells the addresses.
    pub(in crate::cli) fn ready(&self, event: &'static str, as_json: bool) -> String {
        let ready = ReadyEvent {
            event,
            http: format!("http://{}", self.server.http()),
            flight: self
                .server
                .flight()
                .map(|address| format!("grpc://{address}")),
            token_file: self.token_file.as_deref(),
        };
        if as_json {
            return serde_json::to_string(&ready).unwrap_or_default();
        }
        let mut text = format!("Serving features at {}", ready.http);
        if let Some(flight) = &ready.flight {
            text += &format!(" and {flight}");
        }
        if let Some(path) = ready.token_file {
            text += &format!("\n  clients send the token in {}", path.display());
        }
        text
    }

    /// Begins to look at sources. Each result is a line.
    ///
    /// # Errors
    /// [`Failure`] if the system has no thread.
    pub(in crate::cli) fn poll(
        &self,
        as_json: bool,
        line: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Poller, Failure> {
        let observer = move |event: &LoadEvent| {
            line(match as_json {
                true => serde_json::to_string(event).unwrap_or_default(),
                false => printable(&event_sentence(event)),
            });
        };
        let begun = Poller::start(Arc::clone(&self.tables), Arc::new(observer));
        Ok(begun.map_err(|e| Error::machine("start a thread", e))?)
    }

    /// Serves until a question returns true.
    pub(in crate::cli) fn run(self, is_ending: impl Fn() -> bool) {
        self.server.run(is_ending);
    }
}

/// Returns the address of a host and a port.
fn address_of(host: &str, port: u16) -> Result<SocketAddr, Failure> {
    // The name may lead to the address of IPv6 first, which fewer clients expect.
    if host == "localhost" {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let found = (host, port).to_socket_addrs().map(|mut found| found.next());
    let none = || std::io::Error::other("the host has no address");
    let found = found.and_then(|found| found.ok_or_else(none));
    let bind = |source| {
        Error::from(NodeError::Bind {
            address: format!("{host}:{port}"),
            source,
        })
    };
    Ok(found.map_err(bind)?)
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
