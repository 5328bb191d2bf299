//! Parts of datasets on disk, bringing them to other versions, and what killed runs leave.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::serving::Serving;

/// A home with versions of `data`, and a working copy of one.
struct Fixture {
    lab: Lab,
}

impl Fixture {
    fn new() -> Self {
        Self { lab: Lab::new() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.lab.at(name)
    }

    /// Indexes a directory of these files as the next version of `data`.
    fn index(&self, files: &[(&str, &[u8])]) {
        let data = self.at("data");
        let _ = std::fs::remove_dir_all(&data);
        put(&data, files);
        answer(
            &self.lab.home(),
            &["registry", "index", data.to_str().unwrap()],
        );
    }

    fn checkout(&self, target: &str, more: &[&str]) -> std::process::Output {
        let dest = self.at("copy");
        let words = ["registry", "checkout", target, dest.to_str().unwrap()];
        run(&self.lab.home(), &[&words, more].concat())
    }

    fn update(&self, target: &str) -> serde_json::Value {
        let out = self.checkout(target, &["--update"]);
        assert!(out.status.success(), "{out:?}");
        serde_json::from_slice(&out.stdout).unwrap()
    }

    fn copy(&self) -> BTreeMap<String, Vec<u8>> {
        files_of(&self.at("copy"))
    }
}

fn put(dir: &Path, files: &[(&str, &[u8])]) {
    std::fs::create_dir_all(dir).unwrap();
    for (path, bytes) in files {
        let at = dir.join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, bytes).unwrap();
    }
}

fn files_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    found
}

fn names(files: &BTreeMap<String, Vec<u8>>) -> Vec<&str> {
    files.keys().map(String::as_str).collect()
}

#[test]
fn checkout_of_a_subdirectory_or_a_glob_writes_only_that() {
    let fixture = Fixture::new();
    let large = lines(3000, 5);
    fixture.index(&[
        ("a.txt", b"a"),
        ("b.parquet", b"not really"),
        ("sub/c.parquet", &large),
        ("sub/d.txt", b"d"),
        ("sub/in/e.parquet", b"e"),
        ("subway.txt", b"s"),
    ]);
    for (target, wanted) in [
        ("data:sub/", vec!["c.parquet", "d.txt", "in/e.parquet"]),
        ("data:sub", vec!["c.parquet", "d.txt", "in/e.parquet"]),
        ("data:sub/in", vec!["e.parquet"]),
        (
            "data:**/*.parquet",
            vec!["b.parquet", "sub/c.parquet", "sub/in/e.parquet"],
        ),
        ("data:*.parquet", vec!["b.parquet"]),
        ("data:sub/*.txt", vec!["sub/d.txt"]),
    ] {
        let out = fixture.checkout(target, &[]);
        assert!(out.status.success(), "{target}: {out:?}");
        let copy = fixture.copy();
        assert_eq!(names(&copy), wanted, "{target}");
        if let Some(bytes) = copy.get("c.parquet").or(copy.get("sub/c.parquet")) {
            assert!(*bytes == large, "{target}");
        }
        std::fs::remove_dir_all(fixture.at("copy")).unwrap();
        let left: Vec<_> = std::fs::read_dir(fixture.lab.dir.path()).unwrap().collect();
        assert_eq!(left.len(), 2, "{target}: {left:?}");
    }
    for target in ["data:none/", "data:*.none", "data:[z"] {
        let out = fixture.checkout(target, &[]);
        assert!(matches!(out.status.code(), Some(2 | 3)), "{target}");
    }
}

