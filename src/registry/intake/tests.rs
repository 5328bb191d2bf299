//! Intakes from a source in memory that counts what is read of it.

use std::collections::BTreeMap;
use std::io;
use std::io::Cursor;
use std::io::Read;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use sha2::Digest as _;
use sha2::Sha256;

use super::FileSource;
use super::IntakeOptions;
use super::IntakeReport;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::locks::lock;
use crate::manifest::DatasetKind;
use crate::progress::NoProgress;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::intake::error::IntakeError;
use crate::registry::intake::promise::Promise;
use crate::registry::intake::source::Place;
use crate::registry::intake::source::SourceItem;
use crate::splitmix;
use crate::store::disk::GcOptions;

/// A source in memory.
struct Source {
    place: Place,
    items: Vec<SourceItem>,
    bytes: Vec<Vec<u8>>,
    /// Paths of the files that were asked for, with the offsets.
    asked: Mutex<Vec<(String, u64)>>,
    sent: Arc<AtomicU64>,
    /// Bytes after which reading fails.
    fails_after: Option<u64>,
}

fn source(files: &BTreeMap<&str, Vec<u8>>) -> Source {
    let item = |(path, bytes): (&&str, &Vec<u8>)| SourceItem {
        path: (*path).to_owned(),
        size_bytes: Some(bytes.len() as u64),
        promise: Promise {
            sha256: Some(Sha256::digest(bytes).into()),
            ..Promise::default()
        },
    };
    Source {
        place: Place {
            url: "hf://datasets/lab/corpus".to_owned(),
            shared_url: "hf://datasets/lab/corpus".to_owned(),
            revision: Some("a".repeat(40)),
            kind: DatasetKind::Directory,
            name: "corpus".to_owned(),
        },
        items: files.iter().map(item).collect(),
        bytes: files.values().cloned().collect(),
        asked: Mutex::default(),
        sent: Arc::default(),
        fails_after: None,
    }
}

/// A body that counts, and that may break.
struct Counted {
    bytes: Cursor<Vec<u8>>,
    sent: Arc<AtomicU64>,
    fails_after: Option<u64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let sent = self.sent.load(Ordering::Relaxed);
        if self.fails_after.is_some_and(|most| sent >= most) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let n = self.bytes.read(buf)?;
        self.sent.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl FileSource for Source {
    fn place(&self) -> &Place {
        &self.place
    }

    fn items(&self) -> &[SourceItem] {
        &self.items
    }

    fn read(&self, number: usize, offset: u64) -> Result<Box<dyn Read + Send>, Error> {
        lock(&self.asked).push((self.items[number].path.clone(), offset));
        let mut bytes = Cursor::new(self.bytes[number].clone());
        bytes.set_position(offset);
        Ok(Box::new(Counted {
            bytes,
            sent: Arc::clone(&self.sent),
            fails_after: self.fails_after,
        }))
    }
}

fn noise(n: usize, seed: u64) -> Vec<u8> {
    let words = (0..n.div_ceil(8) as u64).flat_map(|i| splitmix::mix(seed ^ i).to_le_bytes());
    words.take(n).collect()
}

fn files() -> BTreeMap<&'static str, Vec<u8>> {
    let mut files = BTreeMap::from([
        (
            "README.md",
            b"---\nlicense: mit\ntags: [maths]\nlanguage: de\n---\n# Corpus\n".to_vec(),
        ),
        ("data/empty.txt", Vec::new()),
        ("data/large.bin", noise(9 << 20, 1)),
        ("data/rows.jsonl", b"{\"a\": 1}\n".repeat(20_000)),
    ]);
    for (n, path) in ["s/0.csv", "s/1.csv", "s/2.csv"].into_iter().enumerate() {
        files.insert(path, format!("a,b\n{n},x\n").into_bytes());
    }
    files
}

fn registry() -> (tempfile::TempDir, LocalRegistry) {
    let dir = tempfile::tempdir().unwrap();
    let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
    (dir, registry)
}

fn take_in(registry: &LocalRegistry, source: &Source) -> Result<IntakeReport, Error> {
    registry.take_in(source, &IntakeOptions::default(), &NoProgress)
}

