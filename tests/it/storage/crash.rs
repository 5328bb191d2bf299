//! Kill -9 at random instants: what was reported done stays, nothing half-done is visible.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::support::answer;
use crate::support::begun_in_silence;
use crate::support::lines;
use crate::support::program;

#[test]
fn index_killed_at_any_instant_keeps_reported_datasets() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    // Datasets that were reported as indexed, without a later request to remove them.
    let mut held: BTreeSet<String> = BTreeSet::new();
    let (mut killed, mut done) = ([0; 3], [0; 3]);
    // How long each took that was left alone, the last time: machines differ, and are busy.
    let mut takes = [Duration::from_millis(40); 3];
    for round in 0_u64..240 {
        let file = dir.path().join(format!("f{round}.jsonl"));
        std::fs::write(&file, lines(2000 + 300 * (round as usize % 7), round / 2)).unwrap();
        let path = file.to_str().unwrap();
        let oldest = held.first().cloned();
        let (what, words) = match (round % 6, &oldest) {
            (4, Some(name)) => (1, vec!["registry", "unindex", name]),
            (5, _) => (2, vec!["registry", "gc", "--keep-days", "0"]),
            _ => (0, vec!["registry", "index", path]),
        };
        if let (1, Some(name)) = (what, &oldest) {
            held.remove(name);
        }
        let mut child = begun_in_silence(&home, &words);
        let started = Instant::now();
        // Instants spread over what it takes; some are left alone.
        if round * 7 % 30 < 24 {
            std::thread::sleep(takes[what] * (round * 37 % 100) as u32 / 100);
            let _ = child.kill();
        }
        if child.wait().unwrap().success() {
            takes[what] = started.elapsed();
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
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    answer(&home, &["registry", "fsck"]);
}

fn copy_home(from: &std::path::Path, to: &std::path::Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to.join("packs")).unwrap();
    for name in ["registry.redb", "packs/00000001.pack"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

fn names(home: &std::path::Path) -> Vec<String> {
    let list = answer(home, &["registry", "list"]);
    let datasets = list["datasets"].as_array().unwrap().iter();
    let names = datasets.map(|d| d["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[test]
fn repair_killed_at_any_instant_keeps_datasets() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, home) = (dir.path().join("whole"), dir.path().join("home"));
    let mut all = Vec::new();
    for n in 0..6 {
        let file = dir.path().join(format!("d{n}.jsonl"));
        std::fs::write(&file, lines(400, n)).unwrap();
        answer(&whole, &["registry", "index", file.to_str().unwrap()]);
        all.push(format!("d{n}"));
    }
    let pack = whole.join("packs/00000001.pack");
    let bytes = std::fs::read(&pack).unwrap();
    // A bit of the last manifest, and a pack that ends within it.
    let mut flipped = bytes.clone();
    flipped[bytes.len() - 3] ^= 1;
    let damaged = [flipped, bytes[..bytes.len() - 30].to_vec()];
    let (mut killed, mut done) = (0, 0);
    let mut takes = Duration::from_millis(60);
    for round in 0..60_u32 {
        std::fs::write(&pack, &damaged[round as usize % 2]).unwrap();
        copy_home(&whole, &home);
        let mut child = program(&home)
            .args(["registry", "fsck", "--repair"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        if !round.is_multiple_of(10) {
            std::thread::sleep(takes * (round * 37 % 100) / 100);
            let _ = child.kill();
        }
        if child.wait().unwrap().success() {
            takes = started.elapsed();
            done += 1;
        } else {
            killed += 1;
        }
        assert_eq!(names(&home), all, "round {round}");
        if round % 5 == 1 {
            answer(&home, &["registry", "fsck", "--repair"]);
            answer(&home, &["registry", "gc", "--keep-days", "0"]);
            std::fs::remove_file(home.join("registry.redb")).unwrap();
            assert_eq!(names(&home), all, "round {round}, from packs");
            for name in &all {
                let verified = answer(&home, &["registry", "verify", name]);
                assert_eq!(verified["content"], "ok");
            }
        }
    }
    assert!(killed > 5 && done > 5, "{killed} {done}");
}

#[test]
fn ctrl_c_stops_and_leaves_nothing_half_done() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f.jsonl");
    std::fs::write(&file, lines(400_000, 9)).unwrap();
    let interrupt = |words: &[&str], after: u64| {
        let child = program(&home)
            .args(words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(after));
        let pid = child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status();
        assert!(sent.unwrap().success());
        child.wait_with_output().unwrap().status.code()
    };
    let index = ["registry", "index", file.to_str().unwrap()];
    // One that comes before the program listens ends it too, without that code.
    assert_ne!(interrupt(&index, 50), Some(0));
    assert_eq!(
        answer(&home, &["registry", "list"])["datasets"][0],
        serde_json::Value::Null
    );
    answer(&home, &index);
    let copy = dir.path().join("copy");
    let checkout = ["registry", "checkout", "f", copy.to_str().unwrap()];
    // A machine may be fast enough to finish first.
    let stopped = [30, 15, 7, 3].into_iter().any(|after| {
        let code = interrupt(&checkout, after);
        let _ = std::fs::remove_file(&copy);
        code == Some(130)
    });
    assert!(stopped, "never stopped");
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|n| n != "home" && n != "f.jsonl")
        .collect();
    assert!(left.is_empty(), "{left:?}");
    answer(&home, &checkout);
}
