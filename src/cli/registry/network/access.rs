//! `registry access`: the nodes that are served with access `listed`.

use clap::Args;
use clap::Subcommand;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::parse::parse_alias;
use crate::cli::registry::node_id::find_node;
use crate::ident::Alias;
use crate::net::AccessList;
use crate::registry::Error;
use crate::registry::NodeError;

/// The nodes that are served with access `listed`
#[derive(Debug, Args)]
pub(crate) struct AccessArgs {
    #[command(subcommand)]
    command: AccessCommand,
}

#[derive(Debug, Subcommand)]
enum AccessCommand {
    /// Serve a node
    #[command(after_help = "Examples:
  alimentar access add 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c")]
    Add {
        /// Its id, 64 hex digits, or its name here
        #[arg(value_name = "NODEID")]
        node: String,
        /// The name of the node here from now on
        #[arg(long, value_parser = parse_alias)]
        name: Option<Alias>,
    },
    /// Do not serve a node any more
    #[command(after_help = "Examples:
  alimentar access remove 1398f62c6d1a457c51ba6a4b5f3dbd2f69fca93216218dc8997e416bd17d93ca")]
    Remove {
        /// Its id, 64 hex digits, or its name here
        #[arg(value_name = "NODEID")]
        node: String,
    },
    /// List the nodes that are served
    #[command(after_help = "Examples:
  alimentar access list")]
    List,
}

impl AccessArgs {
    pub(crate) fn adds_node(&self) -> bool {
        matches!(self.command, AccessCommand::Add { .. })
    }
}

#[derive(Serialize)]
struct AccessOutput {
    access: Vec<String>,
    nodes: Vec<NodeObject>,
    changed: bool,
}

#[derive(Serialize)]
struct NodeObject {
    node_id: String,
    name: Option<String>,
}

pub(crate) fn run(ctx: &Context, args: &AccessArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let list = AccessList::of(registry);
    let changed = match &args.command {
        AccessCommand::Add { node, name } => {
            let id = find_node(ctx, node)?;
            // Before the list changes: the name may belong to another node.
            if let Some(name) = name {
                registry.peers().name_node(id, name)?;
            }
            list.add(id)?
        }
        AccessCommand::Remove { node } => {
            let removed = list.remove(find_node(ctx, node)?)?;
            if !removed {
                return Err(Error::Node(NodeError::NotListed(node.clone())).into());
            }
            removed
        }
        AccessCommand::List => false,
    };
    let names = registry.peers().node_names()?;
    let nodes = list.all()?.into_iter().map(|id| NodeObject {
        node_id: id.to_hex(),
        name: names.get(&id).map(ToString::to_string),
    });
    let nodes: Vec<NodeObject> = nodes.collect();
    let row = |n: &NodeObject| {
        let name = n.name.clone().unwrap_or_else(|| "-".to_owned());
        vec![name, n.node_id.clone()]
    };
    let rows: Vec<Vec<String>> = nodes.iter().map(row).collect();
    let text = if nodes.is_empty() {
        "Nobody is on the list\n".to_owned()
    } else {
        ctx.out.table(&["NAME", "NODE"], &rows)
    };
    let ids: Vec<String> = nodes.iter().map(|n| n.node_id.clone()).collect();
    let output = AccessOutput {
        access: ids.clone(),
        nodes,
        changed,
    };
    Ok(ctx.out.result(&output, &ids, &text)?)
}
