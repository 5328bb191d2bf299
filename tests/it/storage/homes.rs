//! Homes of registries: their owner's alone, never data, and each with packs of its own.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::answer;
use crate::support::answer_partly;
use crate::support::begun;
use crate::support::ended;
use crate::support::error_of;
use crate::support::lines;
use crate::support::program;
use crate::support::run;

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn keyed(home: &Path, words: &[&str]) -> Output {
    let mut command = program(home);
    command.env("ALIMENTAR_PASSPHRASE", "test").arg("--json");
    ended(begun(command.args(words)))
}

/// A directory with data, and a home with both kinds of keys in it.
fn data_with_a_home(dir: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let data = dir.join("data");
    let home = data.join("registry");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("rows.jsonl"), lines(20, 1)).unwrap();
    assert!(keyed(&home, &["registry", "keygen"]).status.success());
    answer(&home, &["registry", "node"]);
    assert!(home.join("node.key").exists() && home.join("key.enc").exists());
    (data, home)
}

fn skipped(said: &Value, reason: &str) -> Vec<String> {
    let skipped = said["skipped"].as_array().unwrap().iter();
    let fits = skipped.filter(|s| s["reason"] == reason);
    let name = |s: &Value| {
        s["path"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    let mut names: Vec<String> = fits.map(name).collect();
    names.sort();
    names
}

fn files(home: &Path, name: &str) -> Vec<String> {
    let listed = answer(home, &["registry", "ls", name]);
    let files = listed["files"].as_array().unwrap().iter();
    files
        .map(|f| f["path"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn index_leaves_out_a_home_below_and_reports_it() {
    let dir = tempfile::tempdir().unwrap();
    let (data, home) = data_with_a_home(dir.path());
    let said = answer_partly(&home, &["registry", "index", data.to_str().unwrap()]);
    assert_eq!(skipped(&said, "home"), ["registry"], "{said}");
    assert_eq!(files(&home, "data"), ["rows.jsonl"]);
    // So is the home of another registry, also one of which parts are gone.
    let other = dir.path().join("other");
    for gone in ["registry.redb", "registry.lock", "node.key"] {
        let _ = std::fs::remove_file(home.join(gone));
        std::fs::write(data.join("more.txt"), gone).unwrap();
        let said = answer_partly(&other, &["registry", "index", data.to_str().unwrap()]);
        let left = [skipped(&said, "home"), skipped(&said, "key_file")].concat();
        assert!(!left.is_empty(), "{gone} {said}");
        let found = files(&other, "data");
        assert!(!found.iter().any(|f| f.contains("key")), "{gone} {found:?}");
    }
}

#[test]
fn index_leaves_out_key_files_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let (data, home) = data_with_a_home(dir.path());
    let own = dir.path().join("own");
    std::fs::rename(&home, &own).unwrap();
    std::fs::copy(own.join("key.enc"), data.join("notes.txt")).unwrap();
    std::fs::copy(own.join("node.key"), data.join("node.key.old")).unwrap();
    std::fs::hard_link(own.join("node.key"), data.join("digits")).unwrap();
    std::fs::write(data.join("sum.b3"), "0".repeat(64)).unwrap();
    for round in ["first", "again"] {
        let said = answer_partly(&own, &["registry", "index", data.to_str().unwrap()]);
        let left = skipped(&said, "key_file");
        assert_eq!(
            left,
            ["digits", "node.key.old", "notes.txt"],
            "{round} {said}"
        );
        assert_eq!(files(&own, "data"), ["rows.jsonl", "sum.b3"], "{round}");
    }
    for (words, what) in [
        (vec!["registry", "index"], data.join("notes.txt")),
        (
            vec!["registry", "card", "data", "--set"],
            data.join("notes.txt"),
        ),
    ] {
        let out = run(&own, &[words, vec![what.to_str().unwrap()]].concat());
        assert_eq!(out.status.code(), Some(5), "{out:?}");
        assert!(
            error_of(&out)["message"]
                .as_str()
                .unwrap()
                .contains("secret key")
        );
    }
}

#[test]
fn index_through_a_link_into_a_home_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (data, home) = data_with_a_home(dir.path());
    std::os::unix::fs::symlink("registry/trust.toml", data.join("link.toml")).unwrap();
    let said = answer_partly(&home, &["registry", "index", data.to_str().unwrap()]);
    assert_eq!(skipped(&said, "link"), ["link.toml"], "{said}");
}

#[test]
fn index_inside_a_home_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_, home) = data_with_a_home(dir.path());
    let other = dir.path().join("other");
    for inside in [
        home.clone(),
        home.join("packs"),
        home.join("key.enc"),
        home.join("trust.toml"),
    ] {
        for registry in [&home, &other] {
            let out = run(registry, &["registry", "index", inside.to_str().unwrap()]);
            assert_eq!(out.status.code(), Some(5), "{inside:?} {out:?}");
            let error = error_of(&out);
            assert_eq!(error["kind"], "denied");
            assert!(error["hint"].is_string());
        }
    }
}

#[test]
fn index_names_files_that_look_like_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let (data, home) = (dir.path().join("data"), dir.path().join("home"));
    std::fs::create_dir(&data).unwrap();
    let token = "ghp_1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R";
    let digits = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(4);
    std::fs::write(data.join(".env"), "A=1\n").unwrap();
    std::fs::write(
        data.join("pem"),
        format!("-----BEGIN PRIVATE KEY-----\n{digits}"),
    )
    .unwrap();
    // One of more bytes than small files have.
    let large = [format!("token {token}\n").into_bytes(), lines(2000, 1)].concat();
    std::fs::write(data.join("notes.txt"), large).unwrap();
    std::fs::write(data.join("rows.jsonl"), lines(20, 1)).unwrap();
    for round in ["first", "again"] {
        let said = answer(&home, &["registry", "index", data.to_str().unwrap()]);
        let warnings = said["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 3, "{round} {said}");
        assert!(warnings.iter().all(|w| w["reason"].is_string()), "{said}");
        assert_eq!(said["files"], 4, "{round}");
    }
    let out = program(&home)
        .args(["registry", "index"])
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(said.matches("warning: ").count(), 3, "{said}");
    assert!(!said.contains(token), "{said}");
}

#[test]
fn home_open_to_others_is_refused_with_a_chmod_hint() {
    let dir = tempfile::tempdir().unwrap();
    let (_, home) = data_with_a_home(dir.path());
    for open in [0o755, 0o750, 0o777, 0o702] {
        set_mode(&home, open);
        for words in [&["registry", "list"][..], &["inspect", "info", "data"]] {
            let out = run(&home, words);
            assert_eq!(out.status.code(), Some(5), "{open:o} {out:?}");
            let error = error_of(&out);
            assert_eq!(error["kind"], "denied");
            let hint = error["hint"].as_str().unwrap().to_owned();
            assert!(
                hint.contains(&format!("chmod 700 {}", home.display())),
                "{hint}"
            );
        }
        let out = run(&home, &["--insecure-home", "registry", "list"]);
        assert!(out.status.success(), "{open:o} {out:?}");
        assert!(
            String::from_utf8_lossy(&out.stderr).starts_with("warning: "),
            "{out:?}"
        );
        assert_eq!(mode(&home), open, "it is not changed");
    }
    set_mode(&home, 0o700);
    let out = run(&home, &["registry", "list"]);
    assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
}

#[test]
fn new_home_is_private_under_any_umask() {
    for umask in ["000", "022", "077", "277"] {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        if umask == "022" {
            std::fs::create_dir(&home).unwrap();
            set_mode(&home, 0o755);
        }
        let script = "umask $0; exec \"$@\"";
        let mut command = std::process::Command::new("sh");
        command.args([
            "-c",
            script,
            umask,
            env!("CARGO_BIN_EXE_alimentar"),
            "--home",
        ]);
        command.arg(&home).env("ALIMENTAR_PASSPHRASE", "test");
        let out = command.args(["registry", "keygen"]).output().unwrap();
        assert!(out.status.success(), "{umask} {out:?}");
        assert_eq!(mode(&home), 0o700, "{umask}");
        for name in ["trust.toml", "key.enc"] {
            assert_eq!(mode(&home.join(name)), 0o600, "{umask} {name}");
        }
    }
}

#[test]
fn trust_and_access_files_become_private() {
    let dir = tempfile::tempdir().unwrap();
    let (_, home) = data_with_a_home(dir.path());
    let (trust, key) = (home.join("trust.toml"), "1".repeat(64));
    set_mode(&trust, 0o644);
    answer(&home, &["registry", "trust", "list"]);
    assert!(
        keyed(
            &home,
            &[
                "registry",
                "keygen",
                "-o",
                dir.path().join("k").to_str().unwrap()
            ]
        )
        .status
        .success()
    );
    answer(&home, &["registry", "access", "add", &key]);
    for name in ["trust.toml", "access.txt", "node.key"] {
        assert_eq!(mode(&home.join(name)), 0o600, "{name}");
    }
}

#[test]
fn home_over_the_packs_of_another_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("f.jsonl");
    std::fs::write(&file, lines(100, 1)).unwrap();
    let index = |home: &Path| run(home, &["registry", "index", file.to_str().unwrap()]);
    let at = |name: &str| dir.path().join(name);
    // Packs of another home, with an index of its own or a copy of that one's.
    assert!(index(&at("a")).status.success());
    for name in ["b", "c"] {
        std::fs::create_dir(at(name)).unwrap();
        std::os::unix::fs::symlink(at("a/packs"), at(name).join("packs")).unwrap();
    }
    std::fs::copy(at("a/registry.redb"), at("c/registry.redb")).unwrap();
    for name in ["b", "c"] {
        for words in [
            &["registry", "list"][..],
            &["registry", "gc", "--keep-days", "0"],
            &["registry", "fsck", "--repair"],
        ] {
            let out = run(&at(name), words);
            assert_eq!(out.status.code(), Some(1), "{name} {words:?} {out:?}");
            let error = error_of(&out);
            assert_eq!(error["kind"], "conflict");
            assert!(
                error["message"]
                    .as_str()
                    .unwrap()
                    .contains(at("a").to_str().unwrap())
            );
        }
    }
    assert_eq!(
        answer(&at("a"), &["registry", "fsck"])["missing"],
        serde_json::json!([])
    );
    // Packs on another disk: they are the first home's, as long as that is there.
    std::fs::create_dir_all(at("disk/packs")).unwrap();
    for name in ["d", "e"] {
        std::fs::create_dir(at(name)).unwrap();
        std::os::unix::fs::symlink(at("disk/packs"), at(name).join("packs")).unwrap();
    }
    assert!(index(&at("d")).status.success());
    assert_eq!(index(&at("e")).status.code(), Some(1));
    answer(&at("d"), &["registry", "verify", "f"]);
    // A home may be moved, and its packs with it.
    std::fs::rename(at("d"), at("moved")).unwrap();
    answer(&at("moved"), &["registry", "verify", "f"]);
    assert_eq!(index(&at("e")).status.code(), Some(1));
    std::fs::remove_dir_all(at("moved")).unwrap();
    assert!(index(&at("e")).status.success());
}

