//! Repositories of a hub: revisions, cards, promises, hostile lists.

use std::collections::BTreeMap;

use serde_json::json;

use super::done;
use super::refused;
use super::stub::Hub;
use super::stub::sha;
use crate::remote::home;
use crate::remote::server::Reply;
use crate::support::lines;

const URL: &str = "hf://datasets/lab/corpus";
const CARD: &[u8] =
    b"---\nlicense: mit\ntags: [maths, school]\nlanguage: [de]\n---\n# Sums for school\n";

/// A repository of a card, a Parquet file and `count` files of lines.
fn files(count: usize) -> BTreeMap<String, Vec<u8>> {
    let part = |n: usize| (format!("data/{n:04}.jsonl"), lines(20 + n % 7, n as u64));
    let mut files: BTreeMap<String, Vec<u8>> = (0..count).map(part).collect();
    files.insert("README.md".to_owned(), CARD.to_vec());
    let parquet = include_bytes!("../../data/formats/types.parquet");
    files.insert("table.parquet".to_owned(), parquet.to_vec());
    files
}

#[test]
fn repository_is_taken_in_with_its_card_and_its_source() {
    let (home, hub) = (home(), Hub::start(files(5)));
    let report = done(home.path(), &hub.url(), &["index", URL]);
    assert_eq!(
        (&report["name"], &report["files"]),
        (&json!("corpus"), &json!(7))
    );
    assert_eq!(report["source"]["revision"], sha(0));
    assert_eq!(report["source"]["fetched_files"], 7);
    let total: usize = files(5).values().map(Vec::len).sum();
    assert_eq!(report["source"]["fetched_bytes"], total);
    let info = done(home.path(), &hub.url(), &["info", "corpus"]);
    assert_eq!(info["license"], "mit");
    assert_eq!(info["tags"], json!(["maths", "school"]));
    assert_eq!(info["source"]["url"], URL);
    assert_eq!(info["source"]["revision"], sha(0));
    let parquet = info["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["path"] == "table.parquet");
    assert_eq!(parquet.unwrap()["format"], "parquet");
    assert!(parquet.unwrap()["rows"].as_u64().unwrap() > 0);
    for query in ["source:lab/corpus", "lang:de", "school"] {
        let found = done(home.path(), &hub.url(), &["search", query]);
        assert_eq!(found["results"].as_array().unwrap().len(), 1, "{query}");
    }
    let card = done(home.path(), &hub.url(), &["card", "corpus"]);
    assert_eq!(card["source"]["url"], URL);
    assert_eq!(
        done(home.path(), &hub.url(), &["verify", "corpus"])["content"],
        "ok"
    );
}

#[test]
fn next_revision_fetches_the_three_files_that_changed() {
    let (home, hub) = (home(), Hub::start(files(200)));
    done(home.path(), &hub.url(), &["index", URL]);
    let before = hub.requests();
    let same = done(home.path(), &hub.url(), &["refresh", "corpus"]);
    assert_eq!(
        (&same["unchanged"], &same["source"]["fetched_files"]),
        (&json!(true), &json!(0))
    );
    let mut changed = files(200);
    for n in [3, 77, 150] {
        changed.insert(format!("data/{n:04}.jsonl"), lines(30, 1_000 + n));
    }
    hub.commit(changed);
    let report = done(home.path(), &hub.url(), &["refresh", "corpus"]);
    let wanted = ["data/0003.jsonl", "data/0077.jsonl", "data/0150.jsonl"];
    assert_eq!(hub.files_asked(before), wanted);
    assert_eq!(report["source"]["fetched_files"], 3);
    assert_eq!(
        (&report["version"], &report["unchanged"]),
        (&json!("0.1.1"), &json!(false))
    );
    assert_eq!(report["source"]["revision"], sha(1));
    // The first revision is there under its own number, and can be asked for.
    let old = format!("{URL}@{}", sha(0));
    let first = done(home.path(), &hub.url(), &["index", &old, "--name", "first"]);
    assert_eq!(first["files"], 202);
}

#[test]
fn patterns_take_parts_of_a_repository() {
    let (home, hub) = (home(), Hub::start(files(12)));
    let words = [
        "index",
        URL,
        "--include",
        "data",
        "--exclude",
        "*1.jsonl",
        "--revision",
        "main",
    ];
    let report = done(home.path(), &hub.url(), &words);
    assert_eq!(report["files"], 10);
    let info = done(home.path(), &hub.url(), &["info", "corpus"]);
    assert_eq!(info["license"], "mit");
    let again = done(home.path(), &hub.url(), &["refresh", "corpus"]);
    assert_eq!(
        (&again["unchanged"], &again["files"]),
        (&json!(true), &json!(10))
    );
    let single = format!("{URL}/data/0002.jsonl");
    let one = done(home.path(), &hub.url(), &["index", &single]);
    assert_eq!((&one["name"], &one["files"]), (&json!("0002"), &json!(1)));
}

#[test]
fn bytes_that_break_a_promise_are_refused_and_nothing_is_indexed() {
    for path in ["data/0001.jsonl", "table.parquet"] {
        let (home, hub) = (home(), Hub::start(files(3)));
        hub.plant(move |asked, reply| match asked.path.ends_with(path) {
            true => reply.map_body(|body| body[0] ^= 1),
            false => reply,
        });
        let (code, message) = refused(home.path(), &hub.url(), &["index", URL]);
        assert_eq!(code, 4, "{message}");
        assert!(
            message.contains(path) && message.contains("promises"),
            "{message}"
        );
        hub.mend();
        done(home.path(), &hub.url(), &["index", URL]);
    }
}

#[test]
fn list_with_a_path_that_leaves_is_refused_before_anything_is_fetched() {
    for path in ["../evil.jsonl", "/etc/passwd", "a/../../b", "data//x"] {
        let (home, hub) = (home(), Hub::start(files(1)));
        hub.plant(move |asked, reply| match asked.path.contains("/tree/") {
            true => {
                let entry =
                    json!([{"type": "file", "path": path, "size": 3, "oid": "0".repeat(40)}]);
                Reply::new(200, entry.to_string().as_bytes())
            }
            false => reply,
        });
        let (code, message) = refused(home.path(), &hub.url(), &["index", URL]);
        assert!(code == 4 || code == 6, "{code}: {message}");
        assert!(hub.files_asked(0).is_empty());
    }
}

#[test]
fn offline_takes_nothing_in() {
    let (home, hub) = (home(), Hub::start(files(1)));
    let (code, message) = refused(home.path(), &hub.url(), &["--offline", "index", URL]);
    assert_eq!(code, 6);
    assert!(message.contains("offline"), "{message}");
    assert_eq!(hub.requests(), 0);
}
