//! The surface of the program: help, words one deep, settings, versions, logs, `doctor`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lines;
use crate::support::program;
use crate::support::run;
use crate::support::stderr;
use crate::support::variable;

fn text(home: &Path, words: &[&str]) -> String {
    let out = program(home).args(words).output().unwrap();
    assert!(out.status.success(), "{words:?} {out:?}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn short_commands_equal_registry_commands() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("train.jsonl"));
    std::fs::write(&file, lines(20, 1)).unwrap();
    let indexed = answer(&home, &["index", file.to_str().unwrap()]);
    assert_eq!(indexed["name"], "train");
    for words in [
        &["list"][..],
        &["info", "train"],
        &["ls", "train"],
        &["stats"],
    ] {
        let long = [&["registry"], words].concat();
        assert_eq!(answer(&home, words), answer(&home, &long), "{words:?}");
    }
    assert_eq!(answer(&home, &["ls"]), answer(&home, &["list"]));
    assert_eq!(answer(&home, &["rm", "train"])["removed"], true);
}

#[test]
fn version_names_program_commit_and_features() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let said = answer(&home, &["version"]);
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    assert!(said["commit"].is_null() || said["commit"].as_str().unwrap().len() >= 40);
    let features = said["features"].as_array().unwrap();
    assert!(features.contains(&Value::from("cli")), "{said}");
    assert!(!home.exists());
}

#[test]
fn missing_home_is_an_error_of_commands_that_begin_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for words in [
        &["list"][..],
        &["registry", "gc"],
        &["info", "x"],
        &["fsck", "--repair"],
    ] {
        let out = run(&home, words);
        assert_eq!(out.status.code(), Some(3), "{words:?} {out:?}");
        let error = error_of(&out);
        assert_eq!(error["kind"], "not_found");
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains(home.to_str().unwrap()),
            "{error}"
        );
        assert!(!home.exists(), "{words:?}");
    }
    // An empty directory is an empty registry.
    std::fs::create_dir(&home).unwrap();
    assert_eq!(
        answer(&home, &["list"])["datasets"],
        Value::Array(Vec::new())
    );
}

#[test]
fn settings_hold_unless_an_option_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let set = answer(&home, &["config", "set", "peers", "127.0.0.1:1"]);
    assert_eq!(set["key"], "peers");
    let got = answer(&home, &["config", "get", "peers"]);
    assert_eq!(got["value"], serde_json::json!(["127.0.0.1:1"]));
    let listed = answer(&home, &["config", "list"]);
    assert!(
        listed["settings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s == &got),
        "{listed}"
    );
    // The peer is asked without --peer, and another one with it.
    let out = run(&home, &["pull", "train"]);
    assert_eq!(out.status.code(), Some(6), "{out:?}");
    assert!(stderr(&out).contains("127.0.0.1:1"), "{out:?}");
    let out = run(&home, &["pull", "train", "--peer", "127.0.0.1:2"]);
    assert!(!stderr(&out).contains("127.0.0.1:1"), "{out:?}");
    // An unknown key is named, and the program can remove it.
    std::fs::write(home.join("config.toml"), "colour = \"never\"\n").unwrap();
    let out = run(&home, &["list"]);
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(
        error_of(&out)["message"]
            .as_str()
            .unwrap()
            .contains("colour"),
        "{out:?}"
    );
    std::fs::remove_file(home.join("config.toml")).unwrap();
    let edit = program(&home)
        .args(["config", "edit"])
        .env("EDITOR", "true")
        .output()
        .unwrap();
    assert!(edit.status.success(), "{edit:?}");
    assert!(
        std::fs::read_to_string(home.join("config.toml"))
            .unwrap()
            .contains("# color")
    );
}

