//! The metadata of a dataset: inheritance by the next version, revision, setting and checks.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::program;
use crate::support::run;

/// A home and a file in it that changes.
struct Fixture {
    lab: Lab,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { lab: Lab::new() };
        fixture.write("corpus.jsonl", &lines(20, 1));
        fixture
    }

    fn at(&self, name: &str) -> String {
        self.lab.text(name)
    }

    fn home(&self) -> std::path::PathBuf {
        self.lab.home()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        self.lab.file(name, bytes);
    }

    /// Gives the file other rows, a new version's.
    fn change(&self, seed: u64) {
        self.write("corpus.jsonl", &lines(20, seed));
    }

    fn index(&self, more: &[&str]) -> Value {
        answer(&self.home(), &self.index_words(more))
    }

    fn index_words<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let path: &'static str = Box::leak(self.at("corpus.jsonl").into_boxed_str());
        [&["registry", "index", path], more].concat()
    }

    fn done(&self, words: &[&str]) -> Value {
        answer(&self.home(), words)
    }

    fn info(&self, reference: &str) -> Value {
        self.done(&["registry", "info", reference])
    }

    fn refused(&self, words: &[&str]) -> Value {
        let out = run(&self.home(), words);
        assert_eq!(out.status.code(), Some(2), "{words:?}: {out:?}");
        error_of(&out)
    }
}

fn keyed(home: &Path, words: &[&str]) -> Output {
    let mut command = program(home);
    command.arg("--json").env("ALIMENTAR_PASSPHRASE", "pass");
    command.args(words).output().unwrap()
}

fn words_of(info: &Value) -> [&Value; 3] {
    [&info["license"], &info["description"], &info["tags"]]
}

#[test]
fn new_version_inherits_metadata_that_is_not_given() {
    let fixture = Fixture::new();
    fixture.write("card.md", b"---\nlanguage: de\n---\n# Spoken\n");
    let card = fixture.at("card.md");
    let said = [
        "--license",
        "MIT",
        "--description",
        "Spoken",
        "--tag",
        "a",
        "--tag",
        "b",
    ];
    let first = fixture.index(&[&said[..], &["--card", &card, "--private"]].concat());
    assert_eq!(first["inherited"], Value::Null);
    fixture.change(2);
    let second = fixture.index(&[]);
    assert_eq!(second["version"], "0.1.1");
    assert_eq!(second["inherited"]["version"], "0.1.0");
    let fields = json!(["license", "description", "tags", "card", "private"]);
    assert_eq!(second["inherited"]["fields"], fields);
    let info = fixture.info("corpus");
    let wanted = [&json!("MIT"), &json!("Spoken"), &json!(["a", "b"])];
    assert_eq!(words_of(&info), wanted);
    assert_eq!(
        (&info["version"], &info["private"]),
        (&json!("0.1.1"), &json!(true))
    );
    let card = fixture.done(&["registry", "card", "corpus"]);
    assert_eq!(card["frontmatter"]["language"], "de");
    // Given fields count; an empty text removes the field.
    fixture.change(3);
    fixture.index(&["--license", "CC0-1.0", "--tag", "c", "--description", ""]);
    let info = fixture.info("corpus");
    assert_eq!(
        words_of(&info),
        [&json!("CC0-1.0"), &Value::Null, &json!(["c"])]
    );
    // The program says on the terminal what it took over.
    fixture.change(4);
    let out = program(&fixture.home())
        .args(fixture.index_words(&[]))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        text.contains("as in 0.1.2: licence, tags, card, private"),
        "{text}"
    );
}

