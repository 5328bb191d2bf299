//! The library as another program uses it.

use std::os::unix::fs::symlink;

use alimentar::LocalRegistry;
use alimentar::blob_store::BlobKind;
use alimentar::catalog::Dataset;
use alimentar::ident::ContentId;
use alimentar::meta_store::Table;
use alimentar::progress::NoProgress;
use alimentar::registry::DatasetError;
use alimentar::registry::Error;
use alimentar::registry::IndexOptions;
use alimentar::registry::IndexReport;
use alimentar::registry::SkipReason;
use alimentar::store::disk::DiskStore;
use alimentar::store::disk::StoreError;
use alimentar::store::disk::WriteSession;

use crate::support::lines;

struct Bench {
    dir: tempfile::TempDir,
    registry: LocalRegistry,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
        Self { dir, registry }
    }

    fn index(&self, name: &str, options: &IndexOptions) -> Result<IndexReport, Error> {
        self.registry
            .index(&self.dir.path().join(name), options, &NoProgress)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn resolve(&self, reference: &str) -> Dataset {
        self.registry.resolve(&reference.parse().unwrap()).unwrap()
    }

    /// Checks a dataset out beside and returns where.
    fn checkout(&self, dataset: &Dataset) -> std::path::PathBuf {
        let dest = self.dir.path().join("out");
        let _ = std::fs::remove_dir_all(&dest);
        let _ = std::fs::remove_file(&dest);
        self.registry
            .checkout(dataset, None, &dest, &NoProgress)
            .unwrap();
        dest
    }
}

#[test]
fn files_of_every_size_round_trip() {
    let b = Bench::new();
    for size in [0, 1, 4095, 65_535, 65_536, 65_537, 5_000_000] {
        let data = &lines(40_000, size as u64)[..size];
        b.write("f.jsonl", data);
        let report = b.index("f.jsonl", &IndexOptions::default()).unwrap();
        assert_eq!(
            report.manifest.content_id,
            ContentId::from_bytes(data),
            "{size}"
        );
        let dataset = b
            .registry
            .get(&report.manifest.content_id)
            .unwrap()
            .unwrap();
        assert_eq!(
            b.registry.verify(&dataset, &NoProgress).unwrap().bytes,
            size as u64
        );
        assert!(
            std::fs::read(b.checkout(&dataset)).unwrap() == data,
            "{size}"
        );
        let mut out = Vec::new();
        b.registry
            .cat(&dataset, None, &mut out, &NoProgress)
            .unwrap();
        assert!(out == data);
    }
}

#[test]
fn directory_comes_back_whole_and_shares_chunks() {
    let b = Bench::new();
    let big = lines(3_000, 1);
    for n in 0..500 {
        b.write(
            &format!("d/sub{}/f{n}.json", n % 7),
            format!("{{\"n\":{n}}}").as_bytes(),
        );
    }
    b.write("d/big.jsonl", &big);
    b.write("d/empty", b"");
    b.write("d/.git/config", b"left out");
    b.write("d/skip/x.tmp", b"left out");
    b.write(".outside", b"not in it");
    symlink("big.jsonl", b.dir.path().join("d/inside-link")).unwrap();
    symlink("../.outside", b.dir.path().join("d/outside-link")).unwrap();
    let mut options = IndexOptions::default();
    options.exclude = vec!["*.tmp".to_owned()];
    let report = b.index("d", &options).unwrap();
    assert_eq!(report.manifest.num_files, 503);
    assert_eq!(report.skipped.len(), 3);
    assert_eq!(
        report
            .skipped
            .iter()
            .filter(|s| s.why == SkipReason::Link)
            .count(),
        1
    );
    assert!(
        report.stats.new_bytes < report.manifest.size_bytes,
        "the linked file is stored once"
    );
    let dest = b.checkout(&b.resolve("d"));
    assert!(std::fs::read(dest.join("inside-link")).unwrap() == big);
    assert_eq!(
        std::fs::read(dest.join("sub3/f3.json")).unwrap(),
        b"{\"n\":3}"
    );
    assert!(!dest.join("outside-link").exists() && dest.join("empty").exists());
    b.write("alone.jsonl", &big);
    let alone = b.index("alone.jsonl", &IndexOptions::default()).unwrap();
    // All but the file table's one chunk was in the directory already.
    assert_eq!(alone.stats.new_chunks, 1);
}

#[test]
fn new_version_shares_unchanged_chunks() {
    let b = Bench::new();
    let mut data = lines(20_000, 2);
    b.write("t.jsonl", &data);
    let first = b.index("t.jsonl", &IndexOptions::default()).unwrap();
    assert_eq!(first.manifest.dataset_version.to_string(), "0.1.0");
    assert!(
        b.index("t.jsonl", &IndexOptions::default())
            .unwrap()
            .unchanged
    );
    data.splice(1000..1000, *b"{\"n\":-1}\n");
    b.write("t.jsonl", &data);
    let second = b.index("t.jsonl", &IndexOptions::default()).unwrap();
    assert_eq!(second.manifest.dataset_version.to_string(), "0.1.1");
    assert_eq!(second.manifest.series, first.manifest.series);
    assert!(
        second.stats.new_bytes < 200_000,
        "{}",
        second.stats.new_bytes
    );
    let (a, z) = (b.resolve("t@0.1.0"), b.resolve("t"));
    assert_eq!(z.manifest, second.manifest);
    let diff = b.registry.comparison().diff(&a, &z).unwrap();
    assert_eq!(
        diff.tree.only_b.bytes + diff.tree.shared.bytes,
        data.len() as u64
    );
    assert!(diff.tree.only_b.bytes < 200_000);
    b.write("t.jsonl", b"other");
    let mut again = IndexOptions::default();
    again.version = Some("0.1.0".parse().unwrap());
    assert!(matches!(
        b.index("t.jsonl", &again),
        Err(Error::Dataset(DatasetError::VersionTaken { .. }))
    ));
}

