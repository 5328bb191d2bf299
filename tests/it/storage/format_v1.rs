//! The first version's store, as it was written then: every later version must read it.

use std::path::Path;

use crate::support::answer;
use crate::support::lines;
use crate::support::run;

fn copy(to: &Path, with_index: bool) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    std::fs::create_dir_all(to.join("packs")).unwrap();
    let pack = "packs/00000001.pack";
    std::fs::copy(from.join(pack), to.join(pack)).unwrap();
    if with_index {
        std::fs::copy(from.join("registry.redb"), to.join("registry.redb")).unwrap();
    }
}

fn reads_as_ever(home: &Path) {
    let list = answer(home, &["registry", "list"]);
    let datasets = list["datasets"].as_array().unwrap();
    let brief: Vec<String> = datasets
        .iter()
        .map(|d| {
            format!(
                "{} {} {} {}",
                d["name"], d["version"], d["rows"], d["private"]
            )
        })
        .collect();
    assert_eq!(
        brief,
        [
            "\"formats\" \"0.1.0\" 9 false",
            "\"lines\" \"0.1.0\" 200 true",
            "\"zeros\" \"0.1.0\" 0 false",
        ]
    );
    for d in datasets {
        let name = d["name"].as_str().unwrap();
        assert_eq!(answer(home, &["registry", "verify", name])["content"], "ok");
    }
    let info = answer(home, &["registry", "info", "formats"]);
    assert_eq!(info["schema"]["fields"][0]["name"], "id");
    assert_eq!(info["license"], "MIT");
    let out = run(home, &["registry", "cat", "lines"]);
    let source = include_bytes!("../../data/gsm8k/test.jsonl");
    assert!(source.starts_with(&out.stdout) && out.stdout.len() > 100_000);
}

/// Returns the version of the store that `doctor` shows.
fn version_of(home: &Path) -> String {
    let shown = String::from_utf8(run(home, &["doctor"]).stdout).unwrap();
    let (_, rest) = shown.split_once("version ").unwrap();
    rest.split(',').next().unwrap().to_owned()
}

#[test]
fn doctor_shows_the_version_that_a_store_has() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    copy(&home, true);
    assert_eq!(version_of(&home), "1");
    let file = dir.path().join("new.jsonl");
    std::fs::write(&file, lines(10, 1)).unwrap();
    answer(&home, &["registry", "index", file.to_str().unwrap()]);
    assert_eq!(version_of(&home), "2");
}

#[test]
fn store_of_version_1_is_read_and_extended() {
    for with_index in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        copy(&home, with_index);
        reads_as_ever(&home);
        answer(&home, &["registry", "fsck"]);
        answer(&home, &["registry", "gc", "--keep-days", "0"]);
        reads_as_ever(&home);
        let file = dir.path().join("new.jsonl");
        std::fs::write(&file, lines(100, 1)).unwrap();
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
        assert_eq!(
            answer(&home, &["registry", "verify", "new"])["content"],
            "ok"
        );
    }
}
