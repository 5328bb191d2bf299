//! Commands for documents: keys and exit codes, kills with a reader beside, publishing.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use alimentar::documents::FastStore;
use alimentar::documents::Layout;
use alimentar::documents::StoreOptions;
use serde_json::Value;
use serde_json::json;

use super::rows;
use super::with_input;
use crate::support::answer;
use crate::support::begun_in_silence;
use crate::support::refused;
use crate::support::run;

#[test]
fn documents_commands_answer_with_the_keys_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    let root = root.to_str().unwrap();
    let made = answer(&home, &["documents", "init", root, "-c", "train"]);
    assert_eq!(made["collection"], "train");
    let stored = answer(
        &home,
        &[
            "documents",
            "put",
            root,
            "-c",
            "train",
            "a",
            "--data",
            r#"{"n":1}"#,
        ],
    );
    assert_eq!((&stored["id"], &stored["stored"]), (&json!("a"), &json!(1)));
    let out = with_input(
        dir.path(),
        &["documents", "put", root, "b"],
        b"{\"n\":2, \"t\":[\"x\"]}\n",
    );
    assert!(out.status.success(), "{out:?}");
    let lines = b"{\"_id\":\"c\",\"n\":3}\n\n{\"_id\":\"d\",\"n\":4}\n";
    let out = with_input(dir.path(), &["documents", "put", root, "-"], lines);
    assert_eq!(rows(&out)[0]["stored"], 2);
    assert_eq!(
        answer(&home, &["documents", "get", root, "b"]),
        json!({"_id":"b","n":2,"t":["x"]})
    );
    let out = run(
        &home,
        &[
            "documents",
            "scan",
            root,
            "--where",
            "n >= 2 and not t",
            "--fields",
            "_id,n",
            "--limit",
            "1",
        ],
    );
    assert_eq!(rows(&out), [json!({"_id":"c","n":3})]);
    let list = answer(&home, &["documents", "list", root]);
    assert_eq!(list["collections"][0]["name"], "train");
    assert_eq!(list["collections"][0]["documents"], 4);
    let deleted = answer(&home, &["documents", "delete", root, "a"]);
    assert_eq!(deleted["deleted"], 1);
    let stats = answer(&home, &["documents", "stats", root]);
    assert_eq!(
        (&stats["documents"], &stats["schemas"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(stats["strict"], false);
    assert!(stats["live_bytes"].as_u64() < stats["file_bytes"].as_u64());
    assert_eq!(
        answer(&home, &["documents", "validate", root])["valid"],
        true
    );
    assert_eq!(
        answer(&home, &["documents", "reindex", root])["documents"],
        3
    );
    let compacted = answer(&home, &["documents", "compact", root]);
    assert_eq!(compacted["bytes_after"], stats["live_bytes"]);
    let schemas = answer(&home, &["documents", "schema", root]);
    assert_eq!(schemas["schemas"][0]["documents"], 2);
    let file = dir.path().join("out.jsonl");
    let file = file.to_str().unwrap();
    assert_eq!(
        answer(&home, &["documents", "export", root, "-o", file])["documents"],
        3
    );
    let other = dir.path().join("other");
    let other = other.to_str().unwrap();
    let imported = answer(&home, &["documents", "import", other, file]);
    assert_eq!(imported["stored"], 3);
}

#[test]
fn documents_that_are_not_there_or_make_no_sense_have_their_exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    let root = root.to_str().unwrap();
    for words in [
        vec!["get", root, "a"],
        vec!["list", root],
        vec!["stats", root],
        vec!["delete", root, "a"],
    ] {
        let words: Vec<&str> = [vec!["documents"], words].concat();
        assert_eq!(refused(&home, &words, 3)["kind"], "not_found");
    }
    answer(&home, &["documents", "init", root, "-c", "c", "--strict"]);
    refused(&home, &["documents", "get", root, "a"], 3);
    refused(&home, &["documents", "get", root, "-c", "other", "a"], 3);
    for id in ["../x", "a/b", "..", "é", &"a".repeat(70_000)] {
        refused(&home, &["documents", "put", root, id, "--data", "{}"], 2);
    }
    refused(
        &home,
        &["documents", "put", root, "-c", "../x", "a", "--data", "{}"],
        2,
    );
    refused(&home, &["documents", "put", root, "a", "--data", "[1]"], 2);
    refused(
        &home,
        &["documents", "put", root, "a", "--data", r#"{"_id":"b"}"#],
        2,
    );
    answer(
        &home,
        &["documents", "put", root, "a", "--data", r#"{"n":1}"#],
    );
    refused(
        &home,
        &["documents", "put", root, "b", "--data", r#"{"n":"x"}"#],
        2,
    );
    refused(&home, &["documents", "scan", root, "--where", "n ="], 2);
    let lines = b"{\"_id\":\"b\",\"n\":1}\nnonsense\n{\"_id\":\"c\",\"n\":2}\n";
    let out = with_input(dir.path(), &["documents", "put", root, "-"], lines);
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("line 2"));
    let out = with_input(
        dir.path(),
        &["documents", "put", root, "-", "--skip-invalid"],
        lines,
    );
    assert_eq!(out.status.code(), Some(7), "{out:?}");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&report["stored"], &report["refused"][0]["line"]),
        (&json!(2), &json!(2))
    );
    let data = Path::new(root).join("collections/c/meta/data.jsonl");
    let mut text = std::fs::read(&data).unwrap();
    text.extend_from_slice(b"{\"_id\":\"torn");
    std::fs::write(&data, text).unwrap();
    let out = run(&home, &["documents", "validate", root]);
    assert_eq!(out.status.code(), Some(4), "{out:?}");
    assert_eq!(
        answer(&home, &["documents", "validate", root, "--fix"])["documents"],
        3
    );
}

#[test]
fn import_of_many_lines_names_a_bad_one_and_the_last_of_an_id_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    let root = root.to_str().unwrap();
    let file = dir.path().join("lines.jsonl");
    let path = file.to_str().unwrap();
    let line = |n: u64| format!("{{\"user\":{{\"id\":{}}},\"n\":{n}}}\n", n % 5000);
    let mut lines: Vec<String> = (0..80_000).map(line).collect();
    std::fs::write(&file, lines.concat()).unwrap();
    let import = ["documents", "import", root, path, "--id", "user.id"];
    let stored = answer(&home, &import);
    assert_eq!(
        (&stored["stored"], &stored["refused_lines"]),
        (&json!(80_000), &json!(0))
    );
    let last = answer(&home, &["documents", "get", root, "4999"]);
    assert_eq!(last["n"], 79_999);
    assert_eq!(
        answer(&home, &["documents", "stats", root])["documents"],
        5000
    );
    // A line in the middle, and no line feed at the end.
    lines[60_000] = "{\"user\":{}}\n".to_owned();
    lines.push("{\"user\":{\"id\":\"end\"}}".to_owned());
    std::fs::write(&file, lines.concat()).unwrap();
    let other = dir.path().join("other");
    let other = other.to_str().unwrap();
    let import = ["documents", "import", other, path, "--id", "user.id"];
    let message = refused(&home, &import, 2)["message"].to_string();
    assert!(
        message.contains("line 60001: ") && message.contains("no `_id`"),
        "{message}"
    );
    assert_eq!(
        answer(&home, &["documents", "get", other, "4999"])["n"],
        59_999
    );
    refused(&home, &["documents", "get", other, "end"], 3);
    let out = run(&home, &[&import[..], &["--skip-invalid"]].concat());
    assert_eq!(out.status.code(), Some(7), "{out:?}");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&report["stored"], &report["refused_lines"]),
        (&json!(80_000), &json!(1))
    );
    assert_eq!(report["refused"][0]["line"], 60_001);
    answer(&home, &["documents", "get", other, "end"]);
}

