//! Rebuilds of indexes from the packs, after commands that power cuts interrupted.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::catalog::Dataset;
use crate::progress::NoProgress;
use crate::registry::Edit;
use crate::registry::Error;
use crate::registry::GcOptions;
use crate::registry::IndexOptions;
use crate::registry::LocalRegistry;
use crate::registry::Maintenance;
use crate::store::disk::io::Disk;
use crate::store::disk::io::OpenMode;
use crate::store::disk::io::sim::SimDisk;
use crate::testing::Random;
use crate::trust::KeyPair;

fn open(disk: &SimDisk) -> Result<LocalRegistry, Error> {
    LocalRegistry::on(Arc::new(disk.clone()))
}

/// Loses the index, and returns the datasets that the packs alone give.
fn rebuilt(disk: &SimDisk) -> Vec<Dataset> {
    disk.remove_file("registry.redb");
    open(disk).unwrap().list().unwrap()
}

/// Creates a disk with one dataset, everything synced.
fn begin() -> (tempfile::TempDir, SimDisk) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    std::fs::write(&path, "{\"n\":1}\n{\"n\":2}\n").unwrap();
    let disk = SimDisk::default();
    let options = IndexOptions::default();
    open(&disk)
        .unwrap()
        .index(&path, &options, &NoProgress)
        .unwrap();
    let disk = disk.after_power_cut(&mut Random::new(0));
    (dir, disk)
}

fn tag(disk: &SimDisk) -> Result<(), Error> {
    let registry = open(disk)?;
    let edit = Edit {
        add_tags: vec!["tag".to_owned()],
        ..Edit::default()
    };
    let dataset = registry.list()?.remove(0);
    registry
        .descriptions()
        .revise(&dataset, &edit, None)
        .map(drop)
}

fn sign(disk: &SimDisk) -> Result<(), Error> {
    let registry = open(disk)?;
    let pair = KeyPair::from_seed(&Zeroizing::new([1; 32]));
    let dataset = registry.list()?.remove(0);
    registry.publishing().sign(&dataset, &pair).map(drop)
}

/// Cuts the power before every change of a command, several times each. The packs alone then list
/// one dataset, and none once it was removed.
fn tear(command: fn(&SimDisk) -> Result<(), Error>) {
    let (_dir, whole) = begin();
    let counted = whole.after_power_cut(&mut Random::new(0));
    command(&counted).unwrap();
    for cut in 0..counted.changes() {
        for seed in 0..4 {
            let mut random = Random::new(cut * 100 + seed);
            let disk = whole.after_power_cut(&mut random);
            disk.cut_power_at(cut);
            // The last changes are cleanup, so the command is complete without them.
            let _ = command(&disk);
            let disk = disk.after_power_cut(&mut random);
            let at = format!("cut before change {cut}, seed {seed}");
            let listed = rebuilt(&disk);
            assert_eq!(listed.len(), 1, "{at}");
            open(&disk)
                .unwrap()
                .removal()
                .remove_one(&listed[0])
                .unwrap();
            assert!(rebuilt(&disk).is_empty(), "{at}: it came back");
        }
    }
}

#[test]
fn torn_revision_loses_nothing_and_revives_nothing() {
    tear(tag);
}

#[test]
fn torn_signature_loses_nothing_and_revives_nothing() {
    tear(sign);
}

/// A command that never committed leaves bytes after the committed length of a pack. The next
/// command overwrites them, and the power is cut again. A half overwritten record must not count.
#[test]
fn leftover_half_overwritten_loses_nothing() {
    let (dir, whole) = begin();
    let other = dir.path().join("b");
    std::fs::write(&other, "{\"n\":3}\n".repeat(300)).unwrap();
    let counted = whole.after_power_cut(&mut Random::new(0));
    tag(&counted).unwrap();
    for cut in 0..counted.changes() {
        for seed in 0..4 {
            let mut random = Random::new(cut * 100 + seed);
            let disk = whole.after_power_cut(&mut random);
            disk.cut_power_at(cut);
            let _ = tag(&disk);
            let disk = disk.after_power_cut(&mut random);
            let second = random.below(30);
            disk.cut_power_at(second);
            let options = IndexOptions::default();
            let _ = open(&disk).and_then(|r| r.index(&other, &options, &NoProgress));
            let disk = disk.after_power_cut(&mut random);
            let names = rebuilt(&disk).into_iter().map(|d| d.manifest.name);
            let names: Vec<String> = names.map(|n| n.to_string()).collect();
            let at = format!("cut before changes {cut} and {second}, seed {seed}");
            assert!(names.contains(&"a".to_owned()), "{at}: {names:?}");
        }
    }
}

