//! `mcp`: the server for assistants.

use std::fs;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::ident::Reference;
use crate::mcp::BearerToken;
use crate::mcp::Client;
use crate::mcp::McpOptions;
use crate::mcp::Workspace;
use crate::mcp::serve_http;
use crate::mcp::serve_stdio;
use crate::registry::Error;
use crate::registry::TargetOptions;

/// Let assistants look into data, by the Model Context Protocol on stdin and stdout
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar mcp train.jsonl
  alimentar mcp --print-config claude-code train.jsonl
  alimentar mcp train.jsonl my-dataset@^1 --http 127.0.0.1:8766

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
    /// Show secrets in rows instead of masking them
    #[arg(long)]
    show_secrets: bool,
    /// Print the configuration of a client for these targets, and end
    #[arg(long, value_name = "CLIENT", value_parser = client_parser())]
    print_config: Option<Client>,
}

#[derive(Serialize)]
struct ReadyEvent<'a> {
    event: &'static str,
    http: &'a str,
    token_file: Option<&'a Path>,
}

#[derive(Serialize)]
struct ConfigOutput<'a> {
    client: &'a str,
    file: Option<&'static str>,
    config: &'a str,
}

/// File of the token in the home.
const TOKEN_FILE: &str = "mcp.token";
/// The longest token file.
const TOKEN_BYTES_MAX: usize = 4096;

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    let text = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    text.parse()
        .map_err(|_| "a port, or an IP address and a port, such as 127.0.0.1:8766".to_owned())
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
    })?;
    workspace.index_lines();
    let stop = interrupt::stop_condition();
    let Some(address) = args.http else {
        return Ok(serve_stdio(workspace, stop)?);
    };
    let token = find_token(args, address, &home)?;
    let (token, path) = token.unzip();
    let path = path.flatten();
    serve_over_http(ctx, &workspace, address, token, path.as_deref())
}

fn serve_over_http(
    ctx: &Context,
    workspace: &Arc<Workspace>,
    address: SocketAddr,
    token: Option<BearerToken>,
    token_file: Option<&Path>,
) -> Result<(), Failure> {
    let out = ctx.out;
    let ready = |http: &str| {
        let event = ReadyEvent {
            event: "ready",
            http,
            token_file,
        };
        let text = match (out.is_json(), token_file) {
            (true, _) => serde_json::to_string(&event).unwrap_or_default(),
            (false, Some(path)) => {
                format!("{http}\n  clients send the token in {}", path.display())
            }
            (false, None) => http.to_owned(),
        };
        // The server runs even if nobody reads this.
        let _ = out.bytes(format!("{text}\n").as_bytes());
    };
    let stop = interrupt::stop_condition();
    Ok(serve_http(
        Arc::clone(workspace),
        address,
        token,
        stop,
        &ready,
    )?)
}

/// Finds the token of HTTP clients: of the option, of the environment, or of the home, where one is made.
/// Loopback needs none.
fn find_token(
    args: &McpArgs,
    address: SocketAddr,
    home: &Path,
) -> Result<Option<(BearerToken, Option<PathBuf>)>, Failure> {
    if let Some(path) = &args.token_file {
        return Ok(Some((read_token(path)?, None)));
    }
    let unusable = || {
        Failure::usage(
            "ALIMENTAR_MCP_TOKEN is too short or has spaces: 16 visible characters at least",
        )
    };
    if let Some(text) = env::secret(env::MCP_TOKEN).map_err(|_| unusable())? {
        let token = BearerToken::new(text.trim()).ok_or_else(unusable)?;
        return Ok(Some((token, None)));
    }
    if address.ip().is_loopback() {
        return Ok(None);
    }
    let path = home.join(TOKEN_FILE);
    if !path.exists() {
        let mut bytes = [0; 24];
        getrandom::fill(&mut bytes)
            .map_err(|e| Error::machine("read random bytes", std::io::Error::other(e)))?;
        let text: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        fs::create_dir_all(home).map_err(|e| Error::file("create", home, e))?;
        write_atomically(
            &path,
            format!("{text}\n").as_bytes(),
            Some(0o600),
            IfExists::Refuse,
        )
        .map_err(|e| Error::file("write", &path, e))?;
    }
    Ok(Some((read_token(&path)?, Some(path))))
}

fn read_token(path: &Path) -> Result<BearerToken, Failure> {
    let text = read_own_text(path, TOKEN_BYTES_MAX).map_err(|e| Error::file("read", path, e))?;
    let line = text.lines().next().unwrap_or_default().trim();
    BearerToken::new(line).ok_or(Failure::usage(
        "the token is too short or has spaces: 16 visible characters at least",
    ))
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