#[test]
fn unindex_removes_one_dataset_and_keeps_the_rest() {
    let b = Bench::new();
    b.write("a", b"same");
    for name in ["one", "two"] {
        let options = IndexOptions::named(name.parse().unwrap());
        b.index("a", &options).unwrap();
    }
    let id = ContentId::from_bytes(b"same");
    let by_id = id.to_string().parse().unwrap();
    assert!(matches!(
        b.registry.removal().unindex_reference(&by_id),
        Err(Error::Dataset(DatasetError::Ambiguous { .. }))
    ));
    b.registry
        .removal()
        .unindex_reference(&"one".parse().unwrap())
        .unwrap();
    assert_eq!(b.registry.list().unwrap().len(), 1);
    b.registry.removal().unindex(&id).unwrap();
    assert!(b.registry.list().unwrap().is_empty());
    assert!(matches!(
        b.registry.removal().unindex(&id),
        Err(Error::Dataset(DatasetError::NotFound(_)))
    ));
    assert!(!b.index("a", &IndexOptions::default()).unwrap().unchanged);
}

#[test]
fn sparse_file_takes_no_space_in_the_store() {
    let b = Bench::new();
    let path = b.dir.path().join("sparse.bin");
    std::fs::File::create(&path)
        .unwrap()
        .set_len(300 << 20)
        .unwrap();
    let report = b.index("sparse.bin", &IndexOptions::default()).unwrap();
    assert!(report.stats.new_bytes < 200_000);
    let out = b.checkout(&b.resolve("sparse"));
    let meta = std::fs::metadata(&out).unwrap();
    assert_eq!(meta.len(), 300 << 20);
    assert!(
        std::os::unix::fs::MetadataExt::blocks(&meta) < 1000,
        "zeros come back as holes"
    );
}

#[test]
fn store_of_a_newer_version_is_refused_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let store = DiskStore::open(dir.path(), &|_, _| Ok(Vec::new())).unwrap();
    store
        .write(|t| Ok::<_, StoreError>(t.put(Table::Meta, b"format", &3_u32.to_le_bytes())?))
        .unwrap();
    drop(store);
    let before = std::fs::read(dir.path().join("registry.redb")).unwrap();
    let refused = DiskStore::open(dir.path(), &|_, _| Ok(Vec::new()));
    assert!(matches!(
        refused,
        Err(StoreError::Newer { found: 3, known: 2 })
    ));
    assert!(std::fs::read(dir.path().join("registry.redb")).unwrap() == before);
}

#[test]
fn store_of_the_previous_version_is_read_and_upgraded_by_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let open = || DiskStore::open(dir.path(), &|_, _| Ok(Vec::new())).unwrap();
    let version = |store: &DiskStore| {
        let row = store.read(|t| Ok::<_, StoreError>(t.get(Table::Meta, b"format")?));
        u32::from_le_bytes(row.unwrap().unwrap().try_into().unwrap())
    };
    let store = open();
    assert_eq!(version(&store), 2);
    store
        .write(|t| Ok::<_, StoreError>(t.put(Table::Meta, b"format", &1_u32.to_le_bytes())?))
        .unwrap();
    let add = |store: &DiskStore, blob: &[u8]| {
        let session = WriteSession::begin(store).unwrap();
        session.add(BlobKind::Chunk, blob).unwrap();
        session.commit(|_, _| Ok::<_, StoreError>(())).unwrap();
    };
    // A pack of that version, unfilled.
    let pack = dir.path().join("packs/00000001.pack");
    add(&store, b"some");
    let mut bytes = std::fs::read(&pack).unwrap();
    assert_eq!(bytes[8], 2);
    bytes[8] = 1;
    std::fs::write(&pack, bytes).unwrap();
    store
        .write(|t| Ok::<_, StoreError>(t.put(Table::Meta, b"format", &1_u32.to_le_bytes())?))
        .unwrap();
    drop(store);
    let store = open();
    assert_eq!(version(&store), 1, "reading changes nothing");
    // A program that another test begins has a copy of the pack's lock until it runs. The writer begins another
    // pack then.
    let mut chunks = 1;
    while std::fs::read(&pack).unwrap()[8] == 1 && chunks < 100 {
        add(&store, format!("more {chunks}").as_bytes());
        chunks += 1;
        assert_eq!(version(&store), 2);
    }
    assert_eq!(std::fs::read(&pack).unwrap()[8], 2);
    drop(store);
    // The packs say it too, should the index be lost.
    std::fs::remove_file(dir.path().join("registry.redb")).unwrap();
    assert_eq!(open().stats().unwrap().chunks, chunks);
}

#[test]
fn home_is_shared_by_two_writers_and_a_reader() {
    let b = Bench::new();
    for n in 0..4 {
        b.write(
            &format!("f{n}.jsonl"),
            &[lines(20_000, 9), lines(5_000, n)].concat(),
        );
    }
    std::thread::scope(|scope| {
        for n in 0..4 {
            let b = &b;
            scope.spawn(move || {
                b.index(&format!("f{n}.jsonl"), &IndexOptions::default())
                    .unwrap()
            });
        }
        for _ in 0..50 {
            b.registry.list().unwrap();
        }
    });
    let all = b.registry.list().unwrap();
    assert_eq!(all.len(), 4);
    all.iter()
        .for_each(|d| assert!(b.registry.verify(d, &NoProgress).is_ok()));
}
