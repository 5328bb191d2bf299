//! Datasets as sources of feature tables: versions as partitions, by the rules of references.

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::features::FeatureError;
use crate::features::config::SourceConfig;
use crate::features::source::Listing;
use crate::features::source::LocalSources;
use crate::features::source::PartitionSource;
use crate::features::source::Sources as _;
use crate::progress::NoProgress;
use crate::registry::ExportOptions;
use crate::registry::ImportOptions;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::RegistrySources;
use crate::registry::archive_inputs;
use crate::trust::KeyPair;
use crate::trust::Level;
use crate::trust::Publisher;

/// A small Parquet file of one integer column.
fn parquet(values: &[i64]) -> Vec<u8> {
    let values: arrow_array::ArrayRef = Arc::new(arrow_array::Int64Array::from(values.to_vec()));
    let batch = arrow_array::RecordBatch::try_from_iter([("id", values)]).unwrap();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// A registry with a home of its own.
fn registry() -> (tempfile::TempDir, LocalRegistry) {
    let dir = tempfile::tempdir().unwrap();
    let registry = LocalRegistry::open(&dir.path().join("home")).unwrap();
    (dir, registry)
}

/// Indexes a directory of files as a version of `events`.
fn index(
    registry: &LocalRegistry,
    version: &str,
    files: &[(&str, Vec<u8>)],
    key: Option<&KeyPair>,
) {
    let dir = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let options = IndexOptions {
        name: "events".parse().ok(),
        version: version.parse().ok(),
        sign_with: key.cloned(),
        ..IndexOptions::default()
    };
    registry.index(dir.path(), &options, &NoProgress).unwrap();
}

fn source(
    registry: &LocalRegistry,
    (name, version, path): (&str, Option<&str>, Option<&str>),
) -> Box<dyn PartitionSource> {
    let sources = RegistrySources::new(Arc::new(LocalSources), registry.clone());
    let config = SourceConfig::Registry {
        name: name.to_owned(),
        version: version.map(str::to_owned),
        path: path.map(str::to_owned),
    };
    sources.source(&config).unwrap()
}

fn shown(listing: &Listing) -> Vec<(String, Vec<String>)> {
    let partitions = listing.partitions.iter();
    let paths = |files: &[crate::features::source::PartitionFile]| {
        files.iter().map(|f| f.path.clone()).collect()
    };
    partitions
        .map(|p| (p.name.clone(), paths(&p.files)))
        .collect()
}

#[test]
fn versions_that_are_held_are_partitions_newest_first() {
    let (_home, registry) = registry();
    let files = |n: i64| {
        vec![
            ("features/b.parquet", parquet(&[n])),
            ("features/a.parquet", parquet(&[n, n])),
            ("features/_tmp/x.parquet", parquet(&[0])),
            ("other.parquet", parquet(&[7])),
            ("notes.csv", b"a,b\n1,2\n".to_vec()),
        ]
    };
    for (n, version) in [(1, "1.9.0"), (2, "1.10.0"), (3, "2.0.0")] {
        index(&registry, version, &files(n), None);
    }
    let all = source(&registry, ("events", None, Some("features/")))
        .partitions()
        .unwrap();
    let paths = vec![
        "features/a.parquet".to_owned(),
        "features/b.parquet".to_owned(),
    ];
    let wanted = ["2.0.0", "1.10.0", "1.9.0"].map(|v| (v.to_owned(), paths.clone()));
    assert_eq!(shown(&all), wanted);
    assert!(
        all.partitions
            .iter()
            .all(|p| p.content_id.is_some() && p.publisher.is_none())
    );
    let first = source(&registry, ("events", Some("^1"), Some("features")))
        .partitions()
        .unwrap();
    assert_eq!(shown(&first), wanted[1..]);
    let one = source(&registry, ("events", Some("1.9.0"), Some("other.parquet")))
        .partitions()
        .unwrap();
    assert_eq!(
        shown(&one),
        [("1.9.0".to_owned(), vec!["other.parquet".to_owned()])]
    );
    let whole = source(&registry, ("events", None, None))
        .partitions()
        .unwrap();
    assert_eq!(whole.partitions[0].files.len(), 3);
    let none = source(&registry, ("events", None, Some("feat")))
        .partitions()
        .unwrap();
    assert!(none.partitions.is_empty());
    assert_eq!(none.others[0].1, "it has no Parquet file below `feat`");
}

#[test]
fn files_of_a_version_are_read_and_verified() {
    let (_home, registry) = registry();
    let bytes = parquet(&[1, 2, 3]);
    index(
        &registry,
        "1.0.0",
        &[("a.parquet", bytes.clone()), ("b.parquet", parquet(&[4]))],
        None,
    );
    let source = source(&registry, ("events", None, None));
    let partition = source.partitions().unwrap().partitions.remove(0);
    let opened = source.open(&partition).unwrap();
    let names: Vec<&str> = opened.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["events:a.parquet", "events:b.parquet"]);
    let mut found = vec![0; bytes.len()];
    assert_eq!(
        opened[0].source.read_at(&mut found, 0).unwrap(),
        bytes.len()
    );
    assert_eq!(found, bytes);
    source.check(&partition).unwrap();
    // It is removed between the list and the next read.
    let dataset = registry.list().unwrap().remove(0);
    registry.removal().remove_one(&dataset).unwrap();
    assert_eq!(
        source.open(&partition).err().unwrap().kind(),
        ErrorKind::NotFound
    );
    assert!(matches!(
        source.partitions(),
        Err(FeatureError::NoPartition { .. })
    ));
}

