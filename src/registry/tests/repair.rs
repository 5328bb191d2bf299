//! Repairs that a power cut or an error stops before each change, and whose reads each fail once.
//! The datasets listed before must be listed afterwards, and intact.

use std::collections::BTreeMap;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::blob_store::BlobKind;
use crate::pack::ScanItem;
use crate::pack::scan;
use crate::progress::NoProgress;
use crate::registry::Deferred;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::GcReport;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::RepairReport;
use crate::registry::integrity::rebuild;
use crate::store::disk::DiskStore;
use crate::store::disk::io::sim::SimDisk;
use crate::testing::Random;

const PACK: &str = "packs/00000001.pack";
const INDEX: &str = "registry.redb";

fn open(disk: &SimDisk) -> Result<LocalRegistry, Error> {
    let store = DiskStore::on(Arc::new(disk.clone()), &rebuild::refill)?;
    Ok(LocalRegistry::over(store))
}

fn repair(disk: &SimDisk) -> Result<RepairReport, Error> {
    let rebuild = || {
        Ok(DiskStore::rebuild_on(
            Arc::new(disk.clone()),
            &rebuild::refill,
        )?)
    };
    rebuild::repair_by(&|| open(disk), &rebuild, &NoProgress)
}

fn gc(disk: &SimDisk, discard_unreadable: bool) -> GcReport {
    let options = GcOptions {
        patience: Duration::ZERO,
        discard_unreadable,
        keep_days: 0,
        ..GcOptions::default()
    };
    open(disk)
        .unwrap()
        .maintenance()
        .gc(&options, &NoProgress)
        .unwrap()
}

/// Content of each dataset, and its privacy flag.
type Held = BTreeMap<String, (Vec<u8>, bool)>;

/// Creates five datasets, of which one is private, and removes another one.
fn home() -> (SimDisk, Held) {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let mut held = Held::new();
    let mut random = Random::new(7);
    for name in ["a", "b", "gone", "c", "d", "e"] {
        let lines =
            (0..60).map(|n| format!("{{\"n\":{n},\"t\":\"{:x}\"}}\n", random.below(u64::MAX)));
        let bytes = lines.collect::<String>().into_bytes();
        let path = dir.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        let options = IndexOptions {
            private: name == "b",
            ..IndexOptions::default()
        };
        index(&disk, &path, &options);
        if name != "gone" {
            held.insert(name.to_owned(), (bytes, name == "b"));
        }
    }
    open(&disk)
        .unwrap()
        .removal()
        .unindex_reference(&"gone".parse().unwrap())
        .unwrap();
    (disk, held)
}

fn index(disk: &SimDisk, path: &Path, options: &IndexOptions) {
    open(disk)
        .unwrap()
        .index(path, options, &NoProgress)
        .unwrap();
}

/// Checks that exactly the expected datasets are listed, and intact.
fn check(disk: &SimDisk, held: &Held, at: &str) {
    let registry = open(disk).unwrap_or_else(|e| panic!("{at}: {e}"));
    let datasets = registry.list().unwrap_or_else(|e| panic!("{at}: {e}"));
    let found = datasets.iter().map(|dataset| {
        let mut bytes = Vec::new();
        let read = registry.cat(dataset, None, &mut bytes, &NoProgress);
        read.unwrap_or_else(|e| panic!("{at}: {e}"));
        let name = dataset.manifest.name.to_string();
        (name, (bytes, dataset.flags.private))
    });
    let found: Held = found.collect();
    let names: Vec<_> = found.keys().collect();
    assert!(found == *held, "{at}: {names:?}");
}

/// Returns the start and end of each record of a kind in a pack.
fn records(disk: &SimDisk, kind: BlobKind) -> Vec<(usize, usize)> {
    let bytes = disk.contents(PACK).unwrap();
    let mut found = Vec::new();
    scan(&bytes.as_slice(), bytes.len() as u64, &mut |f| {
        if let ScanItem::Record { offset, header } = f
            && header.kind == Some(kind)
        {
            let start = offset as usize;
            found.push((start, start + header.record_bytes()));
        }
    })
    .unwrap();
    found
}

fn flip(disk: &SimDisk, at: usize) {
    let mut bytes = disk.contents(PACK).unwrap();
    bytes[at] ^= 1;
    disk.overwrite(PACK, &bytes);
}

