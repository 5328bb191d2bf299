//! Tags, names and versions, and what a rebuilt index makes of them.

use crate::support::answer;
use crate::support::lines;
use crate::support::run;

#[test]
fn revisions_keep_content_and_supersede_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f.jsonl");
    std::fs::write(&file, lines(500, 1)).unwrap();
    let path = file.to_str().unwrap();
    let first = answer(
        &home,
        &[
            "registry", "index", path, "--name", "corpus", "--tag", "raw",
        ],
    );
    let id = first["content_id"].as_str().unwrap();
    let tagged = answer(
        &home,
        &[
            "registry", "tag", "corpus", "--add", "nlp", "--add", "de", "--remove", "raw",
        ],
    );
    assert_eq!(tagged["content_id"], id);
    assert_eq!(tagged["tags"], serde_json::json!(["de", "nlp"]));
    assert_eq!(
        tagged["clock"]
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap(),
        2
    );
    let same = answer(&home, &["registry", "tag", "corpus", "--add", "nlp"]);
    assert_eq!(same["clock"], tagged["clock"], "nothing changed");
    answer(&home, &["registry", "rename", "corpus", "german"]);
    let info = answer(&home, &["registry", "info", "german"]);
    assert_eq!((&info["seq"], &info["content_id"]), (&3.into(), &id.into()));
    assert_eq!(info["prev"].as_array().unwrap().len(), 1);
    assert_eq!(
        run(&home, &["registry", "info", "corpus"]).status.code(),
        Some(3)
    );
    answer(&home, &["registry", "verify", "german"]);
    // A collection and a rebuild leave the newest words, and only those.
    answer(&home, &["registry", "gc", "--keep-days", "0"]);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    let info = answer(&home, &["registry", "info", "german"]);
    assert_eq!(info["tags"], serde_json::json!(["de", "nlp"]));
    assert_eq!(
        answer(&home, &["registry", "list"])["datasets"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    answer(&home, &["registry", "unindex", "german"]);
    std::fs::remove_file(home.join("registry.redb")).unwrap();
    assert_eq!(
        answer(&home, &["registry", "list"])["datasets"],
        serde_json::json!([])
    );
}

#[test]
fn names_taken_twice_are_refused_and_near_misses_suggested() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    for (name, seed) in [("alpha", 1), ("beta", 2)] {
        let file = dir.path().join(format!("{name}.jsonl"));
        std::fs::write(&file, lines(100, seed)).unwrap();
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
    }
    let taken = run(&home, &["registry", "rename", "beta", "alpha"]);
    assert_eq!(taken.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("alpha@0.1.0"));
    let missed = run(&home, &["registry", "info", "alhpa"]);
    assert_eq!(missed.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&missed.stderr).contains("did you mean alpha?"));
    let log = answer(&home, &["registry", "log", "alpha"]);
    assert_eq!(log["versions"][0]["version"], "0.1.0");
    assert_eq!(
        run(&home, &["registry", "log", "gamma"]).status.code(),
        Some(3)
    );
}

#[test]
fn log_lists_the_bytes_added_by_each_version() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let file = dir.path().join("f.jsonl");
    let mut data = lines(3000, 1);
    for n in 0..3 {
        data.extend_from_slice(&lines(200, 10 + n));
        std::fs::write(&file, &data).unwrap();
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
    }
    let log = answer(&home, &["registry", "log", "f"]);
    let versions = log["versions"].as_array().unwrap();
    assert_eq!(versions.len(), 3);
    let added = |n: usize| versions[n]["added_bytes"].as_u64().unwrap();
    assert_eq!(added(0), versions[0]["size_bytes"].as_u64().unwrap());
    assert!(added(1) < added(0) / 4 && added(2) < added(0) / 4);
}