#[test]
fn put_that_is_interrupted_keeps_the_batches_that_it_has_read() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let mut child = crate::support::program(&dir.path().join("home"))
        .args([
            "--json",
            "documents",
            "put",
            root.to_str().unwrap(),
            "-",
            "-c",
            "c",
        ])
        .args(["--batch", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n{\"_id\":\"torn\"}")
        .unwrap();
    let layout = Layout::new(&root, "c").unwrap();
    let seen =
        || FastStore::open_with(layout.clone(), &StoreOptions::read()).map_or(0, |s| s.len());
    while seen() < 2 {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    // Its input stays open until it has ended.
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(stdin);
    let now = FastStore::open_with(layout.clone(), &StoreOptions::read()).unwrap();
    assert_eq!(now.doc_ids().unwrap(), ["a", "b"]);
}

#[test]
fn puts_and_deletions_killed_at_any_instant_stay_as_they_were_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    let layout = Layout::new(&root, "c").unwrap();
    drop(FastStore::open(&root, "c", 100).unwrap());
    let root = root.to_str().unwrap();
    // The reported documents, and those that were begun and may be there or not.
    let mut reported: BTreeMap<String, Option<u64>> = BTreeMap::new();
    let mut begun: BTreeMap<String, Option<u64>> = BTreeMap::new();
    let (mut killed, mut done) = (0, 0);
    let mut takes = Duration::from_millis(40);
    for round in 0_u64..90 {
        let id = format!("d{}", round % 12);
        let data = format!("{{\"n\":{round}}}");
        let (words, after) = match round % 6 {
            4 => (vec!["documents", "delete", root, &id], None),
            5 => (vec!["documents", "compact", root], None),
            _ => (
                vec!["documents", "put", root, &id, "--data", &data],
                Some(round),
            ),
        };
        let mut child = begun_in_silence(&home, &words);
        let started = Instant::now();
        // A reader beside the writer always gets a whole picture.
        let seen = FastStore::open_with(layout.clone(), &StoreOptions::read()).unwrap();
        for document in seen.iter().unwrap() {
            document.unwrap().json().unwrap();
        }
        if round % 5 < 3 {
            std::thread::sleep(
                (takes * (round * 37 % 100) as u32 / 100).saturating_sub(started.elapsed()),
            );
            let _ = child.kill();
        }
        let code = child.wait().unwrap().code();
        let changes = round % 6 != 5;
        match code {
            None => {
                killed += 1;
                if changes {
                    begun.insert(id, after);
                }
            }
            // A document that was not there is not deleted.
            Some(0 | 3) => {
                done += 1;
                takes = started.elapsed();
                if changes {
                    begun.remove(&id);
                    reported.insert(id, after);
                }
            }
            Some(other) => panic!("{words:?} ended with {other}"),
        }
        let now = FastStore::open_with(layout.clone(), &StoreOptions::read()).unwrap();
        for (id, n) in &reported {
            let found = now
                .get(id)
                .ok()
                .map(|d| d.json().unwrap()["n"].as_u64().unwrap());
            let may_be = begun.get(id).is_some_and(|other| *other == found);
            assert!(
                found == *n || may_be,
                "round {round}: {id} is {found:?}, not {n:?}"
            );
        }
        // A killed command's finished work stays done.
        for id in begun.keys() {
            let found = now
                .get(id)
                .ok()
                .map(|d| d.json().unwrap()["n"].as_u64().unwrap());
            if let Some(known) = reported.get_mut(id) {
                *known = found;
            }
        }
        begun.clear();
    }
    assert!(killed > 5 && done > 5, "{killed} {done}");
    answer(&home, &["documents", "reindex", root]);
    assert_eq!(
        answer(&home, &["documents", "validate", root])["valid"],
        true
    );
}

#[test]
fn collection_is_a_dataset_whose_next_version_shares_its_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    let store = FastStore::open(&root, "notes", 1000).unwrap();
    let text = |n: u64| json!({"text": alimentar::ident::to_hex(blake3::hash(&n.to_le_bytes()).as_bytes()).repeat(4)});
    (0..4000).for_each(|n| store.put(&format!("d{n:05}"), &text(n)).unwrap());
    store.flush().unwrap();
    let collection = root.join("collections/notes");
    let path = collection.to_str().unwrap();
    let first = answer(&home, &["registry", "index", path]);
    assert_eq!(
        (&first["name"], &first["rows"]),
        (&json!("notes"), &json!(4000))
    );
    let row = answer(
        &home,
        &["inspect", "lines", path, "--start", "7", "--count", "1"],
    );
    assert!(row["text"].as_str().unwrap().contains("d00007"));
    store.put("d00000", &text(0)).unwrap();
    store.put("d00000", &text(1)).unwrap();
    store.flush().unwrap();
    let second = answer(&home, &["registry", "index", path, "--version", "0.2.0"]);
    assert!(second["new_bytes"].as_u64().unwrap() * 4 < first["new_bytes"].as_u64().unwrap());
    store.compact().unwrap();
    let third = answer(&home, &["registry", "index", path]);
    assert_eq!(
        (&third["content_id"], &third["unchanged"]),
        (&second["content_id"], &json!(true))
    );
}