#[test]
fn verbose_prints_steps_and_durations() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("train.jsonl"));
    std::fs::write(&file, lines(20, 1)).unwrap();
    let path = file.to_str().unwrap();
    let out = program(&home).args(["-v", "index", path]).output().unwrap();
    let said = stderr(&out);
    assert!(
        said.contains(&format!("index {path}: ")) && said.contains(" s\n"),
        "{said}"
    );
    let quiet = program(&home).args(["list"]).output().unwrap();
    assert_eq!(stderr(&quiet), "");
    let more = program(&home)
        .args(["list"])
        .env("RUST_LOG", "alimentar=debug")
        .output()
        .unwrap();
    assert!(stderr(&more).contains("begins"), "{more:?}");
    let wrong = program(&home)
        .args(["list"])
        .env("RUST_LOG", "a=b=c")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

#[test]
fn tilde_at_the_start_is_the_users_directory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("train.jsonl"), lines(20, 1)).unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_alimentar"))
        .args(["--json", "--home=~/home", "index", "~/train.jsonl"])
        .env("HOME", dir.path())
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    assert!(dir.path().join("home/registry.redb").exists());
    assert!(!dir.path().join("~").exists());
    let out = run(
        &dir.path().join("home"),
        &["inspect", "info", "~other/x.jsonl"],
    );
    assert_ne!(out.status.code(), Some(0));
}

#[test]
fn help_has_groups_two_lengths_and_topics() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let (short, long) = (text(home, &["-h"]), text(home, &["--help"]));
    for heading in ["Local datasets:", "Keys and trust:", "Network:", "Upkeep:"] {
        assert!(
            short.contains(heading) && long.contains(heading),
            "{heading} {short}"
        );
    }
    assert!(
        !short.contains("Exit codes:") && long.contains("Exit codes:"),
        "{long}"
    );
    assert!(
        long.contains("Environment:") && long.contains("ALIMENTAR_HOME"),
        "{long}"
    );
    let (short, long) = (
        text(home, &["index", "-h"]),
        text(home, &["index", "--help"]),
    );
    assert!(short.contains("Example: alimentar index"), "{short}");
    assert!(
        long.contains("Examples:") && long.contains("Exit codes:"),
        "{long}"
    );
    assert!(long.contains("Global options:"), "{long}");
    for (topic, word) in [
        ("references", "name@^1"),
        ("trust", "--accept-publisher"),
        ("exit-codes", "130, 143"),
        ("scripting", "--json"),
        ("air-gap", "--to lab-b"),
    ] {
        assert!(text(home, &["help", topic]).contains(word), "{topic}");
    }
    assert_eq!(
        text(home, &["help", "exit", "codes"]),
        text(home, &["help", "exit-codes"])
    );
    assert!(text(home, &["help", "registry", "tag"]).contains("--remove"));
    let pages = home.join("pages");
    text(home, &["man", pages.to_str().unwrap()]);
    let page = std::fs::read_to_string(pages.join("alimentar-checkout.1")).unwrap();
    for section in ["EXIT STATUS", "ENVIRONMENT", "EXAMPLES"] {
        assert!(
            page.contains(&format!(".SH \"{section}\""))
                || page.contains(&format!(".SH {section}")),
            "{section}"
        );
    }
}

#[test]
fn doctor_changes_nothing_and_fails_on_a_bad_check() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let out = run(&home, &["doctor"]);
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    let checks = said["checks"].as_array().unwrap();
    let is_bad = checks.iter().any(|c| c["ok"] == false);
    assert_eq!(out.status.code(), Some(i32::from(is_bad)), "{said}");
    assert!(!home.exists());
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let key = home.join("key.enc");
    std::fs::write(&key, "no key").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let out = run(&home, &["doctor"]);
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    let checks = said["checks"].as_array().unwrap();
    let of_key = checks
        .iter()
        .find(|c| c["name"] == "publisher key")
        .unwrap();
    assert_eq!(of_key["ok"], false, "{said}");
    assert!(of_key["hint"].is_string());
    assert_eq!(out.status.code(), Some(1));
    let entries = std::fs::read_dir(&home).unwrap().count();
    assert_eq!(entries, 1);
    // Where people read, each check is a line.
    let out = program(&home).args(["doctor"]).output().unwrap();
    let printed = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        printed.lines().any(|l| l.starts_with("bad  publisher key")),
        "{printed}"
    );
    assert!(stderr(&out).contains("not in order: "), "{out:?}");
}

