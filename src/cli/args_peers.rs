//! The commands between registries.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::cli::args_trust::alias;
use crate::ident::Alias;
use crate::ident::PublisherKey;
use crate::net::PeerAddress;
use crate::protocol::Follow;
use crate::protocol::FollowError;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AccessMode {
    /// Whoever asks
    Open,
    /// Who is on the list of `registry access`
    Listed,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// UDP port [default: 8765]
    #[arg(long)]
    pub port: Option<u16>,
    /// Listen at this address only; may be given several times [default: everywhere]
    #[arg(long, value_name = "ADDR")]
    pub bind: Vec<std::net::IpAddr>,
    /// Do not announce this node on the network
    #[arg(long)]
    pub no_mdns: bool,
    /// Whom to serve [default: open]
    #[arg(long, value_enum)]
    pub access: Option<AccessMode>,
    /// Also show what was made here and is not signed
    #[arg(long)]
    pub share_unsigned: bool,
    /// Keep up to date: all datasets of a publisher, a dataset of this name by publishers trusted
    /// in full, or publisher/name; a name may have @ and a version, a range, latest or an alias behind it;
    /// may be given several times
    #[arg(long, value_name = "PUBLISHER-or-NAME", value_parser = followed)]
    pub follow: Vec<String>,
    /// Settings [default: serve.toml in the registry's directory, where there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer Prometheus on this loopback port
    #[arg(long, value_name = "PORT")]
    pub metrics_port: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Serve a node
    Add {
        /// Its id, 64 hex digits, or its name here
        #[arg(value_name = "NODEID")]
        node: String,
        /// What the node is called here from now on
        #[arg(long, value_parser = alias)]
        name: Option<Alias>,
    },
    /// Do not serve a node any more
    Remove {
        /// Its id, 64 hex digits, or its name here
        #[arg(value_name = "NODEID")]
        node: String,
    },
    /// List who is served
    List,
}

/// Says at once what is wrong with a text that names nothing to follow.
fn followed(text: &str) -> Result<String, FollowError> {
    Follow::new(&[text.to_owned()], None).map(|_| text.to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct PeersArgs {
    /// Look for so many seconds [default: 2 without a serving node, 0 with one]
    #[arg(long, value_name = "S")]
    pub wait: Option<f64>,
    #[command(subcommand)]
    pub command: Option<PeersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// Forget which node was at an address
    Forget {
        /// host:port, or the name of the node
        address: PeerAddress,
    },
    /// Give a node a name, which stands for it wherever a node id or an address is taken
    Name {
        /// Its id, its name so far, or an address at which it was met
        #[arg(value_name = "NODEID-or-ADDR")]
        node: String,
        /// What it is called here from now on
        #[arg(value_parser = alias)]
        name: Alias,
    },
    /// Take the name of a node away
    Unname {
        /// What it is called here
        #[arg(value_parser = alias)]
        name: Alias,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// host:port or nodeid@host:port; may be given several times [default: every peer that is found
    /// or known]
    #[arg(long, value_name = "ADDR")]
    pub peer: Vec<PeerAddress>,
    /// Also pull content of publishers not trusted in full
    #[arg(long)]
    pub all: bool,
    /// Also pull what nobody signed
    #[arg(long)]
    pub accept_unsigned: bool,
    /// Also pull content of this publisher; may be given several times
    #[arg(long, value_name = "KEYHEX")]
    pub accept_publisher: Vec<PublisherKey>,
    /// Offer the peer also what was made here and is not signed
    #[arg(long)]
    pub share_unsigned: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// alimentar:<id or prefix>, name, name@1.2.0 or name@^1
    pub reference: String,
    /// host:port or nodeid@host:port; may be given several times [default: every peer that is found
    /// or known]
    #[arg(long, value_name = "ADDR")]
    pub peer: Vec<PeerAddress>,
    /// Also write it here
    #[arg(short, long, value_name = "DEST")]
    pub output: Option<PathBuf>,
    /// Do not ask about this publisher; may be given several times
    #[arg(long, value_name = "KEYHEX")]
    pub accept_publisher: Vec<PublisherKey>,
    /// Do not ask about data that nobody signed
    #[arg(long)]
    pub accept_unsigned: bool,
}
