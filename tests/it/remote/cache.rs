//! Blocks that are kept under the home.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use super::answer;
use super::failure;
use super::home;
use super::rows;
use super::run;
use super::server::Reply;
use super::server::Server;
use crate::support::lines;

fn files(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("cache/remote"));
    entries.map_or_else(|_| Vec::new(), |e| e.map(|e| e.unwrap().path()).collect())
}

#[test]
fn second_look_fetches_the_opening_alone() {
    let home = home();
    let server = Server::of(lines(20_000, 1));
    let url = server.url("/x.jsonl");
    let words = ["inspect", "search", &url, "\"n\":5", "--count"];
    let first = answer(home.path(), &words);
    let requests = server.asked().len();
    assert!(requests > 1);
    assert_eq!(answer(home.path(), &words)["matches"], first["matches"]);
    assert_eq!(server.asked().len(), requests + 1);
    // Nothing of the URL is in the names or the files.
    for file in files(home.path()) {
        assert!(!file.to_string_lossy().contains("127.0.0.1"));
    }
}

#[test]
fn kept_blocks_are_read_offline_and_others_are_missing() {
    let home = home();
    let server = Server::of(lines(20_000, 2));
    let url = server.url("/x.jsonl");
    let lines = |more: &[&str]| {
        let words = [&["inspect", "lines", &url, "--count", "5"], more].concat();
        run(home.path(), &words)
    };
    let online = lines(&[]);
    let offline = lines(&["--offline"]);
    assert!(
        offline.status.success(),
        "{}",
        String::from_utf8_lossy(&offline.stderr)
    );
    assert_eq!(online.stdout, offline.stdout);
    let far = lines(&["--offline", "--start", "19000"]);
    let (code, kind, message) = failure(&far);
    assert_eq!((code, kind.as_str()), (6, "network"));
    assert!(message.contains("offline"), "{message}");
}

#[test]
fn damaged_block_is_fetched_again() {
    let home = home();
    let server = Server::of(lines(20_000, 3));
    let words = [
        "inspect",
        "search",
        &server.url("/x.jsonl"),
        "\"n\":5",
        "--count",
    ];
    let first = answer(home.path(), &words);
    for file in files(home.path()) {
        if file.extension().is_some_and(|e| e == "blocks") {
            let mut bytes = fs::read(&file).unwrap();
            bytes.iter_mut().step_by(5_000).for_each(|b| *b ^= 1);
            fs::write(&file, bytes).unwrap();
        }
    }
    assert_eq!(answer(home.path(), &words)["matches"], first["matches"]);
}

#[test]
fn other_state_of_the_file_is_not_served_from_the_cache() {
    let home = home();
    let (old, new) = (lines(20_000, 4), lines(20_000, 5));
    let server = Server::start(move |asked| {
        let is_new = asked.path.contains("new");
        let (bytes, etag) = if is_new { (&new, "v2") } else { (&old, "v1") };
        Reply::honest(asked, bytes, etag)
    });
    // The query is part of the URL: a file of its own.
    let shown = |path: &str| rows(home.path(), &[&server.url(path)]);
    assert_ne!(shown("/x.jsonl"), shown("/x.jsonl?new"));
}

#[test]
fn cache_that_cannot_be_written_is_no_error() {
    let home = home();
    fs::create_dir_all(home.path().join("cache")).unwrap();
    fs::write(home.path().join("cache/remote"), b"in the way").unwrap();
    let server = Server::of(lines(20_000, 6));
    let words = [
        "inspect",
        "search",
        &server.url("/x.jsonl"),
        "\"n\"",
        "--count",
    ];
    assert_eq!(answer(home.path(), &words)["matches"], 20_000);
}

#[test]
fn file_without_a_validator_is_not_kept() {
    let home = home();
    let bytes = lines(2_000, 7);
    let server = Server::start(move |asked| Reply::honest(asked, &bytes, "v1").without("ETag"));
    rows(home.path(), &[&server.url("/x.jsonl")]);
    assert_eq!(files(home.path()), Vec::<PathBuf>::new());
}

#[test]
fn rows_that_were_counted_are_not_counted_again() {
    let home = home();
    let bytes = lines(20_000, 8);
    let server = Server::of(bytes);
    let words = ["inspect", "info", &server.url("/x.jsonl")];
    assert_eq!(answer(home.path(), &words)["rows"], 20_000);
    fs::remove_dir_all(home.path().join("cache/remote")).unwrap();
    let before = server.asked().len();
    assert_eq!(answer(home.path(), &words)["rows"], 20_000);
    // The front, for the schema, and no more.
    assert!(server.asked().len() - before <= 4, "{:#?}", server.asked());
}

#[test]
fn processes_that_read_the_same_file_share_the_cache() {
    let home = home();
    let server = Server::of(lines(20_000, 9));
    let url = server.url("/x.jsonl");
    let words = ["inspect", "search", &url, "\"n\"", "--count"];
    let started: Vec<_> = (0..4)
        .map(|_| {
            let mut command = super::program(home.path());
            let command = command.arg("--json").args(words);
            command
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in started {
        let out = child.wait_with_output().unwrap();
        let found: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(found["matches"], 20_000);
    }
    let before = server.asked().len();
    assert_eq!(answer(home.path(), &words)["matches"], 20_000);
    assert_eq!(server.asked().len(), before + 1);
}

#[test]
fn lines_that_were_counted_cost_nothing_the_second_time() {
    let home = home();
    let bytes = lines(100_000, 10);
    let server = Server::of(bytes.clone());
    let url = server.url("/x.jsonl");
    let far = |start: &str| rows(home.path(), &[&url, "--start", start, "--count", "1"]);
    let first = far("90000");
    let text = bytes.split(|b| *b == b'\n').nth(90_000).unwrap();
    assert_eq!(first[0]["text"], String::from_utf8(text.to_vec()).unwrap());
    // Without the bytes, the places of the lines are known still.
    fs::remove_dir_all(home.path().join("cache/remote")).unwrap();
    let before = server.asked().len();
    assert_eq!(far("90000"), first);
    assert_eq!(far("20000").len(), 1);
    let asked = server.asked();
    let again = asked[before..].iter().filter_map(|a| a.range(bytes.len()));
    let again: usize = again.map(|range| range.len()).sum();
    assert!(again < bytes.len() / 4, "{again} of {}", bytes.len());
}
