//! The versions that references mean: partial versions, ranges and aliases, here and at peers.

use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::error_of;
use crate::support::labs::Labs;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::serving::Serving;

/// A home with versions of `corpus`.
struct BlobSink {
    dir: tempfile::TempDir,
}

impl BlobSink {
    fn with(versions: &[&str]) -> Self {
        let shelf = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for version in versions {
            shelf.index(version, &[]);
        }
        shelf
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn index(&self, version: &str, more: &[&str]) {
        let path = self.dir.path().join("corpus.jsonl");
        std::fs::write(
            &path,
            lines(5, blake3::hash(version.as_bytes()).as_bytes()[0].into()),
        )
        .unwrap();
        let path = path.to_str().unwrap();
        let words = ["registry", "index", path, "--version", version];
        self.done(&[&words[..], more].concat());
    }

    fn done(&self, words: &[&str]) -> Value {
        let mut command = program(&self.home());
        command.arg("--json").env("ALIMENTAR_PASSPHRASE", "pass");
        let out = command.args(words).output().unwrap();
        assert!(out.status.success(), "{words:?}: {out:?}");
        serde_json::from_slice(&out.stdout).unwrap()
    }

    fn version(&self, reference: &str) -> Value {
        self.done(&["registry", "resolve", reference])["version"].clone()
    }

    fn code(&self, words: &[&str]) -> Option<i32> {
        run(&self.home(), words).status.code()
    }

    /// The aliases of `corpus`, each with its version.
    fn aliases(&self) -> Vec<(String, String)> {
        let listed = self.done(&["registry", "alias", "--list", "corpus"]);
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        let listed = listed["aliases"].as_array().unwrap().iter();
        listed
            .map(|a| (text(&a["alias"]), text(&a["version"])))
            .collect()
    }
}

fn pair(alias: &str, version: &str) -> (String, String) {
    (alias.to_owned(), version.to_owned())
}

#[test]
fn reference_with_a_partial_version_is_a_range() {
    let shelf = BlobSink::with(&[
        "0.1.0", "0.1.2", "0.2.0", "1.0.0", "1.2.0", "1.2.5", "1.3.0",
    ]);
    for (pick, version) in [
        ("0.1", "0.1.2"),
        ("0.1.0", "0.1.0"),
        ("v0.1", "0.1.2"),
        ("0", "0.2.0"),
        ("1", "1.3.0"),
        ("1.2", "1.2.5"),
        ("latest", "1.3.0"),
        ("^1.2", "1.3.0"),
        ("~1.2", "1.2.5"),
        (">=0.1.1,<1", "0.2.0"),
        (">=1, <1.3", "1.2.5"),
        ("<0.2", "0.1.2"),
        ("*", "1.3.0"),
    ] {
        assert_eq!(shelf.version(&format!("corpus@{pick}")), version, "{pick}");
    }
    // The same in other commands.
    let diff = shelf.done(&["registry", "diff", "corpus@0.1", "corpus@0.1.2"]);
    assert_eq!(diff["only_a_chunks"], 0);
    let info = shelf.done(&["inspect", "info", "corpus@0.1"]);
    assert_eq!(info["rows"], 5);
    for missing in ["corpus@0.3", "corpus@2", "corpus@>1.3", "corpus@prod"] {
        assert_eq!(
            shelf.code(&["registry", "info", missing]),
            Some(3),
            "{missing}"
        );
    }
    for wrong in [
        "corpus@",
        "corpus@^",
        "corpus@1.2.3.4",
        "corpus@a b",
        "corpus@>=1,",
    ] {
        assert_eq!(shelf.code(&["registry", "info", wrong]), Some(2), "{wrong}");
    }
}

#[test]
fn version_alias_is_set_moved_listed_and_removed() {
    let shelf = BlobSink::with(&["0.1.0", "0.1.1", "0.1.2"]);
    let given = shelf.done(&["registry", "alias", "corpus@prod", "0.1.1"]);
    let id = shelf.done(&["registry", "resolve", "corpus@0.1.1"])["content_id"].clone();
    let entry = &given["aliases"][0];
    assert_eq!(
        (&entry["alias"], &entry["version"]),
        (&json!("prod"), &json!("0.1.1"))
    );
    assert_eq!(entry["content_id"], id);
    assert_eq!(shelf.version("corpus@prod"), "0.1.1");
    // A range picks the version once; the alias stays where it is when a newer one comes.
    shelf.done(&["registry", "alias", "corpus@größe", "0.1"]);
    shelf.index("0.1.3", &[]);
    assert_eq!(
        shelf.aliases(),
        [pair("größe", "0.1.2"), pair("prod", "0.1.1")]
    );
    let mut command = program(&shelf.home());
    let moved = command
        .args(["registry", "alias", "corpus@prod", "latest"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&moved.stdout).into_owned();
    assert_eq!(text, "corpus@prod is 0.1.3 (was 0.1.1)\n");
    assert_eq!(
        shelf.aliases(),
        [pair("größe", "0.1.2"), pair("prod", "0.1.3")]
    );
    // By another alias, and to where it is already.
    shelf.done(&["registry", "alias", "corpus@prod", "größe"]);
    let seq = |s: &BlobSink| s.done(&["registry", "info", "corpus@0.1.2"])["seq"].clone();
    let before = seq(&shelf);
    shelf.done(&["registry", "alias", "corpus@prod", "0.1.2"]);
    assert_eq!(seq(&shelf), before);
    // It is nobody's tag.
    let info = shelf.done(&["registry", "info", "corpus@prod"]);
    assert_eq!(
        (&info["tags"], &info["aliases"]),
        (&json!([]), &json!(["größe", "prod"]))
    );
    let listed = shelf.done(&["registry", "list"]);
    assert!(!listed.to_string().contains('@'), "{listed}");
    let tagged = shelf.done(&["registry", "tag", "corpus@prod", "--add", "x"]);
    assert_eq!(tagged["tags"], json!(["x"]));
    assert_eq!(
        shelf.code(&["registry", "tag", "corpus", "--add", "@prod=99"]),
        Some(2)
    );
    let found = shelf.done(&["registry", "search", "tag:prod"]);
    assert_eq!(found["results"], json!([]));
    // A rebuilt index has it.
    std::fs::remove_file(shelf.home().join("registry.redb")).unwrap();
    assert_eq!(shelf.version("corpus@prod"), "0.1.2");
    let left = shelf.done(&["registry", "alias", "--delete", "corpus@prod"]);
    assert_eq!(left["aliases"].as_array().unwrap().len(), 1);
    assert_eq!(shelf.code(&["registry", "resolve", "corpus@prod"]), Some(3));
    assert_eq!(
        shelf.code(&["registry", "alias", "--delete", "corpus@prod"]),
        Some(3)
    );
}

#[test]
fn version_alias_that_looks_like_a_version_is_refused() {
    let shelf = BlobSink::with(&["0.1.0"]);
    for alias in [
        "latest", "1", "v2", "V2", "0.1", "^1", "x", "a,b", "a=1", "-a", "", "a b",
    ] {
        let out = run(
            &shelf.home(),
            &["registry", "alias", &format!("corpus@{alias}"), "0.1.0"],
        );
        assert_eq!(out.status.code(), Some(2), "{alias}: {out:?}");
    }
    for words in [
        &["registry", "alias"][..],
        &["registry", "alias", "corpus@prod"],
        &["registry", "alias", "corpus", "0.1.0"],
        &[
            "registry",
            "alias",
            "--list",
            "corpus",
            "--delete",
            "corpus@prod",
        ],
        &["registry", "alias", "alimentar:0123456789@prod", "0.1.0"],
    ] {
        assert_eq!(shelf.code(words), Some(2), "{words:?}");
    }
    for words in [
        &["registry", "alias", "corpus@prod", "9.9.9"][..],
        &["registry", "alias", "other@prod", "0.1.0"],
        &["registry", "alias", "--list", "other"],
    ] {
        assert_eq!(shelf.code(words), Some(3), "{words:?}");
    }
    assert_eq!(shelf.aliases(), []);
    let error = error_of(&run(
        &shelf.home(),
        &["registry", "alias", "corpus@v2", "0.1.0"],
    ));
    assert!(
        error["message"].as_str().unwrap().contains("alias"),
        "{error}"
    );
}

/// One publisher on two machines: both move the alias, neither knowing of the other.
#[test]
fn publisher_machines_agree_on_an_alias_in_any_order() {
    let (a, b) = (BlobSink::with(&[]), BlobSink::with(&[]));
    let made = a.done(&["registry", "keygen"]);
    for version in ["0.1.0", "0.1.1", "0.1.2"] {
        a.index(version, &["--sign"]);
    }
    a.done(&["registry", "alias", "corpus@prod", "0.1.0"]);
    let key = a.home().join("key.enc");
    let public = made["public_key"].as_str().unwrap();
    b.done(&["registry", "trust", "add", "lab", public]);
    let carry = |from: &BlobSink, to: &BlobSink, name: &str| {
        let path = from.dir.path().join(name);
        let path = path.to_str().unwrap();
        from.done(&["registry", "export", "--all", "-o", path]);
        to.done(&["registry", "import", path]);
    };
    carry(&a, &b, "one.alimentar");
    assert_eq!(b.version("lab/corpus@prod"), "0.1.0");
    let key = key.to_str().unwrap();
    b.done(&[
        "registry",
        "alias",
        "lab/corpus@prod",
        "0.1.1",
        "--key",
        key,
    ]);
    a.done(&["registry", "alias", "corpus@prod", "0.1.2"]);
    carry(&a, &b, "two.alimentar");
    carry(&b, &a, "three.alimentar");
    // The same count: the greater version has it, at both.
    assert_eq!(
        (a.version("corpus@prod"), b.version("corpus@prod")),
        (json!("0.1.2"), json!("0.1.2"))
    );
    // The next move removes the alias from all versions.
    b.done(&["registry", "alias", "corpus@prod", "0.1.0", "--key", key]);
    carry(&b, &a, "four.alimentar");
    assert_eq!(
        (a.version("corpus@prod"), b.version("corpus@prod")),
        (json!("0.1.0"), json!("0.1.0"))
    );
    assert_eq!(a.aliases(), [pair("prod", "0.1.0")]);
    // Nobody else may move it.
    let out = run(&b.home(), &["registry", "alias", "corpus@prod", "0.1.1"]);
    assert_eq!(out.status.code(), Some(5), "{out:?}");
}

#[test]
fn pull_takes_ranges_and_aliases() {
    let a = BlobSink::with(&[]);
    a.done(&["registry", "keygen"]);
    for version in ["0.1.0", "0.1.3", "0.2.0", "1.0.0"] {
        a.index(version, &["--sign"]);
    }
    a.done(&["registry", "alias", "corpus@prod", "0.2"]);
    let node = Serving::start(&a.home(), &[]);
    let peer = node.addr();
    for (pick, version) in [
        ("0.1", "0.1.3"),
        ("prod", "0.2.0"),
        (">=0.1,<0.1.3", "0.1.0"),
        ("latest", "1.0.0"),
    ] {
        let b = tempfile::tempdir().unwrap();
        let key = a.done(&["registry", "list"])["datasets"][0]["publisher_key"].clone();
        let reference = format!("corpus@{pick}");
        let words = ["registry", "pull", &reference, "--peer", &peer];
        let words = [&words[..], &["--accept-publisher", key.as_str().unwrap()]].concat();
        let pulled = answer(&b.path().join("home"), &words);
        assert_eq!(pulled["version"], version, "{pick}");
    }
    let b = tempfile::tempdir().unwrap();
    let missing = run(
        &b.path().join("home"),
        &["registry", "pull", "corpus@0.3", "--peer", &peer],
    );
    assert_eq!(missing.status.code(), Some(3));
}

#[test]
fn node_that_follows_an_alias_pulls_its_version() {
    let labs = Labs::here();
    labs.publisher(&[1]);
    let one = labs.publish("1.0.0", &lines(20, 1));
    let two = labs.publish("1.1.0", &lines(20, 2));
    labs.keyed(&["registry", "alias", "corpus@prod", "1.0.0"]);
    let publisher = labs.serve(0, &["--no-mdns"]);
    std::fs::write(labs.home(1).join("known_peers"), known(&publisher)).unwrap();
    let follower = labs.serve(1, &["--no-mdns", "--follow", "lab-a/corpus@prod"]);
    labs.arrives(1, &[&one]);
    assert!(!crate::support::labs::held(&labs.home(1)).contains(&two));
    labs.keyed(&["registry", "alias", "corpus@prod", "1.1.0"]);
    labs.arrives(1, &[&two]);
    assert_eq!(follower.stop().0, Some(0));
}

/// A line of `known_peers` that pins a node.
fn known(node: &Serving) -> String {
    format!("{} {}\n", node.addr(), node.node_id())
}
