//! A hub as its own clients have it: redirects to another host, tokens, pages, signed URLs that expire.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use serde_json::json;

use super::failure;
use super::home;
use super::program;
use super::server::Asked;
use super::server::Reply;
use super::server::Server;
use crate::support::lines;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const TOKEN: &str = "hf_abcdefgh";

/// Runs the program against a hub.
fn ask(home: &Path, hub: &Server, words: &[&str]) -> Output {
    program(home)
        .env("HF_ENDPOINT", format!("{}/", hub.url("")))
        .env("HF_TOKEN", TOKEN)
        .arg("--json")
        .args(words)
        .output()
        .unwrap()
}

fn json_of(out: &Output) -> Value {
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

fn json_reply(value: &Value) -> Reply {
    Reply::new(200, value.to_string().as_bytes()).with("Content-Type", "application/json")
}

fn missing(code: &str) -> Reply {
    Reply::new(404, b"").with("X-Error-Code", code)
}

/// A hub with one repository whose files are at a store of its own.
fn hub_of(files: Vec<(&'static str, Vec<u8>)>, store: String) -> Server {
    Server::start(move |asked| {
        let tree = format!("/api/datasets/lab/corpus/tree/{SHA}");
        if asked.path.starts_with("/api/datasets/lab/corpus/revision/") {
            return json_reply(&json!({"id": "lab/corpus", "sha": SHA, "siblings": []}));
        }
        if let Some(rest) = asked.path.strip_prefix(&tree) {
            let below = rest.split('?').next().unwrap().trim_start_matches('/');
            let inside = files.iter().filter(|f| f.0.starts_with(below));
            let entries = inside.map(|(path, bytes)| {
                json!({"type": "file", "path": path, "size": bytes.len(), "oid": "00".repeat(20)})
            });
            let entries: Vec<Value> = entries.collect();
            return match entries.is_empty() {
                true => missing("EntryNotFound"),
                false => json_reply(&json!(entries)),
            };
        }
        for revision in ["main", SHA] {
            let prefix = format!("/datasets/lab/corpus/resolve/{revision}/");
            if let Some(path) = asked.path.strip_prefix(&prefix)
                && files.iter().any(|f| f.0 == path)
            {
                return Reply::new(302, b"")
                    .with("Location", &format!("{store}/{path}?sig=once"))
                    .with("X-Repo-Commit", SHA);
            }
        }
        missing("EntryNotFound")
    })
}

fn store_of(files: Vec<(&'static str, Vec<u8>)>) -> Server {
    Server::start(move |asked| {
        let path = asked
            .path
            .trim_start_matches('/')
            .split('?')
            .next()
            .unwrap();
        match files.iter().find(|f| f.0 == path) {
            Some((_, bytes)) => Reply::honest(asked, bytes, path),
            None => Reply::new(404, b""),
        }
    })
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("README.md", b"# Corpus\n".to_vec()),
        ("data/a.jsonl", lines(3_000, 1)),
        ("data/b.jsonl", lines(2_000, 2)),
        ("other/c.jsonl", lines(10, 3)),
    ]
}

#[test]
fn repository_is_all_its_files_with_rows() {
    let home = home();
    let store = store_of(files());
    let hub = hub_of(files(), store.url(""));
    for (target, rows) in [
        ("hf://datasets/lab/corpus", 5_010),
        ("hf://lab/corpus", 5_010),
        ("hf://lab/corpus/data", 5_000),
        ("hf://lab/corpus@main/data/", 5_000),
        ("hf://lab/corpus/other/c.jsonl", 10),
    ] {
        let info = json_of(&ask(home.path(), &hub, &["inspect", "info", target]));
        assert_eq!(info["rows"], rows, "{target}");
    }
    let asked = hub.asked();
    assert!(
        asked
            .iter()
            .all(|a| a.header("authorization") == Some("Bearer hf_abcdefgh"))
    );
}

#[test]
fn token_goes_to_the_hub_alone() {
    let home = home();
    let store = store_of(files());
    let hub = hub_of(files(), store.url(""));
    let target = "hf://lab/corpus/data/a.jsonl";
    let out = ask(
        home.path(),
        &hub,
        &["-vv", "inspect", "search", target, "\"n\"", "--count"],
    );
    assert_eq!(json_of(&out)["matches"], 3_000);
    assert!(!String::from_utf8_lossy(&out.stderr).contains(TOKEN));
    assert!(
        store
            .asked()
            .iter()
            .all(|a| a.header("authorization").is_none())
    );
    // Later ranges go to where the first redirect led.
    assert_eq!(hub.asked().len(), 1);
    assert!(store.asked().len() > 1);
}

#[test]
fn signed_url_that_expires_is_resolved_again() {
    let home = home();
    let bytes = lines(20_000, 4);
    let uses = Arc::new(Mutex::new(std::collections::HashMap::<String, usize>::new()));
    let store = Server::start(move |asked| {
        let mut uses = uses.lock().unwrap();
        let used = uses.entry(asked.path.clone()).or_default();
        *used += 1;
        match *used {
            1 | 2 => Reply::honest(asked, &bytes, "v1"),
            _ => Reply::new(403, b"expired"),
        }
    });
    let place = store.url("/x.jsonl");
    let hub = Server::start(move |asked| {
        Reply::new(302, b"").with("Location", &format!("{place}?sig={}", asked.number))
    });
    let target = "hf://lab/corpus/x.jsonl";
    let out = ask(
        home.path(),
        &hub,
        &["inspect", "search", target, "\"n\"", "--count"],
    );
    assert_eq!(json_of(&out)["matches"], 20_000);
    assert!(hub.asked().len() > 1);
}

#[test]
fn url_that_stays_refused_is_denied() {
    let home = home();
    let store = Server::start(|_| Reply::new(403, b""));
    let place = store.url("/x.jsonl");
    let hub = Server::start(move |_| Reply::new(302, b"").with("Location", &place));
    let out = ask(
        home.path(),
        &hub,
        &["inspect", "lines", "hf://lab/corpus/x.jsonl"],
    );
    let (code, kind, _) = failure(&out);
    assert_eq!((code, kind.as_str()), (5, "denied"));
}

#[test]
fn message_of_the_hub_is_shown_unless_it_has_the_token() {
    let home = home();
    let of = |message: &'static str| {
        let hub = Server::start(move |_| Reply::new(403, b"").with("X-Error-Message", message));
        let out = ask(
            home.path(),
            &hub,
            &["inspect", "lines", "hf://lab/corpus/x.jsonl"],
        );
        assert!(!String::from_utf8_lossy(&out.stderr).contains(TOKEN));
        failure(&out)
    };
    let (code, _, message) = of("Access to dataset lab/corpus is restricted");
    assert_eq!(code, 5);
    assert!(message.contains("is restricted"), "{message}");
    assert_eq!(of("your token hf_abcdefgh is bad").0, 5);
}

#[test]
fn missing_repository_file_or_revision_is_not_found() {
    let home = home();
    let hub = Server::start(|asked: &Asked| {
        let code = if asked.path.contains("/revision/") {
            "RepoNotFound"
        } else {
            "EntryNotFound"
        };
        missing(code)
    });
    for target in [
        "hf://lab/none",
        "hf://lab/corpus/none.jsonl",
        "hf://lab/corpus@v9/x.jsonl",
    ] {
        let (code, kind, _) = failure(&ask(home.path(), &hub, &["inspect", "lines", target]));
        assert_eq!((code, kind.as_str()), (3, "not_found"), "{target}");
    }
}

/// A hub whose list of files is this.
fn hub_with_tree(tree: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |asked| match asked.path.contains("/revision/") {
        true => json_reply(&json!({"sha": SHA})),
        false => tree(asked),
    })
}

