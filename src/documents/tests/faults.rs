//! The faults of the other implementation: what it answers, and what this one does.

use super::*;
use crate::documents::format::IndexForm;
use crate::documents::format::encode_index;
use crate::documents::format::zip::ZipWriter;

/// Theirs: an index that a crash left behind is trusted, and 3,110 of 3,113 documents are invisible.
#[test]
fn stale_index_hides_no_document() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    let lines: Vec<String> = (0..3113)
        .map(|n| format!("{{\"_id\":\"d{n}\",\"n\":{n}}}\n"))
        .collect();
    std::fs::write(files.data_file(), lines.concat()).unwrap();
    let mut at = 0;
    let entries: Vec<(String, u64, u32)> = (0..3)
        .map(|n| {
            let entry = (format!("d{n}"), at, lines[n].len() as u32);
            at += lines[n].len() as u64;
            entry
        })
        .collect();
    let index = encode_index(
        IndexForm::Binary,
        entries.iter().map(|(i, o, l)| (i.as_str(), *o, *l)),
    );
    std::fs::write(files.index_file(), index).unwrap();
    assert_eq!(reader(dir.path()).len(), 3113);
    put(&open(dir.path()), "new", 1);
    assert_eq!(reader(dir.path()).len(), 3114);
}

/// Theirs: deleted documents return when the index is made anew, and all of them when the last is deleted.
#[test]
fn deleted_documents_stay_deleted_without_any_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (0..10).for_each(|n| put(&store, &format!("d{n}"), n));
    assert!(store.delete("d3").unwrap());
    drop(store);
    std::fs::remove_file(layout(dir.path()).index_file()).unwrap();
    assert_eq!(n_of(&reader(dir.path()), "d3"), None);
    let store = open(dir.path());
    assert_eq!(store.len(), 9);
    (0..10).for_each(|n| assert_eq!(store.delete(&format!("d{n}")).unwrap(), n != 3));
    drop(store);
    std::fs::remove_file(layout(dir.path()).index_file()).unwrap();
    assert!(reader(dir.path()).is_empty());
    // Others make documents of whatever is in the log, so nothing is.
    assert_eq!(std::fs::read(layout(dir.path()).data_file()).unwrap(), b"");
}

/// Theirs: every get fails after a compaction, and superseded versions stay.
#[test]
fn compaction_keeps_the_handle_readable_and_drops_old_versions() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let old = reader(dir.path());
    for round in 0..10 {
        (0..50).for_each(|n| put(&store, &format!("d{n}"), n + round));
    }
    store.flush().unwrap();
    let report = store.compact().unwrap();
    assert_eq!(report.documents, 50);
    let stats = store.stats().unwrap();
    assert_eq!(stats.file_bytes, stats.live_bytes);
    assert!(report.bytes_after * 9 < report.bytes_before);
    (0..50).for_each(|n| assert_eq!(n_of(&store, &format!("d{n}")), Some(n + 9)));
    put(&store, "after", 7);
    store.flush().unwrap();
    assert_eq!(n_of(&reader(dir.path()), "after"), Some(7));
    assert_eq!(old.len(), 0);
    old.refresh().unwrap();
    assert_eq!(old.len(), 51);
}

/// Theirs: a compaction drops lines that it cannot parse.
#[test]
fn compaction_sets_unreadable_lines_aside() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    std::fs::write(
        files.data_file(),
        "{\"_id\":\"a\"}\nnot json\n{\"x\":1}\n\n{\"_id\":\"b\"}\n",
    )
    .unwrap();
    let store = open(dir.path());
    assert_eq!(store.compact().unwrap().set_aside, 2);
    assert_eq!(store.len(), 2);
    let names: Vec<_> = std::fs::read_dir(files.meta_dir())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    let aside = names
        .iter()
        .find(|p| p.to_string_lossy().contains("unreadable-"))
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(aside).unwrap(),
        "not json\n{\"x\":1}\n"
    );
}

/// Theirs: a get between a put and a flush fails with "failed to fill whole buffer".
#[test]
fn get_before_a_flush_returns_what_was_put() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, "a", 1);
    put(&store, "a", 2);
    put(&store, "b", 3);
    assert_eq!(n_of(&store, "a"), Some(2));
    let many = store.get_many(&["b", "missing", "a"]).unwrap();
    assert_eq!(many.iter().filter(|d| d.is_some()).count(), 2);
    assert_eq!(store.iter().unwrap().count(), 2);
    assert_eq!(store.doc_ids().unwrap(), ["a", "b"]);
}

/// Theirs: two handles write over each other, and a scan silently lacks documents.
#[test]
fn second_writer_waits_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    put(&first, "from_a", 1);
    let second = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let second = open(dir.path());
            put(&second, "from_b", 2);
        });
        put(&first, "from_a2", 3);
        drop(first);
        waiting.join()
    });
    second.unwrap();
    assert_eq!(
        reader(dir.path()).doc_ids().unwrap(),
        ["from_a", "from_a2", "from_b"]
    );
}

/// Theirs: an append after a line without a line feed joins two documents.
#[test]
fn append_after_a_missing_line_feed_begins_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    std::fs::write(files.data_file(), "{\"_id\":\"a\",\"n\":1}").unwrap();
    put(&open(dir.path()), "b", 2);
    let text = std::fs::read_to_string(files.data_file()).unwrap();
    assert_eq!(text, "{\"_id\":\"a\",\"n\":1}\n{\"_id\":\"b\",\"n\":2}\n");
    let store = reader(dir.path());
    assert_eq!((n_of(&store, "a"), n_of(&store, "b")), (Some(1), Some(2)));
}

