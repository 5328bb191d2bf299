//! Paths that lead out of the store.

use std::io::Write as _;

use serde_json::json;
use zippy_data::Engine;
use zippy_data::FastStore;
use zippy_data::writer::SyncWriter;

use crate::ours::Lab;
use crate::ours::NAME;

pub fn archive_without_index(lab: &Lab) {
    let mut writer = SyncWriter::new(&lab.root, NAME).unwrap();
    writer.put("a", &json!({"n": 1})).unwrap();
    let path = lab.dir.path().join("a.zds");
    zippy_data::container::pack(&lab.root, &path).unwrap();
    let engine = Engine::open(&path, NAME).unwrap();
    assert_eq!(engine.get_document("a").unwrap(), json!({"n": 1}));
    assert_eq!(engine.len(), 0, "their fault is mended");
    let out = lab.dir.path().join("out");
    assert_eq!(
        lab.plain(&["unpack", path.to_str().unwrap(), out.to_str().unwrap()]),
        Some(0)
    );
    let unpacked = lab.beside(out);
    assert_eq!(unpacked.all().len(), 1);
}

pub fn zip_slip(lab: &Lab) {
    let path = lab.dir.path().join("evil.zds");
    let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    archive
        .start_file(
            "collections/c/meta/data.jsonl",
            zip::write::FileOptions::default(),
        )
        .unwrap();
    archive.write_all(b"{\"_id\":\"a\"}\n").unwrap();
    archive
        .start_file("../evil.txt", zip::write::FileOptions::default())
        .unwrap();
    archive.write_all(b"evil").unwrap();
    archive.finish().unwrap();
    let theirs = lab.dir.path().join("theirs/out");
    std::fs::create_dir_all(&theirs).unwrap();
    zippy_data::container::unpack(&path, &theirs).unwrap();
    assert!(
        lab.dir.path().join("theirs/evil.txt").exists(),
        "their fault is mended"
    );
    let ours = lab.dir.path().join("ours/out");
    std::fs::create_dir_all(lab.dir.path().join("ours")).unwrap();
    assert_eq!(
        lab.plain(&["unpack", path.to_str().unwrap(), ours.to_str().unwrap()]),
        Some(5)
    );
    assert_eq!(
        std::fs::read_dir(lab.dir.path().join("ours"))
            .unwrap()
            .count(),
        0
    );
}

pub fn id(lab: &Lab) {
    let mut writer = SyncWriter::new(&lab.root, NAME).unwrap();
    writer.put("a", &json!({"n": 1})).unwrap();
    std::fs::write(lab.dir.path().join("in/secret.json"), "{\"secret\":1}").unwrap();
    let id = "../../../../secret";
    let engine = Engine::open(&lab.root, NAME).unwrap();
    assert_eq!(
        engine.get_document(id).unwrap(),
        json!({"secret": 1}),
        "their fault is mended"
    );
    assert_eq!(lab.run("get", &[id], "").status.code(), Some(3));
    assert_eq!(lab.run("delete", &[id], "").status.code(), Some(3));
    assert_eq!(
        lab.run("put", &[id, "--data", "{}"], "").status.code(),
        Some(2)
    );
    assert!(lab.dir.path().join("in/secret.json").exists());
}

pub fn name(lab: &Lab) {
    let name = "../../../outside";
    drop(FastStore::open(&lab.root, name, 10).unwrap());
    let outside = lab.dir.path().join("outside");
    assert!(outside.join("meta").is_dir(), "their fault is mended");
    std::fs::remove_dir_all(&outside).unwrap();
    let root = lab.root.to_str().unwrap();
    for command in ["init", "scan", "stats"] {
        assert_eq!(
            lab.plain(&[command, root, "-c", name]),
            Some(2),
            "{command}"
        );
    }
    assert!(!outside.exists());
}
