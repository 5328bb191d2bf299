//! Files of datasets that are read from front to end, by several threads and ahead of them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::progress::NoProgress;
use crate::read_at::ReadAt;
use crate::registry::GcOptions;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::targets::places::dataset_file::DatasetFile;
use crate::store::disk::io::sim::SimDisk;
use crate::testing::Random;

const PART_BYTES: u64 = 256 << 10;

/// Indexes more than nine windows of bytes that do not compress.
fn home(dir: &Path) -> (SimDisk, Vec<u8>) {
    let mut random = Random::new(31);
    let bytes: Vec<u8> = (0..9_700_003).map(|_| random.below(256) as u8).collect();
    let path = dir.join("a.bin");
    std::fs::write(&path, &bytes).unwrap();
    let disk = SimDisk::default();
    let options = IndexOptions {
        name: "a".parse().ok(),
        ..IndexOptions::default()
    };
    open(&disk).index(&path, &options, &NoProgress).unwrap();
    (disk, bytes)
}

fn open(disk: &SimDisk) -> LocalRegistry {
    LocalRegistry::on(Arc::new(disk.clone())).unwrap()
}

fn file(registry: &LocalRegistry) -> DatasetFile {
    let dataset = registry.list().unwrap().remove(0);
    let reader = Arc::new(registry.reader_of(&dataset).unwrap());
    let table = registry.files_by(&reader, &dataset.manifest).unwrap();
    let entry = table.files()[0].clone();
    DatasetFile::new(reader, Arc::new(dataset.manifest), 0, entry)
}

/// Reads a part of a file, or less at its end.
fn part(file: &DatasetFile, at: u64) -> io::Result<Vec<u8>> {
    let end = (at + PART_BYTES).min(file.len());
    let mut ranges = file.read_ranges(std::slice::from_ref(&(at..end)))?;
    Ok(ranges.remove(0))
}

#[test]
fn file_read_by_several_threads_has_its_bytes_and_no_helper_keeps_it_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, bytes) = home(dir.path());
    let registry = open(&disk);
    let read = file(&registry);
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let at = PART_BYTES * next.fetch_add(1, Ordering::Relaxed);
                    let expected = bytes.get(at as usize..).unwrap_or_default();
                    if expected.is_empty() {
                        return;
                    }
                    let expected = &expected[..expected.len().min(PART_BYTES as usize)];
                    assert!(part(&read, at).unwrap() == expected, "at {at}");
                }
            });
        }
    });
    // Those that read ahead have ended with the reader, so a collection takes the bytes.
    let half = file(&registry);
    for at in 0..10 {
        part(&half, at * PART_BYTES).unwrap();
    }
    drop((read, half));
    let id = registry.list().unwrap().remove(0).manifest.content_id;
    registry.removal().unindex(&id).unwrap();
    let options = GcOptions {
        patience: Duration::ZERO,
        keep_days: 0,
        ..GcOptions::default()
    };
    let report = registry.maintenance().gc(&options, &NoProgress).unwrap();
    assert_eq!(report.deferred, None);
}

#[test]
fn damage_ahead_of_a_reader_is_reported_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, bytes) = home(dir.path());
    let pack = "packs/00000001.pack";
    let mut stored = disk.contents(pack).unwrap();
    let middle = stored.len() * 6 / 10;
    stored[middle] ^= 1;
    disk.overwrite(pack, &stored);
    let registry = open(&disk);
    let read = file(&registry);
    let mut at = 0;
    let error = loop {
        match part(&read, at) {
            Ok(found) => {
                assert!(found == bytes[at as usize..][..found.len()], "at {at}");
                at += found.len() as u64;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    let near = bytes.len() as u64 * 6 / 10;
    assert!(at.abs_diff(near) < 3 << 20, "{at} of {near}");
    // It is the same for whoever begins there.
    for file in [&read, &file(&registry)] {
        let again = part(file, at).unwrap_err();
        assert_eq!(
            (again.kind(), again.to_string()),
            (error.kind(), error.to_string())
        );
    }
}