#[test]
fn card_that_is_given_replaces_the_words_of_the_old_card() {
    let fixture = Fixture::new();
    std::fs::create_dir(fixture.lab.at("data")).unwrap();
    fixture.write("data/rows.jsonl", &lines(5, 1));
    fixture.write(
        "data/README.md",
        b"---\nlicense: other\ntags: [old]\n---\nx",
    );
    let path = fixture.at("data");
    fixture.done(&["registry", "index", &path, "--tag", "mine"]);
    fixture.write("data/rows.jsonl", &lines(5, 2));
    fixture.done(&["registry", "index", &path]);
    let info = fixture.info("data");
    assert_eq!(
        words_of(&info),
        [&json!("other"), &Value::Null, &json!(["mine", "old"])]
    );
    fixture.write("data/README.md", b"---\ntags: [new, '@prod=7']\n---\nx");
    fixture.done(&["registry", "index", &path]);
    let info = fixture.info("data");
    assert_eq!(
        words_of(&info),
        [&Value::Null, &Value::Null, &json!(["mine", "new"])]
    );
    assert_eq!(info["aliases"], json!([]), "a card is data");
}

#[test]
fn metadata_given_with_unchanged_content_revises_it() {
    let fixture = Fixture::new();
    let first = fixture.index(&[]);
    assert_eq!(
        (&first["unchanged"], &first["revised"]),
        (&json!(false), &json!(false))
    );
    fixture.write("card.md", b"# Spoken\n");
    let card = fixture.at("card.md");
    let said = [
        "--license",
        "MIT",
        "--description",
        "D",
        "--tag",
        "x",
        "--card",
        &card,
    ];
    let again = fixture.index(&said);
    assert_eq!(
        (&again["unchanged"], &again["revised"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(again["version"], "0.1.0");
    let info = fixture.info("corpus");
    assert_eq!(words_of(&info), [&json!("MIT"), &json!("D"), &json!(["x"])]);
    assert_eq!(info["seq"], 2);
    assert_eq!(
        fixture.done(&["registry", "card", "corpus"])["markdown"],
        "# Spoken\n"
    );
    // Saying the same again changes nothing; a tag is added, and none is taken away.
    let same = fixture.index(&said);
    assert_eq!(
        (&same["unchanged"], &same["revised"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(fixture.info("corpus")["clock"], info["clock"]);
    let mut command = program(&fixture.home());
    let out = command
        .args(fixture.index_words(&["--tag", "y", "--private"]))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.starts_with("Revised corpus@0.1.0"), "{text}");
    assert!(text.contains("revised: tags, private"), "{text}");
    let info = fixture.info("corpus");
    assert_eq!(
        (&info["tags"], &info["private"]),
        (&json!(["x", "y"]), &json!(true))
    );
    // The same from a source that is read again: another file with the content.
    fixture.write("copy.jsonl", &lines(20, 1));
    let copy = fixture.at("copy.jsonl");
    let copied = fixture.done(&[
        "registry",
        "index",
        &copy,
        "--name",
        "corpus",
        "--license",
        "CC0-1.0",
    ]);
    assert_eq!(
        (&copied["unchanged"], &copied["revised"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(fixture.info("corpus")["license"], "CC0-1.0");
}

#[test]
fn set_changes_only_the_given_metadata() {
    let fixture = Fixture::new();
    fixture.index(&["--tag", "raw"]);
    fixture.write(
        "card.md",
        b"---\nlicense: mit\ntags: [spoken]\n---\n# Card\n",
    );
    let set = fixture.done(&[
        "registry",
        "set",
        "corpus",
        "--license",
        "cc-by-4.0",
        "--description",
        "D",
        "--add-tag",
        "de",
        "--remove-tag",
        "raw",
        "--card",
        &fixture.at("card.md"),
    ]);
    assert_eq!(set["content_id"], fixture.info("corpus")["content_id"]);
    assert_eq!(
        set["clock"].as_object().unwrap().values().next().unwrap(),
        2
    );
    let wanted = [&json!("CC-BY-4.0"), &json!("D"), &json!(["de", "spoken"])];
    assert_eq!(words_of(&fixture.info("corpus")), wanted);
    assert_eq!(words_of(&set), wanted);
    let set = fixture.done(&[
        "registry",
        "set",
        "corpus@0.1.0",
        "--license",
        "",
        "--description",
        "",
    ]);
    assert_eq!(
        words_of(&set),
        [&Value::Null, &Value::Null, &json!(["de", "spoken"])]
    );
    // Nothing to set, and what may not be set.
    fixture.refused(&["registry", "set", "corpus"]);
    for tag in ["@prod", "@prod=1", "", "a\nb"] {
        fixture.refused(&["registry", "set", "corpus", "--add-tag", tag]);
        fixture.refused(&["registry", "tag", "corpus", "--add", tag]);
        fixture.refused(&fixture.index_words(&["--tag", tag]));
    }
    assert_eq!(fixture.info("corpus")["seq"], 3);
    let missing = run(
        &fixture.home(),
        &["registry", "set", "nothing", "--license", "MIT"],
    );
    assert_eq!(missing.status.code(), Some(3));
}

#[test]
fn licence_that_is_not_spdx_is_refused() {
    let fixture = Fixture::new();
    for (given, meant) in [
        ("MIT License", "`MIT`"),
        ("Apache 2.0", "`Apache-2.0`"),
        ("CC BY 4.0", "`CC-BY-4.0`"),
        ("ours", "LicenseRef-"),
    ] {
        let error = fixture.refused(&fixture.index_words(&["--license", given]));
        assert!(
            error["message"].as_str().unwrap().contains(given),
            "{error}"
        );
        assert!(error["hint"].as_str().unwrap().contains(meant), "{error}");
    }
    assert_eq!(fixture.done(&["registry", "list"])["datasets"], json!([]));
    fixture.index(&["--license", "mit or LicenseRef-Ours"]);
    assert_eq!(fixture.info("corpus")["license"], "MIT OR LicenseRef-Ours");
    fixture.refused(&["registry", "set", "corpus", "--license", "ours"]);
    // The licence of a card is taken as it is, and a present one is never refused.
    fixture.write("card.md", b"---\nlicense: other\n---\nx");
    let card = fixture.at("card.md");
    fixture.done(&["registry", "set", "corpus", "--license", ""]);
    fixture.done(&["registry", "set", "corpus", "--card", &card]);
    assert_eq!(fixture.info("corpus")["license"], "other");
    fixture.done(&["registry", "tag", "corpus", "--add", "t"]);
    fixture.change(2);
    fixture.index(&[]);
    assert_eq!(fixture.info("corpus")["license"], "other");
    let words = ["registry", "card", "corpus", "--croissant"];
    let croissant = run(&fixture.home(), &words);
    let croissant: Value = serde_json::from_slice(&croissant.stdout).unwrap();
    assert_eq!(
        (&croissant["license"], &croissant["keywords"]),
        (&json!("other"), &json!(["t"]))
    );
}

#[test]
fn revision_of_a_signed_dataset_is_signed() {
    let fixture = Fixture::new();
    let home = fixture.home();
    assert!(keyed(&home, &["registry", "keygen"]).status.success());
    assert!(
        keyed(&home, &fixture.index_words(&["--sign"]))
            .status
            .success()
    );
    // Without the passphrase nothing is said, and nothing changes.
    let without = run(&home, &fixture.index_words(&["--license", "MIT"]));
    assert_eq!(without.status.code(), Some(2), "{without:?}");
    assert_eq!(fixture.info("corpus")["license"], Value::Null);
    // An index that says nothing new needs none.
    assert_eq!(fixture.index(&[])["unchanged"], true);
    for words in [
        fixture.index_words(&["--license", "MIT"]),
        vec!["registry", "set", "corpus", "--add-tag", "x"],
        vec!["registry", "alias", "corpus@prod", "0.1"],
    ] {
        let out = keyed(&home, &words);
        assert!(out.status.success(), "{words:?}: {out:?}");
    }
    let info = fixture.info("corpus");
    assert_eq!((&info["license"], &info["seq"]), (&json!("MIT"), &json!(4)));
    assert_eq!(info["aliases"], json!(["prod"]));
    let verified = fixture.done(&["registry", "verify", "corpus@prod", "--require-signature"]);
    assert_eq!(verified["signature"], "valid");
    // The next version keeps the words, and the alias stays where it was.
    fixture.change(2);
    assert!(
        keyed(&home, &fixture.index_words(&["--sign"]))
            .status
            .success()
    );
    let info = fixture.info("corpus");
    assert_eq!(
        words_of(&info),
        [&json!("MIT"), &Value::Null, &json!(["x"])]
    );
    assert_eq!(info["aliases"], json!([]));
}
