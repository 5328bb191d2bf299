//! Lines of a reader: what is stored of them, and when.

use std::io::Read;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use super::*;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::progress::NoProgress;
use crate::progress::Progress;

fn rules(skips_invalid: bool, batch: Option<usize>) -> LineRules {
    LineRules {
        skips_invalid,
        batch,
        ..LineRules::default()
    }
}

fn line(id: usize, n: usize) -> String {
    format!("{{\"_id\":\"d{id:06}\",\"n\":{n},\"text\":\"{n:0100}\"}}\n")
}

/// A text of some pieces.
fn lines(count: usize) -> Vec<String> {
    (0..count).map(|n| line(n, n)).collect()
}

/// A reader that gives one text a call, and looks at what is stored before each of them.
struct Trickle<F> {
    texts: std::vec::IntoIter<String>,
    look: F,
    given: usize,
}

impl<F: FnMut(usize)> Read for Trickle<F> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        (self.look)(self.given);
        self.given += 1;
        let Some(text) = self.texts.next() else {
            return Ok(0);
        };
        to[..text.len()].copy_from_slice(text.as_bytes());
        Ok(text.len())
    }
}

fn trickle<F: FnMut(usize)>(texts: Vec<String>, look: F) -> Trickle<F> {
    Trickle {
        texts: texts.into_iter(),
        look,
        given: 0,
    }
}

#[test]
fn bad_line_among_many_is_named_and_exactly_those_before_it_are_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let mut text = lines(40_000);
    for bad in [39_999, 17_001, 8_192, 1, 0] {
        text[bad] = "{\"_id\":\"x\"\n".to_owned();
        let store = open(&root);
        let before = store.len();
        let report = store
            .put_lines(text.concat().as_bytes(), &rules(false, None), &NoProgress)
            .unwrap();
        assert_eq!((report.stored, report.refused_lines), (bad as u64, 1));
        assert_eq!(report.refused[0].line, bad as u64 + 1);
        assert!(report.refused[0].error.to_string().contains("`x`"));
        // Those of the rounds before, and never one behind the bad line.
        assert_eq!(store.len(), before.max(bad));
        crash(&root, &copy);
        assert_eq!(reader(&copy).len(), before.max(bad));
        let refused = store
            .write_jsonl_blob(text.concat().as_bytes())
            .unwrap_err();
        assert!(refused.to_string().contains(&format!("`line {}`", bad + 1)));
        assert_eq!(store.len(), before.max(bad));
    }
}

#[test]
fn last_of_several_lines_with_one_id_counts_in_one_batch_and_in_several() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    // Pieces of different threads have the same ids.
    let text: String = (0..60_000).map(|n| line(n % 700, n)).collect();
    for batch in [None, Some(333)] {
        let report = store
            .put_lines(text.as_bytes(), &rules(false, batch), &NoProgress)
            .unwrap();
        assert_eq!((report.stored, store.len()), (60_000, 700));
        let last = |id: usize| (0..60_000).rev().find(|n| n % 700 == id).unwrap();
        for id in [0, 1, 499, 500, 699] {
            assert_eq!(n_of(&store, &format!("d{id:06}")), Some(last(id) as u64));
        }
    }
    drop(store);
    assert_eq!(reader(dir.path()).len(), 700);
}

#[test]
fn reader_that_fails_within_a_line_stores_whole_lines_and_says_so() {
    struct Torn<'a>(&'a [u8]);
    impl Read for Torn<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            match self.0.is_empty() {
                true => Err(std::io::Error::other("torn")),
                false => self.0.read(to),
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    // The rest of the last line is a document, and not the one that was meant.
    let text = lines(20_000).concat() + "{\"_id\":\"torn\",\"n\":1}";
    let store = open(&root);
    let failed = store.put_lines(Torn(text.as_bytes()), &rules(false, None), &NoProgress);
    assert!(matches!(failed, Err(DocumentError::Input { .. })));
    crash(&root, &copy);
    assert_eq!(
        (reader(&copy).len(), n_of(&reader(&copy), "torn")),
        (20_000, None)
    );
    // The end of the input is no error, and the last line is whole.
    let report = store
        .put_lines(text.as_bytes(), &rules(false, None), &NoProgress)
        .unwrap();
    assert_eq!((report.stored, n_of(&store, "torn")), (20_001, Some(1)));
}

