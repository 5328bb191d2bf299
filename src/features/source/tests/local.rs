//! Partitions in directories.

use std::fs;
use std::path::Path;

use super::reason;
use super::shown;
use crate::error_kind::ErrorKind;
use crate::features::config::SourceConfig;
use crate::features::error::FeatureError;
use crate::features::source::LocalSources;
use crate::features::source::PartitionSource;
use crate::features::source::Sources as _;

/// Writes files below a directory.
fn make(root: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn source(root: &Path) -> Box<dyn PartitionSource> {
    let path = root.to_owned();
    LocalSources.source(&SourceConfig::Local { path }).unwrap()
}

#[test]
fn directory_has_the_partitions_with_markers_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    make(
        dir.path(),
        &[
            ("2024-01-13/_SUCCESS", ""),
            ("2024-01-13/part_0000.parquet", "a"),
            ("2024-01-14/_SUCCESS", ""),
            ("2024-01-14/part_0001.parquet", "b"),
            ("2024-01-14/sub/part_0000.parquet", "cc"),
            ("2024-01-14/_temporary/x.parquet", "d"),
            ("2024-01-15/part_0000.parquet", "e"),
            ("2024-1-16/_SUCCESS", ""),
            ("2024-1-16/part_0000.parquet", "e"),
            ("notes.txt", "f"),
        ],
    );
    fs::create_dir(dir.path().join("2024-01-16")).unwrap();
    let listing = source(dir.path()).partitions().unwrap();
    let wanted = [
        (
            "2024-01-14",
            vec![
                "2024-01-14/part_0001.parquet",
                "2024-01-14/sub/part_0000.parquet",
            ],
        ),
        ("2024-01-13", vec!["2024-01-13/part_0000.parquet"]),
    ];
    assert_eq!(shown(&listing), wanted);
    assert_eq!(listing.partitions[0].files[1].size_bytes, 2);
    for name in ["2024-01-15", "2024-01-16"] {
        assert_eq!(reason(&listing, name), "it has no `_SUCCESS`");
    }
    assert!(reason(&listing, "2024-1-16").contains("no date"));
}

#[test]
fn directory_that_is_empty_has_no_partition() {
    let dir = tempfile::tempdir().unwrap();
    assert!(
        source(dir.path())
            .partitions()
            .unwrap()
            .partitions
            .is_empty()
    );
}

/// The original strips the slash and takes a relative path for an absolute one, and says nothing.
#[test]
fn directory_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = source(&dir.path().join("none")).partitions().unwrap_err();
    assert!(
        matches!(&error, FeatureError::NoPartition { why, .. } if why.contains("no such directory")),
        "{error}"
    );
}

#[test]
fn marker_that_is_a_directory_is_none() {
    let dir = tempfile::tempdir().unwrap();
    make(
        dir.path(),
        &[("2024-01-14/_SUCCESS/x", ""), ("2024-01-14/a.parquet", "a")],
    );
    let listing = source(dir.path()).partitions().unwrap();
    assert_eq!(reason(&listing, "2024-01-14"), "it has no `_SUCCESS`");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_circles_end() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    make(
        dir.path(),
        &[("data/a.parquet", "a"), ("data/_SUCCESS", "")],
    );
    symlink(dir.path().join("data"), dir.path().join("2024-01-14")).unwrap();
    let listing = source(dir.path()).partitions().unwrap();
    assert_eq!(
        shown(&listing),
        [("2024-01-14", vec!["2024-01-14/a.parquet"])]
    );
    symlink(dir.path().join("data"), dir.path().join("data/again")).unwrap();
    let listing = source(dir.path()).partitions().unwrap();
    assert!(reason(&listing, "2024-01-14").contains("nested too deeply"));
}

#[cfg(unix)]
#[test]
fn things_that_are_no_files_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    make(
        dir.path(),
        &[("2024-01-14/a.parquet", "a"), ("2024-01-14/_SUCCESS", "")],
    );
    let pipe = dir.path().join("2024-01-14/b.parquet");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("2024-01-14/c.parquet")).unwrap();
    let listing = source(dir.path()).partitions().unwrap();
    assert_eq!(
        shown(&listing),
        [("2024-01-14", vec!["2024-01-14/a.parquet"])]
    );
}

/// The original compares the date alone, and never notices this.
#[test]
fn file_that_is_written_again_has_another_validator() {
    let dir = tempfile::tempdir().unwrap();
    make(
        dir.path(),
        &[("2024-01-14/a.parquet", "a"), ("2024-01-14/_SUCCESS", "")],
    );
    let source = source(dir.path());
    let before = source.partitions().unwrap().partitions.remove(0);
    assert_eq!(source.partitions().unwrap().partitions[0], before);
    source.check(&before).unwrap();
    // A new file with the time of the old one.
    let path = dir.path().join("2024-01-14/a.parquet");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(dir.path().join("new"), "b").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let after = source.partitions().unwrap().partitions.remove(0);
    assert_ne!(after.files, before.files);
    assert!(
        source
            .check(&before)
            .unwrap_err()
            .to_string()
            .contains("changed since")
    );
    assert!(
        source
            .open(&before)
            .err()
            .unwrap()
            .to_string()
            .contains("changed since")
    );
    source.check(&after).unwrap();
}

#[test]
fn file_that_vanishes_between_list_and_open_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    make(
        dir.path(),
        &[("2024-01-14/a.parquet", "abc"), ("2024-01-14/_SUCCESS", "")],
    );
    let source = source(dir.path());
    let partition = source.partitions().unwrap().partitions.remove(0);
    let opened = source.open(&partition).unwrap();
    fs::remove_file(dir.path().join("2024-01-14/a.parquet")).unwrap();
    let error = source.open(&partition).err().unwrap();
    assert!(error.to_string().contains("a.parquet"), "{error}");
    let gone = source.check(&partition).unwrap_err();
    let is_gone = matches!(
        &gone,
        FeatureError::Source {
            kind: ErrorKind::NotFound,
            ..
        }
    );
    assert!(is_gone, "{gone}");
    // An open file stays readable.
    let mut bytes = [0; 3];
    assert_eq!(opened[0].source.read_at(&mut bytes, 0).unwrap(), 3);
    assert_eq!(&bytes, b"abc");
}

#[test]
fn partition_of_many_files_does_not_keep_them_open() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), &[("2024-01-14/_SUCCESS", "")]);
    for n in 0..300 {
        fs::write(
            dir.path().join(format!("2024-01-14/{n:03}.parquet")),
            format!("{n:03}"),
        )
        .unwrap();
    }
    let source = source(dir.path());
    let partition = source.partitions().unwrap().partitions.remove(0);
    let opened = source.open(&partition).unwrap();
    assert_eq!(opened.len(), 300);
    let mut bytes = [0; 3];
    opened[299].source.read_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"299");
    fs::write(dir.path().join("2024-01-14/000.parquet"), "longer").unwrap();
    let changed = opened[0].source.read_at(&mut bytes, 0).unwrap_err();
    assert!(changed.to_string().contains("changed since"), "{changed}");
}

#[test]
fn sources_without_a_network_refuse_buckets_and_datasets() {
    let bucket = SourceConfig::S3 {
        bucket: "b-1".to_owned(),
        prefix: String::new(),
        endpoint: None,
        region: None,
    };
    let dataset = SourceConfig::Registry {
        name: "d".to_owned(),
        version: None,
        path: None,
    };
    for config in [bucket, dataset] {
        let refused = LocalSources.source(&config);
        assert!(matches!(refused.err(), Some(FeatureError::Source { .. })));
    }
}
