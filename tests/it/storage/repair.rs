//! Rebuilding the index from the packs, and healing.

use std::path::Path;
use std::path::PathBuf;

use crate::support::answer;
use crate::support::lines;
use crate::support::run;

struct Home {
    _dir: tempfile::TempDir,
    home: PathBuf,
    files: PathBuf,
}

/// `a` and `c` (private) indexed; `b` indexed and taken out.
fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let (home, files) = (dir.path().join("home"), dir.path().join("files"));
    std::fs::create_dir(&files).unwrap();
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        let file = files.join(format!("{name}.jsonl"));
        std::fs::write(&file, lines(3000, seed)).unwrap();
        let mut words = vec!["registry", "index", file.to_str().unwrap()];
        words.extend((name == "c").then_some("--private"));
        answer(&home, &words);
    }
    answer(&home, &["registry", "unindex", "b"]);
    let _dir = dir;
    Home { _dir, home, files }
}

fn names(home: &Path) -> Vec<(String, bool)> {
    let list = answer(home, &["registry", "list"]);
    let datasets = list["datasets"].as_array().unwrap().iter();
    datasets
        .map(|d| {
            let name = d["name"].as_str().unwrap().to_owned();
            (name, d["private"].as_bool().unwrap())
        })
        .collect()
}

fn same_as_before(h: &Home) {
    let before = [("a".to_owned(), false), ("c".to_owned(), true)];
    assert_eq!(names(&h.home), before);
    for name in ["a", "c"] {
        let out = run(&h.home, &["registry", "cat", name]);
        let source = std::fs::read(h.files.join(format!("{name}.jsonl"))).unwrap();
        assert!(out.stdout == source, "{name}");
    }
    answer(&h.home, &["registry", "fsck"]);
}

#[test]
fn repair_of_a_lost_index_rebuilds_it_from_packs() {
    let h = home();
    std::fs::remove_file(h.home.join("registry.redb")).unwrap();
    same_as_before(&h);
    // Also after a collection has moved things, and without the derived locks.
    answer(&h.home, &["registry", "gc", "--keep-days", "0"]);
    for name in ["registry.redb", "registry.lock", "gc.lock"] {
        std::fs::remove_file(h.home.join(name)).unwrap();
    }
    same_as_before(&h);
    // New packs get numbers of their own.
    let file = h.files.join("b.jsonl");
    answer(&h.home, &["registry", "index", file.to_str().unwrap()]);
    assert_eq!(names(&h.home).len(), 3);
    answer(&h.home, &["registry", "fsck"]);
}

/// The bytes of the last record with this kind's number in a pack, without its header.
fn last_payload(pack: &[u8], kind: u8) -> std::ops::Range<usize> {
    let mut last = 0..0;
    alimentar::pack::scan(&pack, pack.len() as u64, &mut |found| {
        if let alimentar::pack::ScanItem::Record { offset, header } = found
            && header.kind.map(|k| k.number()) == Some(kind)
        {
            let end = offset as usize + header.record_bytes();
            last = end - header.stored_bytes..end;
        }
    })
    .unwrap();
    last
}

