//! `mcp`: the server for assistants. `http.rs` has the addresses and tokens of HTTP, also for `serve` and `view`.

pub(in crate::cli) mod http;

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::mcp::http::Served;
use crate::cli::mcp::http::parse_address;
use crate::ident::Reference;
use crate::mcp::Client;
use crate::mcp::McpOptions;
use crate::mcp::Workspace;
use crate::mcp::serve_stdio;
use crate::registry::Error;
use crate::registry::TargetOptions;

/// Let assistants look into data, by the Model Context Protocol on stdin and stdout
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar mcp train.jsonl
  alimentar mcp --print-config claude-code train.jsonl
  alimentar mcp train.jsonl my-dataset@^1 --http 127.0.0.1:8766
  alimentar mcp train.jsonl --allow-edits

Assistants reach the targets given here and the datasets of the registry, and no other file. Secrets in rows
are masked. At an address that other machines reach, clients need a bearer token: the first line of
--token-file, or of ALIMENTAR_MCP_TOKEN, or one that is made and kept in `mcp.token` in the registry's directory.")]
pub(crate) struct McpArgs {
    /// Paths, references to datasets, or REF:path/in/dataset
    #[arg(value_name = "TARGET")]
    target: Vec<String>,
    /// Serve many clients over HTTP at this address: a port, or host:port
    #[arg(long, value_name = "ADDR", value_parser = parse_address)]
    http: Option<SocketAddr>,
    /// A file whose first line is the token that HTTP clients send
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// Offer the tool that pulls datasets of trusted publishers from peers
    #[arg(long)]
    allow_pull: bool,
    /// Offer the tool that edits rows; edits are kept beside the data, which stays as it is
    #[arg(long)]
    allow_edits: bool,
    /// Show secrets in rows instead of masking them
    #[arg(long)]
    show_secrets: bool,
    /// Print the configuration of a client for these targets, and end
    #[arg(long, value_name = "CLIENT", value_parser = client_parser())]
    print_config: Option<Client>,
}

#[derive(Serialize)]
struct ConfigOutput<'a> {
    client: &'a str,
    file: Option<&'static str>,
    config: &'a str,
}

fn client_parser() -> impl clap::builder::TypedValueParser<Value = Client> {
    let names = Client::ALL.map(|(_, name)| name);
    PossibleValuesParser::new(names).map(|name| {
        let found = Client::ALL.iter().find(|(_, known)| *known == name);
        found.map_or(Client::Claude, |(client, _)| *client)
    })
}

pub(crate) fn run(ctx: &Context, args: &McpArgs) -> Result<(), Failure> {
    if let Some(client) = args.print_config {
        return print_config(ctx, args, client);
    }
    if args.target.iter().any(|target| target == "-") {
        return Err(Failure::usage(
            "standard input is the protocol; give a file instead of -",
        ));
    }
    let home = ctx.home()?;
    let peers = ctx.defaults.peers.iter().map(ToString::to_string);
    let workspace = Workspace::open(McpOptions {
        targets: args.target.clone(),
        home: home.clone(),
        reading: TargetOptions {
            allow_large: ctx.global.allow_large,
            remote: Some(ctx.remote()?.clone()),
            ..TargetOptions::default()
        },
        show_secrets: args.show_secrets,
        peers: peers.collect(),
        allow_pull: args.allow_pull,
        allow_edits: args.allow_edits,
        viewer: None,
    })?;
    workspace.index_lines();
    let stop = interrupt::stop_condition();
    let Some(address) = args.http else {
        return Ok(serve_stdio(workspace, stop)?);
    };
    let served = Served::start(workspace, address, args.token_file.as_deref(), &home)?;
    let event = served.ready("ready");
    let text = match ctx.out.is_json() {
        true => serde_json::to_string(&event).unwrap_or_default(),
        false => served.sentence(),
    };
    // The server runs even if nobody reads this.
    let _ = ctx.out.bytes(format!("{text}\n").as_bytes());
    Ok(served.server.run(stop)?)
}

fn print_config(ctx: &Context, args: &McpArgs, client: Client) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(|e| Error::machine("find this program", e))?;
    let mut arguments = vec!["mcp".to_owned()];
    if let Some(home) = &ctx.global.home {
        let home = std::path::absolute(home).map_err(|e| Error::file("find", home, e))?;
        arguments.extend(["--home".to_owned(), home.display().to_string()]);
    }
    for (flag, is_given) in [
        ("--allow-pull", args.allow_pull),
        ("--allow-edits", args.allow_edits),
        ("--show-secrets", args.show_secrets),
    ] {
        if is_given {
            arguments.push(flag.to_owned());
        }
    }
    for target in &args.target {
        arguments.push(absolute(target)?);
    }
    let config = client.config(&program.display().to_string(), &arguments);
    let name = Client::ALL.iter().find(|(known, _)| *known == client);
    let output = ConfigOutput {
        client: name.map_or("", |(_, name)| name),
        file: client.file(),
        config: &config,
    };
    if let (Some(file), true) = (client.file(), ctx.out.is_text()) {
        ctx.out.diagnostic(&format!("put this into {file}:"));
    }
    Ok(ctx.out.result(&output, &[], &format!("{config}\n"))?)
}

/// Makes the path of a file absolute: clients start the program elsewhere. References stay.
fn absolute(target: &str) -> Result<String, Failure> {
    let path = Path::new(target);
    if path.exists() || target.parse::<Reference>().is_err() && !target.contains("://") {
        let path = std::path::absolute(path).map_err(|e| Error::file("find", path, e))?;
        return Ok(path.display().to_string());
    }
    Ok(target.to_owned())
}
