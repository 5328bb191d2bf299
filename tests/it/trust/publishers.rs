//! Publishers as people name them: spellings of keys, aliases, keys that are revoked, and what was
//! accepted by hand.

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lab::Scratch;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::serving::Serving;
use crate::support::terminal::at_terminal;

const KEY: &str = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
const DID: &str = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";

impl Scratch {
    /// Indexes and signs a dataset in a home that has a key from then on. The key.
    fn publish(&self, home: &str, name: &str) -> String {
        let made = self.done(home, &["registry", "keygen"]);
        let file = self.text(&format!("{name}.jsonl"));
        std::fs::write(&file, lines(40, 9)).unwrap();
        self.done(home, &["registry", "index", &file, "--sign"]);
        made["public_key"].as_str().unwrap().to_owned()
    }
}

fn message(out: &Output) -> String {
    error_of(out)["message"].as_str().unwrap().to_owned()
}

#[test]
fn publisher_key_in_another_spelling_is_the_same() {
    let lab = Scratch::new();
    let home = lab.at("a");
    let upper = KEY.to_uppercase();
    let prefixed = format!("  ed25519:0x{upper} ");
    for text in [KEY, upper.as_str(), prefixed.as_str(), DID] {
        let added = answer(&home, &["registry", "trust", "add", "lab", text]);
        assert_eq!(added["public_key"], KEY, "{text}");
        // Under another name it is known already.
        let twice = run(&home, &["registry", "trust", "add", "other", text]);
        assert_eq!(twice.status.code(), Some(2), "{text}: {twice:?}");
        assert!(message(&twice).contains("already, as `lab`"), "{twice:?}");
    }
    // In the file too.
    let by_hand = format!("[publisher.a]\nkey = \"{KEY}\"\n[publisher.b]\nkey = \"{DID}\"\n");
    std::fs::write(home.join("trust.toml"), by_hand).unwrap();
    let refused = run(&home, &["registry", "trust", "list"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(message(&refused).contains("twice"), "{refused:?}");
}

#[test]
fn publisher_alias_takes_blanks_and_no_invisible_characters() {
    let lab = Scratch::new();
    let key = lab.publish("a", "f");
    let home = lab.at("b");
    let add = |name: &str| run(&home, &["registry", "trust", "add", name, &key]);
    for bad in [
        "",
        "  ",
        "a\tb",
        "a\nb",
        "a\u{202e}b",
        "a\u{200b}b",
        "a/b",
        "a@b",
        "-a",
        &key,
    ] {
        let refused = add(bad);
        assert_eq!(refused.status.code(), Some(2), "{bad:?}: {refused:?}");
    }
    let added = answer(
        &home,
        &["registry", "trust", "add", "  Labor  M\u{fc}nchen ", &key],
    );
    assert_eq!(added["name"], "Labor M\u{fc}nchen");
    // The same name typed in parts is the same name.
    let shown = answer(
        &home,
        &["registry", "trust", "show", "Labor Mu\u{308}nchen"],
    );
    assert_eq!(shown["public_key"], key);
    let archive = lab.text("f.alimentar");
    lab.done("a", &["registry", "export", "f", "-o", &archive]);
    let imported = answer(&home, &["registry", "import", &archive, "--no-receipt"]);
    assert_eq!(imported["imported"][0]["publisher"], "Labor M\u{fc}nchen");
    let found = answer(&home, &["registry", "resolve", "Labor M\u{fc}nchen/f"]);
    assert_eq!(found["name"], "f");
    answer(
        &home,
        &["registry", "trust", "remove", "Labor M\u{fc}nchen"],
    );
    let list = answer(&home, &["registry", "trust", "list"]);
    assert_eq!(list["publishers"], json!([]));
}

#[test]
fn revoked_key_is_trusted_again_only_by_a_person() {
    let lab = Scratch::new();
    let home = lab.at("a");
    answer(&home, &["registry", "trust", "add", "lab", KEY]);
    let revoke = [
        "registry",
        "trust",
        "revoke",
        "lab",
        "--reason",
        "laptop stolen",
    ];
    answer(&home, &revoke);
    let add = ["registry", "trust", "add", "lab", DID];
    for more in [&[][..], &["--yes"], &["--level", "prompt"]] {
        let refused = run(&home, &[&add[..], more].concat());
        assert_eq!(refused.status.code(), Some(5), "{more:?}: {refused:?}");
        let message = message(&refused);
        assert!(message.contains("laptop stolen"), "{message}");
        assert!(message.contains("--accept-publisher"), "{message}");
    }
    let (said, code) = at_terminal(&home, &add, "n\n");
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("laptop stolen") && said.contains("[y/N]"),
        "{said}"
    );
    let shown = answer(&home, &["registry", "trust", "show", "lab"]);
    assert_eq!(shown["level"], "revoked");
    let (said, code) = at_terminal(&home, &add, "y\n");
    assert_eq!(code, Some(0), "{said}");
    let shown = answer(&home, &["registry", "trust", "show", "lab"]);
    assert_eq!(
        (&shown["level"], &shown["reason"]),
        (&json!("full"), &json!(null))
    );
    answer(&home, &revoke);
    let added = answer(&home, &[&add[..], &["--accept-publisher", KEY]].concat());
    assert_eq!(added["level"], "full");
}

#[test]
fn revoked_key_is_refused_with_the_reason() {
    let lab = Scratch::new();
    let key = lab.publish("a", "f");
    let (first, second) = (lab.text("1.alimentar"), lab.text("2.alimentar"));
    lab.done("a", &["registry", "export", "f", "-o", &first]);
    lab.done("b", &["registry", "import", &first, "--no-receipt"]);
    // Made with the key after it was lost.
    let thief = lab.at("thief");
    std::fs::create_dir(&thief).unwrap();
    std::fs::copy(lab.at("a/key.enc"), thief.join("key.enc")).unwrap();
    let file = lab.text("g.jsonl");
    std::fs::write(&file, lines(40, 3)).unwrap();
    lab.done("thief", &["registry", "index", &file, "--sign"]);
    lab.done("thief", &["registry", "export", "g", "-o", &second]);
    lab.done(
        "a",
        &[
            "registry",
            "trust",
            "revoke",
            "me",
            "--reason",
            "laptop stolen",
        ],
    );
    lab.done("a", &["registry", "export", "f", "-o", &first, "--yes"]);
    lab.done("b", &["registry", "import", &first, "--no-receipt"]);

    let refused_with_reason = |home: &str, words: &[&str]| {
        let out = lab.keyed(home, words);
        assert_eq!(out.status.code(), Some(5), "{words:?}: {out:?}");
        let said = message(&out);
        assert!(said.contains("laptop stolen"), "{words:?}: {said}");
    };
    refused_with_reason("a", &["registry", "index", &file, "--sign"]);
    refused_with_reason("b", &["registry", "import", &second]);
    refused_with_reason("b", &["registry", "verify", "f", "--require-signature"]);
    refused_with_reason("b", &["registry", "trust", "add", "lab", &key]);
    let warned = program(&lab.at("b"))
        .args(["registry", "verify", "f"])
        .output();
    let warned = String::from_utf8_lossy(&warned.unwrap().stderr).into_owned();
    assert!(warned.contains("laptop stolen"), "{warned}");
    let accepted = [
        "registry",
        "trust",
        "add",
        "lab",
        &key,
        "--accept-publisher",
        &key,
    ];
    let added = lab.done("b", &accepted);
    assert_eq!(
        (&added["level"], &added["reason"]),
        (&json!("revoked"), &json!("laptop stolen"))
    );
    let node = Serving::start(&thief, &[]);
    let pull = [
        "registry",
        "pull",
        "g",
        "--peer",
        &node.addr(),
        "--accept-publisher",
        &key,
    ];
    refused_with_reason("b", &pull);
}

#[test]
fn publisher_accepted_by_hand_is_listed_and_marked() {
    let lab = Scratch::new();
    let key = lab.publish("a", "f");
    let draft = lab.text("draft.jsonl");
    std::fs::write(&draft, lines(30, 4)).unwrap();
    lab.done("a", &["registry", "index", &draft]);
    lab.done("a", &["registry", "share", "draft"]);
    let node = Serving::start(&lab.at("a"), &[]);
    let home = lab.at("b");
    let pull = |name: &str, more: &[&str]| {
        let words = ["registry", "pull", name, "--peer", &node.addr()];
        answer(&home, &[&words[..], more].concat())
    };
    pull("f", &["--accept-publisher", &key]);
    let listed = |home: &PathBuf| -> Vec<(Value, Value, Value)> {
        let list = answer(home, &["registry", "list"]);
        let datasets = list["datasets"].as_array().unwrap().iter();
        datasets
            .map(|d| (d["name"].clone(), d["trust"].clone(), d["accepted"].clone()))
            .collect()
    };
    assert_eq!(listed(&home), [(json!("f"), json!("unknown"), json!(true))]);
    let text = program(&home).args(["registry", "list"]).output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("accepted by hand"), "{text}");
    pull("draft", &["--accept-unsigned"]);
    assert_eq!(listed(&home).len(), 2);

    let trusted = answer(&home, &["registry", "trust", "list"]);
    let only = &trusted["publishers"][0];
    assert_eq!(
        (&only["name"], &only["public_key"], &only["level"]),
        (&json!(null), &json!(key), &json!("unknown"))
    );
    assert_eq!(only["accepted"]["dataset"], "f@0.1.0");
    let text = program(&home).args(["registry", "trust", "list"]).output();
    let text = String::from_utf8_lossy(&text.unwrap().stdout).into_owned();
    assert!(text.contains("accepted by hand: f@0.1.0"), "{text}");
    // A name for it keeps the mark; without the mark it is a stranger again.
    answer(
        &home,
        &[
            "registry", "trust", "add", "lab-a", &key, "--level", "prompt",
        ],
    );
    let named = answer(&home, &["registry", "trust", "list"]);
    assert_eq!(named["publishers"].as_array().unwrap().len(), 1);
    assert_eq!(named["publishers"][0]["accepted"]["dataset"], "f@0.1.0");
    answer(&home, &["registry", "trust", "remove", "lab-a"]);
    answer(&home, &["registry", "trust", "remove", &key]);
    let gone = answer(&home, &["registry", "trust", "list"]);
    assert_eq!(gone["publishers"], json!([]));
    assert_eq!(listed(&home).len(), 1);
}
