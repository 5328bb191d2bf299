//! Commits: the content of an index of the edited files, with few new bytes.

use std::path::Path;

use alimentar::LocalRegistry;
use alimentar::file_io::IfExists;
use alimentar::manifest::Manifest;
use alimentar::progress::NoProgress;
use alimentar::protocol::Random;
use alimentar::registry::CommitOptions;
use alimentar::registry::EditSession;
use alimentar::registry::IndexOptions;
use alimentar::registry::TargetOptions;
use serde_json::Value;

use super::applied;
use super::edit;
use super::model::Model;
use super::model::random_edit;
use crate::support::answer;
use crate::support::is_sound;
use crate::support::lines;
use crate::support::refused;

/// Facts of a version that a commit and an index have in common.
fn facts(home: &Path, reference: &str) -> Vec<Value> {
    let info = answer(home, &["registry", "info", reference]);
    let keys = [
        "content_id",
        "chunk_tree_root",
        "file_table_root",
        "num_rows",
        "schema",
        "chunks",
    ];
    keys.map(|key| info[key].clone()).to_vec()
}

/// Indexes edited files in a home of their own, which holds the old version too.
fn indexed(dir: &Path, before: &Path, after: &Path) -> (Vec<Value>, Value) {
    let home = dir.join(format!("other-{}", after.display().to_string().len()));
    let _ = std::fs::remove_dir_all(&home);
    answer(&home, &["index", before.to_str().unwrap(), "--name", "d"]);
    let report = answer(&home, &["index", after.to_str().unwrap(), "--name", "d"]);
    (facts(&home, "d"), report)
}

#[test]
fn commit_makes_the_content_that_an_index_makes() {
    for seed in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let mut random = Random::new(seed);
        let is_csv = seed % 2 == 1;
        // From a file that is no region of its own to one of many chunks.
        let rows = [300, 2_000, 20_000, 1_400, 40_000][seed as usize % 5];
        let mut model = Model::new(rows, is_csv, &mut random);
        let name = if is_csv { "d.csv" } else { "d.jsonl" };
        let file = dir.path().join(name);
        std::fs::write(&file, model.text()).unwrap();
        answer(&home, &["index", file.to_str().unwrap(), "--name", "d"]);
        let options = TargetOptions::default();
        let mut session = EditSession::open("d", &home, &options, &NoProgress).unwrap();
        for _ in 0..=random.below(12) {
            random_edit(&mut session, &mut model, dir.path(), &mut random);
        }
        let edited = dir.path().join("edited");
        std::fs::create_dir(&edited).unwrap();
        let edited = edited.join(name);
        session
            .target()
            .copy_bytes(&edited, IfExists::Refuse, &NoProgress)
            .unwrap();
        let edits = session.counts().unwrap().edits;
        drop(session);
        let report = answer(&home, &["registry", "commit", "d"]);
        assert_eq!(report["edits"], edits, "seed {seed}");
        let (wanted, index) = indexed(dir.path(), &file, &edited);
        assert_eq!(facts(&home, "d"), wanted, "seed {seed}");
        assert_eq!(report["new_bytes"], index["new_bytes"], "seed {seed}");
        assert_eq!(report["new_chunks"], index["new_chunks"], "seed {seed}");
        answer(&home, &["registry", "verify", "d"]);
        is_sound(&home);
        let bytes = std::fs::read(&edited).unwrap();
        assert_eq!(applied(&home, "d"), bytes, "the new version has no edits");
    }
}

/// A manifest without what each maker of a version has of its own.
fn common_part(manifest: &Manifest) -> Value {
    let bytes = manifest.encode().unwrap();
    let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
    for own in ["line", "clock", "created_at"] {
        assert!(manifest.as_object_mut().unwrap().remove(own).is_some());
    }
    manifest
}

/// The version of `d` that an index of a file makes.
fn indexed_manifest(registry: &LocalRegistry, file: &Path) -> (Value, u64) {
    let options = IndexOptions::named("d".parse().unwrap());
    let report = registry.index(file, &options, &NoProgress).unwrap();
    (common_part(&report.manifest), report.stats.stored_bytes)
}

