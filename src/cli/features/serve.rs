//! `features serve`: serves tables over HTTP and Arrow Flight.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::features::open::ConfigArgs;
use crate::cli::features::served::Addresses;
use crate::cli::features::served::ServedFeatures;
use crate::cli::interrupt;
use crate::cli::mcp::http::parse_address;

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

pub(crate) fn run(ctx: &Context, args: &ServeArgs) -> Result<(), Failure> {
    let addresses = Addresses {
        http: args.http,
        flight: args.flight,
        token_file: args.token_file.clone(),
    };
    let served = ServedFeatures::start(ctx, &args.config.config, &addresses)?;
    let out = ctx.out;
    let as_json = out.is_json() || !std::io::stdout().is_terminal();
    // The server runs even if nobody reads this.
    let line = move |line: String| {
        let _ = out.bytes((line + "\n").as_bytes());
    };
    line(served.ready("ready", as_json));
    let poller = served.poll(as_json, line)?;
    served.run(interrupt::is_requested);
    drop(poller);
    Ok(())
}
