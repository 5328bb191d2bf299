//! Versions that are stored as deltas against each other, with processes that are killed, work
//! at the same time, and lose bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::serving::Serving;

/// Lines of which every version after the first has changed others, and keeps the changes.
fn version(rows: usize, n: usize) -> Vec<u8> {
    let plain = lines(rows, 5);
    let edited = |(at, line): (usize, &[u8])| match at % 101 {
        k if k < n => [&b"{\"edited\":1,"[..], &line[1..]].concat(),
        _ => line.to_vec(),
    };
    let all = plain.split_inclusive(|b| *b == b'\n').enumerate();
    all.map(edited).collect::<Vec<_>>().concat()
}

struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Indexes a version of `d`; what it took.
    fn index(&self, n: usize) -> Value {
        self.index_data(n, &version(3_000, n))
    }

    fn index_data(&self, n: usize, data: &[u8]) -> Value {
        let file = self.file("d.jsonl", data);
        let said = format!("0.0.{n}");
        let words = ["registry", "index", &file, "--name", "d", "--version"];
        answer(&self.path(), &[&words[..], &[&said]].concat())
    }
}

fn is_whole(home: &Path, references: &[String]) {
    for reference in references {
        let verified = answer(home, &["registry", "verify", reference]);
        assert_eq!(verified["content"], "ok");
    }
    answer(home, &["registry", "fsck"]);
}

#[test]
fn index_killed_at_any_instant_keeps_deltas_and_bases() {
    let h = Home::new();
    let home = h.path();
    // Datasets that were reported as indexed, without a later request to remove them.
    let mut held: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let (mut killed, mut done) = ([0; 3], [0; 3]);
    // How long each takes that is left alone, the last time: machines differ, and are busy.
    let mut takes = [Duration::from_millis(40); 3];
    for round in 0_usize..150 {
        let data = version(2_000 + 200 * (round % 3), round % 60);
        let file = h.file("d.jsonl", &data);
        let (said, oldest) = (format!("0.0.{round}"), held.keys().next().copied());
        let gone = format!("d@0.0.{}", oldest.unwrap_or_default());
        let (what, words) = match (round % 6, oldest) {
            (4, Some(_)) => (1, vec!["registry", "unindex", &gone]),
            (5, _) => (2, vec!["registry", "gc", "--keep-days", "0"]),
            _ => {
                let words = [
                    "registry",
                    "index",
                    &file,
                    "--name",
                    "d",
                    "--version",
                    &said,
                ];
                (0, words.to_vec())
            }
        };
        if let (1, Some(oldest)) = (what, oldest) {
            held.remove(&oldest);
        }
        let mut child = program(&home);
        let child = child.args(&words).stdout(Stdio::null());
        let mut child = child.stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        // A third is left alone.
        if round * 7 % 18 < 12 {
            std::thread::sleep(takes[what] * (round * 37 % 100) as u32 / 100);
            let _ = child.kill();
        }
        if child.wait().unwrap().success() {
            takes[what] = started.elapsed();
            done[what] += 1;
            if what == 0 {
                held.insert(round, data);
            }
        } else {
            killed[what] += 1;
        }
    }
    let both = |n: usize| killed[n] > 0 && done[n] > 0;
    assert!(both(0) && both(1) && both(2), "{killed:?} {done:?}");
    let check = || {
        for (round, data) in &held {
            let out = run(&home, &["registry", "cat", &format!("d@0.0.{round}")]);
            assert!(out.stdout == *data, "d@0.0.{round}");
        }
        answer(&home, &["registry", "fsck"]);
    };
    check();
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    check();
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    check();
}

/// Numbers that follow from a seed.
struct Instants(u64);

