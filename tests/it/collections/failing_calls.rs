//! A device that fails at each write and sync of a command, once: the command says so, and nothing is lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use super::power_cut::quick_directory;
use super::power_cut::strace_works;
use super::rows;
use crate::support::answer;
use crate::support::error_of;
use crate::support::need::Need;
use crate::support::run;

/// The calls, the errors that they get, and the kinds that the command then reports.
const FAILURES: [(&str, &str, &str); 6] = [
    ("pwrite64", "ENOSPC", "no_space"),
    ("write", "ENOSPC", "no_space"),
    ("ftruncate", "EIO", "io"),
    ("fdatasync", "EIO", "io"),
    ("fsync", "EIO", "io"),
    ("rename", "ENOSPC", "no_space"),
];

type Documents = BTreeMap<String, i64>;

fn documents(home: &Path, root: &str) -> Documents {
    let found = rows(&run(home, &["documents", "scan", root])).into_iter();
    let found = found.map(|row| {
        (
            row["_id"].as_str().unwrap().to_owned(),
            row["n"].as_i64().unwrap(),
        )
    });
    found.collect()
}

fn copy(from: &Path, to: &Path) {
    for name in ["docs", "meta"] {
        std::fs::create_dir_all(to.join("collections/c").join(name)).unwrap();
    }
    for entry in std::fs::read_dir(from.join("collections/c/meta")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(
            &path,
            to.join("collections/c/meta")
                .join(path.file_name().unwrap()),
        )
        .unwrap();
    }
}

/// Runs a command, each thread of which fails at its `n`-th call of a kind. `None` if none has so many. The flag is set
/// if the write of the message was such a call.
fn with_failure(
    dir: &Path,
    words: &[&str],
    call: &str,
    error: &str,
    n: usize,
) -> Option<(Output, bool)> {
    let log = dir.join("log");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .args(["-e", &format!("trace={call}")]);
    command.args([
        "-e",
        &format!("inject={call}:error={error}:when={n}"),
        env!("CARGO_BIN_EXE_alimentar"),
    ]);
    command
        .arg("--home")
        .arg(dir.join("home"))
        .arg("--json")
        .args(words);
    command.stdin(Stdio::null());
    let out = command.output().unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    let mut injected = log.lines().filter(|line| line.contains("(INJECTED)"));
    let is_silent = injected.clone().any(|line| line.contains("write(2, "));
    injected.next().map(|_| (out, is_silent))
}

#[test]
fn failing_write_or_sync_is_reported_and_loses_nothing_that_was_stored() {
    if let Err(why) = strace_works() {
        Need::Strace.is_missing(&why);
        return;
    }
    let dir = quick_directory();
    let home = dir.path().join("home");
    let before = dir.path().join("before");
    let given = dir.path().join("given");
    let lines = |n: i64| {
        (0..20)
            .map(|d| format!("{{\"_id\":\"d{d}\",\"n\":{n}}}\n"))
            .collect::<String>()
    };
    for n in 0..2 {
        std::fs::write(&given, lines(n)).unwrap();
        answer(
            &home,
            &[
                "documents",
                "import",
                before.to_str().unwrap(),
                given.to_str().unwrap(),
                "-c",
                "c",
            ],
        );
    }
    std::fs::write(&given, lines(2)).unwrap();
    let stored = documents(&home, before.to_str().unwrap());
    let root = dir.path().join("store");
    let path = root.to_str().unwrap();
    let commands: [(Vec<&str>, Documents); 4] = [
        (
            vec!["import", path, given.to_str().unwrap(), "--batch", "8"],
            stored.keys().map(|id| (id.clone(), 2)).collect(),
        ),
        (
            vec!["delete", path, "d19", "d3"],
            stored
                .iter()
                .filter(|(id, _)| *id != "d19" && *id != "d3")
                .map(|(id, n)| (id.clone(), *n))
                .collect(),
        ),
        (vec!["compact", path], stored.clone()),
        (vec!["reindex", path, "--index", "text"], stored.clone()),
    ];
    let mut failed = 0;
    for (words, after) in &commands {
        let words = [&["documents"], &words[..]].concat();
        for (call, error, kind) in FAILURES {
            for n in 1.. {
                let _ = std::fs::remove_dir_all(&root);
                copy(&before, &root);
                let Some((out, is_silent)) = with_failure(dir.path(), &words, call, error, n)
                else {
                    break;
                };
                let label = format!("{words:?} with {error} of {call} {n}: {out:?}");
                assert_eq!(out.status.code(), Some(1), "{label}");
                if !is_silent {
                    assert_eq!(error_of(&out)["kind"], kind, "{label}");
                }
                let found = documents(&home, path);
                for id in stored.keys().chain(found.keys()) {
                    let (was, is, will) = (stored.get(id), found.get(id), after.get(id));
                    assert!(is == was || is == will, "{label}: `{id}` is {is:?}");
                }
                let again = run(&home, &words);
                let is_done = words[1] == "delete" && matches!(again.status.code(), Some(3 | 7));
                assert!(
                    again.status.success() || is_done,
                    "{label}, and again {again:?}"
                );
                assert_eq!(&documents(&home, path), after, "{label}");
                answer(&home, &["documents", "validate", path]);
                failed += 1;
            }
        }
    }
    assert!(failed > 40, "{failed}");
}
