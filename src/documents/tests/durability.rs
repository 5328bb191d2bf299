//! Crashes: files cut at every byte, and processes that end without a checkpoint.

use super::*;

/// Opens what a crash left, twice, and checks the documents of each opening.
fn survivors(root: &Path) -> Vec<String> {
    let seen = reader(root).doc_ids().unwrap();
    let written = open(root).doc_ids().unwrap();
    assert_eq!(seen, written);
    // The checkpoint of the writer changes nothing.
    assert_eq!(reader(root).doc_ids().unwrap(), written);
    std::fs::remove_file(layout(root).index_file()).unwrap_or_default();
    assert_eq!(reader(root).doc_ids().unwrap(), written);
    written
}

/// Returns the contents of the torn tails that were set aside, in order.
fn torn(root: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(layout(root).meta_dir()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let torn = paths.filter(|path| path.to_string_lossy().contains("/torn-"));
    let mut contents: Vec<Vec<u8>> = torn.map(|path| std::fs::read(path).unwrap()).collect();
    contents.sort();
    contents
}

#[test]
fn second_torn_tail_at_the_same_place_replaces_no_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, "a", 1);
    drop(store);
    let data = layout(dir.path()).data_file();
    let whole = std::fs::read(&data).unwrap();
    for tail in [b"{\"_id\":\"first".as_slice(), b"{\"_id\":\"second"] {
        std::fs::write(&data, [&whole, tail].concat()).unwrap();
        drop(open(dir.path()));
        assert_eq!(std::fs::read(&data).unwrap(), whole);
    }
    assert_eq!(
        torn(dir.path()),
        [b"{\"_id\":\"first".as_slice(), b"{\"_id\":\"second"]
    );
}

#[test]
fn log_cut_at_every_byte_keeps_whole_documents_and_sets_the_rest_aside() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    (0..3).for_each(|n| put(&store, &format!("d{n}"), n));
    store.checkpoint().unwrap();
    (3..6).for_each(|n| put(&store, &format!("d{n}"), n));
    store.flush().unwrap();
    let whole = std::fs::read(layout(&root).data_file()).unwrap();
    let line = whole.len() / 6;
    for cut in 0..=whole.len() {
        crash(&root, &copy);
        let data = layout(&copy).data_file();
        std::fs::write(&data, &whole[..cut]).unwrap();
        // A line is whole without its line feed.
        let expected: Vec<String> = (0..(cut + 1) / line).map(|n| format!("d{n}")).collect();
        assert_eq!(survivors(&copy), expected, "{cut}");
        let start = expected.len() * line;
        let aside = torn(&copy);
        match cut > start {
            true => assert_eq!(aside, [&whole[start..cut]]),
            false => assert!(aside.is_empty()),
        }
        put(&open(&copy), "next", 9);
        assert_eq!(reader(&copy).len(), expected.len() + 1);
        assert!(FastStore::validate(&layout(&copy)).unwrap().is_sound());
    }
}

#[test]
fn side_log_cut_at_every_byte_keeps_deletions_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    (0..4).for_each(|n| put(&store, &format!("d{n}"), n));
    store.checkpoint().unwrap();
    let before = std::fs::metadata(layout(&root).side_file()).unwrap().len() as usize;
    let mut ends = Vec::new();
    for n in 0..3 {
        store.delete(&format!("d{n}")).unwrap();
        store.flush().unwrap();
        ends.push(std::fs::metadata(layout(&root).side_file()).unwrap().len() as usize);
    }
    let whole = std::fs::read(layout(&root).side_file()).unwrap();
    for cut in before..=whole.len() {
        crash(&root, &copy);
        std::fs::write(layout(&copy).side_file(), &whole[..cut]).unwrap();
        let deleted = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(survivors(&copy).len(), 4 - deleted, "{cut}");
    }
}

#[test]
fn document_put_again_after_its_deletion_lives() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    put(&store, "a", 1);
    put(&store, "b", 1);
    store.delete("a").unwrap();
    put(&store, "a", 2);
    store.flush().unwrap();
    crash(&root, &copy);
    assert_eq!(survivors(&copy), ["b", "a"]);
    store.compact().unwrap();
    store.delete("b").unwrap();
    store.flush().unwrap();
    crash(&root, &copy);
    assert_eq!(survivors(&copy), ["a"]);
    assert_eq!(n_of(&reader(&copy), "a"), Some(2));
}

/// A crash between the steps of a compaction: each state of the three files that may be left.
#[test]
fn compaction_cut_between_any_two_steps_changes_no_document() {
    // The last ones too: the log after the compaction is then the begin of the log before.
    cut_compaction(["d5", "d4"], ["d0", "d1", "d2", "d3"], true);
    // Else the log after it tells enough, and the one before is not hashed.
    cut_compaction(["d0", "d4"], ["d1", "d2", "d3", "d5"], false);
}

