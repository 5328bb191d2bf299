//! gc as a user meets it, and beside others.

use std::path::Path;

use crate::support::answer;
use crate::support::lines;
use crate::support::program;
use crate::support::run;

/// Bytes of all packs.
fn pack_bytes(home: &Path) -> u64 {
    let packs = std::fs::read_dir(home.join("packs")).unwrap();
    packs.map(|p| p.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn gc_frees_only_unindexed_data() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for (name, rows, seed) in [("keep", 5000, 1), ("drop", 20_000, 2), ("also", 5000, 3)] {
        let file = dir.path().join(format!("{name}.jsonl"));
        std::fs::write(&file, lines(rows, seed)).unwrap();
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
    }
    let none = answer(&home, &["registry", "gc", "--keep-days", "0"]);
    assert_eq!(none["freed_bytes"], 0);
    answer(&home, &["registry", "unindex", "drop"]);
    let before = pack_bytes(&home);
    let would = answer(&home, &["registry", "gc", "--keep-days", "0", "--dry-run"]);
    assert_eq!(pack_bytes(&home), before, "a dry run changes nothing");
    let report = answer(&home, &["registry", "gc", "--keep-days", "0"]);
    let freed = report["freed_bytes"].as_u64().unwrap();
    assert_eq!(before - pack_bytes(&home), freed);
    assert!(freed * 2 > before, "{freed} of {before}");
    let estimate = would["freed_bytes"].as_u64().unwrap();
    assert!(estimate.abs_diff(freed) * 20 < freed, "{estimate} {freed}");
    for name in ["keep", "also"] {
        assert_eq!(
            answer(&home, &["registry", "verify", name])["content"],
            "ok"
        );
    }
    answer(&home, &["registry", "fsck"]);
    // A removed dataset can be indexed again.
    let file = dir.path().join("drop.jsonl");
    let again = answer(&home, &["registry", "index", file.to_str().unwrap()]);
    assert!(again["new_bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!(
        answer(&home, &["registry", "verify", "drop"])["content"],
        "ok"
    );
}

#[test]
fn home_is_shared_by_indexers_readers_and_collectors() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for n in 0..4 {
        std::fs::write(dir.path().join(format!("f{n}.jsonl")), lines(6000, n)).unwrap();
    }
    let file = |n: u64| dir.path().join(format!("f{n}.jsonl"));
    let done = |command: &mut std::process::Command| {
        let out = command.output().unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!text.contains("lock"), "{text}");
        (out.status.code(), text)
    };
    // A home that is not there yet is an error for those that do not create one.
    answer(&home, &["registry", "index", file(0).to_str().unwrap()]);
    std::thread::scope(|scope| {
        // Two index the same and different files and take some out again.
        for worker in 0..2_u64 {
            let (home, file) = (&home, &file);
            scope.spawn(move || {
                for round in 0..25 {
                    let n = (round * (worker + 1)) % 4;
                    let (code, text) = done(program(home).args(["registry", "index"]).arg(file(n)));
                    assert_eq!(code, Some(0), "{text}");
                    if round % 3 == worker {
                        // The other may have been faster.
                        let name = format!("f{n}");
                        let (code, text) = done(program(home).args(["registry", "unindex", &name]));
                        assert!(matches!(code, Some(0 | 3)), "{text}");
                    }
                }
            });
        }
        let commands: [&[&str]; 2] = [
            &["registry", "list"],
            &["registry", "gc", "--keep-days", "0"],
        ];
        for command in commands {
            let home = &home;
            scope.spawn(move || {
                for _ in 0..40 {
                    let (code, text) = done(program(home).args(command));
                    assert_eq!(code, Some(0), "{command:?}: {text}");
                }
            });
        }
    });
    for n in 0..4 {
        answer(&home, &["registry", "index", file(n).to_str().unwrap()]);
        let name = format!("f{n}");
        let out = run(&home, &["registry", "cat", &name]);
        assert!(out.stdout == std::fs::read(file(n)).unwrap(), "{name}");
    }
    answer(&home, &["registry", "fsck"]);
}
