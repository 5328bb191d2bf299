//! `registry node`: the state of the node that serves this registry.

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::keyring;
use crate::net::running_node;
use crate::registry::Error;

/// Show the state of the node that serves this registry
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar node")]
pub(crate) struct NodeArgs {}

#[derive(Serialize)]
struct IdleNodeOutput {
    node_id: String,
    running: bool,
}

/// The state that the node reports, which has its id as well.
#[derive(Serialize)]
struct RunningNodeOutput {
    #[serde(flatten)]
    state: Value,
    running: bool,
}

pub(crate) fn run(ctx: &Context, _args: &NodeArgs) -> Result<(), Failure> {
    let home = ctx.registry()?.home();
    let Some(state) = running_node(home)? else {
        let key = keyring::node_key(home).map_err(Error::from)?;
        let id = key.public_key().to_hex();
        let output = IdleNodeOutput {
            node_id: id.clone(),
            running: false,
        };
        let text = format!("Node {id}, not serving\n");
        return Ok(ctx.out.result(&output, &[id], &text)?);
    };
    let output = RunningNodeOutput {
        state: state.0,
        running: true,
    };
    let id = output.field("node_id");
    let text = output.text();
    Ok(ctx.out.result(&output, &[id], &text)?)
}

impl RunningNodeOutput {
    fn field(&self, name: &str) -> String {
        match self.state.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    fn text(&self) -> String {
        let get = |name: &str| self.state.get(name);
        let peers = get("peers").and_then(Value::as_array).map_or(0, Vec::len);
        let uptime = get("uptime").and_then(Value::as_f64).unwrap_or(0.0);
        let sent = get("sent_bytes").and_then(Value::as_u64).unwrap_or(0);
        format!(
            "Node {}\n  serving at {}, access {}, for {uptime:.0} s\n  {peers} peer(s), {} connection(s), {} request(s), {} sent\n",
            self.field("node_id"),
            self.field("addr"),
            self.field("access"),
            self.field("sessions"),
            self.field("requests"),
            human_bytes(sent),
        )
    }
}