/// Name of a kind of damage, and the function that causes it.
type Damage = (&'static str, fn(&SimDisk));

/// Kinds of damage that the index survives. Each changes one disk.
fn damages() -> [Damage; 3] {
    [
        ("a bit of the last manifest", |disk| {
            let (_, end) = *records(disk, BlobKind::Envelope).last().unwrap();
            flip(disk, end - 5);
        }),
        ("the header of the last manifest", |disk| {
            let (start, _) = *records(disk, BlobKind::Envelope).last().unwrap();
            flip(disk, start + 20);
        }),
        ("the end of the pack", |disk| {
            let (start, end) = *records(disk, BlobKind::Envelope).last().unwrap();
            let bytes = disk.contents(PACK).unwrap();
            disk.overwrite(PACK, &bytes[..usize::midpoint(start, end)]);
        }),
    ]
}

/// Checks that another repair and a collection lose nothing.
fn goes_on(disk: &SimDisk, held: &Held, at: &str) {
    check(disk, held, at);
    let report = repair(disk).unwrap_or_else(|e| panic!("{at}: {e}"));
    assert!(report.now.is_clean(), "{at}: {:?}", report.now);
    check(disk, held, &format!("{at}, repaired"));
    assert_eq!(gc(disk, false).deferred, None, "{at}");
    check(disk, held, &format!("{at}, collected"));
    // The packs alone now give the same result.
    disk.remove_file(INDEX);
    check(disk, held, &format!("{at}, from packs"));
    let found = open(disk).unwrap().maintenance().fsck(&NoProgress).unwrap();
    assert!(found.missing.is_empty() && found.corrupt.is_empty(), "{at}");
}

#[test]
fn repair_with_power_cut_at_any_change_lists_same_datasets() {
    let (whole, held) = home();
    for (what, damage) in damages() {
        let damaged = whole.copy();
        damage(&damaged);
        let trial = damaged.copy();
        assert!(
            !open(&trial)
                .unwrap()
                .maintenance()
                .fsck(&NoProgress)
                .unwrap()
                .is_clean()
        );
        let before = trial.changes();
        assert!(repair(&trial).unwrap().index_rebuilt, "{what}");
        let changes = trial.changes();
        assert!(changes > before + 10, "{what}: {changes}");
        goes_on(&trial, &held, what);
        // Every change for one kind of damage, a sample for the others.
        let step = if what == damages()[0].0 { 1 } else { 7 };
        for cut in (0..changes).step_by(step) {
            let disk = damaged.copy();
            disk.cut_power_at(cut);
            let ended = repair(&disk).map(drop);
            let rebooted = disk.after_power_cut(&mut Random::new(cut));
            goes_on(
                &rebooted,
                &held,
                &format!("{what}, cut at {cut}: {ended:?}"),
            );
        }
    }
}

#[test]
fn repair_with_error_at_any_step_lists_same_datasets() {
    let (whole, held) = home();
    let [(what, damage), ..] = damages();
    let damaged = whole.copy();
    damage(&damaged);
    let trial = damaged.copy();
    repair(&trial).unwrap();
    let (changes, reads) = (trial.changes(), trial.reads());
    let mut failed = 0;
    for at in 0..changes {
        let disk = damaged.copy();
        let kind = match at % 2 {
            0 => IoErrorKind::Other,
            _ => IoErrorKind::StorageFull,
        };
        disk.fail_change_at(at, kind);
        let ended = repair(&disk).map(drop);
        failed += u32::from(ended.is_err());
        goes_on(&disk, &held, &format!("{what}, {kind} at {at}: {ended:?}"));
    }
    for at in (0..reads).step_by(7) {
        let disk = damaged.copy();
        disk.fail_read_at(at);
        let ended = repair(&disk).map(drop);
        failed += u32::from(ended.is_err());
        goes_on(&disk, &held, &format!("{what}, read {at}: {ended:?}"));
    }
    assert!(failed > 20, "{failed}");
}

#[test]
fn repair_with_unreadable_pack_is_an_error_and_changes_nothing() {
    let (disk, held) = home();
    let index = disk.contents(INDEX).unwrap();
    let reads = disk.reads();
    // The first read of a rebuild after those of the old index is of the pack.
    for at in 0..6 {
        let trial = disk.copy();
        let rebuild = || DiskStore::rebuild_on(Arc::new(trial.clone()), &rebuild::refill);
        trial.fail_read_at(at);
        if rebuild().is_err() {
            assert!(trial.contents(INDEX).unwrap() == index, "{at}");
        }
        check(&trial, &held, &format!("read {at}"));
    }
    assert!(reads > 0);
}

#[test]
fn repair_with_missing_pack_lists_every_dataset() {
    let (whole, held) = home();
    let bytes = whole.contents(PACK).unwrap();
    let names: Vec<String> = held.keys().cloned().collect();
    let listed = |disk: &SimDisk| -> Vec<String> {
        let datasets = open(disk).unwrap().list().unwrap();
        let names = datasets.iter().map(|d| d.manifest.name.to_string());
        names.collect()
    };
    let emptied = whole.copy();
    emptied.overwrite(PACK, &[]);
    let report = repair(&emptied).unwrap();
    assert!(!report.now.is_clean());
    assert_eq!(listed(&emptied), names);
    // Nothing is written in place of the pack, and nothing is deleted, so the pack can come back.
    let _ = gc_result(&emptied);
    emptied.overwrite(PACK, &bytes);
    assert!(repair(&emptied).unwrap().now.is_clean());
    check(&emptied, &held, "the pack is back");
}

fn gc_result(disk: &SimDisk) -> Result<GcReport, Error> {
    open(disk)?.maintenance().gc(&at_once(), &NoProgress)
}

#[test]
fn rebuild_without_old_index_reports_unreadable_parts() {
    let (disk, mut held) = home();
    let (_, end) = *records(&disk, BlobKind::Envelope).last().unwrap();
    flip(&disk, end - 5);
    disk.remove_file(INDEX);
    let (lost, _) = held.remove_entry("e").unwrap();
    check(&disk, &held, "without its manifest");
    let found = open(&disk)
        .unwrap()
        .maintenance()
        .fsck(&NoProgress)
        .unwrap();
    assert!(!found.is_clean());
    let [span] = found.unreadable.as_slice() else {
        panic!("{:?}", found.unreadable);
    };
    assert!(span.may_hide_datasets() && span.lost.len() == 1, "{span:?}");
    // Its chunks are intact, so a holder of its manifest needs nothing else.
    let used = disk.used_bytes();
    let report = gc(&disk, false);
    assert_eq!(
        (report.deferred, report.freed_bytes),
        (Some(Deferred::Unreadable), 0)
    );
    assert!(disk.used_bytes() >= used);
    let report = gc(&disk, true);
    assert!(report.freed_bytes > 0, "{report:?}");
    check(&disk, &held, "given up");
    assert!(
        open(&disk)
            .unwrap()
            .maintenance()
            .fsck(&NoProgress)
            .unwrap()
            .is_clean()
    );
    assert_eq!(lost, "e");
}

#[test]
fn packs_unknown_to_index_are_reported_and_kept() {
    let (disk, held) = home();
    // An older index, or none, with newer packs.
    let bytes = disk.contents(PACK).unwrap();
    let other = SimDisk::default();
    open(&other).unwrap();
    other.create("packs/00000007.pack", &bytes);
    let found = open(&other)
        .unwrap()
        .maintenance()
        .fsck(&NoProgress)
        .unwrap();
    assert_eq!(found.unreadable.len(), 1);
    assert_eq!(gc(&other, false).deferred, Some(Deferred::Unreadable));
    // The same after it wrote a pack of its own.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("z");
    std::fs::write(&path, b"{\"z\":1}\n").unwrap();
    index(&other, &path, &IndexOptions::default());
    assert_eq!(gc(&other, false).deferred, Some(Deferred::Unreadable));
    assert!(other.contents("packs/00000007.pack").unwrap() == bytes);
    let report = repair(&other).unwrap();
    assert!(report.now.is_clean(), "{:?}", report.now);
    let mut both = held;
    both.insert("z".to_owned(), (b"{\"z\":1}\n".to_vec(), false));
    check(&other, &both, "taken in");
}

fn at_once() -> GcOptions {
    GcOptions {
        keep_days: 0,
        ..GcOptions::default()
    }
}
