//! Deltas against similar data under another name or in another place.

use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::support::answer;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::serving::Serving;

/// Lines, of which one in 97 has another word.
fn edited(rows: usize, n: usize) -> Vec<u8> {
    let plain = lines(rows, 5);
    let edit = |(at, line): (usize, &[u8])| match at % 97 == n {
        true => [format!("{{\"edited\":{n},").as_bytes(), &line[1..]].concat(),
        false => line.to_vec(),
    };
    let all = plain.split_inclusive(|b| *b == b'\n').enumerate();
    all.map(edit).collect::<Vec<_>>().concat()
}

/// The program stores with so many threads, which do not see what the others are just storing.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn table(&self) -> PathBuf {
        self.path().join("cache/resemblance")
    }

    fn pack_bytes(&self) -> u64 {
        let packs = std::fs::read_dir(self.path().join("packs"));
        let packs = packs.into_iter().flatten();
        packs.map(|p| p.unwrap().metadata().unwrap().len()).sum()
    }

    fn index(&self, name: &str, data: &[u8]) -> Value {
        let path = self.0.path().join(format!("{name}.jsonl"));
        std::fs::write(&path, data).unwrap();
        let path = path.to_str().unwrap();
        answer(&self.path(), &["registry", "index", path, "--name", name])
    }

    fn is(&self, name: &str, data: &[u8]) {
        let out = run(&self.path(), &["registry", "cat", name]);
        assert!(out.stdout == data, "{name}");
    }
}

/// Bytes that were new, for each that was stored.
fn gain(answer: &Value) -> u64 {
    answer["new_bytes"].as_u64().unwrap() / answer["stored_bytes"].as_u64().unwrap().max(1)
}

fn is_clean(home: &Path) {
    answer(home, &["registry", "fsck"]);
}

#[test]
fn similarity_stores_a_renamed_dataset_as_deltas() {
    let h = Home::new();
    let home = h.path();
    let first = h.index("a", &edited(20_000, 97));
    assert!(gain(&first) < 4, "{first}");
    let other = h.index("b", &edited(20_000, 1));
    assert!(gain(&other) > 20, "{other}");
    is_clean(&home);
    h.is("b", &edited(20_000, 1));
    // A third resembles both; its bases are the plain ones.
    let third = h.index("c", &edited(20_000, 2));
    assert!(gain(&third) > 20, "{third}");
    // The other datasets stay whole without the first: bases are kept as long as a delta needs them.
    answer(&home, &["registry", "unindex", "a"]);
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    is_clean(&home);
    for remove in ["registry.redb", "cache/resemblance"] {
        h.is("b", &edited(20_000, 1));
        h.is("c", &edited(20_000, 2));
        std::fs::remove_file(home.join(remove)).unwrap();
    }
    is_clean(&home);
    h.is("c", &edited(20_000, 2));
}

#[test]
fn similarity_finds_a_renamed_and_edited_file() {
    let h = Home::new();
    let tree = h.0.path().join("tree");
    std::fs::create_dir_all(&tree).unwrap();
    let index = || {
        let words = ["registry", "index", tree.to_str().unwrap(), "--name", "t"];
        answer(&h.path(), &words)
    };
    for n in 0..4 {
        let name = tree.join(format!("{n}.jsonl"));
        std::fs::write(name, lines(5_000, 10 + n)).unwrap();
    }
    index();
    std::fs::create_dir(tree.join("new")).unwrap();
    for n in 0..4 {
        let mut data = lines(5_000, 10 + n);
        data[300_000..300_007].copy_from_slice(b"changed");
        data.splice(500_000..500_000, *b"{\"inserted\":1}\n");
        std::fs::remove_file(tree.join(format!("{n}.jsonl"))).unwrap();
        std::fs::write(tree.join(format!("new/{}.jsonl", 9 - n)), data).unwrap();
    }
    let second = index();
    assert!(
        second["stored_bytes"].as_u64().unwrap() < 40_000,
        "{second}"
    );
    is_clean(&h.path());
}

