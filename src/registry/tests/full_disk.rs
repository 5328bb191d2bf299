//! Full disk: datasets can still be removed, and their space reclaimed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error_kind::Classify;
use crate::error_kind::ErrorKind;
use crate::progress::NoProgress;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::integrity::rebuild;
use crate::store::disk::DiskStore;
use crate::store::disk::io::sim::SimDisk;
use crate::testing::Random;

fn open(disk: &SimDisk) -> Result<LocalRegistry, Error> {
    let store = DiskStore::on(Arc::new(disk.clone()), &rebuild::refill)?;
    Ok(LocalRegistry::over(store))
}

fn index(disk: &SimDisk, path: &Path) -> Result<(), Error> {
    let indexed = open(disk)?.index(path, &IndexOptions::default(), &NoProgress);
    indexed.map(drop)
}

fn gc(disk: &SimDisk) -> Result<u64, Error> {
    let options = GcOptions {
        patience: Duration::ZERO,
        keep_days: 0,
        ..GcOptions::default()
    };
    Ok(open(disk)?
        .maintenance()
        .gc(&options, &NoProgress)?
        .freed_bytes)
}

/// Returns the names of listed datasets, and checks that all can be read.
fn listed(disk: &SimDisk) -> Vec<String> {
    let registry = open(disk).unwrap();
    let datasets = registry.list().unwrap();
    let names = datasets.iter().map(|dataset| {
        registry.verify(dataset, &NoProgress).unwrap();
        dataset.manifest.name.to_string()
    });
    names.collect()
}

fn sources(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut random = Random::new(3);
    let sizes = [("a", 3_000), ("b", 400), ("c", 12_000)];
    let write = |(name, rows): (&str, usize)| {
        let lines =
            (0..rows).map(|n| format!("{{\"n\":{n},\"t\":\"{:x}\"}}\n", random.below(u64::MAX)));
        let path = dir.join(name);
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        path
    };
    sizes.into_iter().map(write).collect()
}

#[test]
fn full_disk_allows_removal_and_collection() {
    let dir = tempfile::tempdir().unwrap();
    let sources = sources(dir.path());
    let whole = SimDisk::default();
    index(&whole, &sources[0]).unwrap();
    index(&whole, &sources[1]).unwrap();
    let used = whole.used_bytes();
    let mut full = 0;
    for more in (0..300_000).step_by(20_000) {
        let disk = whole.copy();
        disk.limit(Some(used + more));
        let Err(error) = index(&disk, &sources[2]) else {
            break;
        };
        full += 1;
        let at = format!("{more} bytes left: {error}");
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{at}");
        // No byte is left.
        disk.limit(Some(disk.used_bytes()));
        assert_eq!(listed(&disk), ["a", "b"], "{at}");
        let removed = open(&disk)
            .unwrap()
            .removal()
            .unindex_reference(&"a".parse().unwrap());
        removed.unwrap_or_else(|e| panic!("{at}: {e}"));
        let freed = gc(&disk).unwrap_or_else(|e| panic!("{at}: {e}"));
        assert!(freed > 0, "{at}");
        assert_eq!(listed(&disk), ["b"], "{at}");
    }
    assert!(full > 3, "{full}");
}

#[test]
fn registry_on_read_only_disk_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let sources = sources(dir.path());
    let disk = SimDisk::default();
    index(&disk, &sources[0]).unwrap();
    index(&disk, &sources[1]).unwrap();
    let mut cuts = 0;
    for cut in (2..).step_by(4) {
        let disk = disk.copy();
        disk.cut_power_at(cut);
        // A writer was killed, so the index may need a repair first.
        if index(&disk, &sources[2]).is_ok() {
            break;
        }
        cuts += 1;
        let rebooted = disk.after_power_cut(&mut Random::new(cut));
        rebooted.make_read_only(true);
        assert_eq!(listed(&rebooted), ["a", "b"], "{cut}");
        let found = open(&rebooted)
            .unwrap()
            .maintenance()
            .fsck(&NoProgress)
            .unwrap();
        assert!(found.is_clean(), "{cut}: {found:?}");
        let refused = index(&rebooted, &sources[2]).unwrap_err();
        assert!(refused.is_refused(), "{cut}: {refused}");
        let refused = gc(&rebooted).unwrap_err();
        assert!(refused.is_refused(), "{cut}: {refused}");
        rebooted.make_read_only(false);
        index(&rebooted, &sources[2]).unwrap();
        assert_eq!(listed(&rebooted), ["a", "b", "c"], "{cut}");
    }
    assert!(cuts > 3, "{cuts}");
}