fn cut_compaction(deleted: [&str; 2], alive: [&str; 4], is_begin: bool) {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    (0..6).for_each(|n| put(&store, &format!("d{n}"), n));
    store.checkpoint().unwrap();
    for id in deleted {
        store.delete(id).unwrap();
    }
    store.flush().unwrap();
    let before = dir.path().join("before");
    crash(&root, &before);
    let old = std::fs::read(layout(&before).data_file()).unwrap();
    store.compact().unwrap();
    let new = std::fs::read(layout(&root).data_file()).unwrap();
    assert_eq!(old.starts_with(&new), is_begin);
    let mut intent = std::fs::read(layout(&before).side_file()).unwrap();
    let record = crate::documents::format::SideRecord::Compaction {
        old: crate::documents::format::Content {
            length: old.len() as u64,
            hash: match is_begin {
                true => *blake3::hash(&old).as_bytes(),
                false => [0; 32],
            },
        },
        new: crate::documents::format::Content::of(&new),
    };
    record.encode_into(&mut intent);
    for (data, index) in [(&old, false), (&new, false), (&new, true)] {
        crash(&before, &copy);
        std::fs::write(layout(&copy).side_file(), &intent).unwrap();
        std::fs::write(layout(&copy).data_file(), data).unwrap();
        if index {
            std::fs::copy(layout(&root).index_file(), layout(&copy).index_file()).unwrap();
        }
        assert_eq!(survivors(&copy), alive);
        // Documents put after the recovery do not fall to the old deletions.
        put(&open(&copy), deleted[0], 50);
        assert_eq!(n_of(&reader(&copy), deleted[0]), Some(50));
    }
}

#[test]
fn damaged_index_of_any_kind_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (0..20).for_each(|n| put(&store, &format!("d{n}"), n));
    store.delete("d4").unwrap();
    drop(store);
    let files = layout(dir.path());
    let good = std::fs::read(files.index_file()).unwrap();
    let mut huge = good.clone();
    huge[8..16].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    let damaged = [
        Vec::new(),
        b"junk".to_vec(),
        good[..good.len() / 2].to_vec(),
        huge,
        b"ISDZ".to_vec(),
    ];
    for bytes in damaged {
        std::fs::write(files.index_file(), &bytes).unwrap();
        let store = reader(dir.path());
        assert_eq!((store.len(), n_of(&store, "d4")), (19, None));
        assert!(!FastStore::validate(&files).unwrap().is_sound());
    }
    assert_eq!(open(dir.path()).reindex().unwrap(), 19);
    assert!(FastStore::validate(&files).unwrap().is_sound());
    assert_eq!(std::fs::read(files.index_file()).unwrap(), good);
}

#[test]
fn log_edited_while_it_is_open_is_noticed_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&store, "a", 1);
    store.flush().unwrap();
    let data = layout(dir.path()).data_file();
    std::fs::write(&data, "{\"_id\":\"b\",\"n\":22222}\n").unwrap();
    assert!(matches!(store.get("a"), Err(DocumentError::Changed(_))));
    put(&store, "c", 3);
    assert!(matches!(store.flush(), Err(DocumentError::Changed(_))));
    assert!(matches!(store.flush(), Err(DocumentError::Failed(_))));
    drop(store);
    assert_eq!(reader(dir.path()).doc_ids().unwrap(), ["b"]);
}

#[test]
fn threads_share_commits_and_each_put_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..20 {
                    put(store, &format!("t{thread}-{n}"), n);
                    store.flush().unwrap();
                    if n % 5 == 4 {
                        store.delete(&format!("t{thread}-{}", n - 1)).unwrap();
                        store.flush().unwrap();
                    }
                }
            });
        }
        let store = &store;
        scope.spawn(move || (0..3).for_each(|_| assert!(store.compact().is_ok())));
    });
    crash(&root, &copy);
    assert_eq!(survivors(&copy).len(), 8 * 16);
}

#[test]
fn strict_collection_refuses_other_types() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    CollectionManifest::new("c", true, String::new())
        .write(&files)
        .unwrap();
    let store = open(dir.path());
    put(&store, "a", 1);
    let refused = store.put_raw("b", br#"{"n":"text"}"#);
    assert!(matches!(refused, Err(DocumentError::Schema { .. })));
    drop(store);
    let store = open(dir.path());
    assert!(store.put_raw("b", br#"{"n":1.5}"#).is_err());
    put(&store, "b", 2);
    let stats = store.stats().unwrap();
    assert_eq!(
        (stats.documents, stats.schemas, stats.is_strict),
        (2, 1, true)
    );
}