#[test]
fn taken_in_files_are_those_of_an_indexed_directory() {
    let (dir, registry) = registry();
    let report = take_in(&registry, &source(&files())).unwrap();
    let data: u64 = files().values().map(|b| b.len() as u64).sum();
    assert_eq!(report.fetched_bytes, data);
    assert_eq!(report.fetched_files, 6);
    let m = &report.index.manifest;
    assert_eq!(
        (m.name.as_str(), m.license.as_deref()),
        ("corpus", Some("mit"))
    );
    assert_eq!(m.tags, ["maths"]);
    assert_eq!(m.source.as_ref().unwrap().url, "hf://datasets/lab/corpus");
    for (path, bytes) in files() {
        let at = dir.path().join("copy").join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, bytes).unwrap();
    }
    let options = IndexOptions {
        name: Some("local".parse().unwrap()),
        ..IndexOptions::default()
    };
    let local = registry.index(&dir.path().join("copy"), &options, &NoProgress);
    let local = local.unwrap().manifest;
    assert_eq!(m.content_id, local.content_id);
    assert_eq!(m.chunk_tree_root, local.chunk_tree_root);
    assert_eq!(m.file_table_root, local.file_table_root);
    assert_eq!((m.num_rows, &m.schema), (local.num_rows, &local.schema));
    assert_eq!(m.card, local.card);
}

#[test]
fn next_revision_fetches_the_files_that_changed_and_the_same_one_none() {
    let (_dir, registry) = registry();
    take_in(&registry, &source(&files())).unwrap();
    let again = source(&files());
    let report = take_in(&registry, &again).unwrap();
    assert!(report.index.unchanged);
    assert!(lock(&again.asked).is_empty());
    let mut changed = files();
    changed.insert("s/1.csv", b"a,b\n1,changed\n".to_vec());
    changed.insert("s/9.csv", b"a,b\n9,new\n".to_vec());
    changed.remove("s/0.csv");
    let next = source(&changed);
    let report = take_in(&registry, &next).unwrap();
    assert!(!report.index.unchanged);
    let mut asked = lock(&next.asked).clone();
    asked.sort();
    assert_eq!(
        asked,
        [("s/1.csv".to_owned(), 0), ("s/9.csv".to_owned(), 0)]
    );
    assert_eq!(report.fetched_files, 2);
    let m = &report.index.manifest;
    assert_eq!(m.dataset_version.to_string(), "0.1.1");
    // Large files are not even read from the store.
    let large = [&changed["data/large.bin"], &changed["data/rows.jsonl"]];
    let large: usize = large.iter().map(|bytes| bytes.len()).sum();
    assert_eq!(report.kept_bytes, large as u64);
    let (_other, fresh) = self::registry();
    let fresh = take_in(&fresh, &next).unwrap().index.manifest;
    assert_eq!(m.content_id, fresh.content_id);
    assert_eq!(m.chunk_tree_root, fresh.chunk_tree_root);
    assert_eq!(m.file_table_root, fresh.file_table_root);
    assert_eq!((m.num_rows, &m.schema), (fresh.num_rows, &fresh.schema));
    registry
        .verify(
            &registry.resolve(&"corpus".parse().unwrap()).unwrap(),
            &NoProgress,
        )
        .unwrap();
}

#[test]
fn broken_intake_goes_on_where_it_was() {
    let (_dir, registry) = registry();
    let large = BTreeMap::from([("a.bin", noise(16 << 20, 3)), ("b.bin", noise(1 << 20, 4))]);
    let options = IntakeOptions {
        checkpoint_bytes: 1 << 20,
        ..IntakeOptions::default()
    };
    let broken = Source {
        fails_after: Some(15 << 20),
        ..source(&large)
    };
    let taken = registry.take_in(&broken, &options, &NoProgress);
    let error = taken.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    let listed = registry.list().unwrap();
    assert!(listed.is_empty());
    // The checkpoints outlive a collection.
    registry
        .maintenance()
        .gc(&GcOptions::default(), &NoProgress)
        .unwrap();
    let rest = source(&large);
    let report = take_in(&registry, &rest).unwrap();
    let total = 17_u64 << 20;
    // The last checkpoints may not have been reached.
    assert!(
        report.fetched_bytes <= total - (8 << 20),
        "{}",
        report.fetched_bytes
    );
    let (path, offset) = lock(&rest.asked)[0].clone();
    assert_eq!(path, "a.bin");
    assert!(offset >= 8 << 20, "{offset}");
    let dataset = registry.resolve(&"corpus".parse().unwrap()).unwrap();
    registry.verify(&dataset, &NoProgress).unwrap();
}