#[test]
fn checkout_update_writes_changed_files_and_removes_old_ones() {
    let fixture = Fixture::new();
    let (one, two) = (lines(3000, 1), lines(3000, 2));
    let first: &[(&str, &[u8])] = &[
        ("same.jsonl", &one),
        ("changed.txt", b"old"),
        ("gone/deep/x.txt", b"x"),
        ("swap", b"a file"),
        ("pair/in.txt", b"in"),
    ];
    let second: &[(&str, &[u8])] = &[
        ("same.jsonl", &one),
        ("changed.txt", b"new"),
        ("more.jsonl", &two),
        ("swap/now.txt", b"a directory"),
        ("pair", b"a file"),
    ];
    fixture.index(first);
    fixture.index(second);
    let said = fixture.update("data@0.1.0");
    assert_eq!(said["files"], 5, "{said}");
    put(&fixture.at("copy"), &[("mine.txt", b"mine")]);
    let inode = || fixture.at("copy/same.jsonl").metadata().unwrap().ino();
    let before = inode();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(fixture.at("copy/changed.txt"), mode).unwrap();
    let said = fixture.update("data");
    assert_eq!(
        (&said["files"], &said["unchanged"], &said["removed"]),
        (&4.into(), &1.into(), &3.into()),
        "{said}"
    );
    assert_eq!(inode(), before);
    let mode = fixture.at("copy/changed.txt").metadata().unwrap().mode();
    assert_eq!(mode & 0o777, 0o640, "of the file that was replaced");
    let copy = fixture.copy();
    assert_eq!(
        names(&copy),
        [
            "changed.txt",
            "mine.txt",
            "more.jsonl",
            "pair",
            "same.jsonl",
            "swap/now.txt"
        ]
    );
    assert_eq!(copy["changed.txt"], b"new");
    assert!(copy["more.jsonl"] == two);
    assert!(!fixture.at("copy/gone").exists());
    let said = fixture.update("data");
    assert_eq!((&said["files"], &said["unchanged"]), (&0.into(), &5.into()));
    // And back.
    fixture.update("data@0.1.0");
    let mut copy = fixture.copy();
    copy.remove("mine.txt");
    let wanted: BTreeMap<String, Vec<u8>> = first
        .iter()
        .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
        .collect();
    assert!(copy == wanted, "{:?}", names(&copy));
}

#[test]
fn checkout_update_keeps_local_changes() {
    let fixture = Fixture::new();
    fixture.index(&[("a", b"a1"), ("b", b"b1"), ("c", b"c1"), ("d", b"d1")]);
    fixture.index(&[("a", b"a2"), ("b", b"b2"), ("d", b"d2")]);
    fixture.update("data@0.1.0");
    put(
        &fixture.at("copy"),
        &[("a", b"my"), ("c", b"my"), ("d", b"d2")],
    );
    let before = fixture.copy();
    let out = fixture.checkout("data", &["--update"]);
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    let error = error_of(&out);
    assert_eq!(error["kind"], "conflict");
    assert!(
        error["message"].as_str().unwrap().ends_with(": a"),
        "{error}"
    );
    assert_eq!(fixture.copy(), before, "nothing was done");
    let out = fixture.checkout("data", &["--update", "--yes"]);
    let said: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(said["kept"], serde_json::json!(["c"]));
    let copy = fixture.copy();
    assert_eq!(copy["a"], b"a2");
    assert_eq!(copy["b"], b"b2");
    assert_eq!(copy["c"], b"my");
    // A directory that nobody knows: what is there is somebody's.
    let other = fixture.at("other");
    put(&other, &[("a", b"a2"), ("b", b"mine")]);
    let words = [
        "registry",
        "checkout",
        "data",
        other.to_str().unwrap(),
        "--update",
    ];
    assert_eq!(run(&fixture.lab.home(), &words).status.code(), Some(1));
    std::fs::remove_file(other.join("b")).unwrap();
    answer(&fixture.lab.home(), &words);
    assert_eq!(names(&files_of(&other)), ["a", "b", "d"]);
}

#[test]
fn checkout_update_does_not_follow_links_outside() {
    let fixture = Fixture::new();
    fixture.index(&[("a", b"a1"), ("sub/b", b"b1")]);
    fixture.index(&[("a", b"a2"), ("sub/b", b"b2")]);
    fixture.update("data@0.1.0");
    let outside = fixture.at("outside");
    put(&outside, &[("b", b"b1")]);
    std::fs::remove_dir_all(fixture.at("copy/sub")).unwrap();
    std::os::unix::fs::symlink(&outside, fixture.at("copy/sub")).unwrap();
    for more in [&["--update"] as &[&str], &["--update", "--yes"]] {
        let out = fixture.checkout("data", more);
        assert_eq!(out.status.code(), Some(1), "{out:?}");
        assert_eq!(std::fs::read(outside.join("b")).unwrap(), b"b1");
        assert_eq!(std::fs::read(fixture.at("copy/a")).unwrap(), b"a1");
    }
}

