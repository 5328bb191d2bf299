//! Clients that are wrong, silent, gone or hostile.

use serde_json::json;

use super::client::Client;

const GSM8K: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/gsm8k/test.jsonl");

#[test]
fn bad_frames_are_answered_and_the_next_request_works() {
    let home = tempfile::tempdir().unwrap();
    let mut client = Client::start(home.path(), &[GSM8K]);
    // A text that is no JSON has no id to answer to: it is skipped. JSON that is no message is an error.
    client.send_bytes(b"no json\n[1, 2]\n");
    let answered = client.message();
    assert_eq!(answered["error"]["code"], -32600, "{answered}");
    let long = vec![b'x'; 3 << 20];
    let deep = "[".repeat(100_000);
    let open = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"tools/call\",\"params\":{}",
        "{\"a\":".repeat(50_000)
    );
    for frame in [
        b"no json\n".to_vec(),
        deep.into_bytes(),
        open.into_bytes(),
        b"{}\n".to_vec(),
        long,
        b"\xff\xfe\n\n\r\n".to_vec(),
    ] {
        client.send_bytes(&frame);
        client.send_bytes(b"\n");
    }
    let found = client.call("get_lines", json!({"start": 3, "count": 1}));
    assert_eq!(found["rows"][0]["n"], 3);
}

#[test]
fn unknown_method_tool_and_argument_are_errors_with_the_way_out() {
    let home = tempfile::tempdir().unwrap();
    let mut client = Client::start(home.path(), &[GSM8K]);
    assert_eq!(
        client.request("nothing/here", json!({}))["error"]["code"],
        -32601
    );
    let unknown = client.request("tools/call", json!({"name": "drop_table", "arguments": {}}));
    assert_eq!(unknown["error"]["code"], -32602);
    let column = client.failure(
        "search_dataset",
        json!({"query": "x", "column": "questoin"}),
    );
    assert!(
        column.contains("question") && column.contains("Next:"),
        "{column}"
    );
    let argument = client.failure("get_lines", json!({"first": 3}));
    assert!(argument.contains("start"), "{argument}");
    let pattern = client.failure("search_dataset", json!({"query": "(("}));
    assert!(pattern.contains("Next:"), "{pattern}");
}

#[test]
fn path_that_was_not_opened_is_not_read() {
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("private.jsonl");
    std::fs::write(&secret, "{\"text\":\"nobody may read this\"}\n").unwrap();
    std::fs::write(home.path().join("plain"), "nobody may read this\n").unwrap();
    let mut client = Client::start(home.path(), &[GSM8K]);
    let paths = [
        secret.to_str().unwrap().to_owned(),
        format!("file://{}", secret.display()),
        "../../etc/passwd".to_owned(),
        "/etc/passwd".to_owned(),
        "plain".to_owned(),
        format!("{GSM8K}/../train.jsonl"),
        "-".to_owned(),
    ];
    for path in paths {
        let error = client.failure("get_lines", json!({"target": path}));
        assert!(!error.contains("nobody may read"), "{error}");
        let uri = format!("dataset://{path}/rows/0");
        assert!(
            client
                .request("resources/read", json!({"uri": uri}))
                .get("error")
                .is_some()
        );
    }
}

#[test]
fn cursor_of_another_file_or_version_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.jsonl");
    std::fs::write(&file, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n").unwrap();
    let path = file.to_str().unwrap();
    let mut client = Client::start(home.path(), &[path, GSM8K]);
    let first = client.call("get_lines", json!({"target": path, "count": 1}));
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let other = client.failure("get_lines", json!({"target": GSM8K, "cursor": cursor}));
    assert!(other.contains("another file"), "{other}");
    std::fs::write(&file, "{\"b\":1}\n{\"b\":2}\n{\"b\":3}\n{\"b\":4}\n").unwrap();
    let changed = client.failure("get_lines", json!({"target": path, "cursor": cursor}));
    assert!(changed.contains("another version"), "{changed}");
    assert!(
        client
            .failure("get_lines", json!({"target": path, "cursor": "AAAA"}))
            .contains("no cursor")
    );
}

#[test]
fn program_ends_with_its_input_while_a_scan_runs() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("big.jsonl");
    std::fs::write(&file, crate::support::lines(60_000, 5)).unwrap();
    let mut client = Client::start(home.path(), &[file.to_str().unwrap()]);
    client.begin("tools/call", json!({"name": "dedup_scan", "arguments": {}}));
    client.begin(
        "tools/call",
        json!({"name": "count_tokens", "arguments": {}}),
    );
    assert!(client.end().success());
}

#[test]
fn cancelled_scan_leaves_the_server_for_others() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("big.jsonl");
    std::fs::write(&file, crate::support::lines(60_000, 6)).unwrap();
    let mut client = Client::start(home.path(), &[file.to_str().unwrap()]);
    for _ in 0..8 {
        let id = client.begin("tools/call", json!({"name": "dedup_scan", "arguments": {}}));
        let params = json!({"requestId": id, "reason": "enough"});
        client.send(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}),
        );
    }
    let counted = client.call(
        "search_dataset",
        json!({"query": "\"n\":59999", "count_only": true}),
    );
    assert_eq!(counted["matches"], 1);
}