#[test]
fn manifest_of_a_commit_of_many_edits_is_that_of_an_index() {
    for (seed, is_csv) in [(1, false), (2, true)] {
        let dir = tempfile::tempdir().unwrap();
        let (home, other) = (dir.path().join("home"), dir.path().join("other"));
        let mut random = Random::new(seed);
        // The same rows come again farther behind, so chunks occur several times, in scattered records.
        let mut model = Model::new(60_000, is_csv, &mut random);
        for from in [30_000, 5_000, 45_000, 20_000] {
            model.rows.extend_from_within(from..from + 12_000);
        }
        let file = dir.path().join(if is_csv { "d.csv" } else { "d.jsonl" });
        std::fs::write(&file, model.text()).unwrap();
        let registry = LocalRegistry::open(&home).unwrap();
        let others = LocalRegistry::open(&other).unwrap();
        let first = indexed_manifest(&others, &file);
        assert_eq!(first.0, indexed_manifest(&registry, &file).0);
        // The base of the second commit has deltas.
        for round in 0..2 {
            let options = TargetOptions::default();
            let mut session = EditSession::open("d", &home, &options, &NoProgress).unwrap();
            for _ in 0..20 {
                random_edit(&mut session, &mut model, dir.path(), &mut random);
            }
            let last = model.rows.len() as u64;
            session
                .delete(&[(0, 1), (last - 1, last)], &NoProgress)
                .unwrap();
            model.rows.pop();
            model.rows.remove(0);
            let replace = IfExists::Replace;
            let target = session.target();
            target.copy_bytes(&file, replace, &NoProgress).unwrap();
            drop(session);
            let dataset = registry.resolve(&"d".parse().unwrap()).unwrap();
            let options = CommitOptions::default();
            let report = registry.commit(&dataset, &options, &NoProgress).unwrap();
            let (wanted, stored) = indexed_manifest(&others, &file);
            let made = &report.index;
            assert_eq!(common_part(&made.manifest), wanted, "{seed} {round}");
            assert!(made.stats.stored_bytes <= stored * 2, "{made:?} {stored}");
            let dataset = registry.resolve(&"d".parse().unwrap()).unwrap();
            registry.verify(&dataset, &NoProgress).unwrap();
        }
        is_sound(&home);
    }
}

#[test]
fn schema_of_an_unedited_large_file_is_that_of_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    std::fs::create_dir_all(&data).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(data.join(name), bytes).unwrap();
    write("a.jsonl", &lines(3_000, 1));
    // Larger than the front that decides a schema. Its last rows have a field that no schema lists.
    let mut rows = "{\"n\":1,\"other\":[true]}\n".repeat(220_000);
    rows.push_str("{\"late\":1}\n");
    write("b.jsonl", rows.as_bytes());
    let list = format!("[{}{{\"n\":2}}]\n", "{\"n\":1},\n".repeat(600_000));
    write("c.json", list.as_bytes());
    write("d.csv", "n,text\n1,\"a\nb\"\n".repeat(400_000).as_bytes());
    answer(&home, &["index", data.to_str().unwrap(), "--name", "d"]);
    edit(&home, Path::new("d:a.jsonl"), &["--delete", "7-9"]);
    let edited = dir.path().join("edited");
    std::fs::create_dir_all(&edited).unwrap();
    for name in ["b.jsonl", "c.json", "d.csv"] {
        std::fs::copy(data.join(name), edited.join(name)).unwrap();
    }
    std::fs::write(edited.join("a.jsonl"), applied(&home, "d:a.jsonl")).unwrap();
    answer(&home, &["registry", "commit", "d"]);
    let (wanted, _) = indexed(dir.path(), &data, &edited);
    assert_eq!(facts(&home, "d"), wanted);
}