#[test]
fn checkout_update_of_a_single_file_replaces_it() {
    let fixture = Fixture::new();
    let file = fixture.at("f.txt");
    for text in ["one", "two"] {
        std::fs::write(&file, text).unwrap();
        answer(
            &fixture.lab.home(),
            &["registry", "index", file.to_str().unwrap()],
        );
    }
    fixture.update("f@0.1.0");
    let copy = fixture.at("copy");
    let update = || fixture.checkout("f", &["--update"]).status.code();
    assert_eq!(update(), Some(0));
    assert_eq!(std::fs::read(&copy).unwrap(), b"two");
    std::fs::write(&copy, "own").unwrap();
    assert_eq!(update(), Some(1));
    assert_eq!(std::fs::read(&copy).unwrap(), b"own");
}

#[test]
fn leftovers_of_killed_runs_are_removed() {
    let fixture = Fixture::new();
    fixture.index(&[("a", b"a1"), ("b", b"b1")]);
    let left = fixture.at(".copy.partial-0123456789ab");
    let held = fixture.at(".copy.partial-ba9876543210");
    let mine = fixture.at(".copy.partial-mine");
    for path in [&left, &held, &mine] {
        put(path, &[("x", b"x")]);
    }
    let lock = std::fs::File::open(&held).unwrap();
    lock.try_lock().unwrap();
    assert!(fixture.checkout("data", &[]).status.success());
    assert!(!left.exists() && held.exists() && mine.exists());
    // In the directory that is updated, and of outputs that are files.
    let left = fixture.at("copy/.alimentar.partial-0123456789ab");
    put(&left, &[("x", b"x")]);
    fixture.update("data");
    assert!(!left.exists());
    let archive = fixture.at("data.alimentar");
    let left = fixture.at(".data.alimentar.partial-0123456789ab");
    std::fs::write(&left, "x").unwrap();
    let words = [
        "registry",
        "export",
        "data",
        "-o",
        archive.to_str().unwrap(),
    ];
    answer(&fixture.lab.home(), &words);
    assert!(!left.exists() && archive.exists());
}

/// Two versions of some files, in each of which every file differs, and the sets of names too.
fn two_versions() -> [Vec<(String, Vec<u8>)>; 2] {
    [1_u64, 2].map(|version| {
        let large = (0..3_u64).map(|n| (format!("large{n}"), lines(1500, 100 * version + n)));
        let small = (0..40_u64).map(|n| {
            (
                format!("d{}/s{n}", n % 5),
                format!("{version} {n}").into_bytes(),
            )
        });
        let only = (0..10).map(|n| (format!("only{version}/{n}"), vec![b'x'; 100 + n]));
        large.chain(small).chain(only).collect()
    })
}