/// Theirs: blank lines shift all later offsets.
#[test]
fn blank_lines_shift_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    std::fs::write(
        files.data_file(),
        "\n{\"_id\":\"a\",\"n\":1}\n\n \n{\"_id\": \"b\", \"n\": 2}\r\n\n",
    )
    .unwrap();
    let store = open(dir.path());
    assert_eq!((n_of(&store, "a"), n_of(&store, "b")), (Some(1), Some(2)));
}

/// Theirs: a document's own `_id` overrides the id it is stored under, until the index is made anew.
#[test]
fn document_with_another_id_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let refused = store.put_raw("user_001", br#"{"_id":"liar"}"#);
    assert!(matches!(refused, Err(DocumentError::Document { .. })));
    assert!(matches!(
        store.put_raw("x2", b"42"),
        Err(DocumentError::Document { .. })
    ));
    assert!(store.is_empty());
}

/// Theirs: a text index of the pure reader replaces the binary one, with its own document alone.
#[test]
fn text_index_over_a_binary_one_deletes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (0..5).for_each(|n| put(&store, &format!("d{n}"), n));
    drop(store);
    let files = layout(dir.path());
    let mut data = std::fs::read_to_string(files.data_file()).unwrap();
    let offset = data.len();
    let line = "{\"_id\": \"py\", \"n\": 9}\n";
    data += line;
    std::fs::write(files.data_file(), data).unwrap();
    std::fs::write(
        files.index_file(),
        format!("py\t{offset}\t{}\n", line.len()),
    )
    .unwrap();
    let store = open(dir.path());
    assert_eq!(store.len(), 6);
    assert_eq!(n_of(&store, "py"), Some(9));
}

#[test]
fn deletion_by_another_program_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (0..5).for_each(|n| put(&store, &format!("d{n}"), n));
    drop(store);
    let files = layout(dir.path());
    let bytes = std::fs::read(files.index_file()).unwrap();
    let (form, entries) = crate::documents::format::decode_index(&bytes).unwrap();
    let kept = entries.iter().filter(|e| e.id != "d1");
    let index = encode_index(form, kept.map(|e| (e.id.as_ref(), e.offset, e.length)));
    std::fs::write(files.index_file(), &index).unwrap();
    assert_eq!(n_of(&reader(dir.path()), "d1"), None);
    drop(open(dir.path()));
    // It now stands in the side log, and outlives the index.
    std::fs::remove_file(files.index_file()).unwrap();
    let store = reader(dir.path());
    assert_eq!((store.len(), n_of(&store, "d1")), (4, None));
    // An index that tells a lie deletes nothing.
    drop(open(dir.path()));
    let index = encode_index(form, [("d0", 3, 9)].into_iter());
    std::fs::write(files.index_file(), index).unwrap();
    assert_eq!(reader(dir.path()).len(), 4);
}

/// Theirs: paths of ids and of collections lead out of the store.
#[test]
fn ids_and_names_lead_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret.json"), "{\"s\":1}").unwrap();
    let root = dir.path().join("store");
    for name in ["../x", "../..", "a/b", ""] {
        assert!(matches!(
            FastStore::open(&root, name, 1),
            Err(DocumentError::Name { .. })
        ));
        assert!(matches!(
            Engine::open(&root, name),
            Err(DocumentError::Name { .. })
        ));
    }
    SyncWriter::new(&root, "c")
        .unwrap()
        .put("a", &serde_json::json!({"n": 1}))
        .unwrap();
    let engine = Engine::open(&root, "c").unwrap();
    for id in [
        "../../../../secret",
        "../docs/a",
        "/etc/passwd",
        "a/../a",
        "..",
        "",
    ] {
        assert!(
            matches!(engine.get_document(id), Err(DocumentError::NoDocument(_))),
            "{id}"
        );
    }
    let store = FastStore::open(&root, "log", 1).unwrap();
    for id in ["../x", "a/b", "..", &"a".repeat(70_000)] {
        assert!(matches!(
            store.put_raw(id, b"{}"),
            Err(DocumentError::Id { .. })
        ));
        assert!(!store.delete(id).unwrap());
    }
}

/// Theirs: an archive writes outside of its place.
#[test]
fn unpacked_archive_stays_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("evil.zds");
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .add_file("aa/evil.txt", &mut b"evil".as_slice(), 4)
        .unwrap();
    let mut bytes = writer.finish().unwrap().into_inner();
    while let Some(at) = memchr::memmem::find(&bytes, b"aa/evil") {
        bytes[at..at + 2].copy_from_slice(b"..");
    }
    std::fs::write(&archive, bytes).unwrap();
    let root = dir.path().join("out");
    assert!(matches!(
        unpack(&archive, &root, false),
        Err(DocumentError::Archive { .. })
    ));
    assert!(!root.exists() && !dir.path().join("evil.txt").exists());
}

#[test]
fn pack_and_unpack_give_the_same_store_and_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let store = open(&root);
    (0..100).for_each(|n| put(&store, &format!("d{n}"), n));
    store.delete("d7").unwrap();
    drop(store);
    SyncWriter::new(&root, "files")
        .unwrap()
        .put("f", &serde_json::json!({"n": 1}))
        .unwrap();
    let (a, b) = (dir.path().join("a.zds"), dir.path().join("b.zds"));
    pack(&root, &a, crate::file_io::IfExists::Refuse).unwrap();
    pack(&root, &b, crate::file_io::IfExists::Refuse).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    let out = dir.path().join("out");
    unpack(&a, &out, false).unwrap();
    assert_eq!(reader(&out).len(), 99);
    assert_eq!(Engine::open(&out, "files").unwrap().len(), 1);
    assert!(unpack(&a, &out, false).is_err());
}
