//! Answers of the tools against what is in the files.

use serde_json::Value;
use serde_json::json;

use super::client::Client;
use crate::support::answer;

const GSM8K: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/gsm8k/test.jsonl");

fn rows_of(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn tools_have_schemas_and_annotations_and_few_characters() {
    let home = tempfile::tempdir().unwrap();
    let mut client = Client::start(home.path(), &[GSM8K]);
    let response = client.request("tools/list", json!({}));
    let tools = response["result"]["tools"].as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(
        names[..4],
        ["search_dataset", "get_lines", "dataset_info", "dedup_scan"]
    );
    assert!(!names.contains(&"pull_dataset") && names.len() <= 14);
    for tool in tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert!(tool["annotations"]["title"].is_string(), "{tool}");
    }
    // Clients send the list with every conversation.
    let file = home.path().join("tools.jsonl");
    std::fs::write(
        &file,
        format!("{}\n", json!({"tools": response["result"].to_string()})),
    )
    .unwrap();
    let counted = answer(home.path(), &["inspect", "tokens", file.to_str().unwrap()]);
    assert!(counted["tokens"].as_u64().unwrap() < 3_000, "{counted}");
}

#[test]
fn lines_are_those_of_the_file() {
    let home = tempfile::tempdir().unwrap();
    let rows = rows_of(GSM8K);
    let mut client = Client::start(home.path(), &[GSM8K]);
    let found = client.call(
        "get_lines",
        json!({"start": 1000, "count": 3, "max_chars": 48000}),
    );
    for (at, row) in found["rows"].as_array().unwrap().iter().enumerate() {
        assert_eq!(row["n"], 1000 + at);
        assert_eq!(row["text"], *rows[1000 + at]);
    }
    let past = client.failure("get_lines", json!({"start": 5000}));
    assert!(past.contains("there are 1319 rows"), "{past}");
}