#[test]
fn checkout_update_killed_at_any_instant_leaves_each_file_old_or_new() {
    let fixture = Fixture::new();
    let versions = two_versions();
    for version in &versions {
        let files: Vec<(&str, &[u8])> = version
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
            .collect();
        fixture.index(&files);
    }
    let wanted = versions
        .each_ref()
        .map(|files| files.iter().cloned().collect::<BTreeMap<String, Vec<u8>>>());
    fixture.update("data@0.1.0");
    let dest = fixture.at("copy");
    let (mut killed, mut at) = (0, 0);
    let mut takes = Duration::from_millis(100);
    for round in 0..16_u32 {
        // Now and then to the other version before this one was reached.
        let to = usize::from(round % 3 != 2);
        let target = ["data@0.1.0", "data@0.1.1"][to];
        let mut child = program(&fixture.lab.home())
            .args([
                "registry",
                "checkout",
                target,
                dest.to_str().unwrap(),
                "--update",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        if round % 8 != 7 {
            std::thread::sleep(takes * (round * 37 % 100) / 100);
            let _ = child.kill();
        }
        match child.wait().unwrap().success() {
            true => {
                takes = started.elapsed();
                at = to;
                assert!(fixture.copy() == wanted[at], "round {round}");
            }
            false => killed += 1,
        }
        for (path, bytes) in fixture.copy() {
            let known = wanted.iter().any(|files| files.get(&path) == Some(&bytes));
            let is_staged = path.starts_with(".alimentar.partial-");
            assert!(known || is_staged, "round {round}: {path}");
        }
    }
    assert!(killed > 3, "{killed} killed");
    fixture.update(["data@0.1.0", "data@0.1.1"][1 - at]);
    assert!(fixture.copy() == wanted[1 - at]);
}

#[test]
fn withdrawn_dataset_is_read_only_with_consent() {
    let fixture = Fixture::new();
    fixture.index(&[("a", b"a1")]);
    let words = ["registry", "withdraw", "data", "--reason", "names in it"];
    let key = ["registry", "keygen"];
    let with_passphrase = |words: &[&str]| {
        let out = program(&fixture.lab.home())
            .env("ALIMENTAR_PASSPHRASE", "a passphrase for tests")
            .args(words)
            .output()
            .unwrap();
        assert!(out.status.success(), "{out:?}");
    };
    with_passphrase(&key);
    with_passphrase(&["registry", "sign", "data"]);
    with_passphrase(&words);
    for words in [
        vec!["registry", "cat", "data"],
        vec!["registry", "checkout", "data", "DEST"],
        vec!["registry", "checkout", "data", "DEST", "--update"],
    ] {
        let dest = fixture.at("copy");
        let words: Vec<&str> = words
            .into_iter()
            .map(|w| {
                if w == "DEST" {
                    dest.to_str().unwrap()
                } else {
                    w
                }
            })
            .collect();
        let out = run(&fixture.lab.home(), &words);
        assert_eq!(out.status.code(), Some(5), "{words:?} {out:?}");
        assert!(out.stdout.is_empty() && !dest.exists());
        let error = error_of(&out);
        assert!(error["message"].as_str().unwrap().contains("names in it"));
        assert!(error["hint"].as_str().unwrap().contains("--yes"));
        let out = program(&fixture.lab.home())
            .args(&words)
            .arg("--yes")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(
            out.status.success() && said.contains("names in it"),
            "{said}"
        );
        let _ = std::fs::remove_dir_all(&dest);
    }
}

#[test]
fn pulled_output_is_known_as_a_checkout() {
    let fixture = Fixture::new();
    fixture.index(&[("a", b"a1"), ("sub/b", b"b1")]);
    let serving = Serving::start(&fixture.lab.home(), &["--share-unsigned"]);
    let (other, dest) = (fixture.at("other"), fixture.at("pulled"));
    let path = dest.to_str().unwrap();
    let left = fixture.at(".pulled.partial-0123456789ab");
    put(&left, &[("x", b"x")]);
    let addr = serving.addr();
    let words = ["registry", "pull", "data", "--peer", &addr, "-o", path];
    answer(
        &other,
        &[&words as &[&str], &["--accept-unsigned"]].concat(),
    );
    assert!(!left.exists());
    let status = |home: &Path| answer(home, &["registry", "status", path]);
    assert_eq!(status(&other)["changes"], serde_json::json!([]));
    std::fs::write(dest.join("a"), "a2").unwrap();
    assert_eq!(status(&other)["changes"][0]["status"], "changed");
    let out = run(&fixture.lab.home(), &["registry", "status", path]);
    assert_eq!(
        out.status.code(),
        Some(3),
        "the other home knows nothing of it"
    );
}

#[test]
fn checkout_update_keeps_files_left_out_of_the_index() {
    let fixture = Fixture::new();
    let data = fixture.at("data");
    put(&data, &[("a", b"a1"), ("b.tmp", b"b")]);
    let path = data.to_str().unwrap();
    let words = ["registry", "index", path, "--exclude", "*.tmp"];
    answer(&fixture.lab.home(), &words);
    put(&data, &[("a", b"a2")]);
    answer(&fixture.lab.home(), &words);
    let words = ["registry", "checkout", "data@0.1.0", path, "--update"];
    assert_eq!(answer(&fixture.lab.home(), &words)["files"], 1);
    assert_eq!(std::fs::read(data.join("a")).unwrap(), b"a1");
    let said = answer(&fixture.lab.home(), &["registry", "status", path]);
    assert_eq!(said["changes"], serde_json::json!([]));
    assert_eq!(said["version"], "0.1.0");
}