#[test]
fn argument_beyond_a_limit_is_a_usage_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("train.jsonl"));
    std::fs::write(&file, lines(20, 1)).unwrap();
    let path = file.to_str().unwrap();
    answer(&home, &["index", path]);
    let tags: Vec<String> = (0..65).map(|n| format!("t{n}")).collect();
    let mut many = vec!["tag", "train"];
    many.extend(tags.iter().flat_map(|tag| ["--add", tag]));
    let out = run(&home, &many);
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(
        error_of(&out)["message"]
            .as_str()
            .unwrap()
            .contains("tags_max"),
        "{out:?}"
    );
    let long = "x".repeat(65_537);
    std::fs::write(&file, lines(20, 2)).unwrap();
    let out = run(&home, &["index", path, "--description", &long]);
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(
        error_of(&out)["message"]
            .as_str()
            .unwrap()
            .contains("text_bytes_max"),
        "{out:?}"
    );
}

/// Returns the words that bash completion offers for a line.
fn completed(home: &Path, line: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_BIN_EXE_alimentar"));
    let path = variable("PATH").unwrap().into_string().unwrap();
    let script = "source <(alimentar completions bash)\nCOMP_LINE=\"$LINE\"\nCOMP_POINT=${#COMP_LINE}\n_alimentar\nprintf '%s\\n' \"${COMPREPLY[@]}\"";
    let out = std::process::Command::new("bash")
        .args(["-c", script])
        .env(
            "PATH",
            format!("{}:{path}", program.parent().unwrap().display()),
        )
        .env("ALIMENTAR_HOME", home)
        .env("LINE", line)
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines()
        .filter(|l| !l.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn bash_completion_offers_commands_names_and_peers() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("train.jsonl"));
    assert_eq!(completed(&home, "alimentar info tr"), [""; 0]);
    assert!(!home.exists());
    std::fs::write(&file, lines(20, 1)).unwrap();
    answer(&home, &["index", file.to_str().unwrap()]);
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    answer(&home, &["trust", "add", "colleague", key]);
    answer(&home, &["access", "add", key]);
    let listed = completed(&home, "alimentar access remove ");
    assert_eq!(listed.len(), 1, "{listed:?}");
    answer(&home, &["access", "remove", &listed[0]]);
    answer(&home, &["token", "add", "reader"]);
    for (line, wanted) in [
        ("alimentar ind", &["index"][..]),
        ("alimentar registry unin", &["unindex"]),
        ("alimentar --home x info tr", &[]),
        ("alimentar info tr", &["train"]),
        ("alimentar info train@0", &["0.1.0"]),
        ("alimentar diff train tr", &["train"]),
        ("alimentar log ", &["train"]),
        ("alimentar trust show c", &["colleague"]),
        ("alimentar token revoke ", &["reader"]),
        (
            "alimentar inspect lint --rule malformed-j",
            &["malformed-json"],
        ),
        (
            "alimentar inspect lint --rule=malformed-j",
            &["malformed-json"],
        ),
        ("alimentar config set color n", &["never"]),
        ("alimentar help exit", &["exit-codes"]),
        ("alimentar index --lic", &["--license"]),
        ("alimentar completions fi", &["fish"]),
    ] {
        assert_eq!(completed(&home, line), wanted, "{line}");
    }
    std::fs::write(home.join("known_peers"), format!("lab-a:8765 {key}\n")).unwrap();
    assert_eq!(
        completed(&home, "alimentar sync --peer lab"),
        ["lab-a:8765"]
    );
}

#[test]
fn silent_peer_is_reported_before_the_handshake_timeout() {
    let dir = tempfile::tempdir().unwrap();
    // It takes every packet, and answers none.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let place = silent.local_addr().unwrap().to_string();
    let began = std::time::Instant::now();
    let out = run(
        &dir.path().join("home"),
        &["pull", "train", "--peer", &place],
    );
    assert_eq!(out.status.code(), Some(6), "{out:?}");
    assert!(
        error_of(&out)["message"].as_str().unwrap().contains(&place),
        "{out:?}"
    );
    // The handshake alone would have 10 seconds.
    assert!(began.elapsed() < std::time::Duration::from_secs(9));
}