#[test]
fn cursors_lead_through_every_row_once() {
    let home = tempfile::tempdir().unwrap();
    let rows = rows_of(GSM8K);
    let mut client = Client::start(home.path(), &[GSM8K]);
    let (mut seen, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let found = client.call(
            "get_lines",
            json!({"count": 1000, "max_chars": 48000, "cursor": cursor}),
        );
        let page = found["rows"].as_array().unwrap();
        assert!(!page.is_empty());
        seen.extend(page.iter().map(|row| row["n"].as_u64().unwrap()));
        cursor = found["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen, (0..rows.len() as u64).collect::<Vec<_>>());
}

#[test]
fn search_finds_the_rows_that_the_command_finds() {
    let home = tempfile::tempdir().unwrap();
    let rows = rows_of(GSM8K);
    let expected = rows.iter().filter(|row| row.contains("apples")).count();
    let mut client = Client::start(home.path(), &[GSM8K]);
    let counted = client.call(
        "search_dataset",
        json!({"query": "apples", "count_only": true}),
    );
    assert_eq!(counted["matches"], expected);
    assert_eq!(counted["matches_are_exact"], true);
    let (mut found, mut cursor) = (0, Value::Null);
    loop {
        let arguments = json!({"query": "apples", "limit": 7, "cursor": cursor});
        let page = client.call("search_dataset", arguments);
        for row in page["rows"].as_array().unwrap() {
            let n = usize::try_from(row["n"].as_u64().unwrap()).unwrap();
            assert!(rows[n].contains("apples"));
            found += 1;
        }
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn budget_holds_for_both_forms_and_long_field_is_read_whole() {
    let home = tempfile::tempdir().unwrap();
    let long = "é\"x ".repeat(30_000);
    let file = home.path().join("long.jsonl");
    let row = json!({"id": 1, "messages": [{"role": "user", "content": long}]});
    std::fs::write(&file, format!("{row}\n{row}\n")).unwrap();
    let mut client = Client::start(home.path(), &[file.to_str().unwrap()]);
    let result = client.tool("get_lines", json!({"max_chars": 4000}));
    let chars = result["structuredContent"].to_string().chars().count()
        + result["content"][0]["text"]
            .as_str()
            .unwrap()
            .chars()
            .count();
    assert!(chars <= 4_000, "{chars}");
    let row = &result["structuredContent"]["rows"][0];
    assert_eq!(row["truncated_fields"][0]["field"], "messages[0].content");
    assert_eq!(row["truncated_fields"][0]["chars"], long.chars().count());
    let (mut read, mut offset) = (String::new(), json!(0));
    while !offset.is_null() {
        let arguments = json!({"start": 0, "field": "messages[0].content", "offset": offset, "max_chars": 48000});
        let piece = client.call("get_lines", arguments);
        read += piece["rows"][0]["text"].as_str().unwrap();
        offset = piece["rows"][0]["next_offset"].clone();
    }
    assert_eq!(read, long);
}

#[test]
fn secrets_are_masked_unless_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("secret.jsonl");
    let key = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB";
    std::fs::write(
        &file,
        format!("{}\n", json!({"text": format!("use {key} here")})),
    )
    .unwrap();
    let path = file.to_str().unwrap();
    let mut client = Client::start(home.path(), &[path]);
    let calls = [
        ("get_lines", json!({})),
        ("get_lines", json!({"field": "text"})),
        ("search_dataset", json!({"query": "use"})),
        ("sample_rows", json!({})),
        ("lint_dataset", json!({})),
        ("column_stats", json!({})),
    ];
    for (tool, arguments) in calls {
        let result = client.tool(tool, arguments).to_string();
        assert!(!result.contains(key), "{tool}: {result}");
    }
    let mut open = Client::start(home.path(), &[path, "--show-secrets"]);
    assert!(open.tool("get_lines", json!({})).to_string().contains(key));
}

#[test]
fn registry_is_searched_and_its_versions_compared() {
    let home = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("a.jsonl");
    std::fs::write(&file, "{\"text\":\"one\"}\n{\"text\":\"two\"}\n").unwrap();
    let path = file.to_str().unwrap();
    answer(
        home.path(),
        &[
            "index",
            path,
            "--name",
            "corpus",
            "--version",
            "1.0.0",
            "--description",
            "small words",
        ],
    );
    std::fs::write(&file, "{\"text\":\"one\"}\n{\"text\":\"three\"}\n").unwrap();
    answer(
        home.path(),
        &["index", path, "--name", "corpus", "--version", "1.1.0"],
    );
    let mut client = Client::start(home.path(), &[]);
    let found = client.call("search_registry", json!({"query": "corpus"}));
    assert_eq!(found["results"][0]["name"], "corpus");
    let info = client.call(
        "registry_info",
        json!({"ref": "corpus", "diff_with": "corpus@1.0.0"}),
    );
    assert_eq!(info["version"], "1.1.0");
    assert_eq!(info["versions"].as_array().unwrap().len(), 2);
    assert_eq!(info["diff"]["rows"][0]["changed"], 1, "{info}");
    let rows = client.call("get_lines", json!({"target": "corpus@1.0.0", "start": 1}));
    assert_eq!(rows["rows"][0]["text"], r#"{"text":"two"}"#);
    let id = info["content_id"]
        .as_str()
        .unwrap()
        .trim_start_matches("alimentar:")
        .to_owned();
    let row = client.request(
        "resources/read",
        json!({"uri": format!("dataset://{id}/rows/1")}),
    );
    assert!(
        row["result"]["contents"][0]["text"]
            .as_str()
            .unwrap()
            .contains("three"),
        "{row}"
    );
    let card = client.request("resources/list", json!({}));
    assert_eq!(card["result"]["resources"].as_array().unwrap().len(), 2);
}

#[test]
fn scans_give_what_the_commands_give() {
    let home = tempfile::tempdir().unwrap();
    let mut client = Client::start(home.path(), &[GSM8K]);
    let stats = client.call("column_stats", json!({}));
    assert_eq!(stats["rows"], 1319);
    let tokens = client.call("count_tokens", json!({}));
    let command = answer(home.path(), &["inspect", "tokens", GSM8K]);
    assert_eq!(tokens["tokens"], command["tokens"]);
    let lint = client.call("lint_dataset", json!({}));
    assert_eq!(lint["checked"], 1319);
    let dedup = client.call("dedup_scan", json!({}));
    let command = answer(home.path(), &["inspect", "dedup", GSM8K]);
    for key in [
        "rows",
        "unique_rows",
        "exact_duplicates",
        "near_duplicates",
        "clusters",
    ] {
        assert_eq!(dedup[key], command[key], "{key}");
    }
    let sample = client.call("sample_rows", json!({"n": 5, "seed": 3}));
    assert_eq!(sample["rows"].as_array().unwrap().len(), 5);
    let overlap = client.call("find_overlap", json!({"a": GSM8K, "b": GSM8K}));
    assert_eq!(overlap["exact"], 1319);
    let info = client.call("dataset_info", json!({}));
    assert_eq!(
        (&info["rows"], &info["format"]),
        (&json!(1319), &json!("jsonl"))
    );
}

#[test]
fn lint_names_faults_of_files_as_the_command_does() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("twice.csv");
    std::fs::write(&path, "a,b,a\n1,2,3\n").unwrap();
    let path = path.to_str().unwrap();
    let mut client = Client::start(home.path(), &[path]);
    let lint = client.call("lint_dataset", json!({}));
    let command = answer(home.path(), &["inspect", "lint", path]);
    let rules = |report: &Value| {
        let found = report["rules"].as_array().unwrap().iter();
        let found = found.filter(|r| r["count"] != 0);
        let found = found.map(|r| (r["rule"].clone(), r["count"].clone()));
        found.collect::<Vec<_>>()
    };
    assert_eq!(rules(&lint), rules(&command));
    assert!(
        rules(&lint).contains(&(json!("duplicate-column"), json!(1))),
        "{lint}"
    );
}
