//! Removed and renamed datasets: their version numbers stay taken.
//! `restore` brings a removed dataset back until a collection.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::answer;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::program;
use crate::support::refused;
use crate::support::run;

/// A home with versions of datasets, and their files.
struct Fixture {
    lab: Lab,
}

impl Fixture {
    fn new() -> Self {
        Self { lab: Lab::new() }
    }

    fn file(&self, seed: u64) -> String {
        self.lab.write(&format!("{seed}.jsonl"), &lines(400, seed))
    }

    /// Indexes the content of a seed as the next version of `corpus`.
    fn index(&self, seed: u64) -> Value {
        self.index_as("corpus", seed)
    }

    fn index_as(&self, name: &str, seed: u64) -> Value {
        let file = self.file(seed);
        self.done(&["index", &file, "--name", name])
    }

    fn done(&self, words: &[&str]) -> Value {
        answer(&self.lab.home(), &[&["registry"], words].concat())
    }

    fn refused(&self, words: &[&str], code: i32) -> Value {
        refused(&self.lab.home(), &[&["registry"], words].concat(), code)
    }

    fn versions(&self, name: &str) -> Vec<String> {
        let listed = self.done(&["list"]);
        let datasets = listed["datasets"].as_array().unwrap().iter();
        let named = datasets.filter(|d| d["name"] == name);
        named.map(|d| text(&d["version"])).collect()
    }

