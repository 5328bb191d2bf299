//! The server for assistants over HTTP: its address, its token, and the line that tells both.

use std::fs;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::env;
use crate::cli::exit::Failure;
use crate::file_io::IfExists;
use crate::file_io::read_own_text;
use crate::file_io::write_atomically;
use crate::mcp::BearerToken;
use crate::mcp::HttpServer;
use crate::mcp::Workspace;
use crate::registry::Error;

/// Address of `--mcp` without a value.
pub(in crate::cli) const DEFAULT_ADDRESS: &str = "127.0.0.1:8766";
/// File of the token in the home.
const TOKEN_FILE: &str = "mcp.token";
/// The longest token file.
const TOKEN_BYTES_MAX: usize = 4096;

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
        let (token, path) = find_token(given, address, home)?.unzip();
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

/// Finds the token of HTTP clients: of the option, of the environment, or of the home, where one is made.
/// Loopback needs none.
fn find_token(
    given: Option<&Path>,
    address: SocketAddr,
    home: &Path,
) -> Result<Option<(BearerToken, Option<PathBuf>)>, Failure> {
    if let Some(path) = given {
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