impl Instants {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

#[test]
fn delta_pull_killed_at_any_instant_is_finished_by_the_next() {
    const SEED: u64 = 9;
    const ROWS: usize = 6_000;
    let (a, b) = (Home::new(), Home::new());
    let home = b.path();
    let mut instants = Instants(SEED);
    a.index_data(0, &version(ROWS, 0));
    // Datasets that were reported as pulled.
    let mut held: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let (mut killed, mut ended) = (0, 0);
    let mut takes = Duration::from_millis(300);
    let check = |held: &BTreeMap<usize, Vec<u8>>, at: &str| {
        for (n, data) in held {
            let out = run(&home, &["registry", "cat", &format!("d@0.0.{n}")]);
            assert!(out.stdout == *data, "seed {SEED}, {at}: d@0.0.{n}");
        }
        answer(&home, &["registry", "fsck"]);
    };
    for n in 0..7 {
        let data = version(ROWS, n);
        if n > 0 {
            a.index_data(n, &data);
        }
        let said = format!("d@0.0.{n}");
        // A node of its own: who was killed says no farewell, and counts as connected for a while,
        // of which a peer may be eight times.
        let node = Serving::start(&a.path(), &["--share-unsigned"]);
        let peer = format!("{}@{}", node.node_id(), node.addr());
        // The first comes whole, the second shows how long it takes. Of every other, pulls are
        // killed before one is left alone.
        for attempt in if n < 2 { 6 } else { 0 }..7 {
            let mut child = program(&home);
            let words = ["--json", "registry", "pull", &said, "--accept-unsigned"];
            let child = child.args(words).args(["--peer", &peer]);
            let child = child.stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = child.spawn().unwrap();
            let started = Instant::now();
            let is_left_alone = attempt == 6;
            if !is_left_alone {
                let part = u32::try_from(instants.below(95)).unwrap();
                std::thread::sleep(takes * part / 100);
                child.kill().unwrap();
            }
            let out = child.wait_with_output().unwrap();
            if out.status.success() {
                held.insert(n, data.clone());
            } else {
                killed += 1;
            }
            let said = String::from_utf8_lossy(&out.stderr);
            let at = format!("version {n}, attempt {attempt}: {said}");
            assert!(!is_left_alone || out.status.success(), "seed {SEED}, {at}");
            let report: Value = match out.status.success() {
                true => serde_json::from_slice(&out.stdout).unwrap(),
                false => Value::Null,
            };
            if let Some(bytes) = report["bytes_received"].as_u64().filter(|_| n > 0) {
                takes = started.elapsed();
                ended += 1;
                // It came as deltas.
                assert!(bytes * 10 < data.len() as u64, "{at}: {report}");
            }
            if out.status.success() {
                break;
            }
            if attempt % 3 == 2 {
                answer(&home, &["registry", "gc", "--keep-days", "0"]);
            }
        }
    }
    check(&held, "at the end");
    println!("{killed} killed, {ended} ended");
    assert!(killed > 0 && ended > 0, "{killed} {ended}");
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    check(&held, "the index rebuilt");
}

#[test]
fn concurrent_indexers_of_the_same_chunks_do_no_harm() {
    let h = Home::new();
    let home = h.path();
    h.index(0);
    for round in 1..6 {
        let data = version(3_000, round);
        let file = h.file(&format!("f{round}.jsonl"), &data);
        // One has a version before and makes deltas; the others have none.
        let names = ["d".to_owned(), format!("e{round}"), format!("g{round}")];
        let children = names.each_ref().map(|name| {
            let mut child = program(&home);
            child.args(["registry", "index", &file, "--name", name]);
            child.stdout(Stdio::null()).spawn().unwrap()
        });
        let mut collecting = program(&home);
        collecting
            .args(["registry", "gc", "--keep-days", "0"])
            .stdout(Stdio::null());
        let mut collecting = collecting.spawn().unwrap();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert!(collecting.wait().unwrap().success());
        is_whole(&home, &names);
        for name in [&names[1], "d@<0.0.2"] {
            run(&home, &["registry", "unindex", name]);
        }
    }
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    is_whole(&home, &["d".to_owned(), "g1".to_owned(), "g5".to_owned()]);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    is_whole(&home, &["d".to_owned(), "g1".to_owned(), "g5".to_owned()]);
}

#[test]
fn repair_of_a_damaged_base_heals_its_deltas() {
    let (a, b) = (Home::new(), Home::new());
    a.index(0);
    let second = a.index(1);
    let (new, stored) = (&second["new_bytes"], &second["stored_bytes"]);
    let (new, stored) = (new.as_u64().unwrap(), stored.as_u64().unwrap());
    assert!(stored * 20 < new, "{stored} of {new}");
    let peer = |node: &Serving| format!("{}@{}", node.node_id(), node.addr());
    let node = Serving::start(&a.path(), &["--share-unsigned"]);
    for reference in ["d@0.0.0", "d@0.0.1"] {
        let words = ["registry", "pull", reference, "--accept-unsigned", "--peer"];
        answer(&b.path(), &[&words[..], &[&peer(&node)]].concat());
        answer(&b.path(), &["registry", "share", reference]);
    }
    drop(node);
    let pack = a.path().join("packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    // Inside the first version's first record.
    bytes[4000] ^= 1;
    std::fs::write(&pack, &bytes).unwrap();
    let damaged = |out: &Output, key: &str| -> Vec<String> {
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        let files = report[key].as_array().unwrap().iter();
        files
            .map(|f| f["dataset"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = run(&a.path(), &["registry", "fsck"]);
    assert_eq!(found.status.code(), Some(4));
    assert_eq!(damaged(&found, "corrupt"), ["d@0.0.0", "d@0.0.1"]);
    let read = run(&a.path(), &["registry", "cat", "d@0.0.1"]);
    assert_eq!(read.status.code(), Some(4));
    let node = Serving::start(&b.path(), &[]);
    let words = ["registry", "fsck", "--repair", "--peer", &peer(&node)];
    let healed = answer(&a.path(), &words);
    assert!(healed["repaired"].as_u64().unwrap() > 1, "{healed}");
    for n in 0..2 {
        let out = run(&a.path(), &["registry", "cat", &format!("d@0.0.{n}")]);
        assert!(out.stdout == version(3_000, n));
    }
}
