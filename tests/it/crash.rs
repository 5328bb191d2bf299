//! Kill -9 at random instants: what was reported done stays, nothing half-done is visible.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use crate::support::answer;
use crate::support::lines;
use crate::support::program;

#[test]
fn a_kill_at_any_instant_loses_nothing_that_was_reported() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    // What was reported as indexed and not asked to be removed since.
    let mut held: BTreeSet<String> = BTreeSet::new();
    let (mut killed, mut done) = ([0; 3], [0; 3]);
    for round in 0_u64..240 {
        let file = dir.path().join(format!("f{round}.jsonl"));
        std::fs::write(&file, lines(2000 + 300 * (round as usize % 7), round / 2)).unwrap();
        let path = file.to_str().unwrap();
        let oldest = held.first().cloned();
        let (what, words) = match (round % 6, &oldest) {
            (4, Some(name)) => (1, vec!["registry", "unindex", name]),
            (5, _) => (2, vec!["registry", "gc"]),
            _ => (0, vec!["registry", "index", path]),
        };
        if let (1, Some(name)) = (what, &oldest) {
            held.remove(name);
        }
        let mut child = program(&home)
            .args(&words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Deterministic instants, spread over the few dozen milliseconds that all this takes.
        let longest = [80_000, 15_000, 60_000][what];
        std::thread::sleep(Duration::from_micros(round * 7919 % longest));
        let _ = child.kill();
        if child.wait().unwrap().success() {
            done[what] += 1;
            held.extend((what == 0).then(|| format!("f{round}")));
        } else {
            killed[what] += 1;
        }
        std::fs::remove_file(&file).unwrap();
    }
    let both = |n: usize| killed[n] > 0 && done[n] > 0;
    assert!(both(0) && both(1) && both(2), "{killed:?} {done:?}");
    let list = answer(&home, &["registry", "list"]);
    let listed: BTreeSet<String> = list["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["name"].as_str().unwrap().to_owned())
        .collect();
    let lost: Vec<_> = held.difference(&listed).collect();
    assert!(lost.is_empty(), "reported and gone: {lost:?}");
    for name in &listed {
        let verified = answer(&home, &["registry", "verify", name]);
        assert_eq!(verified["content"], "ok");
    }
    answer(&home, &["registry", "gc"]);
    answer(&home, &["registry", "fsck"]);
}
