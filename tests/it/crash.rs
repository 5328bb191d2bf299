//! Kill -9 at random instants: what was reported done stays, nothing half-done is visible.

use std::process::Stdio;
use std::time::Duration;

use crate::support::answer;
use crate::support::lines;
use crate::support::program;

#[test]
fn a_kill_at_any_instant_loses_nothing_that_was_reported() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let mut reported = Vec::new();
    let mut killed = 0;
    for round in 0_u64..60 {
        let file = dir.path().join(format!("f{round}.jsonl"));
        std::fs::write(&file, lines(4000 + 300 * (round as usize % 7), round / 2)).unwrap();
        let mut child = program(&home)
            .args(["--json", "registry", "index"])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Deterministic instants, spread over the few dozen milliseconds that indexing takes.
        std::thread::sleep(Duration::from_micros(round * 7919 % 120_000));
        let _ = child.kill();
        let out = child.wait_with_output().unwrap();
        if out.status.success() {
            reported.push(format!("f{round}"));
        } else {
            killed += 1;
        }
    }
    assert!(
        killed > 0 && !reported.is_empty(),
        "{killed} killed, {} done",
        reported.len()
    );
    let list = answer(&home, &["registry", "list"]);
    let held: Vec<String> = list["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["name"].as_str().unwrap().to_owned())
        .collect();
    for name in &reported {
        assert!(
            held.contains(name),
            "{name} was reported and is gone ({killed} kills)"
        );
    }
    for name in &held {
        assert_eq!(
            answer(&home, &["registry", "verify", name])["content"],
            "ok"
        );
    }
    answer(&home, &["registry", "fsck"]);
}
