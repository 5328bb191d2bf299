//! Keys, signing and trust from the command line, with the keys in `keys-example`.

use std::ops::Deref;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::stderr;

/// A directory with a home, a file to index, and a copy of an example key that only we may read.
struct KeyLab(Lab);

impl KeyLab {
    fn new() -> Self {
        let lab = Lab::new();
        lab.file("f.jsonl", &lines(400, 1));
        for name in ["publisher.key", "untrusted.key"] {
            private_copy(&example(name), &lab.at(name));
        }
        std::fs::create_dir(lab.home()).unwrap();
        std::fs::copy(example("trust.toml"), lab.home().join("trust.toml")).unwrap();
        Self(lab)
    }

    /// Runs with the example passphrase.
    fn keyed(&self, words: &[&str]) -> Output {
        let passphrase = example("passphrase");
        let mut command = program(&self.home());
        command
            .arg("--json")
            .arg("--passphrase-file")
            .arg(passphrase);
        command.args(words).output().unwrap()
    }

    fn done(&self, words: &[&str]) -> Value {
        let out = self.keyed(words);
        assert!(out.status.success(), "{words:?}: {}", stderr(&out));
        serde_json::from_slice(&out.stdout).unwrap()
    }
}

impl Deref for KeyLab {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.0
    }
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("keys-example")
        .join(name)
}