#[test]
fn usage_errors_are_json_with_the_json_flag() {
    let dir = tempfile::tempdir().unwrap();
    for words in [
        &["registry", "frobnicate"][..],
        &["registry", "index"],
        &["registry", "index", "x", "--nmae", "y"],
        &["registry", "search", "x", "--limit", "many"],
        &["registry"],
    ] {
        let out = run(dir.path(), words);
        assert_eq!(out.status.code(), Some(2), "{words:?}");
        assert!(out.stdout.is_empty());
        let whole: Value = serde_json::from_slice(&out.stderr).unwrap();
        let error = &whole["error"];
        assert_eq!(error["kind"], "usage", "{words:?}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{words:?}");
        assert!(!error["hint"].as_str().unwrap().is_empty(), "{words:?}");
    }
    let out = program(dir.path())
        .args(["registry", "frobnicate"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&out.stderr).contains("Usage:"));
    let help = run(dir.path(), &["registry", "index", "--help"]);
    assert!(help.status.success() && !help.stdout.is_empty());
}

#[test]
fn json_output_escapes_hidden_characters() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("f.jsonl"));
    let hidden = "a\u{202e}b\u{200b}c\u{9b}31m\u{7f}d\u{feff}";
    std::fs::write(&file, format!("{{\"t\":\"{hidden}\"}}\n")).unwrap();
    let path = file.to_str().unwrap();
    answer(&home, &["registry", "index", path, "--description", hidden]);
    for words in [
        &["registry", "info", "f"][..],
        &["registry", "list"],
        &["inspect", "lines", path],
        &["inspect", "search", path, "a"],
        &["inspect", "sample", path],
        &["registry", "frob", hidden],
        &["registry", "info", hidden],
    ] {
        let out = run(&home, words);
        let text = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
        let is_bad =
            |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}\u{feff}".contains(c);
        assert!(!text.contains(is_bad), "{words:?} {text:?}");
        assert!(
            serde_json::from_str::<Value>(&text).is_ok(),
            "{words:?} {text}"
        );
    }
    let info = answer(&home, &["registry", "info", "f"]);
    assert_eq!(info["description"], hidden);
}
