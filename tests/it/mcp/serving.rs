//! The server inside of `registry serve`, and beside a viewer that tools move.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use super::http::tool_at;
use crate::support::answer;
use crate::support::program;
use crate::view::pty::Terminal;

/// A process that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn address_of(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    rest.strip_suffix("/mcp").unwrap().to_owned()
}

/// Begins the command line of a node on loopback.
fn serve(home: &Path) -> Command {
    let mut command = program(home);
    command.args([
        "registry",
        "serve",
        "--port",
        "0",
        "--bind",
        "127.0.0.1",
        "--no-mdns",
    ]);
    command
}

#[test]
fn serving_node_answers_assistants() {
    let dir = tempfile::tempdir().unwrap();
    let (file, home) = (dir.path().join("a.jsonl"), dir.path().join("home"));
    std::fs::write(&file, "{\"text\":\"one\"}\n{\"text\":\"two\"}\n").unwrap();
    let path = file.to_str().unwrap();
    answer(&home, &["index", path, "--name", "corpus"]);
    let mut command = serve(&home);
    command.args(["--mcp", "0"]).stdout(Stdio::piped());
    let mut node = Ended(command.spawn().unwrap());
    let mut lines = BufReader::new(node.0.stdout.take().unwrap()).lines();
    let mut event = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(event()["event"], "ready");
    let ready = event();
    assert_eq!(ready["event"], "mcp_ready", "{ready}");
    let address = address_of(ready["http"].as_str().unwrap());
    let rows = tool_at(
        &address,
        "get_lines",
        &json!({"target": "corpus", "start": 1}),
    );
    assert_eq!(
        rows["structuredContent"]["rows"][0]["text"], r#"{"text":"two"}"#,
        "{rows}"
    );
    // No file is open there, so that no path can be read.
    let refused = tool_at(&address, "get_lines", &json!({"target": path}));
    assert_eq!(refused["isError"], true, "{refused}");
}

#[test]
fn taken_address_ends_serve_with_an_error() {
    let home = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = serve(home.path());
    let out = command.args(["--mcp", &port]).output().unwrap();
    assert!(!out.status.success());
    let error = String::from_utf8(out.stderr).unwrap();
    assert!(error.contains(&port), "{error}");
}

/// A viewer with a server, and the address of that.
fn viewer(dir: &Path, words: &[&str]) -> (Terminal, String) {
    let words = [&["view"], words, &["--mcp", "0"]].concat();
    let terminal = Terminal::run(dir, &words, (90, 24));
    let text = terminal.wait_for("assistants: http://");
    let url = text.split("assistants: ").nth(1).unwrap();
    let address = address_of(url.split_whitespace().next().unwrap());
    (terminal, address)
}

fn rows(dir: &Path, count: u64) -> &'static str {
    let line = |n: u64| format!("{{\"id\":{n},\"text\":\"row {n} of many\"}}\n");
    let text: String = (0..count).map(line).collect();
    std::fs::write(dir.join("rows.jsonl"), text).unwrap();
    "rows.jsonl"
}

#[test]
fn tool_moves_the_viewer_to_a_row_and_shows_a_search() {
    let dir = tempfile::tempdir().unwrap();
    let name = rows(dir.path(), 5000);
    let (mut terminal, address) = viewer(dir.path(), &[name]);
    let show = |arguments: Value| tool_at(&address, "show_in_viewer", &arguments);
    terminal.wait_for("5,000 rows");
    let shown = show(json!({"row": 4321}));
    assert_eq!(shown["structuredContent"]["row"], 4321, "{shown}");
    assert_eq!(shown["structuredContent"]["target"], name);
    terminal.wait_for("row 4321 of many");
    terminal.wait_for("an assistant went to row 4,321");
    let shown = show(json!({"query": "row 1[23]45 "}));
    assert_eq!(
        shown["structuredContent"]["query"], "row 1[23]45 ",
        "{shown}"
    );
    terminal.wait_until("the first match", |text| {
        text.contains("2 matches") && text.contains("row 1245 of many")
    });
    let seen = show(json!({}));
    assert_eq!(seen["structuredContent"]["row"], 1245, "{seen}");
    assert_eq!(seen["structuredContent"]["matches"], 2);
    // The same rows, by the other tools.
    let read = tool_at(&address, "get_lines", &json!({"start": 1245, "count": 1}));
    let line = read["structuredContent"]["rows"][0]["text"]
        .as_str()
        .unwrap();
    assert!(line.contains("row 1245 of many"), "{read}");
    let missing = show(json!({"row": 5000}));
    assert_eq!(missing["isError"], true, "{missing}");
    assert!(
        missing.to_string().contains("there are 5000 rows"),
        "{missing}"
    );
    let broken = show(json!({"query": "(("}));
    assert_eq!(broken["isError"], true, "{broken}");
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
    terminal.assert_clean();
}

#[test]
fn viewer_is_not_moved_under_a_person_who_types() {
    let dir = tempfile::tempdir().unwrap();
    let name = rows(dir.path(), 200);
    let (mut terminal, address) = viewer(dir.path(), &[name]);
    terminal.wait_for("200 rows");
    terminal.type_bytes(b"&id=1");
    terminal.wait_for("id=1");
    let refused = tool_at(&address, "show_in_viewer", &json!({"row": 150}));
    assert!(refused.to_string().contains("is typing"), "{refused}");
    terminal.type_bytes(b"\r");
    terminal.wait_for("id ~ 1");
    // A row that a filter hides is not shown, and the filter stays.
    let refused = tool_at(&address, "show_in_viewer", &json!({"row": 20}));
    assert!(refused.to_string().contains("hide row 20"), "{refused}");
    let shown = tool_at(&address, "show_in_viewer", &json!({"row": 150}));
    assert_eq!(shown["structuredContent"]["row"], 150, "{shown}");
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn viewer_of_the_registry_has_no_row_to_show() {
    let dir = tempfile::tempdir().unwrap();
    let (mut terminal, address) = viewer(dir.path(), &[]);
    let refused = tool_at(&address, "show_in_viewer", &json!({"row": 0}));
    assert!(
        refused.to_string().contains("no target is open"),
        "{refused}"
    );
    terminal.type_bytes(b"q");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn tools_of_a_viewer_are_few_and_say_what_they_do() {
    let dir = tempfile::tempdir().unwrap();
    let name = rows(dir.path(), 3);
    let (_terminal, address) = viewer(dir.path(), &[name]);
    // Edits and pulls are not offered beside a viewer.
    for tool in ["edit_rows", "pull_dataset"] {
        let headers = [super::http::NEW[0], super::http::NEW[1], ("Mcp-Name", tool)];
        let body = super::http::call_of(tool, &json!({}), 1);
        let (_, answer) = super::http::post(&address, &headers, &body);
        assert!(answer.contains("-32602"), "{answer}");
    }
}