#[test]
fn manifest_left_only_in_the_index_survives_repairs() {
    let h = home();
    let pack = h.home.join("packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    let at = last_payload(&bytes, 3).start;
    bytes[at] ^= 1;
    std::fs::write(&pack, &bytes).unwrap();
    assert_eq!(run(&h.home, &["registry", "fsck"]).status.code(), Some(4));
    let report = answer(&h.home, &["registry", "fsck", "--repair"]);
    assert_eq!(report["unreadable"].as_array().unwrap().len(), 0);
    same_as_before(&h);
    // The packs say it again, privacy included.
    std::fs::remove_file(h.home.join("registry.redb")).unwrap();
    same_as_before(&h);
}

#[test]
fn unreadable_manifest_after_a_lost_index_is_reported_until_given_up() {
    let h = home();
    let pack = h.home.join("packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    let at = last_payload(&bytes, 3).start;
    bytes[at] ^= 1;
    std::fs::write(&pack, &bytes).unwrap();
    std::fs::remove_file(h.home.join("registry.redb")).unwrap();
    let opened = crate::support::program(&h.home)
        .args(["registry", "list"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&opened.stderr).into_owned();
    assert!(said.contains("could not be read"), "{said}");
    for words in [&["registry", "fsck"][..], &["registry", "fsck", "--repair"]] {
        let found = run(&h.home, words);
        assert_eq!(found.status.code(), Some(4));
        let report: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        let span = &report["unreadable"][0];
        assert_eq!(span["pack"], "packs/00000001.pack");
        assert_eq!(span["may_hide_datasets"], true);
        let error = String::from_utf8_lossy(&found.stderr).into_owned();
        assert!(error.contains("--discard-unreadable"), "{error}");
    }
    let kept = answer(&h.home, &["registry", "gc", "--keep-days", "0"]);
    assert_eq!(kept["freed_bytes"], 0);
    assert!(
        kept["deferred"]
            .as_str()
            .unwrap()
            .contains("cannot be read")
    );
    assert!(std::fs::read(&pack).unwrap() == bytes);
    let gone = answer(
        &h.home,
        &["registry", "gc", "--keep-days", "0", "--discard-unreadable"],
    );
    assert!(gone["freed_bytes"].as_u64().unwrap() > 0);
    assert_eq!(names(&h.home).len(), 1);
    answer(&h.home, &["registry", "fsck"]);
}

#[test]
fn repair_with_a_pack_that_is_no_file_keeps_the_index() {
    let h = home();
    let pack = h.home.join("packs/00000001.pack");
    let (away, index) = (h.home.join("away"), h.home.join("registry.redb"));
    std::fs::rename(&pack, &away).unwrap();
    let before = std::fs::read(&index).unwrap();
    let nowhere = Path::new("/nonexistent/elsewhere");
    for target in [Some(Path::new("/dev/null")), Some(nowhere), None] {
        match target {
            Some(target) => std::os::unix::fs::symlink(target, &pack).unwrap(),
            None => std::fs::create_dir(&pack).unwrap(),
        }
        let out = run(&h.home, &["registry", "fsck", "--repair"]);
        assert!(!out.status.success());
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(error.contains("00000001.pack"), "{error}");
        assert_eq!(names(&h.home).len(), 2, "{target:?}");
        assert!(std::fs::read(&index).unwrap() == before, "{target:?}");
        match target {
            Some(_) => std::fs::remove_file(&pack).unwrap(),
            None => std::fs::remove_dir(&pack).unwrap(),
        }
    }
    // Without it, what is listed stays listed, and what is lost is said.
    assert_eq!(
        run(&h.home, &["registry", "fsck", "--repair"])
            .status
            .code(),
        Some(4)
    );
    assert_eq!(names(&h.home).len(), 2);
    let _ = run(&h.home, &["registry", "gc", "--keep-days", "0"]);
    std::fs::rename(&away, &pack).unwrap();
    let _ = run(&h.home, &["registry", "gc", "--keep-days", "0"]);
    answer(&h.home, &["registry", "fsck", "--repair"]);
    same_as_before(&h);
}

#[test]
fn repair_of_a_damaged_index_restores_it() {
    let h = home();
    let index = h.home.join("registry.redb");
    let whole = std::fs::read(&index).unwrap();
    std::fs::write(&index, vec![0xff; whole.len()]).unwrap();
    let out = run(&h.home, &["registry", "list"]);
    assert_eq!(out.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&out.stderr).contains("--repair"));
    let report = answer(&h.home, &["registry", "fsck", "--repair"]);
    assert!(report["repaired"].as_u64().unwrap() > 0);
    same_as_before(&h);
    let again = answer(&h.home, &["registry", "fsck", "--repair"]);
    assert_eq!(again["repaired"], 0);
}

#[test]
fn lost_bytes_are_missing_until_indexed_again() {
    let h = home();
    let pack = h.home.join("packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    // Inside the first dataset's first record.
    bytes[4000] ^= 1;
    std::fs::write(&pack, &bytes).unwrap();
    let found = run(&h.home, &["registry", "fsck"]);
    assert_eq!(found.status.code(), Some(4));
    let repaired = run(&h.home, &["registry", "fsck", "--repair"]);
    assert_eq!(repaired.status.code(), Some(4), "the bytes are gone");
    let report: serde_json::Value = serde_json::from_slice(&repaired.stdout).unwrap();
    assert_eq!(report["missing"][0]["file"], "a.jsonl");
    assert_eq!(report["corrupt"].as_array().unwrap().len(), 0);
    // Touched, so that it is read again; the same content under the same name.
    let file = h.files.join("a.jsonl");
    let data = std::fs::read(&file).unwrap();
    std::fs::write(&file, data).unwrap();
    answer(&h.home, &["registry", "index", file.to_str().unwrap()]);
    same_as_before(&h);
}
