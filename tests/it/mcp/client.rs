//! A client that writes messages by hand.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;

use serde_json::Value;
use serde_json::json;

use crate::support::wait::PATIENCE;

/// A running server and its pipes.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    /// The output of a server whose answers nobody reads.
    unread: Option<std::process::ChildStdout>,
    next: u64,
}

impl Client {
    /// Starts the server and shakes hands as older clients do.
    pub fn start(home: &Path, words: &[&str]) -> Self {
        let mut client = Self::bare(home, words);
        let hello = client.request(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}),
        );
        assert_eq!(hello["result"]["serverInfo"]["name"], "alimentar");
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    /// Starts the server and says nothing.
    pub fn bare(home: &Path, words: &[&str]) -> Self {
        Self::bare_in(Path::new("."), home, words)
    }

    /// Starts the server in a directory and says nothing.
    pub fn bare_in(dir: &Path, home: &Path, words: &[&str]) -> Self {
        let mut client = Self::spawn(dir, home, words);
        let output = BufReader::new(client.unread.take().unwrap());
        let (sender, lines) = mpsc::channel();
        client.lines = lines;
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        client
    }

    /// Starts the server and shakes hands; its answers stay in the pipe.
    pub fn unread(home: &Path, words: &[&str]) -> Self {
        let mut client = Self::spawn(Path::new("."), home, words);
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        client.begin("initialize", hello);
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn spawn(dir: &Path, home: &Path, words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_alimentar"))
            .current_dir(dir)
            .arg("--home")
            .arg(home)
            .arg("mcp")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, unread) = (child.stdin.take(), child.stdout.take());
        Self {
            child,
            input,
            lines: mpsc::channel().1,
            unread,
            next: 0,
        }
    }

    pub fn send(&mut self, message: &Value) {
        self.send_bytes(format!("{message}\n").as_bytes());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// Begins a request and returns its id.
    pub fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The next line of the server.
    pub fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).unwrap()
    }

    /// The next message of the server.
    pub fn message(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// The response to a request; other messages are passed over.
    pub fn response(&mut self, id: u64) -> Value {
        loop {
            let message = self.message();
            if message["id"] == id {
                return message;
            }
        }
    }

    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params);
        self.response(id)
    }

    /// Calls a tool and returns the whole result.
    pub fn tool(&mut self, name: &str, arguments: Value) -> Value {
        let response = self.request("tools/call", json!({"name": name, "arguments": arguments}));
        assert!(response.get("error").is_none(), "{name}: {response}");
        response["result"].clone()
    }

    /// Calls a tool that succeeds and returns its structured result.
    pub fn call(&mut self, name: &str, arguments: Value) -> Value {
        let result = self.tool(name, arguments);
        assert_ne!(result["isError"], true, "{name}: {result}");
        result["structuredContent"].clone()
    }

    /// Calls a tool that fails and returns the text of the error.
    pub fn failure(&mut self, name: &str, arguments: Value) -> String {
        let result = self.tool(name, arguments);
        assert_eq!(result["isError"], true, "{name}: {result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// The process of the server.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The pipe to the server, to be written to elsewhere.
    pub fn take_input(&mut self) -> ChildStdin {
        self.input.take().unwrap()
    }

    /// Waits for a message about the progress of something.
    pub fn progress(&mut self) {
        while self.message()["method"] != "notifications/progress" {}
    }

    /// Closes the pipe that nobody reads.
    pub fn hang_up(&mut self) {
        self.unread.take();
    }

    /// Waits for the end of the server; true once it is there.
    pub fn wait_for_end(&mut self) -> bool {
        self.child.wait().is_ok()
    }

    /// Closes the input and waits for the end.
    pub fn end(mut self) -> std::process::ExitStatus {
        self.input.take();
        self.child.wait().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
