//! The table between two openings, and many documents at once.

use super::*;
use crate::documents::disk::data_file::DataFile;
use crate::documents::disk::resume::resume;

fn is_resumed(root: &Path) -> bool {
    let layout = layout(root);
    let data = DataFile::open(&layout.data_file()).unwrap();
    resume(&layout, &data).unwrap().is_some()
}

#[test]
fn opening_after_a_checkpoint_reads_only_what_came_later() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    (0..500).for_each(|n| put(&store, &format!("d{n}"), n));
    store.delete("d7").unwrap();
    store.checkpoint().unwrap();
    put(&store, "d8", 800);
    store.delete("d9").unwrap();
    store.flush().unwrap();
    // A copy has other inodes: the content of the index tells that the table belongs to it.
    crash(&root, &copy);
    for root in [&root, &copy] {
        assert!(is_resumed(root));
        let store = reader(root);
        assert_eq!(store.len(), 498);
        assert_eq!((n_of(&store, "d7"), n_of(&store, "d9")), (None, None));
        assert_eq!(
            (n_of(&store, "d8"), n_of(&store, "d6")),
            (Some(800), Some(6))
        );
        assert_eq!(store.doc_ids().unwrap().last().unwrap(), "d8");
    }
}

#[test]
fn table_of_another_index_or_another_log_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    (0..500).for_each(|n| put(&store, &format!("d{n}"), n));
    store.checkpoint().unwrap();
    let files = layout(&copy);
    type Change = fn(&mut Vec<u8>);
    let changes: [(std::path::PathBuf, Change); 5] = [
        (files.index_file(), |bytes| bytes[100] ^= 1),
        (files.index_file(), |bytes| bytes.truncate(90)),
        (files.data_file(), |bytes| bytes.rotate_left(17)),
        (files.data_file(), |bytes| bytes.truncate(1000)),
        (files.side_file(), |bytes| bytes[20] ^= 1),
    ];
    for (path, change) in changes {
        crash(&root, &copy);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        assert!(!is_resumed(&copy), "{}", path.display());
    }
    crash(&root, &copy);
    assert!(is_resumed(&copy));
    // Another program writes in place: the inode and the length stay, and the time does not.
    let index = layout(&root).index_file();
    let mut bytes = std::fs::read(&index).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&index, bytes).unwrap();
    assert!(!is_resumed(&root));
}

#[test]
fn damaged_table_is_made_anew_or_named() {
    let dir = tempfile::tempdir().unwrap();
    // A small one is checked when it is opened, a large one where it is used.
    for (count, is_small) in [(500, true), (60_000, false)] {
        let root = dir.path().join(count.to_string());
        let lines: String = (0..count)
            .map(|n| format!("{{\"_id\":\"d{n}\",\"n\":{n}}}\n"))
            .collect();
        let store = open(&root);
        assert_eq!(store.write_jsonl_blob(lines.as_bytes()).unwrap(), count);
        drop(store);
        let path = layout(&root).table_file();
        let mut bytes = std::fs::read(&path).unwrap();
        (5000..bytes.len())
            .step_by(9000)
            .for_each(|at| bytes[at] ^= 1);
        std::fs::write(&path, bytes).unwrap();
        match reader(&root).get("d1") {
            Err(DocumentError::Damaged { .. }) => assert!(!is_small),
            other => assert!(is_small && other.is_ok()),
        }
        assert_eq!(open(&root).reindex().unwrap(), count);
        assert_eq!(n_of(&reader(&root), "d1"), Some(1));
    }
}

#[test]
fn log_cut_while_it_is_open_gives_an_error_and_no_signal() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    (0..5000).for_each(|n| put(&store, &format!("d{n}"), n));
    store.flush().unwrap();
    let read = reader(dir.path());
    assert_eq!(n_of(&read, "d4999"), Some(4999));
    let data = std::fs::File::options()
        .write(true)
        .open(layout(dir.path()).data_file());
    data.unwrap().set_len(100).unwrap();
    assert_eq!(n_of(&read, "d0"), Some(0));
    for store in [&read, &store] {
        assert!(matches!(store.get("d4999"), Err(DocumentError::Changed(_))));
        assert!(matches!(store.doc_ids(), Err(DocumentError::Changed(_))));
    }
}

