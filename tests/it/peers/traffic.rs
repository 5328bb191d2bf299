//! The traffic of a sync between two nodes: its bytes, and the datasets that it brings.

use std::path::Path;

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;
use crate::support::run;
use crate::support::serving::Serving;

/// Indexes a dataset of so many lines, with a card.
fn index(home: &Path, files: &Path, name: &str, count: usize) {
    let (file, card) = (files.join(name), files.join("card.md"));
    std::fs::write(&file, lines(count, count as u64)).unwrap();
    std::fs::write(&card, format!("# {name}\n")).unwrap();
    let (file, card) = (file.to_str().unwrap(), card.to_str().unwrap());
    answer(
        home,
        &["registry", "index", file, "--name", name, "--card", card],
    );
}

fn sync(home: &Path, node: &Serving, more: &[&str]) -> Value {
    let addr = node.addr();
    answer(
        home,
        &[&["registry", "sync", "--peer", &addr, "--all"], more].concat(),
    )
}

fn bytes(synced: &Value) -> u64 {
    ["bytes_received", "bytes_sent"]
        .map(|key| synced[key].as_u64().unwrap())
        .iter()
        .sum()
}

#[test]
fn sync_without_news_stays_below_8_kilobytes() {
    let dir = tempfile::tempdir().unwrap();
    let (there, here) = (dir.path().join("there"), dir.path().join("here"));
    for n in 0..30 {
        index(&there, dir.path(), &format!("d{n}"), 3 + n);
    }
    let node = Serving::start(&there, &["--share-unsigned"]);
    let first = sync(&here, &node, &["--accept-unsigned"]);
    assert_eq!(first["datasets_pulled"], 30, "{first}");
    // A machine that is busy sends some packets twice.
    let least = (0..3)
        .map(|_| bytes(&sync(&here, &node, &["--accept-unsigned"])))
        .min();
    assert!(least.unwrap() < 8000, "{least:?}");
}

#[test]
fn sync_after_an_idle_one_finds_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (there, here) = (dir.path().join("there"), dir.path().join("here"));
    index(&there, dir.path(), "a", 10);
    let node = Serving::start(&there, &["--share-unsigned"]);
    let pulled = |more: &[&str]| sync(&here, &node, more)["datasets_pulled"].clone();
    // Nobody signed it: it is known from now on, and not here.
    assert_eq!(pulled(&[]), 0);
    assert_eq!(pulled(&[]), 0);
    assert_eq!(pulled(&["--accept-unsigned"]), 1);
    assert_eq!(pulled(&["--accept-unsigned"]), 0);
    index(&there, dir.path(), "b", 20);
    assert_eq!(pulled(&["--accept-unsigned"]), 1);
    assert_eq!(pulled(&["--accept-unsigned"]), 0);
    // A dataset that was unindexed here comes again.
    let out = run(&here, &["registry", "unindex", "b@0.1.0", "--yes"]);
    assert!(out.status.success(), "{out:?}");
    assert_eq!(pulled(&["--accept-unsigned"]), 1);
}