#[test]
fn new_clients_need_no_handshake() {
    let home = tempfile::tempdir().unwrap();
    let mut client = Client::bare(home.path(), &[GSM8K]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let found = client.request("server/discover", json!({"_meta": meta}));
    assert!(found.get("result").is_some(), "{found}");
    let arguments = json!({"start": 7, "count": 1});
    let params = json!({"name": "get_lines", "arguments": arguments, "_meta": meta});
    let found = client.request("tools/call", params);
    assert_eq!(
        found["result"]["structuredContent"]["rows"][0]["n"], 7,
        "{found}"
    );
}

#[test]
fn unknown_revisions_are_answered_with_the_known_ones() {
    let home = tempfile::tempdir().unwrap();
    // An older client that asks for a revision of the future gets one that both may speak.
    let mut client = Client::bare(home.path(), &[GSM8K]);
    let hello = json!({"protocolVersion": "2999-01-01", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let answered = client.request("initialize", hello);
    let revision = answered["result"]["protocolVersion"].as_str().unwrap();
    assert!(revision.starts_with("202"), "{answered}");
    // A newer one is told which there are.
    let mut client = Client::bare(home.path(), &[GSM8K]);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2999-01-01",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let arguments = json!({"start": 7, "count": 1});
    let params = json!({"name": "get_lines", "arguments": arguments, "_meta": meta});
    let answered = client.request("tools/call", params);
    assert_eq!(answered["error"]["code"], -32022, "{answered}");
    assert!(answered.to_string().contains("2026-07-28"), "{answered}");
}

#[test]
fn id_of_a_request_under_way_is_refused() {
    let home = tempfile::tempdir().unwrap();
    // Long enough that the second request comes while the first is under way, also on a machine that is busy.
    let file = home.path().join("a.jsonl");
    let rows = (0..40_000).map(|n| format!("{{\"text\":\"row {n} of many that differ\"}}\n"));
    std::fs::write(&file, rows.collect::<String>()).unwrap();
    let mut client = Client::start(home.path(), &[file.to_str().unwrap()]);
    let params = json!({"name": "dedup_scan", "arguments": {}});
    let call = json!({"jsonrpc": "2.0", "id": 500, "method": "tools/call", "params": params});
    client.send_bytes(format!("{call}\n{call}\n").as_bytes());
    // The second is refused, and the first is not disturbed.
    let refused = client.response(500);
    assert_eq!(refused["error"]["code"], -32600, "{refused}");
    let answered = client.response(500);
    let rows = &answered["result"]["structuredContent"]["rows"];
    assert_eq!(rows, 40_000, "{answered}");
    // Once it is answered, the id is free: also for a client that uses it at once.
    let params = json!({"name": "get_lines", "arguments": {"start": 4, "count": 1}});
    let call = json!({"jsonrpc": "2.0", "id": 500, "method": "tools/call", "params": params});
    for turn in 0..200 {
        client.send(&call);
        let answered = client.response(500);
        let row = &answered["result"]["structuredContent"]["rows"][0];
        assert_eq!(row["n"], 4, "{turn}: {answered}");
    }
}

#[test]
fn patterns_that_would_take_for_ever_are_searched_or_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.jsonl");
    let row = json!({"text": "a".repeat(200_000)});
    std::fs::write(&file, format!("{row}\n{{\"text\":\"ab\"}}\n")).unwrap();
    let mut client = Client::start(home.path(), &[file.to_str().unwrap()]);
    for pattern in ["(a+)+$", "(a*)*b", "(a|aa)+b", "(.*a){12}b", "(x+x+)+y"] {
        let found = client.call(
            "search_dataset",
            json!({"query": pattern, "count_only": true}),
        );
        assert!(
            found["matches"].as_u64().unwrap() <= 2,
            "{pattern}: {found}"
        );
    }
    for pattern in ["a{1000}{1000}{1000}", "(((a{100}){100}){100}){100}"] {
        let refused = client.failure("search_dataset", json!({"query": pattern}));
        assert!(refused.contains("Next:"), "{refused}");
    }
}

#[test]
fn secrets_are_masked_in_edits_and_resources() {
    let dir = tempfile::tempdir().unwrap();
    let (file, home) = (dir.path().join("secret.jsonl"), dir.path().join("home"));
    let key = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB";
    let row = json!({"text": format!("use {key} here"), "n": 1});
    std::fs::write(&file, format!("{row}\n")).unwrap();
    let path = file.to_str().unwrap();
    let indexed = crate::support::answer(&home, &["index", path, "--name", "keys"]);
    let id = indexed["content_id"]
        .as_str()
        .unwrap()
        .trim_start_matches("alimentar:");
    let mut client = Client::start(&home, &[path, "--allow-edits"]);
    let edited = client.tool("edit_rows", json!({"set": ["0.n=2"], "target": path}));
    assert_ne!(edited["isError"], true, "{edited}");
    assert!(edited.to_string().contains("is masked"), "{edited}");
    let resource = client.request(
        "resources/read",
        json!({"uri": format!("dataset://{id}/rows/0")}),
    );
    assert!(resource.to_string().contains("is masked"), "{resource}");
    for answered in [edited, resource] {
        assert!(!answered.to_string().contains(key), "{answered}");
    }
}