#[test]
fn blob_of_documents_is_stored_as_single_puts_are() {
    let dir = tempfile::tempdir().unwrap();
    let (one, many) = (dir.path().join("a"), dir.path().join("b"));
    let (single, bulk) = (open(&one), open(&many));
    let mut blob = String::new();
    for n in 0..30_000_u64 {
        let text = format!(
            "{{ \"n\": {n}, \"_id\":\"d{}\", \"t\": \"a \\\" b\" }}",
            n % 20_000
        );
        single
            .put_raw(&format!("d{}", n % 20_000), text.as_bytes())
            .unwrap();
        blob.push_str(&text);
        blob.push_str(if n % 7 == 0 { "\n\n" } else { "\r\n" });
    }
    assert_eq!(bulk.write_jsonl_blob(blob.as_bytes()).unwrap(), 30_000);
    single.checkpoint().unwrap();
    bulk.checkpoint().unwrap();
    for file in [Layout::data_file, Layout::index_file] {
        let read = |root| std::fs::read(file(&layout(root))).unwrap();
        assert!(read(&one) == read(&many));
    }
    let refused = "{\"_id\":\"x\"}\n\n{\"_id\":\"y\",\"a\":1,\"a\":2}\n{\"_id\":\"z\"}\n";
    let fault = bulk.write_jsonl_blob(refused.as_bytes()).unwrap_err();
    assert!(
        matches!(&fault, DocumentError::Document { id, .. } if id == "line 3"),
        "{fault}"
    );
    let read = reader(&many);
    let has = |id: &str| read.exists(id).unwrap();
    assert!(has("x") && !has("y") && !has("z"));
}

#[test]
fn long_lines_have_their_length_from_their_line_feed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let text = "x".repeat(3 << 20);
    for round in 0..3 {
        let long = format!("{{\"n\":{round},\"text\":\"{text}\"}}");
        store.put_raw("long", long.as_bytes()).unwrap();
        put(&store, "short", round);
        assert_eq!(n_of(&store, "long"), Some(round));
        if round == 1 {
            store.checkpoint().unwrap();
        }
    }
    let live = store.stats().unwrap().live_bytes;
    drop(store);
    let read = reader(dir.path());
    assert_eq!(
        (n_of(&read, "long"), n_of(&read, "short")),
        (Some(2), Some(2))
    );
    let lines = read.read_jsonl_blob().unwrap();
    assert_eq!(live, lines.len() as u64);
    assert_eq!(read.stats().unwrap().live_bytes, live);
}

/// Makes a collection whose documents have one schema.
fn strict(root: &Path) -> FastStore {
    let files = layout(root);
    files.init_collection().unwrap();
    let manifest = CollectionManifest::new("c", true, String::new());
    manifest.write(&files).unwrap();
    open(root)
}

#[test]
fn document_that_is_not_stored_sets_no_schema() {
    // It stands behind one that is refused, far enough to be checked apart from it.
    let text = "x".repeat(2048);
    let later: Vec<(String, String)> = (0..1200)
        .map(|n| (format!("d{n}"), format!("{{\"n\":{n},\"t\":\"{text}\"}}")))
        .collect();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = strict(one.path());
    let first = std::iter::once(("../d", b"{}".as_slice()));
    let given = later.iter().map(|(id, d)| (id.as_str(), d.as_bytes()));
    let stored = store.put_many(first.chain(given));
    assert!(
        matches!(stored, Err(DocumentError::Id { .. })),
        "{stored:?}"
    );
    put(&store, "a", 1);
    let store = strict(two.path());
    let lines = later
        .iter()
        .map(|(id, d)| format!("{{\"_id\":\"{id}\",{}\n", &d[1..]));
    let blob = "no document\n".to_owned() + &lines.collect::<String>();
    let stored = store.write_jsonl_blob(blob.as_bytes());
    assert!(
        matches!(stored, Err(DocumentError::Document { .. })),
        "{stored:?}"
    );
    put(&store, "a", 1);
    assert_eq!(store.len(), 1);
}

#[test]
fn strict_collection_takes_the_types_of_its_first_document_from_many_at_once() {
    // The first document takes long, so another thread is ready with documents of another type before it.
    let long = "x".repeat(16 << 20);
    let document = |n: usize| match n {
        0 => format!("{{\"_id\":\"d0\",\"n\":0,\"t\":\"{long}\"}}\n"),
        1..600 => format!("{{\"_id\":\"d{n}\",\"n\":{n},\"t\":\"\"}}\n"),
        _ => format!("{{\"_id\":\"d{n}\",\"n\":\"{n}\",\"t\":\"\"}}\n"),
    };
    let documents: Vec<(String, String)> =
        (0..1200).map(|n| (format!("d{n}"), document(n))).collect();
    let given = documents
        .iter()
        .map(|(id, line)| (id.as_str(), line.trim_end().as_bytes()));
    let blob = document(0) + &(600..1200).map(document).collect::<String>();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = strict(one.path());
    let stored = store.put_many(given);
    assert!(matches!(stored, Err(DocumentError::Schema { .. })));
    assert_eq!(store.len(), 600);
    let store = strict(two.path());
    let stored = store.write_jsonl_blob(blob.as_bytes());
    assert!(matches!(stored, Err(DocumentError::Schema { .. })));
    assert_eq!(store.len(), 1);
}

