//! The session in the guide, as the program prints it.
//!
//! `README_UPDATE=1 cargo test --test it mcp::session` rewrites it.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use super::client::Client;
use crate::support::variable;

const GSM8K: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/gsm8k/test.jsonl");
const BEGIN: &str = "<!-- Generated: README_UPDATE=1 cargo test --test it mcp::session -->\n";
const END: &str = "<!-- End of the session -->\n";

/// The messages of the client, each with a sentence for readers.
fn messages() -> Vec<(&'static str, Value)> {
    let request = |id: u64, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let call = |id: u64, name: &str, arguments: Value| {
        request(
            id,
            "tools/call",
            json!({"name": name, "arguments": arguments}),
        )
    };
    vec![
        (
            "The client and the server shake hands. Clients of the newest revision leave this out.",
            request(
                1,
                "initialize",
                json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "guide", "version": "1"}}),
            ),
        ),
        (
            "",
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
        ),
        (
            "The client asks for the tools. The assistant sees this list in every conversation.",
            request(2, "tools/list", json!({})),
        ),
        (
            "“Have a look at the file.” The assistant asks what it is.",
            call(3, "dataset_info", json!({})),
        ),
        (
            "“Which questions speak of apples and cost a dollar?” The answer has the rows, their numbers, the text around the match, and says that there may be more.",
            call(
                4,
                "search_dataset",
                json!({"query": "apple.*\\$1\\b", "limit": 1, "max_chars": 3000}),
            ),
        ),
        (
            "“How many of them are there?”",
            call(
                5,
                "search_dataset",
                json!({"query": "apple.*\\$1\\b", "count_only": true}),
            ),
        ),
        (
            "Two rows, in at most 1,000 characters: strings are shortened, then rows are left out. `rest` is the call that reads a string whole, and `next_cursor` goes on.",
            call(
                6,
                "get_lines",
                json!({"start": 52, "count": 2, "max_chars": 1000}),
            ),
        ),
        (
            "A mistake: the error names what there is, and the next call.",
            call(
                7,
                "search_dataset",
                json!({"query": "apple", "column": "questoin"}),
            ),
        ),
        (
            "“Write the answer of the first row as a number.” The assistant rehearses it,",
            call(
                8,
                "edit_rows",
                json!({"set": ["0.answer=18"], "dry_run": true}),
            ),
        ),
        (
            "does it,",
            call(9, "edit_rows", json!({"set": ["0.answer=18"]})),
        ),
        (
            "and takes it back when the person changes their mind.",
            call(10, "edit_rows", json!({"undo": 1})),
        ),
    ]
}

/// The texts that differ between two runs.
fn masked(line: &str) -> String {
    let mut shown = line.replace(
        &format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION")),
        "\"version\":\"…\"",
    );
    for key in ["\"next_cursor\":\"", "next_cursor: "] {
        if let Some((before, rest)) = shown.clone().split_once(key) {
            let cursor: String = rest.chars().take(28).collect();
            assert!(cursor.starts_with('A'), "{cursor}");
            shown = format!("{before}{key}A…{}", rest.replacen(&cursor, "", 1));
        }
    }
    shown
}

fn session() -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(GSM8K, dir.path().join("test.jsonl")).unwrap();
    let home = dir.path().join("home");
    let mut client = Client::bare_in(dir.path(), &home, &["test.jsonl", "--allow-edits"]);
    let mut text = String::new();
    for (sentence, message) in messages() {
        if !sentence.is_empty() {
            text += &format!("{sentence}\n\n");
        }
        client.send(&message);
        text += &format!("```text\n→ {message}\n");
        if message.get("id").is_some() {
            text += &format!("← {}\n", masked(&client.line()));
        }
        text += "```\n\n";
    }
    assert!(client.end().success());
    text
}

#[test]
fn session_of_the_guide_is_as_the_program_prints_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("docs/howto/connect-an-assistant.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, behind) = rest.split_once(END).unwrap();
    // The number of rows is not told while lines are still counted.
    let mut sessions = std::iter::repeat_with(session);
    let counted = sessions.find(|text| !text.contains("\"total_rows\":null"));
    let now = format!("\n{}", counted.unwrap());
    if variable("README_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{now}{END}{behind}")).unwrap();
        return;
    }
    let differs = shown.lines().zip(now.lines()).find(|(a, b)| a != b);
    assert!(
        shown == now,
        "the session is out of date; run README_UPDATE=1 cargo test --test it mcp::session\n{differs:#?}"
    );
}