#[test]
fn commit_over_a_damaged_chunk_is_refused_and_keeps_the_edits() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("d.jsonl"));
    std::fs::write(&file, lines(30_000, 1)).unwrap();
    answer(&home, &["index", file.to_str().unwrap(), "--name", "d"]);
    edit(&home, Path::new("d"), &["--delete", "7"]);
    // Far from the edit: the chunk would stay as it is.
    let pack = home.join("packs/00000001.pack");
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&pack, bytes).unwrap();
    let error = refused(&home, &["registry", "commit", "d"], 4);
    assert!(
        error["message"].as_str().unwrap().contains("d.jsonl"),
        "{error}"
    );
    let list = answer(&home, &["inspect", "edits", "list", "d"]);
    assert_eq!(list["edits"], 1);
    assert_eq!(
        answer(&home, &["registry", "list", "--all"])["datasets"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn commit_of_a_directory_keeps_its_other_files() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    std::fs::create_dir_all(data.join("sub")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(data.join(name), bytes).unwrap();
    write("README.md", b"---\nlicense: mit\n---\n# Old\n");
    write("a.jsonl", &lines(4_000, 1));
    write("b.jsonl", &lines(100, 2));
    write("c.jsonl", &lines(3_000, 3));
    write("sub/d.txt", b"one\ntwo\n");
    write("sub/e.bin", &[0; 3000]);
    answer(&home, &["index", data.to_str().unwrap(), "--name", "d"]);
    let edits: [(&str, &[&str]); 6] = [
        ("d:b.jsonl", &["--delete", "3-20"]),
        (
            "d:c.jsonl",
            &["--set", "1500.text=short", "--set", "2999.n=5"],
        ),
        ("d:sub/d.txt", &["--set", "0.text=1"]),
        ("d:README.md", &["--set", "3.text=# New"]),
        ("d", &["--delete", "0,3999,4000"]),
        ("d:c.jsonl", &["--delete", "0"]),
    ];
    for (target, words) in edits {
        edit(&home, Path::new(target), words);
    }
    let edited = dir.path().join("edited");
    std::fs::create_dir_all(edited.join("sub")).unwrap();
    for name in ["README.md", "a.jsonl", "b.jsonl", "c.jsonl", "sub/d.txt"] {
        std::fs::write(edited.join(name), applied(&home, &format!("d:{name}"))).unwrap();
    }
    std::fs::copy(data.join("sub/e.bin"), edited.join("sub/e.bin")).unwrap();
    let report = answer(&home, &["registry", "commit", "d", "--message", "better"]);
    assert_eq!(report["version"], "0.1.1");
    let (wanted, index) = indexed(dir.path(), &data, &edited);
    assert_eq!(facts(&home, "d"), wanted);
    assert_eq!(report["new_bytes"], index["new_bytes"]);
    let info = answer(&home, &["registry", "info", "d"]);
    assert_eq!(info["description"], "better");
    let card = answer(&home, &["registry", "card", "d"]);
    assert!(
        card["markdown"].as_str().unwrap().contains("# New"),
        "{card}"
    );
    answer(&home, &["registry", "verify", "d"]);
    is_sound(&home);
}

#[test]
fn small_and_large_files_change_places() {
    let dir = tempfile::tempdir().unwrap();
    let (home, data) = (dir.path().join("home"), dir.path().join("data"));
    std::fs::create_dir_all(&data).unwrap();
    for (name, rows) in [("a", 310), ("b", 350), ("c", 10), ("d", 400), ("e", 20)] {
        let bytes = lines(rows, rows as u64);
        std::fs::write(data.join(format!("{name}.jsonl")), bytes).unwrap();
    }
    answer(&home, &["index", data.to_str().unwrap(), "--name", "d"]);
    // `a` becomes a region of its own, and `b` becomes none; `c` and `e` stay.
    let more = dir.path().join("more.jsonl");
    std::fs::write(&more, lines(200, 9)).unwrap();
    let more = more.to_str().unwrap();
    edit(
        &home,
        Path::new("d:a.jsonl"),
        &["--insert", more, "--at", "310"],
    );
    edit(&home, Path::new("d:b.jsonl"), &["--delete", "0-299"]);
    let edited = dir.path().join("edited");
    std::fs::create_dir_all(&edited).unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        let bytes = applied(&home, &format!("d:{name}.jsonl"));
        std::fs::write(edited.join(format!("{name}.jsonl")), bytes).unwrap();
    }
    answer(&home, &["registry", "commit", "d"]);
    let (wanted, _) = indexed(dir.path(), &data, &edited);
    assert_eq!(facts(&home, "d"), wanted);
    answer(&home, &["registry", "verify", "d"]);
}

#[test]
fn commit_of_a_columnar_dataset_writes_the_file_anew_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats/three.parquet");
    answer(&home, &["index", fixture.to_str().unwrap(), "--name", "d"]);
    edit(&home, Path::new("d"), &["--delete", "0"]);
    let out = dir.path().join("three.parquet");
    let words = [
        "inspect",
        "edits",
        "apply",
        "d",
        "-o",
        out.to_str().unwrap(),
    ];
    answer(&home, &words);
    let report = answer(&home, &["registry", "commit", "d"]);
    assert_eq!(report["rewritten"], serde_json::json!(["three.parquet"]));
    let (wanted, _) = indexed(dir.path(), &fixture, &out);
    assert_eq!(facts(&home, "d"), wanted);
}

#[test]
fn commit_without_edits_is_refused_and_edits_come_back_by_redo() {
    let dir = tempfile::tempdir().unwrap();
    let (home, file) = (dir.path().join("home"), dir.path().join("d.jsonl"));
    std::fs::write(&file, lines(2_000, 1)).unwrap();
    answer(&home, &["index", file.to_str().unwrap(), "--name", "d"]);
    refused(&home, &["registry", "commit", "d"], 1);
    refused(&home, &["registry", "commit", "unknown"], 3);
    edit(&home, Path::new("d"), &["--delete", "7"]);
    let first = answer(&home, &["commit", "d"]);
    assert_eq!(first["unchanged"], false);
    refused(&home, &["registry", "commit", "d"], 1);
    refused(&home, &["registry", "commit", "d@0.1.0"], 1);
    answer(&home, &["inspect", "edits", "redo", "d@0.1.0"]);
    let again = answer(&home, &["registry", "commit", "d@0.1.0"]);
    assert_eq!(again["unchanged"], true);
    assert_eq!(again["content_id"], first["content_id"]);
}