#[test]
fn private_dataset_stays_private_after_rebuild_and_collection() {
    let (_dir, disk) = begin();
    let registry = open(&disk).unwrap();
    registry
        .peers()
        .unshare(&registry.list().unwrap()[0])
        .unwrap();
    drop(registry);
    for _ in 0..3 {
        assert!(rebuilt(&disk)[0].flags.private);
        let options = GcOptions {
            patience: Duration::ZERO,
            keep_days: 0,
            ..GcOptions::default()
        };
        open(&disk)
            .unwrap()
            .maintenance()
            .gc(&options, &NoProgress)
            .unwrap();
    }
}

/// A pack that a collection deleted reappears after a power cut, and the tombstone of its content
/// is damaged.
#[test]
fn deleted_pack_that_reappears_adds_nothing() {
    let (_dir, disk) = begin();
    let packs = disk.list("packs").unwrap();
    let path = format!("packs/{}", packs[0]);
    let file = disk.open(&path, OpenMode::Existing).unwrap();
    let mut bytes = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    sign(&disk).unwrap();
    let options = GcOptions {
        patience: Duration::ZERO,
        keep_days: 0,
        ..GcOptions::default()
    };
    open(&disk)
        .unwrap()
        .maintenance()
        .gc(&options, &NoProgress)
        .unwrap();
    let moved = disk.list("packs").unwrap();
    assert!(!moved.contains(&packs[0]), "{moved:?}");
    let file = disk.open(&path, OpenMode::CreateNew).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    let path = format!("packs/{}", moved[0]);
    let file = disk.open(&path, OpenMode::Existing).unwrap();
    let last = file.size().unwrap() - 20;
    file.write_all_at(b"damage", last).unwrap();
    let repaired: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = Maintenance::repair_on(&repaired, &NoProgress).unwrap();
    assert!(report.index_rebuilt);
    assert_eq!(open(&disk).unwrap().list().unwrap().len(), 1);
}

/// Calls every operation, and drops everything opened, on indexes with damage anywhere.
#[test]
fn index_with_any_damage_never_panics() {
    let (_dir, disk) = begin();
    sign(&disk).unwrap();
    let disk = disk.after_power_cut(&mut Random::new(0));
    let mut random = Random::new(1);
    for round in 0..150 {
        let hurt = disk.after_power_cut(&mut Random::new(0));
        let file = hurt.open("registry.redb", OpenMode::Existing).unwrap();
        let size = file.size().unwrap();
        // Its header more often than the pages.
        let at = match random.below(2) {
            0 => random.below(4096),
            _ => random.below(size - 16),
        };
        let noise: Vec<u8> = (0..1 + random.below(16))
            .map(|_| random.below(256) as u8)
            .collect();
        file.write_all_at(&noise, at).unwrap();
        let run = std::panic::catch_unwind(|| {
            let _ = tag(&hurt);
            let _ = open(&hurt).and_then(|registry| registry.maintenance().fsck(&NoProgress));
            let disk: Arc<dyn Disk> = Arc::new(hurt.clone());
            Maintenance::repair_on(&disk, &NoProgress).map(drop)
        });
        let at = format!("round {round}, {} bytes at {at}", noise.len());
        run.unwrap_or_else(|_| panic!("{at}"))
            .unwrap_or_else(|e| panic!("{at}: {e}"));
        assert_eq!(open(&hurt).unwrap().list().unwrap().len(), 1, "{at}");
    }
}
