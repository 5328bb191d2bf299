//! The server over HTTP: hosts, origins, tokens.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::support::wait::PATIENCE;

const GSM8K: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/gsm8k/test.jsonl");

pub struct Server {
    pub child: Child,
    pub address: String,
    ready: Value,
}

impl Server {
    fn start(home: &Path, address: &str, environment: &[(&str, &str)]) -> Self {
        Self::with_targets(home, &[GSM8K], address, environment)
    }

    pub fn with_targets(
        home: &Path,
        targets: &[&str],
        address: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_alimentar"))
            .arg("--home")
            .arg(home)
            .args(["--json", "mcp", "--http", address])
            .args(targets)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = ready["http"].as_str().unwrap();
        let address = url
            .strip_prefix("http://")
            .unwrap()
            .strip_suffix("/mcp")
            .unwrap();
        let port = address.rsplit_once(':').unwrap().1;
        Self {
            child,
            address: format!("127.0.0.1:{port}"),
            ready,
        }
    }

    /// Sends one request and returns the status and the answer.
    fn post(&self, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        post(&self.address, headers, body)
    }
}

/// Sends one request and returns the status and the answer.
pub fn post(address: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request(address, headers, body)).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    (status.unwrap_or(0), answer)
}

/// The bytes of a request.
pub fn request(address: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    let usual = [
        ("Host", address),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ];
    for (name, value) in usual.iter().chain(headers) {
        let is_replaced =
            headers.iter().any(|(n, _)| n == name) && !headers.contains(&(name, value));
        if !is_replaced {
            head += &format!("{name}: {value}\r\n");
        }
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// Calls a tool at `host:port` and returns the result.
pub fn tool_at(address: &str, name: &str, arguments: &Value) -> Value {
    let headers = [NEW[0], NEW[1], ("Mcp-Name", name)];
    let (status, answer) = post(address, &headers, &call_of(name, arguments, 1));
    assert_eq!(status, 200, "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    // A message stands alone, or in an event stream.
    let message = body
        .lines()
        .map(|line| line.trim_start_matches("data:").trim())
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|message| message["id"] == 1);
    message.unwrap()["result"].clone()
}

/// A call of a tool, by a client of the newest revision.
pub fn call_of(name: &str, arguments: &Value, id: u64) -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({"name": name, "arguments": arguments, "_meta": meta});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call() -> String {
    call_of("get_lines", &json!({"start": 2, "count": 1}), 1)
}

pub const NEW: [(&str, &str); 3] = [
    ("MCP-Protocol-Version", "2026-07-28"),
    ("Mcp-Method", "tools/call"),
    ("Mcp-Name", "get_lines"),
];

#[test]
fn call_over_loopback_needs_no_token() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "0", &[]);
    assert!(server.ready["token_file"].is_null());
    let (status, answer) = server.post(&NEW, &call());
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("\"n\":2"), "{answer}");
}

#[test]
fn foreign_host_and_origin_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "0", &[]);
    let mut headers = NEW.to_vec();
    headers.push(("Host", "evil.example"));
    assert_eq!(server.post(&headers, &call()).0, 403);
    let mut headers = NEW.to_vec();
    headers.push(("Origin", "http://evil.example"));
    assert_eq!(server.post(&headers, &call()).0, 403);
    let mut headers = NEW.to_vec();
    headers.push(("Origin", "http://localhost:1234"));
    assert_eq!(server.post(&headers, &call()).0, 403);
    assert_eq!(server.post(&NEW, &call()).0, 200);
}

#[test]
fn address_of_other_machines_needs_a_token() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "0.0.0.0:0", &[]);
    let path = server.ready["token_file"].as_str().unwrap();
    let token = std::fs::read_to_string(path).unwrap().trim().to_owned();
    assert_eq!(server.post(&NEW, &call()).0, 401);
    let wrong = format!("Bearer {}", "0".repeat(token.len()));
    let mut headers = NEW.to_vec();
    headers.push(("Authorization", &wrong));
    assert_eq!(server.post(&headers, &call()).0, 401);
    let right = format!("Bearer {token}");
    let mut headers = NEW.to_vec();
    headers.push(("Authorization", &right));
    assert_eq!(server.post(&headers, &call()).0, 200);
}

#[test]
fn token_of_environment_is_asked_for_on_loopback_too() {
    let home = tempfile::tempdir().unwrap();
    let token = "a-token-of-the-environment";
    let server = Server::start(home.path(), "0", &[("ALIMENTAR_MCP_TOKEN", token)]);
    assert_eq!(server.post(&NEW, &call()).0, 401);
}

#[test]
fn body_that_is_too_long_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), "0", &[]);
    let body = format!("{{\"x\":\"{}\"}}", "y".repeat(2 << 20));
    let (status, _) = server.post(&NEW, &body);
    assert!(status == 413 || status == 0, "{status}");
    assert_eq!(server.post(&NEW, &call()).0, 200);
}