/// Versions that come together, as files of one tree: what came in the same session is a base too.
#[test]
fn index_of_versions_in_one_tree_stores_deltas() {
    let h = Home::new();
    let home = h.path();
    let tree = h.0.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for n in 0..4 * cores() {
        std::fs::write(tree.join(format!("{n}.jsonl")), edited(5_000, n)).unwrap();
    }
    let words = ["registry", "index", tree.to_str().unwrap(), "--name", "t"];
    let whole = answer(&home, &words);
    // As many as there are cores may have come at once, before there was anything.
    assert!(gain(&whole) > 7, "{whole}");
    is_clean(&home);
    // An archive is the same whatever its dataset is stored as.
    let archive = |home: &Path, name: &str| {
        let path = h.0.path().join(name);
        let path = path.to_str().unwrap().to_owned();
        answer(home, &["registry", "export", "t", "-o", &path]);
        path
    };
    let first = archive(&home, "first.alimentar");
    let elsewhere = h.0.path().join("elsewhere");
    answer(&elsewhere, &["registry", "import", &first]);
    let second = archive(&elsewhere, "second.alimentar");
    assert!(std::fs::read(first).unwrap() == std::fs::read(second).unwrap());
    // A version that goes leaves what others are deltas against.
    let gone = 2 * cores();
    for n in 0..gone {
        std::fs::remove_file(tree.join(format!("{n}.jsonl"))).unwrap();
    }
    answer(&home, &words);
    let id = whole["content_id"].as_str().unwrap();
    answer(&home, &["registry", "unindex", id]);
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    is_clean(&home);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    for n in gone..4 * cores() {
        let out = run(&home, &["registry", "cat", &format!("t:{n}.jsonl")]);
        assert!(out.stdout == edited(5_000, n), "{n}");
    }
    is_clean(&home);
}

/// Checks that pulls and imports store deltas, and that later deltas find what they brought.
#[test]
fn pulled_or_imported_dataset_is_stored_as_deltas() {
    let other = Home::new();
    other.index("theirs", &edited(20_000, 1));
    let archive = other.0.path().join("theirs.alimentar");
    let archive = archive.to_str().unwrap();
    answer(
        &other.path(),
        &["registry", "export", "theirs", "-o", archive],
    );
    let node = Serving::start(&other.path(), &["--share-unsigned"]);
    let addr = node.addr();
    let ways: [&[&str]; 2] = [
        &["pull", "theirs", "--accept-unsigned", "--peer", &addr],
        &["import", archive],
    ];
    let (mut whole, mut beside) = (Vec::new(), Vec::new());
    for way in ways {
        let come = |h: &Home| {
            let before = h.pack_bytes();
            answer(&h.path(), &[&["registry"], way].concat());
            h.is("theirs", &edited(20_000, 1));
            is_clean(&h.path());
            h.pack_bytes() - before
        };
        // Nothing like it is here; and then something is like it.
        let empty = Home::new();
        whole.push(come(&empty));
        let next = empty.index("own", &edited(20_000, 2));
        assert!(gain(&next) > 20, "{way:?}: {next}");
        let h = Home::new();
        h.index("own", &edited(20_000, 2));
        beside.push(come(&h));
        answer(&h.path(), &["registry", "unindex", "own"]);
        answer(&h.path(), &["registry", "gc", "--keep-days", "0"]);
        std::fs::remove_file(h.path().join("registry.redb")).unwrap();
        h.is("theirs", &edited(20_000, 1));
        is_clean(&h.path());
    }
    for (whole, beside) in whole.iter().zip(&beside) {
        assert!(beside * 5 < *whole, "{whole} {beside}");
    }
    node.stop();
}