#[test]
fn full_batch_of_a_slow_reader_is_durable_before_the_next_read() {
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let store = open(&root);
    let texts: Vec<String> = (0..6).map(|n| line(n, n)).collect();
    let look = |given: usize| {
        crash(&root, &copy);
        // Two are a batch.
        assert_eq!(reader(&copy).len(), given / 2 * 2, "{given}");
    };
    let report = store
        .put_lines(trickle(texts, look), &rules(false, Some(2)), &NoProgress)
        .unwrap();
    assert_eq!(report.stored, 6);
}

#[test]
fn bad_line_of_a_slow_reader_ends_it_before_the_next_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let texts = vec![line(0, 0), "bad\n".to_owned(), line(1, 1)];
    let look = |given: usize| assert!(given < 2, "{given}");
    let report = store
        .put_lines(trickle(texts, look), &rules(false, None), &NoProgress)
        .unwrap();
    assert_eq!((report.stored, report.refused[0].line), (1, 2));
}

#[test]
fn skipped_lines_are_counted_and_set_no_schema() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    CollectionManifest::new("c", true, String::new())
        .write(&files)
        .unwrap();
    let store = open(dir.path());
    let text = "[]\n{\"_id\":\"../a\",\"x\":1}\n{\"_id\":\"a\",\"n\":1}\n\n{\"_id\":\"b\",\"n\":\"2\"}\n{\"_id\":\"c\",\"n\":3}";
    let report = store
        .put_lines(text.as_bytes(), &rules(true, None), &NoProgress)
        .unwrap();
    let refused: Vec<u64> = report.refused.iter().map(|r| r.line).collect();
    assert_eq!(
        (report.stored, report.refused_lines, refused),
        (2, 3, vec![1, 2, 5])
    );
    assert!(matches!(
        report.refused[2].error,
        DocumentError::Schema { .. }
    ));
    assert_eq!(store.doc_ids().unwrap(), ["a", "c"]);
}

#[test]
fn request_to_stop_ends_the_work_and_keeps_whole_documents() {
    struct Stopping(AtomicU64);
    impl Progress for Stopping {
        fn advance(&self, bytes: u64) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::Relaxed) > 0
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (root, copy) = (dir.path().join("a"), dir.path().join("b"));
    let text = lines(200_000).concat();
    let store = open(&root);
    let stopping = Stopping(AtomicU64::new(0));
    let ended = store.put_lines(text.as_bytes(), &rules(false, None), &stopping);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Interrupted);
    let stored = store.len();
    assert!(stored > 0 && stored < 200_000, "{stored}");
    crash(&root, &copy);
    assert_eq!(reader(&copy).len(), stored);
}

#[test]
fn documents_as_files_take_lines_by_a_field() {
    let dir = tempfile::tempdir().unwrap();
    let files = layout(dir.path());
    files.init_collection().unwrap();
    SyncWriter::of_layout(files.clone())
        .unwrap()
        .write_lists()
        .unwrap();
    let mut writer = CollectionWriter::open(files, &StoreOptions::default()).unwrap();
    let mut rules = rules(true, None);
    rules.id = "user.id".to_owned();
    let text = "{\"user\":{\"id\":7}}\n{\"user\":{}}\n{\"user\":{\"id\":\"x\"}}\n";
    let report = writer
        .put_lines(text.as_bytes(), &rules, &NoProgress)
        .unwrap();
    assert_eq!((report.stored, report.refused[0].line), (2, 2));
    writer.finish().unwrap();
    let engine = Engine::of_layout(layout(dir.path())).unwrap();
    assert!(engine.get_document("7").is_ok() && engine.get_document("x").is_ok());
}
