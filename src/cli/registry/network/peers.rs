//! `registry peers`: the nodes of this network, and the known peers.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use clap::Subcommand;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::parse::parse_alias;
use crate::cli::registry::network::peer_names::forget_address;
use crate::cli::registry::network::peer_names::name_node;
use crate::cli::registry::network::peer_names::unname_node;
use crate::clock::Timestamp;
use crate::ident::Alias;
use crate::ident::NodeId;
use crate::net::KnownPeers;
use crate::net::NodeView;
use crate::net::PeerAddress;
use crate::net::find_nodes;
use crate::registry::host;

/// List the peers of this network, and the known ones
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar peers
  alimentar peers --wait 5 --json")]
pub(crate) struct PeersArgs {
    /// Look for this number of seconds [default: 2 without a serving node, 0 with one]
    #[arg(long, value_name = "S")]
    wait: Option<f64>,
    #[command(subcommand)]
    command: Option<PeersCommand>,
}

#[derive(Debug, Subcommand)]
enum PeersCommand {
    /// Forget which node was at an address
    #[command(after_help = "Examples:
  alimentar peers forget lab-a:8765")]
    Forget {
        /// host:port, or the name of the node
        address: PeerAddress,
    },
    /// Give a node a name, which replaces its id or its address in all commands
    #[command(after_help = "Examples:
  alimentar peers name 1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca lab-b")]
    Name {
        /// Its id, its name so far, or the address of a known peer
        #[arg(value_name = "NODEID-or-ADDR")]
        node: String,
        /// Its name here from now on
        #[arg(value_parser = parse_alias)]
        name: Alias,
    },
    /// Remove the name of a node
    #[command(after_help = "Examples:
  alimentar peers unname lab-b")]
    Unname {
        /// Its name here
        #[arg(value_parser = parse_alias)]
        name: Alias,
    },
}

#[derive(Serialize)]
struct PeersOutput {
    peers: Vec<PeerObject>,
}

#[derive(Serialize)]
struct PeerObject {
    node_id: String,
    name: Option<String>,
    address: Option<String>,
    addresses: Vec<String>,
    datasets_available: Option<u64>,
    filter_bytes: Option<u64>,
    last_seen: Option<String>,
    /// The node has proven its id in a handshake.
    proven: bool,
}

/// The time to look for nodes if no node serves this registry.
const LOOK: Duration = Duration::from_secs(2);

pub(crate) fn run(ctx: &Context, args: &PeersArgs) -> Result<(), Failure> {
    match &args.command {
        None => list_peers(ctx, args.wait),
        Some(PeersCommand::Forget { address }) => forget_address(ctx, address),
        Some(PeersCommand::Name { node, name }) => name_node(ctx, node, name),
        Some(PeersCommand::Unname { name }) => unname_node(ctx, name),
    }
}

fn list_peers(ctx: &Context, wait_seconds: Option<f64>) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let names = registry.peers().node_names()?;
    let wait = wait_seconds.map(Duration::try_from_secs_f64).transpose();
    let wait = wait.map_err(|_| Failure::usage("--wait takes seconds"))?;
    let known = KnownPeers::of(registry).all()?;
    let around = match find_nodes(registry, wait, LOOK, &interrupt::stop_condition()) {
        Ok(around) => around,
        Err(error) if interrupt::is_requested() => return Err(error.into()),
        Err(error) => {
            let message = Failure::from(error).message();
            ctx.out.diagnostic(&format!("warning: {message}"));
            Vec::new()
        }
    };
    let name = |id: &NodeId| names.get(id).map(ToString::to_string);
    let nodes: BTreeSet<NodeId> = around.iter().map(|n| n.node).collect();
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut peers: Vec<PeerObject> = Vec::new();
    for n in &around {
        let peer = PeerObject::found(n, name(&n.node));
        rows.push(peer.row(n.last_seen));
        peers.push(peer);
    }
    for (address, node) in known.iter().filter(|(_, node)| !nodes.contains(node)) {
        let peer = PeerObject::known(node, address, name(node));
        rows.push(peer.row(None));
        peers.push(peer);
    }
    let text = if peers.is_empty() {
        "No peers are around, and none is known: `registry sync --peer HOST:PORT` meets one\n"
            .to_owned()
    } else {
        let head = ["NAME", "ADDRESS", "DATASETS", "SEEN", "NODE"];
        ctx.out.table(&head, &rows)
    };
    let ids: Vec<String> = peers.iter().map(|p| p.node_id.clone()).collect();
    Ok(ctx.out.result(&PeersOutput { peers }, &ids, &text)?)
}

impl PeerObject {
    /// A node of this network.
    fn found(n: &NodeView, name: Option<String>) -> Self {
        let addresses: Vec<String> = n.addresses.iter().map(ToString::to_string).collect();
        Self {
            node_id: n.node.to_hex(),
            name,
            address: addresses.first().cloned(),
            addresses,
            datasets_available: n.datasets,
            filter_bytes: n.filter_bytes,
            last_seen: n.last_seen.map(Timestamp::to_rfc3339),
            proven: n.is_proven,
        }
    }

    /// A known peer that was not found.
    fn known(node: &NodeId, address: &str, name: Option<String>) -> Self {
        Self {
            node_id: node.to_hex(),
            name,
            address: Some(address.to_owned()),
            addresses: vec![address.to_owned()],
            datasets_available: None,
            filter_bytes: None,
            last_seen: None,
            proven: true,
        }
    }

    fn row(&self, last_seen: Option<Timestamp>) -> Vec<String> {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let seconds_ago = |at: Timestamp| host::now().0.saturating_sub(at.0).max(0);
        // These digits tell nodes apart. JSON and `-q` have the whole id.
        let short: String = self.node_id.chars().take(16).chain(['…']).collect();
        vec![
            or_dash(self.name.clone()),
            or_dash(self.address.clone()),
            or_dash(self.datasets_available.map(|n| n.to_string())),
            or_dash(last_seen.map(|at| format!("{} s ago", seconds_ago(at)))),
            short,
        ]
    }
}