fn private_copy(from: &Path, to: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::copy(from, to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn signed_dataset_is_changed_only_by_its_publisher() {
    let lab = KeyLab::new();
    let (file, key, other) = (
        lab.text("f.jsonl"),
        lab.text("publisher.key"),
        lab.text("untrusted.key"),
    );
    let indexed = answer(&lab.home(), &["registry", "index", &file, "--tag", "raw"]);
    let local = answer(&lab.home(), &["registry", "verify", "f"]);
    assert_eq!(
        (&local["signature"], &local["trust"]),
        (&json!("none"), &json!("local"))
    );
    let unsigned = run(
        &lab.home(),
        &["registry", "verify", "f", "--require-signature"],
    );
    assert_eq!(unsigned.status.code(), Some(5));

    let signed = lab.done(&["registry", "sign", "f", "--key", &key]);
    assert_eq!(signed["content_id"], indexed["content_id"]);
    assert_eq!(signed["publisher"], "example-publisher");
    let again = lab.done(&["registry", "sign", "f", "--key", &key]);
    assert_eq!(signed, again);
    let verified = answer(
        &lab.home(),
        &["registry", "verify", "f", "--require-signature"],
    );
    assert_eq!(
        (&verified["signature"], &verified["trust"]),
        (&json!("valid"), &json!("full"))
    );
    let info = answer(&lab.home(), &["registry", "info", "example-publisher/f"]);
    assert_eq!(info["signer"], signed["publisher_key"]);
    assert_eq!(
        (&info["seq"], info["prev"].as_array().unwrap().len()),
        (&json!(2), 1)
    );
    // The unsigned one is retired, also in an index made from the packs.
    std::fs::remove_file(lab.home().join("registry.redb")).unwrap();
    let list = answer(&lab.home(), &["registry", "list"]);
    assert_eq!(list["datasets"].as_array().unwrap().len(), 1);
    assert_eq!(list["datasets"][0]["trust"], "full");

    // Its words change with its key alone.
    for words in [
        &["registry", "tag", "f", "--add", "x"][..],
        &["registry", "rename", "f", "g", "--key", &other],
        &[
            "registry", "withdraw", "f", "--reason", "r", "--key", &other,
        ],
    ] {
        let refused = lab.keyed(words);
        assert_eq!(
            refused.status.code(),
            Some(5),
            "{words:?}: {}",
            stderr(&refused)
        );
    }
    let tagged = lab.done(&["registry", "tag", "f", "--add", "x", "--key", &key]);
    assert_eq!(tagged["tags"], json!(["raw", "x"]));
    answer(
        &lab.home(),
        &["registry", "verify", "f", "--require-signature"],
    );

    // A publisher beside the first, whom nobody here knows: his own line, and marked.
    let beside = lab.done(&["registry", "sign", "f", "--key", &other]);
    assert_eq!(beside["trust"], "unknown");
    let list = answer(&lab.home(), &["registry", "list"]);
    let trusts: Vec<&str> = list["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["trust"].as_str().unwrap())
        .collect();
    assert!(
        trusts.contains(&"full") && trusts.contains(&"unknown"),
        "{trusts:?}"
    );
    let found = answer(
        &lab.home(),
        &["registry", "search", "publisher:example-publisher"],
    );
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
}

#[test]
fn index_signs_versions_of_one_series() {
    let lab = KeyLab::new();
    let (file, key) = (lab.text("f.jsonl"), lab.text("publisher.key"));
    answer(&lab.home(), &["registry", "index", &file]);
    let sign = ["registry", "index", &file, "--sign", "--key", &key];
    let unchanged = lab.done(&sign);
    assert_eq!(unchanged["unchanged"], true);
    let first = answer(&lab.home(), &["registry", "info", "f"]);
    assert_eq!(first["trust"], "full");
    std::fs::write(&file, lines(500, 2)).unwrap();
    assert_eq!(lab.done(&sign)["version"], "0.1.1");
    let second = answer(&lab.home(), &["registry", "info", "f"]);
    assert_eq!(
        (&second["line"], &second["trust"]),
        (&first["line"], &json!("full"))
    );
    // Between signed versions, one that is not.
    std::fs::write(&file, lines(600, 3)).unwrap();
    answer(&lab.home(), &["registry", "index", &file]);
    let third = answer(&lab.home(), &["registry", "info", "f"]);
    assert_eq!(
        (&third["version"], &third["trust"]),
        (&json!("0.1.2"), &json!("local"))
    );
    assert_eq!(third["line"], first["line"]);
    let other = lab.text("other.jsonl");
    std::fs::write(&other, lines(10, 4)).unwrap();
    let taken = lab.keyed(&[
        "registry",
        "index",
        &other,
        "--name",
        "f",
        "--version",
        "0.1.2",
        "--sign",
        "--key",
        &key,
    ]);
    assert_eq!(taken.status.code(), Some(1), "{}", stderr(&taken));
}

#[test]
fn withdrawal_hides_and_warns_and_revocation_stops() {
    let lab = KeyLab::new();
    let (file, key) = (lab.text("f.jsonl"), lab.text("publisher.key"));
    lab.done(&["registry", "index", &file, "--sign", "--key", &key]);
    std::fs::write(&file, lines(500, 2)).unwrap();
    lab.done(&["registry", "index", &file, "--sign", "--key", &key]);
    let gone = lab.done(&[
        "registry", "withdraw", "f@0.1.1", "--reason", "leaked", "--key", &key,
    ]);
    assert_eq!(gone["withdrawn"], true);
    let resolved = answer(&lab.home(), &["registry", "resolve", "f"]);
    assert_eq!(
        resolved["version"], "0.1.0",
        "the name finds what is not withdrawn"
    );
    let listed = |all: &[&str]| {
        let words = [&["registry", "list"], all].concat();
        answer(&lab.home(), &words)["datasets"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((listed(&[]), listed(&["--all"])), (1, 2));
    let warned = program(&lab.home())
        .args(["registry", "verify", "f@0.1.1"])
        .output()
        .unwrap();
    assert!(
        warned.status.success() && stderr(&warned).contains("withdrawn by its publisher: leaked")
    );
    // Statements are in the packs.
    std::fs::remove_file(lab.home().join("registry.redb")).unwrap();
    assert_eq!((listed(&[]), listed(&["--all"])), (1, 2));
    answer(&lab.home(), &["registry", "gc", "--keep-days", "0"]);
    assert_eq!(listed(&[]), 1);
    let purge = [
        "registry",
        "withdraw",
        "f@0.1.0",
        "--reason",
        "all of it",
        "--purge",
        "--key",
        &key,
    ];
    let unasked = lab.keyed(&purge);
    assert_eq!(unasked.status.code(), Some(2), "{}", stderr(&unasked));
    assert!(
        stderr(&unasked).contains("`f@0.1.0`"),
        "{}",
        stderr(&unasked)
    );
    assert_eq!((listed(&[]), listed(&["--all"])), (1, 2));
    let purged = lab.done(&[&purge[..], &["--yes"]].concat());
    assert!(purged["freed_bytes"].as_u64().unwrap() > 0);
    assert_eq!((listed(&[]), listed(&["--all"])), (0, 1));

    let revoke = [
        "registry",
        "trust",
        "revoke",
        "example-publisher",
        "--reason",
        "lost",
        "--key",
        &key,
    ];
    assert_eq!(lab.done(&revoke)["level"], "revoked");
    let refused = lab.keyed(&[
        "registry", "index", &file, "--name", "later", "--sign", "--key", &key,
    ]);
    assert_eq!(refused.status.code(), Some(5), "{}", stderr(&refused));
    let held = answer(&lab.home(), &["registry", "verify", "f@0.1.1"]);
    assert_eq!(held["trust"], "revoked");
    let required = run(
        &lab.home(),
        &["registry", "verify", "f@0.1.1", "--require-signature"],
    );
    assert_eq!(required.status.code(), Some(5));
    // Taking the person's word back does not take the publisher's back.
    answer(
        &lab.home(),
        &["registry", "trust", "remove", "example-publisher"],
    );
    assert_eq!(
        answer(&lab.home(), &["registry", "verify", "f@0.1.1"])["trust"],
        "revoked"
    );
}

#[test]
fn keygen_makes_a_guarded_key_once() {
    let lab = KeyLab::new();
    let made = lab.done(&["registry", "keygen", "--name", "lab-k"]);
    let path = PathBuf::from(made["path"].as_str().unwrap());
    assert_eq!(path, lab.home().join("key.enc"));
    assert_eq!(mode(&path), 0o600);
    assert_eq!(made["words"].as_str().unwrap().split(' ').count(), 8);
    let shown = answer(&lab.home(), &["registry", "trust", "show", "lab-k"]);
    assert_eq!(
        (&shown["level"], &shown["public_key"]),
        (&json!("full"), &made["public_key"])
    );
    let held = std::fs::read(&path).unwrap();
    let twice = lab.keyed(&["registry", "keygen"]);
    assert_eq!(twice.status.code(), Some(1), "{}", stderr(&twice));
    assert_eq!(std::fs::read(&path).unwrap(), held);

    answer(&lab.home(), &["registry", "index", &lab.text("f.jsonl")]);
    let sign = |passphrase: &str| {
        let mut command = program(&lab.home());
        command.env("ALIMENTAR_PASSPHRASE", passphrase);
        command
            .args(["--json", "registry", "sign", "f"])
            .output()
            .unwrap()
    };
    let wrong = sign("not this one");
    assert_eq!(wrong.status.code(), Some(5), "{}", stderr(&wrong));
    assert!(!stderr(&wrong).contains("not this one"));
    let nobody = program(&lab.home())
        .args(["registry", "sign", "f"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(nobody.status.code(), Some(2));
    assert!(stderr(&nobody).contains("--passphrase-file"));

    // Another passphrase; the old one no longer opens it.
    std::fs::write(lab.at("new"), "another one\n").unwrap();
    lab.done(&[
        "registry",
        "passwd",
        "--new-passphrase-file",
        &lab.text("new"),
    ]);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(sign("published: never use this one").status.code(), Some(5));
    assert!(sign("another one").status.success());

    // Damaged, and readable by others.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let damaged = sign("another one");
    assert_eq!(damaged.status.code(), Some(4), "{}", stderr(&damaged));
    let chmod = Command::new("chmod")
        .arg("644")
        .arg(&path)
        .status()
        .unwrap();
    assert!(chmod.success());
    let open = sign("another one");
    assert_eq!(open.status.code(), Some(5));
    assert!(
        stderr(&open).contains("read by others"),
        "{}",
        stderr(&open)
    );
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn trust_adds_limits_rotates_and_removes_publishers() {
    let lab = KeyLab::new();
    let (file, key) = (lab.text("f.jsonl"), lab.text("publisher.key"));
    lab.done(&["registry", "index", &file, "--sign", "--key", &key]);
    let known = answer(&lab.home(), &["registry", "trust", "list"]);
    let old = known["publishers"][0]["public_key"]
        .as_str()
        .unwrap()
        .to_owned();
    let trust = |words: &[&str]| run(&lab.home(), &[&["registry", "trust"], words].concat());
    for (words, code) in [
        (&["add", "x", "zz"][..], 2),
        (&["add", "x", &"0".repeat(64)], 2),
        (&["add", "x", &old], 2),
        (&["add", "x", &old, "--level", "much"], 2),
        (&["remove", "nobody"], 3),
        (&["show", "nobody"], 3),
    ] {
        let out = trust(words);
        assert_eq!(out.status.code(), Some(code), "{words:?}: {}", stderr(&out));
    }
    let level = |expected: &str| {
        let verified = answer(&lab.home(), &["registry", "verify", "f"]);
        assert_eq!(verified["trust"], expected);
    };
    let p = "example-publisher";
    assert!(trust(&["add", p, &old, "--only", "g*"]).status.success());
    level("unknown");
    assert!(
        trust(&["add", p, &old, "--until", "2001-01-01"])
            .status
            .success()
    );
    level("unknown");
    assert!(
        trust(&["add", p, &old, "--level", "prompt"])
            .status
            .success()
    );
    level("prompt");
    let similar = program(&lab.home())
        .args(["registry", "trust", "add", "examp1e_publisher"])
        .arg("2557b331f4b4bf7c5ba92d382a3b668c9e2245c9f4e4efe6fae761488c829c70")
        .output()
        .unwrap();
    assert!(
        stderr(&similar).contains("reads like `example-publisher`"),
        "{}",
        stderr(&similar)
    );
    answer(
        &lab.home(),
        &["registry", "trust", "remove", "examp1e_publisher"],
    );

    let new = "2557b331f4b4bf7c5ba92d382a3b668c9e2245c9f4e4efe6fae761488c829c70";
    assert!(trust(&["add", p, &old]).status.success());
    let rotated = lab.done(&[
        "registry",
        "trust",
        "rotate",
        p,
        new,
        "--key",
        &key,
        "--new-key-file",
        &lab.text("untrusted.key"),
    ]);
    assert_eq!(
        (&rotated["public_key"], &rotated["previous"]),
        (&json!(new), &json!([old]))
    );
    level("full");
    let text = std::fs::read_to_string(lab.home().join("trust.toml")).unwrap();
    assert!(text.starts_with("# Who is trusted here"), "{text}");
    answer(&lab.home(), &["registry", "trust", "remove", p]);
    level("unknown");
    std::fs::write(lab.home().join("trust.toml"), "[publisher.x]\nlevl = 1\n").unwrap();
    let broken = run(&lab.home(), &["registry", "list"]);
    assert_eq!(broken.status.code(), Some(2));
    assert!(stderr(&broken).contains("levl"), "{}", stderr(&broken));
}
