//! Scans that would take hours: they stop when nobody waits for them, and hold up nobody.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use super::client::Client;
use super::http::NEW;
use super::http::Server;
use super::http::request;
use super::http::tool_at;
use crate::support::wait::PATIENCE;

const GSM8K: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/gsm8k/test.jsonl");
/// Links to one file of 4 MB. To count the tokens of all takes hours.
const LINKS: usize = 4_000;

/// A directory that takes 4 MB of the disk and 16 GB of patience.
fn endless(dir: &Path) -> String {
    let (file, links) = (dir.join("rows.jsonl"), dir.join("endless"));
    std::fs::write(&file, crate::support::lines(28_000, 7)).unwrap();
    std::fs::create_dir(&links).unwrap();
    for n in 0..LINKS {
        std::fs::hard_link(&file, links.join(format!("{n:05}.jsonl"))).unwrap();
    }
    links.to_str().unwrap().to_owned()
}

/// Processor time of a process so far, in ticks of the kernel.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let behind = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = behind.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Waits until a process uses no more processor time. One that goes on scanning never gets there.
fn wait_until_idle(pid: u32) {
    let began = Instant::now();
    let mut before = ticks(pid);
    let mut quiet = 0;
    while quiet < 5 {
        assert!(began.elapsed() < PATIENCE, "the process goes on working");
        std::thread::sleep(Duration::from_millis(100));
        let now = ticks(pid);
        // Looks at the flag of signals take a tick now and then.
        quiet = if now <= before + 1 { quiet + 1 } else { 0 };
        before = now;
    }
}

fn scan(target: &str, token: &str) -> Value {
    let meta = json!({"progressToken": token});
    json!({"name": "count_tokens", "arguments": {"target": target}, "_meta": meta})
}

#[test]
fn cancelled_scan_stops() {
    let dir = tempfile::tempdir().unwrap();
    let target = endless(dir.path());
    let mut client = Client::start(&dir.path().join("home"), &[&target, GSM8K]);
    let ids = ["a", "b"].map(|token| client.begin("tools/call", scan(&target, token)));
    client.progress();
    for id in ids {
        let params = json!({"requestId": id, "reason": "enough"});
        client.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}),
        );
    }
    wait_until_idle(client.pid());
    // Both places for scans are free again.
    let query = json!({"target": GSM8K, "query": "apples", "count_only": true});
    let found = client.call("search_dataset", query);
    assert_eq!(found["rows_scanned"], 1319, "{found}");
}

#[test]
fn scan_of_a_client_that_disconnects_stops() {
    let dir = tempfile::tempdir().unwrap();
    let target = endless(dir.path());
    let server = Server::with_targets(&dir.path().join("home"), &[&target, GSM8K], "0", &[]);
    for _ in 0..2 {
        let params = json!({
            "name": "count_tokens", "arguments": {"target": target},
            "_meta": {
                "progressToken": "p",
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        });
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let headers = [NEW[0], NEW[1], ("Mcp-Name", "count_tokens")];
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let bytes = request(&server.address, &headers, &body.to_string());
        stream.write_all(&bytes).unwrap();
        let mut lines = BufReader::new(stream).lines();
        // The scan is under way. Then the client is gone.
        while !lines
            .next()
            .unwrap()
            .unwrap()
            .contains("notifications/progress")
        {}
    }
    wait_until_idle(server.child.id());
    let counted = tool_at(&server.address, "count_tokens", &json!({"target": GSM8K}));
    assert_eq!(counted["structuredContent"]["rows"], 1319, "{counted}");
}

#[test]
fn program_ends_with_its_input_in_the_midst_of_endless_scans() {
    let dir = tempfile::tempdir().unwrap();
    let target = endless(dir.path());
    let mut client = Client::start(&dir.path().join("home"), &[&target]);
    client.begin("tools/call", scan(&target, "a"));
    client.begin("tools/call", json!({"name": "dedup_scan", "arguments": {}}));
    client.progress();
    assert!(client.end().success());
}

#[test]
fn rows_are_read_while_all_places_for_scans_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let target = endless(dir.path());
    let mut client = Client::start(&dir.path().join("home"), &[&target, GSM8K]);
    for n in 0..6 {
        client.begin("tools/call", scan(&target, &format!("p{n}")));
    }
    client.progress();
    let rows = client.call(
        "get_lines",
        json!({"target": GSM8K, "start": 1000, "count": 1}),
    );
    assert_eq!(rows["rows"][0]["n"], 1000);
}

#[test]
fn client_that_never_reads_holds_up_nobody() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::with_targets(home.path(), &[GSM8K], "0", &[]);
    let headers = [NEW[0], NEW[1], ("Mcp-Name", "get_lines")];
    let body = super::http::call_of("get_lines", &json!({"count": 1000, "max_chars": 48_000}), 1);
    let bytes = request(&server.address, &headers, &body);
    let silent: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(&bytes).unwrap();
            stream
        })
        .collect();
    let rows = tool_at(
        &server.address,
        "get_lines",
        &json!({"start": 7, "count": 1}),
    );
    assert_eq!(rows["structuredContent"]["rows"][0]["n"], 7, "{rows}");
    drop(silent);
}

#[test]
fn pipe_that_nobody_reads_keeps_memory_bounded_and_ends_with_its_input() {
    let home = tempfile::tempdir().unwrap();
    let mut client = Client::unread(home.path(), &[GSM8K]);
    let pid = client.pid();
    let mut input = client.take_input();
    // More answers than the pipe takes: 2,000 of 48,000 characters.
    let flood = std::thread::spawn(move || {
        let call = |id: u64| {
            let arguments = json!({"count": 100, "max_chars": 48_000});
            let params = json!({"name": "get_lines", "arguments": arguments});
            json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params})
        };
        for id in 2..2_000 {
            // The server may stop reading; that is one way to bound its memory.
            if input
                .write_all(format!("{}\n", call(id)).as_bytes())
                .is_err()
            {
                return;
            }
        }
    });
    wait_until_idle(pid);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon"))
        .unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 300_000, "{kilobytes} kB");
    // Nobody reads any more at all: the server notices, and ends.
    client.hang_up();
    flood.join().unwrap();
    assert!(client.wait_for_end());
}
