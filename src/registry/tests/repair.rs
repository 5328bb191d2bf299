//! A repair is cut short before every change that it makes, by a loss of power or by an error,
//! and every read of it fails once: what was listed before is listed afterwards, and whole.

use std::collections::BTreeMap;
use std::io::ErrorKind as IoErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::blob_store::BlobKind;
use crate::pack::Found;
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
use crate::store::disk::io::sim::Dice;
use crate::store::disk::io::sim::SimDisk;

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
    open(disk).unwrap().gc(&options, &NoProgress).unwrap()
}

/// What a dataset is: its bytes and whether it is private.
type Held = BTreeMap<String, (Vec<u8>, bool)>;

/// Five datasets, of which one is private, and one that was removed.
fn home() -> (SimDisk, Held) {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::default();
    let mut held = Held::new();
    let mut dice = Dice(7);
    for name in ["a", "b", "gone", "c", "d", "e"] {
        let lines = (0..60).map(|n| format!("{{\"n\":{n},\"t\":\"{:x}\"}}\n", dice.roll(u64::MAX)));
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

/// Everything that must be listed is, whole, and nothing else.
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

/// The places of the records of a kind in a pack: where they begin and where they end.
fn records(disk: &SimDisk, kind: BlobKind) -> Vec<(usize, usize)> {
    let bytes = disk.contents(PACK).unwrap();
    let mut found = Vec::new();
    scan(&bytes.as_slice(), bytes.len() as u64, &mut |f| {
        if let Found::Record { offset, header } = f
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

/// What it is called, and what does it to a disk.
type Damage = (&'static str, fn(&SimDisk));

/// The damage that the index survives: each changes one disk.
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

/// After whatever happened, another repair and a collection lose nothing.
fn goes_on(disk: &SimDisk, held: &Held, at: &str) {
    check(disk, held, at);
    let report = repair(disk).unwrap_or_else(|e| panic!("{at}: {e}"));
    assert!(report.now.is_clean(), "{at}: {:?}", report.now);
    check(disk, held, &format!("{at}, repaired"));
    assert_eq!(gc(disk, false).deferred, None, "{at}");
    check(disk, held, &format!("{at}, collected"));
    // The packs alone say the same by now.
    disk.remove_file(INDEX);
    check(disk, held, &format!("{at}, from packs"));
    let found = open(disk).unwrap().fsck(&NoProgress).unwrap();
    assert!(found.missing.is_empty() && found.corrupt.is_empty(), "{at}");
}

#[test]
fn a_repair_without_power_at_any_change_lists_what_was_listed() {
    let (whole, held) = home();
    for (what, damage) in damages() {
        let damaged = whole.copy();
        damage(&damaged);
        let trial = damaged.copy();
        assert!(!open(&trial).unwrap().fsck(&NoProgress).unwrap().is_clean());
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
            let rebooted = disk.after_power_cut(&mut Dice(cut));
            goes_on(
                &rebooted,
                &held,
                &format!("{what}, cut at {cut}: {ended:?}"),
            );
        }
    }
}

#[test]
fn a_repair_with_an_error_at_any_change_or_read_lists_what_was_listed() {
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
fn a_pack_that_cannot_be_read_for_now_is_an_error_and_changes_nothing() {
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
fn a_pack_that_is_empty_or_gone_for_a_while_leaves_every_dataset_listed() {
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
    // Nothing is written where the pack was, and nothing is taken away: it can come back.
    let _ = gc_result(&emptied);
    emptied.overwrite(PACK, &bytes);
    assert!(repair(&emptied).unwrap().now.is_clean());
    check(&emptied, &held, "the pack is back");
}

fn gc_result(disk: &SimDisk) -> Result<GcReport, Error> {
    open(disk)?.gc(&at_once(), &NoProgress)
}

#[test]
fn an_index_made_without_the_old_one_says_what_it_could_not_read_and_keeps_it() {
    let (disk, mut held) = home();
    let (_, end) = *records(&disk, BlobKind::Envelope).last().unwrap();
    flip(&disk, end - 5);
    disk.remove_file(INDEX);
    let (lost, _) = held.remove_entry("e").unwrap();
    check(&disk, &held, "without its manifest");
    let found = open(&disk).unwrap().fsck(&NoProgress).unwrap();
    assert!(!found.is_clean());
    let [span] = found.unreadable.as_slice() else {
        panic!("{:?}", found.unreadable);
    };
    assert!(span.may_hide_datasets() && span.lost.len() == 1, "{span:?}");
    // Its chunks are whole: whoever has its manifest needs nothing else.
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
    assert!(open(&disk).unwrap().fsck(&NoProgress).unwrap().is_clean());
    assert_eq!(lost, "e");
}

#[test]
fn packs_that_an_index_does_not_know_are_said_and_kept() {
    let (disk, held) = home();
    // The index of an earlier day, or none, in front of packs that are newer.
    let bytes = disk.contents(PACK).unwrap();
    let other = SimDisk::default();
    open(&other).unwrap();
    other.create("packs/00000007.pack", &bytes);
    let found = open(&other).unwrap().fsck(&NoProgress).unwrap();
    assert_eq!(found.unreadable.len(), 1);
    assert_eq!(gc(&other, false).deferred, Some(Deferred::Unreadable));
    // Also after a pack of its own.
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
