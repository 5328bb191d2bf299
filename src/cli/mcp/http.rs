//! The server for assistants over HTTP: its address, its token, and the line that tells both.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::http_token::TokenPlace;
use crate::cli::http_token::find_token;
use crate::mcp::HttpServer;
use crate::mcp::Workspace;

/// Address of `--mcp` without a value.
pub(in crate::cli) const DEFAULT_ADDRESS: &str = "127.0.0.1:8766";
/// The places of the token.
const TOKEN: TokenPlace = TokenPlace {
    file: "mcp.token",
    variable: env::MCP_TOKEN,
};

pub(in crate::cli) fn parse_address(text: &str) -> Result<SocketAddr, String> {
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

/// A server that runs, and the file of its token.
pub(in crate::cli) struct Served {
    pub(in crate::cli) server: HttpServer,
    token_file: Option<PathBuf>,
}

/// The line that tells clients the address.
#[derive(Serialize)]
pub(in crate::cli) struct ReadyEvent<'a> {
    event: &'static str,
    http: &'a str,
    token_file: Option<&'a Path>,
}

impl Served {
    /// Starts a server. `given` is a file with the token; without one, the environment or the home has it.
    ///
    /// # Errors
    /// [`Failure`] for a token that cannot be used, or an address that is taken.
    pub(in crate::cli) fn start(
        workspace: Arc<Workspace>,
        address: SocketAddr,
        given: Option<&Path>,
        home: &Path,
    ) -> Result<Self, Failure> {
        let (token, path) = find_token(&TOKEN, given, address.ip().is_loopback(), home)?.unzip();
        Ok(Self {
            server: HttpServer::start(workspace, address, token)?,
            token_file: path.flatten(),
        })
    }

    /// Returns the line that tells the address, for programs.
    pub(in crate::cli) fn ready(&self, event: &'static str) -> ReadyEvent<'_> {
        ReadyEvent {
            event,
            http: self.server.url(),
            token_file: self.token_file.as_deref(),
        }
    }

    /// Returns the lines that tell the address, for people.
    pub(in crate::cli) fn sentence(&self) -> String {
        let http = self.server.url();
        match &self.token_file {
            Some(path) => format!("{http}\n  clients send the token in {}", path.display()),
            None => http.to_owned(),
        }
    }
}