#[test]
fn file_that_breaks_its_promise_is_refused_and_never_used() {
    let (_dir, registry) = registry();
    for path in ["data/large.bin", "s/1.csv"] {
        let mut lying = source(&files());
        let number = lying.items.iter().position(|i| i.path == path).unwrap();
        lying.bytes[number][3] ^= 1;
        let error = take_in(&registry, &lying).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        let broken = matches!(&error, Error::Intake(IntakeError::BrokenPromise { path: p, .. }) if p == path);
        assert!(broken, "{error}");
        assert!(registry.list().unwrap().is_empty());
    }
    let mut short = source(&files());
    let number = short
        .items
        .iter()
        .position(|i| i.path == "s/1.csv")
        .unwrap();
    short.bytes[number].pop();
    assert_eq!(
        take_in(&registry, &short).unwrap_err().kind(),
        ErrorKind::Integrity
    );
    let report = take_in(&registry, &source(&files())).unwrap();
    let dataset = registry.resolve(&"corpus".parse().unwrap()).unwrap();
    assert_eq!(
        dataset.manifest.content_id,
        report.index.manifest.content_id
    );
}

#[test]
fn files_of_a_version_without_a_journal_are_found_by_their_hashes() {
    let (dir, registry) = registry();
    for (path, bytes) in files() {
        let at = dir.path().join("corpus").join(path);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, bytes).unwrap();
    }
    let options = IndexOptions::default();
    registry
        .index(&dir.path().join("corpus"), &options, &NoProgress)
        .unwrap();
    let mut changed = files();
    changed.insert("s/1.csv", b"a,b\n1,changed\n".to_vec());
    let next = source(&changed);
    let given = IntakeOptions::new(
        IndexOptions {
            name: Some("corpus".parse().unwrap()),
            ..IndexOptions::default()
        },
        Vec::new(),
    );
    let report = registry.take_in(&next, &given, &NoProgress).unwrap();
    assert_eq!(lock(&next.asked).clone(), [("s/1.csv".to_owned(), 0)]);
    assert_eq!(report.fetched_files, 1);
}

#[test]
fn card_that_the_patterns_leave_out_is_still_the_card() {
    let (_dir, registry) = registry();
    let given = IntakeOptions::new(IndexOptions::default(), vec!["*.csv".to_owned()]);
    let report = registry
        .take_in(&source(&files()), &given, &NoProgress)
        .unwrap();
    let m = &report.index.manifest;
    assert_eq!((m.num_files, m.license.as_deref()), (3, Some("mit")));
    assert!(m.card.is_some());
    assert_eq!(m.source.as_ref().unwrap().include, ["*.csv"]);
    assert_eq!(report.index.skipped.len(), 4);
}

#[test]
fn file_without_size_and_promise_is_taken_in_whole() {
    let (_dir, registry) = registry();
    for bytes in [b"{\"a\": 1}\n".to_vec(), b"{\"a\": 2}\n".repeat(300_000)] {
        let mut unknown = source(&BTreeMap::from([("rows.jsonl", bytes.clone())]));
        unknown.place.kind = DatasetKind::File;
        unknown.items[0].size_bytes = None;
        unknown.items[0].promise = Promise::default();
        let report = take_in(&registry, &unknown).unwrap();
        let m = &report.index.manifest;
        assert_eq!(m.content_id.as_bytes(), blake3::hash(&bytes).as_bytes());
        assert_eq!(m.num_rows, bytes.len() as u64 / 9);
        assert_eq!(m.source.as_ref().unwrap().validator, None);
    }
}
