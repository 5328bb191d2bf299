//! A registry that cannot be written serves everything that reads: on a file system that is mounted
//! read-only, and in directories that this user may not write to.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use crate::support::answer;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::namespace::in_mount_namespace;
use crate::support::run;

/// Two versions of one dataset and a directory with a card.
fn filled_lab() -> Lab {
    let lab = Lab::new();
    for seed in [1, 2] {
        let file = lab.write("d.jsonl", &lines(500, seed));
        lab.answer(&["registry", "index", &file]);
    }
    let tree = lab.at("tree");
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(tree.join("README.md"), "---\nlicense: mit\n---\n# photos\n").unwrap();
    std::fs::write(tree.join("t.jsonl"), lines(50, 3)).unwrap();
    lab.answer(&["registry", "index", tree.to_str().unwrap()]);
    lab
}

impl Lab {
    /// Every command that reads, as words; outputs go outside of the home.
    fn reading(&self, round: &str) -> Vec<Vec<String>> {
        let out = |name: &str| self.at(&format!("{round}-{name}")).display().to_string();
        let line = |text: String| text.split(' ').map(str::to_owned).collect();
        let commands = [
            "registry list".to_owned(),
            "registry info d@0.1.1".to_owned(),
            "registry search photos".to_owned(),
            "registry ls tree".to_owned(),
            "registry cat tree:t.jsonl".to_owned(),
            "registry resolve d".to_owned(),
            "registry log d".to_owned(),
            format!("registry checkout d {}", out("copy")),
            "registry verify d".to_owned(),
            "registry fsck".to_owned(),
            "registry diff d@0.1.0 d@0.1.1".to_owned(),
            "registry card tree".to_owned(),
            "registry schema d".to_owned(),
            "registry stats".to_owned(),
            "registry gc --dry-run".to_owned(),
            "registry trust list".to_owned(),
            format!("registry export d -o {}", out("d.alimentar")),
            "inspect info d".to_owned(),
            "inspect lines d --start 3 --count 2".to_owned(),
            "inspect search d text --count".to_owned(),
            "inspect stats d".to_owned(),
            "inspect dedup d".to_owned(),
            "inspect sample d -n 2".to_owned(),
            "doctor".to_owned(),
        ];
        commands.into_iter().map(line).collect()
    }

    /// Runs all of them by `run` and says which fail.
    fn all_read(&self, round: &str, run: &dyn Fn(&[&str]) -> Output) {
        let mut failed = Vec::new();
        for words in self.reading(round) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let out = run(&words);
            if !out.status.success() {
                let error = String::from_utf8_lossy(&out.stderr).into_owned();
                failed.push(format!("{words:?}: {:?} {error}", out.status));
            }
        }
        assert!(failed.is_empty(), "{round}: {failed:#?}");
        let found = run(&["registry", "search", "photos"]);
        let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        assert_eq!(found["results"][0]["name"], "tree", "{round}");
        // A writing command reports the reason that it fails.
        let tagged = run(&["registry", "tag", "d", "--add", "x"]);
        assert_eq!(tagged.status.code(), Some(1), "{round}");
        let error = String::from_utf8_lossy(&tagged.stderr).into_owned();
        assert!(error.contains("cannot write to the registry"), "{error}");
    }
}

/// Every file of a home with its bytes.
fn snapshot(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(snapshot(&path)),
            false => found.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

/// A program that takes the words after it as a command, without what lets root write anywhere.
fn unprivileged() -> Command {
    let mut command = Command::new("setpriv");
    if rustix::process::geteuid().is_root() {
        let caps = "-dac_override,-dac_read_search,-fowner";
        command.args(["--bounding-set", caps, "--inh-caps", caps]);
    }
    command
}

fn chmod(home: &Path, mode: &str) {
    let done = Command::new("chmod").args(["-R", mode]).arg(home).status();
    assert!(done.unwrap().success());
}

#[test]
fn home_without_write_permission_serves_commands_that_read() {
    let lab = filled_lab();
    // Once as it was left by those who wrote, once without anything that is derived.
    for derived in ["with", "without"] {
        if derived == "without" {
            for name in ["registry.lock", "gc.lock", "reserve"] {
                let _ = std::fs::remove_file(lab.home().join(name));
            }
            let _ = std::fs::remove_dir(lab.home().join("operations"));
        }
        chmod(&lab.home(), "a-w");
        let before = snapshot(&lab.home());
        lab.all_read(&format!("permission-{derived}"), &|words| {
            unprivileged()
                .arg(env!("CARGO_BIN_EXE_alimentar"))
                .args(["--json", "--home"])
                .arg(lab.home())
                .args(words)
                .output()
                .unwrap()
        });
        let after = snapshot(&lab.home());
        chmod(&lab.home(), "u+w");
        assert!(after == before, "something was written");
    }
    answer(&lab.home(), &["registry", "tag", "d", "--add", "x"]);
}

#[test]
fn index_of_directory_with_unreadable_paths_names_all_and_indexes_none() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    std::fs::create_dir_all(data.join("closed")).unwrap();
    std::fs::write(data.join("open.jsonl"), b"{\"a\":1}\n").unwrap();
    for name in ["b.jsonl", "c.jsonl", "closed/d.jsonl"] {
        std::fs::write(data.join(name), b"{\"a\":1}\n").unwrap();
    }
    let locked = ["b.jsonl", "c.jsonl", "closed"].map(|name| data.join(name));
    for path in &locked {
        chmod(path, "a-rwx");
    }
    let index = |more: &[&str]| {
        let mut command = unprivileged();
        command.arg(env!("CARGO_BIN_EXE_alimentar")).arg("--home");
        command.arg(&home).args(["registry", "index"]).arg(&data);
        command.args(["--name", "d"]).args(more).output().unwrap()
    };
    let refused = index(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for path in &locked {
        assert!(said.contains(&*path.to_string_lossy()), "{said}");
    }
    assert!(said.contains("--exclude"), "{said}");
    let leaving_out = [
        "--exclude",
        "b.jsonl",
        "--exclude",
        "c.jsonl",
        "--exclude",
        "closed",
    ];
    let indexed = index(&leaving_out);
    assert!(indexed.status.success(), "{indexed:?}");
    chmod(&data, "u+rwX");
}

#[test]
fn read_only_mount_serves_commands_that_read() {
    let lab = filled_lab();
    let home = lab.home();
    let script = r#"home=$1; shift
mount --bind "$home" "$home"
mount -o remount,ro,bind "$home"
if touch "$home/probe" 2>/dev/null; then echo writable >&2; exit 99; fi
exec "$@""#;
    lab.all_read("mount", &|words| {
        let home = home.to_str().unwrap();
        let program = [
            home,
            env!("CARGO_BIN_EXE_alimentar"),
            "--json",
            "--home",
            home,
        ];
        in_mount_namespace(script, &[&program, words].concat())
    });
    assert!(run(&home, &["registry", "list"]).status.success());
}