#[test]
fn archive_of_many_versions_is_stored_as_deltas() {
    let single = Home::new();
    single.index("one", &edited(20_000, 0));
    let one = single.pack_bytes();
    let other = Home::new();
    let tree = other.0.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    let versions = 3 * cores();
    for n in 0..versions {
        for copy in ["a", "b"] {
            let path = tree.join(format!("{copy}{n}.jsonl"));
            std::fs::write(path, edited(20_000, n)).unwrap();
        }
    }
    let words = ["registry", "index", tree.to_str().unwrap(), "--name", "t"];
    answer(&other.path(), &words);
    let archive = other.0.path().join("t.alimentar");
    let archive = archive.to_str().unwrap();
    answer(&other.path(), &["registry", "export", "t", "-o", archive]);
    let node = Serving::start(&other.path(), &["--share-unsigned"]);
    let addr = node.addr();
    let ways: [&[&str]; 2] = [
        &["pull", "t", "--accept-unsigned", "--peer", &addr],
        &["import", archive],
    ];
    for way in ways {
        let h = Home::new();
        answer(&h.path(), &[&["registry"], way].concat());
        is_clean(&h.path());
        // A third of them may have come at once, before there was anything.
        let stored = h.pack_bytes();
        assert!(stored < 2 * cores() as u64 * one, "{way:?}: {stored} {one}");
        std::fs::remove_file(h.path().join("registry.redb")).unwrap();
        let out = h.0.path().join("out");
        let words = ["registry", "checkout", "t", out.to_str().unwrap()];
        answer(&h.path(), &words);
        for n in 0..versions {
            for copy in ["a", "b"] {
                let path = out.join(format!("{copy}{n}.jsonl"));
                assert!(std::fs::read(path).unwrap() == edited(20_000, n));
            }
        }
    }
    node.stop();
}

#[test]
fn similarity_table_of_garbage_costs_only_space() {
    let h = Home::new();
    h.index("a", &edited(6_000, 97));
    let good = std::fs::read(h.table()).unwrap();
    let mut noise = good.clone();
    let mut seed = blake3::Hasher::new().finalize_xof();
    seed.fill(&mut noise[64..]);
    // Every entry leads to the places of others.
    let mut shuffled = good.clone();
    let places: Vec<Vec<u8>> = good[64..].chunks(16).map(|e| e[8..].to_vec()).collect();
    for (n, entry) in shuffled[64..].chunks_mut(16).enumerate() {
        entry[8..].copy_from_slice(&places[(n * 7919 + 13) % places.len()]);
    }
    let cases = [vec![], good[..good.len() / 2].to_vec(), noise, shuffled];
    for (n, table) in cases.into_iter().enumerate() {
        std::fs::write(h.table(), table).unwrap();
        let name = format!("n{n}");
        h.index(&name, &edited(6_000, n));
        h.is(&name, &edited(6_000, n));
        is_clean(&h.path());
        std::fs::write(h.table(), &good).unwrap();
    }
    // A directory in its place is no reason to fail either.
    std::fs::remove_file(h.table()).unwrap();
    std::fs::create_dir(h.table()).unwrap();
    h.index("last", &edited(6_000, 50));
    h.is("last", &edited(6_000, 50));
}

#[test]
fn similarity_index_survives_kills_and_concurrent_work() {
    let h = Home::new();
    let home = h.path();
    h.index("first", &edited(4_000, 97));
    let mut takes = Duration::from_millis(40);
    let mut held = vec![("first".to_owned(), 97)];
    let mut killed = 0;
    for round in 0..40_usize {
        // The first is left alone, the other is killed in most rounds.
        let start = |which: usize| {
            let n = round * 2 + which;
            let path = h.0.path().join(format!("{n}.jsonl"));
            std::fs::write(&path, edited(4_000, n)).unwrap();
            let name = format!("d{n}");
            let mut child = program(&home);
            let words = ["registry", "index", path.to_str().unwrap(), "--name", &name];
            child
                .args(words)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            (name, n, child.spawn().unwrap())
        };
        let (alone, mut other) = (start(0), start(1));
        let started = Instant::now();
        if round % 4 != 3 {
            std::thread::sleep(takes * (round * 37 % 100) as u32 / 100);
            let _ = other.2.kill();
        }
        for (which, (name, n, mut child)) in [other, alone].into_iter().enumerate() {
            match child.wait().unwrap().success() {
                true => held.push((name, n)),
                false => killed += 1,
            }
            if which == 0 && round % 4 == 3 {
                takes = started.elapsed();
            }
        }
    }
    assert!(killed > 0 && held.len() > 40, "{killed} {}", held.len());
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    is_clean(&home);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    for (name, n) in &held {
        h.is(name, &edited(4_000, *n));
    }
}