    fn index_file(&self) -> PathBuf {
        self.lab.home().join("registry.redb")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn message(error: &Value) -> String {
    text(&error["message"])
}

/// Bytes in the middle of a file become others.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 4;
    bytes[4096..middle.max(8192)].fill(0x5a);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn removed_version_number_stays_taken() {
    let fixture = Fixture::new();
    let first = fixture.index(1);
    let second = fixture.index(2);
    assert_eq!(second["version"], "0.1.1");
    fixture.done(&["unindex", "corpus@0.1.1"]);
    let file = fixture.file(3);
    let words = ["index", &file, "--name", "corpus", "--version", "0.1.1"];
    let error = fixture.refused(&words, 1);
    assert_eq!(error["kind"], "conflict");
    assert!(message(&error).contains("corpus@0.1.1"), "{error}");
    assert!(
        message(&error).contains(&text(&second["content_id"])),
        "{error}"
    );
    assert_eq!(fixture.index(3)["version"], "0.1.2");
    // The same content gets its number back, and counts more than what others may have of it.
    let back = fixture.index(2);
    assert_eq!(back["version"], "0.1.1");
    let info = fixture.done(&["info", "corpus@0.1.1"]);
    assert_eq!(
        (&info["seq"], &info["content_id"]),
        (&2.into(), &second["content_id"])
    );
    let clock = info["clock"].as_object().unwrap();
    assert_eq!(clock.values().collect::<Vec<_>>(), [&Value::from(2)]);
    assert_eq!(fixture.index(1)["content_id"], first["content_id"]);
    assert_eq!(fixture.versions("corpus"), ["0.1.0", "0.1.1", "0.1.2"]);
}

#[test]
fn removed_version_numbers_survive_gc_and_rebuild() {
    let fixture = Fixture::new();
    for seed in 1..4 {
        fixture.index(seed);
    }
    fixture.index_as("other", 9);
    fixture.done(&["unindex", "corpus", "--yes"]);
    let freed = fixture.done(&["gc", "--keep-days", "0"]);
    assert!(freed["freed_bytes"].as_u64().unwrap() > 0, "{freed}");
    // Made anew from the packs alone, and then once more from what can be read of it.
    std::fs::remove_file(fixture.index_file()).unwrap();
    assert_eq!(fixture.versions("corpus"), [""; 0]);
    let file = fixture.file(4);
    let words = ["index", &file, "--name", "corpus", "--version", "0.1.2"];
    fixture.refused(&words, 1);
    fixture.done(&["gc", "--keep-days", "0"]);
    damage(&fixture.index_file());
    fixture.done(&["fsck", "--repair"]);
    fixture.refused(&words, 1);
    assert_eq!(fixture.index(4)["version"], "0.1.3");
    assert_eq!(fixture.index(2)["version"], "0.1.1");
    assert_eq!(fixture.versions("other"), ["0.1.0"]);
    assert_eq!(fixture.done(&["fsck"])["missing"], serde_json::json!([]));
}

#[test]
fn purged_version_frees_bytes_and_keeps_its_number_taken() {
    let fixture = Fixture::new();
    let signed = |words: &[&str]| {
        let mut command = program(&fixture.lab.home());
        command.env("ALIMENTAR_PASSPHRASE", "words enough for a test");
        let out = command.args(["--json", "registry"]).args(words).output();
        let out = out.unwrap();
        assert!(out.status.success(), "{words:?} {out:?}");
        serde_json::from_slice::<Value>(&out.stdout).unwrap()
    };
    signed(&["keygen"]);
    let file = fixture.file(1);
    let first = signed(&["index", &file, "--name", "corpus", "--sign"]);
    assert_eq!(first["version"], "0.1.0");
    // A purge keeps another dataset that was only unindexed.
    fixture.index_as("other", 2);
    fixture.done(&["unindex", "other"]);
    let words = ["withdraw", "corpus", "--reason", "r", "--purge", "--yes"];
    let purged = signed(&words);
    assert!(purged["freed_bytes"].as_u64().unwrap() > 0, "{purged}");
    assert_eq!(
        fixture.refused(&["restore", "corpus"], 3)["kind"],
        "not_found"
    );
    fixture.done(&["restore", "other"]);
    for round in ["with the index", "from the packs"] {
        let file = fixture.file(3);
        let words = ["index", &file, "--name", "corpus", "--version", "0.1.0"];
        let error = fixture.refused(&words, 1);
        assert!(message(&error).contains("corpus@0.1.0"), "{round} {error}");
        std::fs::remove_file(fixture.index_file()).unwrap();
    }
    let file = fixture.file(3);
    let next = signed(&["index", &file, "--name", "corpus", "--sign"]);
    assert_eq!(next["version"], "0.1.1");
}

#[test]
fn renamed_dataset_keeps_its_old_version_numbers_taken() {
    let fixture = Fixture::new();
    let first = fixture.index(1);
    fixture.done(&["rename", "corpus", "german"]);
    for round in ["with the index", "from the packs"] {
        assert_eq!(fixture.versions("german"), ["0.1.0"], "{round}");
        let file = fixture.file(2);
        let words = ["index", &file, "--name", "corpus", "--version", "0.1.0"];
        fixture.refused(&words, 1);
        fixture.done(&["gc", "--keep-days", "0"]);
        std::fs::remove_file(fixture.index_file()).unwrap();
    }
    assert_eq!(fixture.index(2)["version"], "0.1.1");
    // The same content under the old name is a dataset of its own.
    let again = fixture.index(1);
    assert_eq!(again["content_id"], first["content_id"]);
    assert_eq!(again["version"], "0.1.0");
    assert_eq!(fixture.versions("german"), ["0.1.0"]);
    // A rename gives a number too.
    fixture.index_as("english", 5);
    fixture.done(&["unindex", "english"]);
    let error = fixture.refused(&["rename", "german", "english"], 1);
    assert!(message(&error).contains("english@0.1.0"), "{error}");
    assert_eq!(fixture.versions("german"), ["0.1.0"]);
}

#[test]
fn unindex_of_a_name_needs_consent_and_restore_undoes_it() {
    let fixture = Fixture::new();
    for seed in 1..4 {
        fixture.index(seed);
    }
    let newest = fixture.done(&["resolve", "corpus"]);
    let error = fixture.refused(&["unindex", "corpus"], 2);
    for part in ["0.1.0, 0.1.1, 0.1.2", "--yes", "corpus@0.1.2"] {
        assert!(message(&error).contains(part), "{error}");
    }
    assert_eq!(fixture.versions("corpus").len(), 3);
    let gone = fixture.done(&["unindex", "corpus", "--yes"]);
    assert_eq!(
        (&gone["removed"], &gone["content_id"]),
        (&true.into(), &newest["content_id"])
    );
    let removed = gone["versions"].as_array().unwrap().iter();
    let removed: Vec<String> = removed.map(|v| text(&v["version"])).collect();
    assert_eq!(removed, ["0.1.0", "0.1.1", "0.1.2"]);
    assert_eq!(fixture.versions("corpus"), [""; 0]);
    let can = fixture.done(&["restore", "--list"]);
    assert_eq!(can["removed"].as_array().unwrap().len(), 3, "{can}");
    let back = fixture.done(&["restore", "corpus"]);
    assert_eq!(
        (&back["name"], &back["version"]),
        (&"corpus".into(), &"0.1.2".into())
    );
    assert_eq!(back["content_id"], newest["content_id"]);
    assert_eq!(back["versions"].as_array().unwrap().len(), 3);
    assert_eq!(fixture.versions("corpus"), ["0.1.0", "0.1.1", "0.1.2"]);
    // One version alone needs no consent.
    fixture.done(&["unindex", "corpus@0.1.1"]);
    assert_eq!(fixture.versions("corpus"), ["0.1.0", "0.1.2"]);
    let digits = text(&fixture.done(&["restore", "corpus@0.1.1"])["content_id"]);
    fixture.done(&["unindex", &digits]);
    assert_eq!(fixture.done(&["restore", &digits])["version"], "0.1.1");
    fixture.done(&["verify", "corpus@0.1.1"]);
    // A present dataset stays as it is, and an unknown one is not found.
    assert_eq!(fixture.done(&["restore", &digits])["restored"], false);
    assert_eq!(
        fixture.refused(&["restore", "nothing"], 3)["kind"],
        "not_found"
    );
}

#[test]
fn rename_moves_all_versions_or_none() {
    let fixture = Fixture::new();
    for seed in 1..4 {
        fixture.index(seed);
    }
    fixture.index_as("german", 5);
    fixture.refused(&["rename", "corpus", "deutsch"], 2);
    // One of the numbers is taken there.
    fixture.refused(&["rename", "corpus", "german", "--yes"], 1);
    assert_eq!(fixture.versions("corpus").len(), 3);
    let renamed = fixture.done(&["rename", "corpus", "deutsch", "--yes"]);
    assert_eq!(
        (&renamed["name"], &renamed["version"]),
        (&"deutsch".into(), &"0.1.2".into())
    );
    assert_eq!(renamed["versions"].as_array().unwrap().len(), 3);
    assert_eq!(fixture.versions("deutsch"), ["0.1.0", "0.1.1", "0.1.2"]);
    assert_eq!(fixture.versions("corpus"), [""; 0]);
    let one = fixture.done(&["rename", "deutsch@0.1.1", "alt"]);
    assert_eq!(one["versions"].as_array().unwrap().len(), 1);
    assert_eq!(fixture.versions("deutsch"), ["0.1.0", "0.1.2"]);
    assert_eq!(fixture.versions("alt"), ["0.1.1"]);
}

#[test]
fn gc_keeps_recently_unindexed_datasets_by_default() {
    let fixture = Fixture::new();
    fixture.index(1);
    fixture.index_as("stays", 2);
    fixture.done(&["unindex", "corpus"]);
    let kept = fixture.done(&["gc"]);
    assert_eq!(kept["freed_bytes"], 0, "{kept}");
    assert_eq!(
        (&kept["kept_back_datasets"], &kept["keep_days"]),
        (&1.into(), &7.into())
    );
    let kept_bytes = kept["kept_back_bytes"].as_u64().unwrap();
    assert!(kept_bytes > 10_000, "{kept}");
    assert!(
        kept["kept_back_until"].as_str().unwrap().ends_with('Z'),
        "{kept}"
    );
    let said = program(&fixture.lab.home())
        .args(["registry", "gc"])
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("Kept back") && said.contains("--keep-days 0"),
        "{said}"
    );
    // An index that is made anew from the packs knows it too.
    std::fs::remove_file(fixture.index_file()).unwrap();
    assert_eq!(fixture.done(&["gc"])["kept_back_datasets"], 1);
    assert_eq!(fixture.done(&["restore", "corpus"])["version"], "0.1.0");
    fixture.done(&["verify", "corpus"]);
    std::fs::remove_file(fixture.index_file()).unwrap();
    fixture.done(&["verify", "corpus"]);
    fixture.done(&["unindex", "corpus"]);
    let would = fixture.done(&["gc", "--keep-days", "0", "--dry-run"]);
    assert!(would["freed_bytes"].as_u64().unwrap() > 0, "{would}");
    assert_eq!(fixture.done(&["gc"])["kept_back_datasets"], 1);
    let freed = fixture.done(&["gc", "--keep-days", "0"]);
    assert!(
        freed["freed_bytes"].as_u64().unwrap() >= kept_bytes,
        "{freed}"
    );
    assert_eq!(freed["kept_back_bytes"], 0);
    let error = fixture.refused(&["restore", "corpus"], 3);
    assert!(message(&error).contains("corpus@0.1.0"), "{error}");
    assert_eq!(
        fixture.done(&["restore", "--list"])["removed"],
        serde_json::json!([])
    );
    assert_eq!(fixture.done(&["fsck"])["missing"], serde_json::json!([]));
}

#[test]
fn removed_dataset_with_lost_bytes_does_not_block_gc() {
    let fixture = Fixture::new();
    fixture.index(1);
    let pack = fixture.lab.home().join("packs/00000001.pack");
    let whole = std::fs::metadata(&pack).unwrap().len();
    fixture.index_as("stays", 2);
    let mut bytes = std::fs::read(&pack).unwrap();
    bytes[200..whole as usize - 400].fill(0);
    std::fs::write(&pack, bytes).unwrap();
    fixture.done(&["unindex", "corpus"]);
    run(&fixture.lab.home(), &["registry", "fsck", "--repair"]);
    let error = fixture.refused(&["restore", "corpus"], 3);
    assert_eq!(error["kind"], "not_found");
    let kept = fixture.done(&["gc"]);
    assert_eq!(kept["kept_back_datasets"], 0, "{kept}");
    fixture.done(&["verify", "stays"]);
}
