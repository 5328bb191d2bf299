//! Looks into datasets that only a node has, by the program over loopback.

use std::process::Output;

use serde_json::Value;

use crate::support::answer;
use crate::support::labs::Labs;
use crate::support::lines;
use crate::support::serving::Serving;
use crate::support::stderr;

/// A publisher with `corpus`, served, and an asking lab that trusts it.
fn labs(count: usize) -> (Labs, Serving, Vec<u8>) {
    let labs = Labs::here();
    labs.publisher(&[1]);
    let bytes = lines(count, 7);
    labs.publish("1.0.0", &bytes);
    let node = labs.serve(0, &["--no-mdns"]);
    (labs, node, bytes)
}

fn run(labs: &Labs, n: u8, words: &[&str]) -> Output {
    labs.command(n).args(words).output().unwrap()
}

fn rows(out: &Output) -> Vec<Value> {
    assert!(out.status.success(), "{}", stderr(out));
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

/// The number before a word on the line that `--verbose` prints.
fn figure(out: &Output, word: &str) -> u64 {
    let said = stderr(out);
    let line = said.lines().find(|l| l.starts_with("peers: ")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|w| *w == word).unwrap();
    words[at - 1].parse().unwrap()
}

#[test]
fn look_shows_rows_and_search_of_a_dataset_that_only_a_peer_has() {
    let (labs, node, bytes) = labs(30_000);
    let addr = node.addr();
    let text = |n: usize| {
        let line = bytes.split(|b| *b == b'\n').nth(n).unwrap();
        String::from_utf8(line.to_vec()).unwrap()
    };
    let info = labs.ask(1, &["inspect", "info", "corpus", "--peer", &addr]);
    assert_eq!(
        (&info["rows"], &info["format"]),
        (&30_000.into(), &"jsonl".into())
    );
    assert_eq!(info["size_bytes"], bytes.len());
    let words = ["--json", "inspect", "lines", "corpus", "--peer", &addr];
    let first = rows(&run(&labs, 1, &words));
    assert_eq!(first.len(), 10);
    assert_eq!(first[9]["text"], text(9));
    let far = [&words[..], &["--start", "29995", "--count", "9"]].concat();
    let far = rows(&run(&labs, 1, &far));
    assert_eq!(far.len(), 5);
    assert_eq!(
        (&far[4]["n"], &far[4]["text"]),
        (&29_999.into(), &text(29_999).into())
    );
    // Nothing of it is held, and a part is here.
    let listed = labs.ask(1, &["registry", "list", "--all"]);
    assert_eq!(listed["datasets"].as_array().unwrap().len(), 0, "{listed}");
    let stats = labs.ask(1, &["registry", "stats"]);
    assert_eq!(stats["partial_datasets"], 1);
    assert!(stats["partial_bytes"].as_u64().unwrap() > 0, "{stats}");
    let described = labs.ask(1, &["registry", "info", "corpus", "--peer", &addr]);
    let here = described["here"].as_f64().unwrap();
    assert!(here > 0.0 && here <= 1.0, "{here}");
    let search = ["inspect", "search", "corpus", "-c", "--peer", &addr];
    assert!(!run(&labs, 1, &search).status.success());
    let found = labs.ask(
        1,
        &[
            "inspect", "search", "corpus", ".", "--count", "--peer", &addr,
        ],
    );
    assert_eq!(found["rows_scanned"], 30_000, "{found}");
    // All of it was read.
    let pulled = labs.ask(1, &["registry", "pull", "corpus", "--peer", &addr]);
    assert_eq!(pulled["chunks_fetched"], 0, "{pulled}");
    let stats = labs.ask(1, &["registry", "stats"]);
    assert_eq!(
        (&stats["partial_datasets"], &stats["datasets"]),
        (&0.into(), &1.into())
    );
}

#[test]
fn look_first_rows_take_three_round_trips() {
    let (labs, node, _) = labs(200_000);
    let addr = node.addr();
    let out = run(
        &labs,
        1,
        &["-v", "inspect", "lines", "corpus", "--peer", &addr],
    );
    assert!(out.status.success(), "{}", stderr(&out));
    assert!(figure(&out, "round") <= 4, "{}", stderr(&out));
}

#[test]
fn look_obeys_the_policy_of_pulls() {
    let (labs, node, _) = labs(50);
    let addr = node.addr();
    let words = ["inspect", "lines", "corpus", "--peer", &addr];
    // Lab 2 does not know the publisher.
    let refused = run(&labs, 2, &words);
    assert_eq!(refused.status.code(), Some(5), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("--accept-publisher"));
    let listed = labs.ask(2, &["registry", "list", "--peer", &addr]);
    let key = listed["datasets"][0]["publisher_key"].as_str().unwrap();
    let taken = run(
        &labs,
        2,
        &[&words[..], &["--accept-publisher", key]].concat(),
    );
    assert!(taken.status.success(), "{}", stderr(&taken));
    // It is here now, and a person agreed: no peer is needed.
    let (exit, _) = node.stop();
    assert_eq!(exit, Some(0));
    let again = run(&labs, 2, &["inspect", "lines", "corpus"]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(again.stdout, taken.stdout);
}

#[test]
fn look_unsigned_dataset_needs_consent() {
    let labs = Labs::here();
    let file = labs.dir.path().join("plain.jsonl");
    std::fs::write(&file, lines(40, 3)).unwrap();
    answer(
        &labs.home(0),
        &["registry", "index", file.to_str().unwrap()],
    );
    let node = labs.serve(0, &["--no-mdns", "--share-unsigned"]);
    let addr = node.addr();
    let words = ["inspect", "lines", "plain", "--peer", &addr];
    let refused = run(&labs, 1, &words);
    assert_eq!(refused.status.code(), Some(5), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("--accept-unsigned"));
    let taken = run(&labs, 1, &[&words[..], &["--accept-unsigned"]].concat());
    assert!(taken.status.success(), "{}", stderr(&taken));
}

#[test]
fn look_exit_codes_tell_missing_from_unreachable() {
    let (labs, node, _) = labs(50);
    let addr = node.addr();
    let missing = run(
        &labs,
        1,
        &["inspect", "info", "nothing-such", "--peer", &addr],
    );
    assert_eq!(missing.status.code(), Some(3), "{}", stderr(&missing));
    let path = run(
        &labs,
        1,
        &["inspect", "info", "corpus:no/file", "--peer", &addr],
    );
    assert_eq!(path.status.code(), Some(3), "{}", stderr(&path));
    drop(node);
    let gone = run(&labs, 1, &["inspect", "info", "corpus", "--peer", &addr]);
    assert_eq!(gone.status.code(), Some(6), "{}", stderr(&gone));
}

#[test]
fn look_registry_commands_work_on_a_dataset_at_a_peer() {
    let (labs, node, bytes) = labs(3_000);
    let addr = node.addr();
    let files = labs.ask(1, &["registry", "ls", "corpus", "--peer", &addr]);
    assert_eq!(files["files"][0]["size_bytes"], bytes.len());
    let card = labs.ask(1, &["registry", "card", "corpus", "--peer", &addr]);
    assert_eq!(card["drafted"], true);
    let cat = run(&labs, 1, &["registry", "cat", "corpus", "--peer", &addr]);
    assert!(cat.stdout == bytes, "{}", stderr(&cat));
    let schema = labs.ask(1, &["registry", "schema", "corpus", "--peer", &addr]);
    assert_eq!(schema["files"][0]["rows"], 3_000);
    let more = [bytes.as_slice(), &lines(9, 8)].concat();
    labs.publish("1.1.0", &more);
    let words = ["registry", "diff", "corpus@1.0.0", "corpus@1.1.0"];
    let diff = labs.ask(1, &[&words[..], &["--peer", &addr]].concat());
    assert_eq!(diff["rows"][0]["added"], 9, "{diff}");
}

#[test]
fn look_schema_reads_the_front_and_diff_what_differs() {
    let (labs, node, bytes) = labs(60_000);
    let addr = node.addr();
    let words = ["-v", "registry", "schema", "corpus", "--peer", &addr];
    let out = run(&labs, 1, &words);
    let said = String::from_utf8(out.stdout.clone()).unwrap();
    assert!(said.contains("from the first 1 MiB"), "{said}");
    assert!(said.contains("text") && said.contains("n "), "{said}");
    let here = |name: &str| {
        let info = labs.ask(1, &["registry", "info", name, "--peer", &addr]);
        info["here"].as_f64().unwrap()
    };
    assert!(here("corpus") < 0.5, "{}", here("corpus"));
    let full = ["registry", "schema", "corpus", "--full", "--peer", &addr];
    let full = labs.ask(1, &full);
    assert_eq!(
        (&full["files"][0]["rows"], &full["files"][0]["first_bytes"]),
        (&60_000.into(), &Value::Null)
    );
    // One row in the middle, and some at the end.
    let middle = bytes.len() / 2;
    let at = middle + bytes[middle..].iter().position(|b| *b == b'\n').unwrap() + 1;
    let more = [
        &bytes[..at],
        b"{\"n\":-1,\"text\":\"\"}\n",
        &bytes[at..],
        &lines(9, 8),
    ]
    .concat();
    labs.publish("1.1.0", &more);
    let words = ["registry", "pull", "corpus@1.0.0", "--peer", &addr];
    labs.ask(1, &words);
    let words = ["registry", "diff", "corpus@1.0.0", "corpus@1.1.0"];
    let diff = labs.ask(1, &[&words[..], &["--peer", &addr]].concat());
    assert_eq!(diff["rows"][0]["added"], 10, "{diff}");
    assert!(diff["only_b_chunks"].as_u64().unwrap() < 6, "{diff}");
    assert_eq!(diff["files"][0]["status"], "changed");
    // A lab that has neither fetches the chunks that differ.
    let key = publisher_of(&labs, &addr);
    let words = [&words[..], &["--peer", &addr, "--accept-publisher", &key]].concat();
    let far = labs.ask(2, &words);
    for part in ["path", "added", "removed", "changed", "samples"] {
        assert_eq!(far["rows"][0][part], diff["rows"][0][part]);
    }
    assert_eq!(far["files"], diff["files"]);
    let stats = labs.ask(2, &["registry", "stats"]);
    let kept = stats["partial_bytes"].as_u64().unwrap();
    assert!(kept < bytes.len() as u64 / 2, "{stats}");
}

/// The key of the publisher of what a node has.
fn publisher_of(labs: &Labs, addr: &str) -> String {
    let listed = labs.ask(2, &["registry", "list", "--peer", addr]);
    let key = listed["datasets"][0]["publisher_key"].as_str();
    key.unwrap().to_owned()
}

#[test]
fn look_killed_at_any_time_leaves_what_it_kept() {
    let (labs, node, bytes) = labs(60_000);
    let addr = node.addr();
    for n in 0..8 {
        let words = ["inspect", "search", "corpus", "nothing like it", "--count"];
        let mut child = labs
            .command(1)
            .args(words)
            .args(["--peer", &addr])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30 + 60 * n));
        // It may have ended.
        let _ = child.kill();
        child.wait().unwrap();
        let fsck = labs.ask(1, &["registry", "fsck"]);
        assert_eq!(fsck["corrupt"].as_array().unwrap().len(), 0, "{fsck}");
        labs.ask(1, &["registry", "gc"]);
    }
    let found = labs.ask(
        1,
        &[
            "inspect", "search", "corpus", ".", "--count", "--peer", &addr,
        ],
    );
    assert_eq!(found["matches"], 60_000);
    let pulled = labs.ask(1, &["registry", "pull", "corpus", "--peer", &addr]);
    assert_eq!(pulled["chunks_fetched"], 0, "{pulled}");
    let cat = run(&labs, 1, &["registry", "cat", "corpus"]);
    assert!(cat.stdout == bytes);
}
