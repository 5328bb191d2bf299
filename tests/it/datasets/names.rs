//! Names of datasets: of any script, and guessed from paths only where nothing is lost or mixed.

use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::run;
use crate::support::serving::Serving;

/// A home, and files with rows of their own.
struct Fixture {
    lab: Lab,
}

impl Fixture {
    fn new() -> Self {
        Self { lab: Lab::new() }
    }

    fn home(&self) -> PathBuf {
        self.lab.home()
    }

    /// A file with rows of its own; its path.
    fn file(&self, name: &str, seed: u64) -> String {
        let path = self.lab.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, lines(5, seed)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn index(&self, path: &str, more: &[&str]) -> Value {
        answer(&self.home(), &[&["registry", "index", path], more].concat())
    }

    fn refused(&self, words: &[&str]) -> Value {
        let out = run(&self.home(), words);
        assert_eq!(out.status.code(), Some(2), "{words:?}: {out:?}");
        error_of(&out)
    }

    fn names(&self) -> Vec<String> {
        let listed = answer(&self.home(), &["registry", "list"]);
        let listed = listed["datasets"].as_array().unwrap().iter();
        let label = |d: &Value| format!("{}@{}", d["name"], d["version"]).replace('"', "");
        listed.map(label).collect()
    }
}

#[test]
fn names_take_letters_of_any_script() {
    let fixture = Fixture::new();
    for (n, file) in ["日本.csv", "한국.csv", "हिन्दी.jsonl", "Übersicht_1.jsonl"]
        .iter()
        .enumerate()
    {
        fixture.index(&fixture.file(file, n as u64), &[]);
    }
    let wanted = [
        "Übersicht_1@0.1.0",
        "हिन्दी@0.1.0",
        "日本@0.1.0",
        "한국@0.1.0",
    ];
    assert_eq!(fixture.names(), wanted);
    // Another normalisation form is the same name: typed, and as file systems may have it.
    let apart = "U\u{308}bersicht_1";
    let info = answer(&fixture.home(), &["registry", "info", apart]);
    assert_eq!(info["name"], "Übersicht_1");
    let path = fixture.file(&format!("below/{apart}.jsonl"), 3);
    assert_eq!(fixture.index(&path, &[])["unchanged"], true);
    let found = answer(&fixture.home(), &["registry", "search", "name:日本"]);
    assert_eq!(found["results"][0]["name"], "日本");
    for name in [
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{a0}b",
        "a\u{3164}",
        "\u{ff41}",
        "\u{301}",
        "a:b",
        "😀",
    ] {
        fixture.refused(&["registry", "rename", "日本", name]);
    }
    // They travel.
    let archive = fixture.lab.at("all.alimentar");
    let archive = archive.to_str().unwrap();
    answer(
        &fixture.home(),
        &["registry", "export", "--all", "-o", archive],
    );
    let other = Fixture::new();
    answer(&other.home(), &["registry", "import", archive]);
    let node = Serving::start(&fixture.home(), &["--share-unsigned"]);
    let third = Fixture::new();
    let words = [
        "registry",
        "pull",
        "한국@0.1",
        "--peer",
        &node.addr(),
        "--accept-unsigned",
    ];
    assert_eq!(answer(&third.home(), &words)["name"], "한국");
}

#[test]
fn name_guessed_from_a_lossy_path_is_refused() {
    let fixture = Fixture::new();
    for (file, near) in [
        ("a:b", "a-b"),
        ("a@b.csv", "a-b"),
        ("my data.csv", "my-data"),
        ("😀.csv", "dataset"),
    ] {
        let path = fixture.file(file, 1);
        let error = fixture.refused(&["registry", "index", &path]);
        assert!(error["message"].as_str().unwrap().contains(file), "{error}");
        let hint = error["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("--name {near}")), "{error}");
    }
    assert_eq!(fixture.names(), [] as [&str; 0]);
    let path = fixture.file("a:b", 1);
    assert_eq!(fixture.index(&path, &["--name", "a-b"])["name"], "a-b");
}

#[test]
fn name_guessed_from_two_paths_is_refused() {
    let fixture = Fixture::new();
    let (first, second) = (
        fixture.file("one/train.jsonl", 1),
        fixture.file("two/train.csv", 2),
    );
    fixture.index(&first, &[]);
    let error = fixture.refused(&["registry", "index", &second]);
    let hint = error["hint"].as_str().unwrap();
    assert!(
        hint.contains("--name train`") && hint.contains("--name two-train`"),
        "{error}"
    );
    assert_eq!(fixture.names(), ["train@0.1.0"]);
    // As long as before, so that it has to be read to see that it differs.
    let same_length = fixture.file("three/train.jsonl", 9);
    assert_eq!(
        std::fs::metadata(&same_length).unwrap().len(),
        std::fs::metadata(&first).unwrap().len()
    );
    fixture.refused(&["registry", "index", &same_length]);
    // A copy is no other data.
    let copy = fixture.file("four/train.jsonl", 1);
    assert_eq!(fixture.index(&copy, &[])["unchanged"], true);
    // The first path goes on, and who says the name joins his path to it.
    std::fs::write(&first, lines(6, 3)).unwrap();
    assert_eq!(fixture.index(&first, &[])["version"], "0.1.1");
    assert_eq!(
        fixture.index(&second, &["--name", "train"])["version"],
        "0.1.2"
    );
    std::fs::write(&second, lines(7, 4)).unwrap();
    assert_eq!(fixture.index(&second, &[])["version"], "0.1.3");
    std::fs::write(&first, lines(8, 5)).unwrap();
    assert_eq!(fixture.index(&first, &[])["version"], "0.1.4");
    let other = fixture.index(&same_length, &["--name", "three-train"]);
    assert_eq!(
        (&other["name"], &other["version"]),
        (&json!("three-train"), &json!("0.1.0"))
    );
    // A name that is free again is anybody's.
    for patch in 0..5 {
        let version = format!("train@0.1.{patch}");
        answer(&fixture.home(), &["registry", "unindex", &version]);
    }
    assert_eq!(fixture.index(&same_length, &[])["name"], "train");
}