/// Exports all datasets of one registry to another, which accepts them without trust.
fn send(from: &LocalRegistry, to: &LocalRegistry, key: &KeyPair, dir: &Path) {
    let archive = dir.join(format!("{}.alimentar", key.public_key().to_hex()));
    let (all, options) = (from.list().unwrap(), ExportOptions::default());
    from.archives()
        .export(&all, &archive, &options, &NoProgress)
        .unwrap();
    let options = ImportOptions {
        accept_publishers: vec![key.public_key()],
        ..ImportOptions::default()
    };
    let parcel = archive_inputs(&[archive]).unwrap().remove(0);
    to.archives()
        .import(&parcel, &options, &NoProgress)
        .unwrap();
}

fn trust(registry: &LocalRegistry, name: &str, key: &KeyPair, level: Level) {
    let publisher = Publisher::new(name.parse().unwrap(), key.public_key(), level);
    registry.trust().change(|f| Ok(f.put(publisher)?)).unwrap();
}

#[test]
fn versions_of_publishers_that_are_not_trusted_are_no_partitions() {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::from_seed(&Zeroizing::new([2; 32]));
    let ((_home, maker), (_other, user)) = (registry(), registry());
    index(&maker, "1.0.0", &[("a.parquet", parquet(&[1]))], Some(&key));
    send(&maker, &user, &key, dir.path());
    let listing = source(&user, ("events", None, None)).partitions().unwrap();
    assert!(listing.partitions.is_empty());
    assert!(listing.others[0].0 == "1.0.0" && !listing.others[0].1.is_empty());
    trust(&user, "lab", &key, Level::Full);
    for name in ["events", "lab/events"] {
        let listing = source(&user, (name, None, None)).partitions().unwrap();
        let partition = &listing.partitions[0];
        assert_eq!(partition.publisher, Some(key.public_key().to_hex()));
    }
    let other = source(&user, ("shop/events", None, None));
    assert!(matches!(
        other.partitions(),
        Err(FeatureError::NoPartition { .. })
    ));
}

#[test]
fn name_of_two_publishers_is_ambiguous_until_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_home, user) = registry();
    for (seed, name) in [(2, "lab"), (3, "shop")] {
        let key = KeyPair::from_seed(&Zeroizing::new([seed; 32]));
        let (_home, maker) = registry();
        index(
            &maker,
            "1.0.0",
            &[("a.parquet", parquet(&[i64::from(seed)]))],
            Some(&key),
        );
        send(&maker, &user, &key, dir.path());
        trust(&user, name, &key, Level::Full);
    }
    let error = source(&user, ("events", None, None))
        .partitions()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    let named = source(&user, ("shop/events", None, None))
        .partitions()
        .unwrap();
    assert_eq!(named.partitions.len(), 1);
}

#[test]
fn names_that_are_no_references_are_refused() {
    let (_home, registry) = registry();
    let sources = RegistrySources::new(Arc::new(LocalSources), registry);
    for (name, version) in [
        ("a b", None),
        ("../x", None),
        ("events", Some("newest of all")),
        ("a/b/c", None),
    ] {
        let config = SourceConfig::Registry {
            name: name.to_owned(),
            version: version.map(str::to_owned),
            path: None,
        };
        let error = sources.source(&config).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
    }
    let path = std::path::PathBuf::from("d");
    assert!(sources.source(&SourceConfig::Local { path }).is_ok());
}