#[test]
fn first_error_of_many_documents_is_the_one_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let text = "x".repeat(1 << 20);
    let lines: String = (0..40)
        .map(|n| format!("{{\"_id\":\"d{n}\",\"t\":\"{text}\"}}\n"))
        .collect();
    let data = layout(dir.path()).data_file();
    std::fs::write(&data, "{\"_id\":\"other\"}\n").unwrap();
    let told = store.write_jsonl_blob(lines.as_bytes());
    assert!(matches!(told, Err(DocumentError::Changed(_))), "{told:?}");
    let store = open(&dir.path().join("b"));
    std::fs::write(
        layout(&dir.path().join("b")).data_file(),
        "{\"_id\":\"other\"}\n",
    )
    .unwrap();
    let documents = lines.lines().enumerate();
    let given: Vec<(String, &[u8])> = documents
        .map(|(n, l)| (format!("d{n}"), l.as_bytes()))
        .collect();
    let told = store.put_many(given.iter().map(|(id, l)| (id.as_str(), *l)));
    assert!(matches!(told, Err(DocumentError::Changed(_))), "{told:?}");
}

#[test]
fn line_that_was_joined_to_the_last_one_is_read_alike_with_and_without_the_table() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    std::fs::write(files.data_file(), "{\"_id\":\"a\"}\n{\"_id\":\"b\"}").unwrap();
    drop(open(dir.path()));
    assert!(is_resumed(dir.path()));
    let mut log = std::fs::read(files.data_file()).unwrap();
    log.extend_from_slice(b"{\"_id\":\"c\"}\n");
    std::fs::write(files.data_file(), &log).unwrap();
    let with = reader(dir.path()).doc_ids().unwrap();
    std::fs::remove_file(files.table_file()).unwrap();
    assert_eq!(with, reader(dir.path()).doc_ids().unwrap());
    // A line of its own is read from the table on.
    let mut ended = b"{\"_id\":\"a\"}\n{\"_id\":\"b\"}".to_vec();
    std::fs::write(files.data_file(), &ended).unwrap();
    open(dir.path()).reindex().unwrap();
    ended.extend_from_slice(b"\n{\"_id\":\"c\"}\n");
    std::fs::write(files.data_file(), &ended).unwrap();
    assert!(is_resumed(dir.path()));
    assert_eq!(reader(dir.path()).doc_ids().unwrap(), ["a", "b", "c"]);
}

#[test]
fn reindex_keeps_deletions_of_others_and_refuses_a_log_that_has_grown() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    (0..4).for_each(|n| put(&store, &format!("d{n}"), n));
    store.checkpoint().unwrap();
    let files = layout(&root);
    let index = std::fs::read(files.index_file()).unwrap();
    let (form, entries) = crate::documents::format::decode_index(&index).unwrap();
    let kept = entries.iter().filter(|e| e.id != "d1");
    let kept = kept.map(|e| (e.id.as_ref(), e.offset, e.length));
    let theirs = crate::documents::format::encode_index(form, kept);
    std::fs::write(files.index_file(), theirs).unwrap();
    assert_eq!(store.reindex().unwrap(), 3);
    crash(&root, &copy);
    for file in [Layout::index_file, Layout::table_file] {
        std::fs::remove_file(file(&layout(&copy))).unwrap();
    }
    assert_eq!(reader(&copy).doc_ids().unwrap(), ["d0", "d2", "d3"]);
    let mut log = std::fs::read(files.data_file()).unwrap();
    log.extend_from_slice(b"{\"_id\":\"theirs\"}\n");
    std::fs::write(files.data_file(), log).unwrap();
    assert!(matches!(store.reindex(), Err(DocumentError::Changed(_))));
    drop(store);
    assert_eq!(
        reader(&root).doc_ids().unwrap(),
        ["d0", "d2", "d3", "theirs"]
    );
}