#[test]
fn path_that_leaves_the_repository_is_refused() {
    let home = home();
    for path in [
        "../../x.jsonl",
        "/etc/x.jsonl",
        "a/../../x.jsonl",
        "a\\..\\x.jsonl",
    ] {
        let entry = json!([{"type": "file", "path": path, "size": 1, "oid": ""}]);
        let hub = hub_with_tree(move |_| json_reply(&entry));
        let (code, kind, message) = failure(&ask(
            home.path(),
            &hub,
            &["inspect", "lines", "hf://lab/corpus"],
        ));
        assert_eq!((code, kind.as_str()), (6, "network"), "{path}");
        assert!(message.contains("answers wrongly"), "{message}");
    }
}

#[test]
fn pages_of_a_list_are_read_on_the_same_host_alone() {
    let home = home();
    let entry =
        |n: usize| json!([{"type": "file", "path": format!("{n}.jsonl"), "size": 5, "oid": ""}]);
    let hub = hub_with_tree(move |asked| {
        if asked.path.contains("/resolve/") {
            return Reply::honest(asked, b"{\"a\":1}\n", "v");
        }
        let page = usize::from(asked.path.contains("cursor"));
        let reply = json_reply(&entry(page));
        match page {
            0 => {
                let host = asked.header("host").unwrap();
                let next = format!("<http://{host}{}&cursor=2>; rel=\"next\"", asked.path);
                reply.with("Link", &next)
            }
            _ => reply,
        }
    });
    let info = json_of(&ask(
        home.path(),
        &hub,
        &["inspect", "info", "hf://lab/corpus"],
    ));
    assert_eq!(info["files"].as_array().unwrap().len(), 2);

    let other = Server::start(|_| Reply::new(200, b"[]"));
    let place = other.url("/next");
    let hub = hub_with_tree(move |_| {
        json_reply(&entry(0)).with("Link", &format!("<{place}>; rel=\"next\""))
    });
    let (code, _, message) = failure(&ask(
        home.path(),
        &hub,
        &["inspect", "lines", "hf://lab/corpus"],
    ));
    assert_eq!(code, 6);
    assert!(message.contains("another server"), "{message}");
    assert_eq!(other.asked().len(), 0);
}

#[test]
fn answer_that_is_no_list_is_refused() {
    let home = home();
    for body in ["", "{}", "[{\"type\":7}]", "[", "null", "<html>"] {
        let hub = hub_with_tree(move |_| Reply::new(200, body.as_bytes()));
        let (code, _, message) = failure(&ask(
            home.path(),
            &hub,
            &["inspect", "lines", "hf://lab/corpus"],
        ));
        assert_eq!(code, 6, "{body}");
        assert!(message.contains("answers wrongly"), "{message}");
    }
}
